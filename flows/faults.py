"""The fault corpus over a finished dub: every fault planted and measured on the compute pool, judged, and kept.

Nothing here knows a fault or a rule. A trial's key holds the dub's digests and the code's, so that a run that was cut short goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import nightdub.quality.faults as corpus
from nightdub.flows.chain.gather import IF_THERE, NEEDED, Shelf, gather
from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, plain
from nightdub.flows.night import Books, Night, open_night, stable_names
from nightdub.flows.recipe import FileDigests, House, open_house
from nightdub.flows.shelf import stored
from nightdub.infra.build import Ask, Inputs, Step
from nightdub.infra.digests import digest_file, digest_of
from nightdub.infra.environment import environment
from nightdub.infra.errors import ConfigError, LedgerError
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.dub import Dub
from nightdub.quality.faults.judge import Judged, Trial, judge, measure_changed
from nightdub.quality.faults.kinds import CannotPlant, Fault, Truth, Where, plant
from nightdub.quality.faults.table import FAULTS, find_fault
from nightdub.quality.gate import decide
from nightdub.quality.measure import Findings, measure_dub, measure_programme, score_lines, score_shots, whole_picture
from nightdub.quality.policy import read_policy
from nightdub.tasks.rows import Language, Measurement, write_rows

POLICIES = ("preview", "broadcast")  # as shipped; the good dub must be released under the first
LOOKS: dict[str, Callable[[Dub], Sequence[object]]] = {"lines": score_lines, "shots": score_shots, "programme": measure_programme}
FOUND, ASKED, GATED = "good.findings", "asked.trials", "data_gate.measurements"
NAMES = (*NEEDED, *IF_THERE)
_SECONDS = {"line": 6.0, "mix": 6.0, "film": 6.0, "picture": 8.0, "text": 6.0, "subtitles": 0.5, "account": 0.3, "harmless": 6.0}

Counter = Callable[[int], None]  # is told how many trials were just done
Chosen = tuple[Fault, float, int]  # kind, severity, seed
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Report:
    """What a corpus said of one dub, as it is stored."""

    title: str
    language: Language
    package: str  # digest of the good dub's film
    judged: list[Judged]
    environment: dict[str, Any]


def load_dub(books: Books, title: str, language: Language) -> Dub:
    """Return a finished title-language with all its files. Raises: LedgerError where there is none, ObjectMissing."""
    shelf, params = open_shelf(books, title, language)
    return gather(title, shelf, params, with_clips=True)


def open_shelf(books: Books, title: str, language: Language) -> tuple[Shelf, dict[str, Any]]:
    """Return the outputs of a finished title-language's steps, and what its measuring step was told. Raises: LedgerError."""
    shelf, row = stored(books, title, language)
    if not row.package:
        raise LedgerError("nothing was built", where=f"{title}/{language}", fix="nightdub status lists what there is")
    digests = {name: digest for name, digest in shelf.digests.items() if name in (*NAMES, GATED)}
    house = open_house(row.profile, books.settings.profiles, books.settings.policies, stable_names(books.ledger))
    return Shelf(digests, books.store.fetch), _told(house, row.inputs["title:language"], language)


def choose_trials(kinds: Sequence[str], *, everything: bool) -> list[Chosen]:
    """Return kind, severity and seed of each trial: of every kind, or of those named, all severities or the least that must be caught.

    Raises: ConfigError for an unknown kind.
    """
    faults = [find_fault(kind) for kind in kinds] if kinds else list(FAULTS.values())
    if everything:
        return [(fault, severity, seed) for fault in faults for severity in fault.severities for seed in range(fault.seeds)]
    return [(fault, severity, 0) for fault in faults for severity in (fault.must[:1] or fault.severities)]


def run_corpus(books: Books, title: str, language: Language, trials: Sequence[Chosen], counter: Counter) -> Report:
    """Plant, measure and judge every trial, and store the report.

    Raises:
        LedgerError: the title-language was never finished.
        ConfigError: the good dub itself is not released under the first policy, so that nothing could be told from it.
    """
    run = books.ledger.start_run("faults", {"title": title, "language": language, "trials": len(trials)})
    outcome = "failed"
    try:
        with open_night(books, {}, FileDigests(books.ledger), run) as night:
            report = _run(night, title, language, trials, counter)
        outcome = "done"
    finally:
        books.ledger.finish_run(run, outcome, {"trials": len(trials)})
    path = books.settings.home / "faults" / f"{title}.{language}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    return report


