"""The gate of a dataset: its manifest held against its suite, and what is counted of it as measurements that a policy rules on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from nightdub.datasets.assemble import ALIKE, near_duplicates
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import RATE, Excused, Sample
from nightdub.datasets.splits import leaks
from nightdub.datasets.versions import drift
from nightdub.flows.dataset_intake import WITHHELD
from nightdub.quality.data.gate import check_rows
from nightdub.quality.data.verdict import DataVerdict
from nightdub.quality.metrics.data import data_measurements
from nightdub.quality.metrics.dataset import FACTS
from nightdub.quality.metrics.fact import WORST
from nightdub.tasks.rows import Language, Measurement, Worst

BYTES_A_SAMPLE = 2  # of 16-bit PCM


@dataclass(frozen=True, slots=True)
class Account:
    """What went into a build: rows of the corpus, and those of them that no clip could be made of."""

    rows: int
    unread: int


def check(
    recipe: Recipe,
    intake: Account,
    samples: Sequence[Sample],
    variants: Sequence[Sample],
    excused: Sequence[Excused],
    earlier: Sequence[Sample] | None,
) -> tuple[list[DataVerdict], list[Measurement]]:
    """Return the verdicts on the manifest, and all measurements; `earlier` is the version before, None where there is none."""
    verdicts = [check_rows("samples", samples)]
    found = [*_sizes(samples), *_account(intake, samples, excused), *_balance(recipe, samples)]
    found += [_leaks(recipe, samples, variants), _drift(earlier, samples)]
    return verdicts, [*found, *data_measurements(verdicts)]


def _row(
    metric: str, value: float | None, n: int, *, worst: Sequence[Worst] = (), engine: str = "nightdub", lacks: str = ""
) -> Measurement:
    """Return a measurement; where it has no value, there was nothing of the kind."""
    return Measurement(metric, value, FACTS[metric].unit, n, engine, worst=tuple(worst[:WORST]), not_applicable=lacks)


def _sizes(samples: Sequence[Sample]) -> Iterator[Measurement]:
    seconds, n = sum(row.seconds for row in samples), len(samples)
    yield _row("dataset.samples", float(n), n)
    yield _row("dataset.hours", seconds / 3600, n)
    yield _row("dataset.size", seconds * RATE * BYTES_A_SAMPLE / 1e9, n)
    yield _row("dataset.languages", float(len({row.language for row in samples})), n)
    yield _row("dataset.speakers", float(len({row.speaker for row in samples})), n)
    ratios = [row.measured.snr for row in samples if row.measured and row.measured.snr is not None]
    yield _row("dataset.snr", median(ratios) if ratios else None, len(ratios), lacks="" if ratios else "no clip of 0.4 s or more")


def _account(intake: Account, samples: Sequence[Sample], excused: Sequence[Excused]) -> Iterator[Measurement]:
    reasons = Counter(row.code for row in excused)
    yield _row("dataset.missing_clips", float(abs(intake.rows - len(samples) - len(excused))), intake.rows)
    yield _row("dataset.failed_clips", float(reasons["failed"]), intake.rows)
    # Of all rows those that no clip could be made of, of the clips that were wanted those that were lost: without a limit the plain share.
    lost = sum(count for code, count in reasons.items() if code not in WITHHELD) - intake.unread
    kept = (1 - intake.unread / max(intake.rows, 1)) * (1 - lost / max(len(samples) + lost, 1))
    worst = [Worst(code, float(count)) for code, count in reasons.most_common() if code not in WITHHELD]
    yield _row("dataset.excused_share", 100 * (1 - kept), len(samples) + lost + intake.unread, worst=worst)


def _balance(recipe: Recipe, samples: Sequence[Sample]) -> Iterator[Measurement]:
    wanted = {name for name, share in recipe.splits.shares.items() if share > 0}
    yield _row("dataset.empty_splits", float(len(wanted - {row.split for row in samples})), len(samples))
    for metric, values in (("language", [row.language for row in samples]), ("emotion", [row.emotion for row in samples if row.emotion])):
        counts = Counter(values)
        worst = [Worst(name, float(count)) for name, count in reversed(counts.most_common())]
        least = 100 * min(counts.values()) / len(values) if values else None
        yield _row(f"dataset.smallest_{metric}", least, len(values), worst=worst, lacks="" if values else "no clip is labelled")


def consented(recipe: Recipe, samples: Sequence[Sample], holds: Callable[[str, Language], bool]) -> Measurement:
    """Return how many speakers lack a consent that `holds` for a language of theirs. Asked when a dataset is let out: consents end."""
    if recipe.consents == "none needed":
        return _row("dataset.without_consent", None, 0, lacks="the recipe asks for no consents")
    lacking = Counter(row.speaker for row in samples if not holds(row.speaker, row.language))
    return _row(
        "dataset.without_consent", float(len(lacking)), len(samples), worst=[Worst(name, float(n)) for name, n in lacking.most_common()]
    )


def _leaks(recipe: Recipe, samples: Sequence[Sample], variants: Sequence[Sample]) -> Measurement:
    pairs = near_duplicates(samples, ALIKE)
    found = leaks([*samples, *variants], recipe.splits.by, pairs)
    return _row("dataset.leaks", float(len(found)), len(samples), worst=[Worst(str(leak), 1.0) for leak in found])


def _drift(earlier: Sequence[Sample] | None, samples: Sequence[Sample]) -> Measurement:
    if not earlier or not samples:
        return _row("dataset.drift", None, 0, lacks="no version before")
    found = sorted(drift(earlier, samples), key=lambda one: -one.value)
    return _row("dataset.drift", found[0].value, len(samples), worst=[Worst(one.name, one.value) for one in found])