def _run(night: Night, title: str, language: Language, trials: Sequence[Chosen], counter: Counter) -> Report:
    books = night.books
    shelf, params = open_shelf(books, title, language)
    params |= {"code": _code(), "environment": digest_of(environment())}
    good = night.builder.build(Ask(GOOD, title, language, dict(shelf.digests), params), retry=True)
    tables = _read(books, shelf.digests[GATED], Measurement) if shelf.has(GATED) else []  # no fault changes what a data gate read
    rows = tables + _read(books, good.outputs["measurements"], Measurement)
    policies = [read_policy(name) for name in POLICIES]
    first = decide(policies[0], rows)
    if not first.released:
        what = f"the dub itself is not released under {first.policy}: {'; '.join(first.reasons)}"
        raise ConfigError(what, where=f"{title}/{language}", fix="name a title-language that is")
    asked = [Truth(fault.kind, severity, fault.unit, seed, Where()) for fault, severity, seed in trials]
    inputs = {**shelf.digests, FOUND: good.outputs["findings"], ASKED: _put(books, asked)}
    built = night.builder.build(Ask(PLANTED, title, language, inputs, params), retry=True, progress=counter)
    done = [replace(trial, rows=(*tables, *trial.rows)) if trial.rows else trial for trial in _read(books, built.outputs["trials"], Trial)]
    return Report(title, language, shelf.digests["package.film"], judge(policies, rows, done), environment())


def _read(books: Books, digest: str, kind: type[Row]) -> list[Row]:
    return msgspec.json.Decoder(kind).decode_lines(books.store.get_bytes(digest))


def _put(books: Books, rows: Sequence[Truth]) -> str:
    return books.store.put_bytes(b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in rows))


def _told(house: House, source: Language, target: Language) -> dict[str, Any]:
    """Return the parameters of the measuring step."""
    refused = sorted({link.name for link in house.refused_links()})
    values = msgspec.to_builtins(house.profile) | {"source": source, "target": target, "refused": refused}
    return {name: values[name] for name in ("source", "target", "subtitles", "refused", "commercial")}


@cache
def _code() -> str:
    """Return one digest of everything that plants and measures."""
    quality = Path(corpus.__file__).parents[1]
    files = [path for room in ("quality", "tasks", "infra/media") for path in sorted((quality.parent / room).rglob("*.py"))]
    return digest_of([digest_file(path) for path in files])


# ---------------------------------------------------------------- the good dub, in three parts


def _split_good(inputs: Inputs) -> list[Item]:
    return [Item(part, {"part": part}, _blobs(inputs), cost=10) for part in LOOKS]


def _look(item: Item, bench: Bench) -> Done:
    return Done(row={"rows": plain(LOOKS[item.payload["part"]](_dub(item, bench)))})


def _join_good(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    found = msgspec.convert({result.id: result.row["rows"] for result in results}, Findings, strict=False)
    names = {name: name for name in NAMES if inputs.has(name)}
    dub = gather("", Shelf(names, inputs.path), inputs.params)
    found = replace(found, picture=whole_picture(dub, found.shots))
    path = folder / "findings.json"
    path.write_bytes(msgspec.json.encode(found, order="sorted"))
    return {"findings": path, "measurements": write_rows(folder / "measurements.jsonl", measure_dub(dub, found))}


# ---------------------------------------------------------------- the planted ones


def _split_planted(inputs: Inputs) -> list[Item]:
    blobs = _blobs(inputs)
    return [
        Item(f"{row.kind}@{row.severity:g}#{row.seed}", plain(row), blobs, cost=_SECONDS[FAULTS[row.kind].family])
        for row in inputs.rows(ASKED, Truth)
    ]


def _try(item: Item, bench: Bench) -> Done:
    asked, good = msgspec.convert(item.payload, Truth, strict=False), _dub(item, bench)
    found = msgspec.json.decode(bench.file(item.blobs[FOUND]).read_bytes(), type=Findings)
    try:
        dub, truth = plant(FAULTS[asked.kind], good, asked.severity, bench.new("planted"), asked.seed)
    except CannotPlant as error:
        return Done(row=plain(Trial(asked, skipped=error.what)))
    return Done(row=plain(Trial(truth, tuple(measure_changed(good, found, dub)))))


def _join_planted(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    asked = zip(results, inputs.rows(ASKED, Truth), made_rows(results, Trial), strict=True)
    return {"trials": write_rows(folder / "trials.jsonl", [row or Trial(truth, failed=cause_of(result)) for result, truth, row in asked])}


def _blobs(inputs: Inputs) -> dict[str, str]:
    return {name: inputs.digest(name) for name in (*NAMES, FOUND) if inputs.has(name)}


def _dub(item: Item, bench: Bench) -> Dub:
    return gather("", Shelf(item.blobs, bench.file), bench.params, with_clips=True)


_PARAMS = ("source", "target", "subtitles", "refused", "commercial", "code", "environment")
GOOD = Step("faults-good", 1, "language", (), _split_good, one_by_one(_look), _join_good, params=_PARAMS)
PLANTED = Step("faults", 1, "language", (), _split_planted, one_by_one(_try), _join_planted, params=_PARAMS, tolerates_loss=True)
