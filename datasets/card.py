"""The data card of a release: Markdown for people, JSON for programs, a page with pictures. All three say the same.

Every number was counted from the rows or handed in. Rows in = clips kept + rows excused, or there is no card.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import jinja2
import msgspec

from nightdub.datasets.composition import LABELS, QUANTILES, SPLITS, Composition, count, gaps, spread, step_of, unit_of
from nightdub.datasets.rows import REASONS
from nightdub.infra.errors import NightdubError

__all__ = ["CardFacts", "Composition", "Verdict", "count", "describe", "page"]

TEMPLATES = Path(__file__).parent / "templates"
MOST = 20  # labels of a kind that Markdown and the page list one by one; JSON has them all


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate said of one thing that was measured."""

    says: str  # the rule or expectation, in words
    verdict: Literal["pass", "fail", "cannot tell"]
    value: float | None = None
    unit: str = ""
    n: int | None = None  # rows looked at
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that a card is written from."""

    name: str
    version: str  # digest of the manifest
    composition: Composition
    rows_in: int  # rows that the reader found
    excused: Mapping[str, int]  # reason code -> rows
    recipe: str  # its text
    recipe_digest: str
    reader: str
    source: str  # the corpus in words, no path
    licence: str
    use: str  # what it may be used for
    consent: str
    lineage: str
    rebuild: tuple[str, ...]  # commands
    previous: str = ""  # version before this one
    verdicts: tuple[Verdict, ...] = ()
    drift: str = ""
    diff: str = ""
    notes: tuple[str, ...] = ()  # what a reader should know of how it was assembled
    limits: Mapping[str, str] = field(default_factory=dict)  # measure -> what it cannot tell


def describe(facts: CardFacts) -> tuple[bytes, bytes]:
    """Return the card as Markdown and as JSON.

    Raises: NightdubError where rows do not add up, a reason has no name, or a source is a path of this machine.
    """
    told = tell(facts)
    markdown = _render("card.md", card=told, most=MOST)
    data = msgspec.json.format(msgspec.json.encode(told, order="sorted"), indent=1)
    return re.sub(r"\n{3,}", "\n\n", markdown).encode(), data + b"\n"


def page(facts: CardFacts, pictures: Mapping[str, Path]) -> bytes:
    """Return the card as an HTML file that loads nothing from anywhere; `pictures`: caption -> PNG file. Raises: as `describe`."""
    shown = [(caption, base64.b64encode(path.read_bytes()).decode()) for caption, path in pictures.items()]
    return _render("card.html", card=tell(facts), most=MOST, pictures=shown).encode()


def tell(facts: CardFacts) -> dict[str, Any]:
    """Return the card's content as plain JSON values. Raises: as `describe`."""
    _check(facts)
    composition = facts.composition
    return {
        "name": facts.name,
        "version": facts.version,
        "previous": facts.previous,
        "recipe": {"digest": facts.recipe_digest, "text": facts.recipe},
        "corpus": {"reader": facts.reader, "source": facts.source},
        "rights": {"licence": facts.licence, "use": facts.use, "consent": facts.consent},
        "account": {
            "rows": facts.rows_in,
            "kept": composition.total.clips,
            "copies": composition.copies,
            "excused": {code: facts.excused[code] for code in sorted(facts.excused) if facts.excused[code]},
        },
        "reasons": {code: REASONS[code] for code in sorted(facts.excused) if facts.excused[code]},
        "composition": {"clips": composition.total.clips, "hours": round(composition.total.hours, 4), "by": _labels(composition)},
        "measures": [_measure(facts, name) for name in composition.values],
        "gate": [{name: value for name, value in asdict(row).items() if value not in (None, "")} for row in facts.verdicts],
        "drift": facts.drift,
        "diff": facts.diff,
        "gaps": gaps(composition),
        "notes": list(facts.notes),
        "lineage": facts.lineage,
        "rebuild": list(facts.rebuild),
        "limits": dict(sorted(facts.limits.items())),
    }


def _check(facts: CardFacts) -> None:
    kept = facts.composition.total.clips
    if unknown := sorted(set(facts.excused) - REASONS.keys()):
        raise NightdubError(
            f"no reason {', '.join(unknown)}", where=facts.name, allowed=", ".join(REASONS), fix="name it in datasets/rows.py"
        )
    if min(facts.excused.values(), default=0) < 0 or facts.rows_in != kept + sum(facts.excused.values()):
        what = f"{facts.rows_in} rows in, {kept} kept, {sum(facts.excused.values())} excused"
        raise NightdubError(what, where=facts.name, allowed="rows in = kept + excused", fix="report this: rows were lost or counted twice")
    if re.match(r"[/~]|[A-Za-z]:\\|file:", facts.source):
        raise NightdubError(f"source {facts.source!r}", where=facts.name, allowed="the corpus in words", fix="leave the path out")


def _labels(composition: Composition) -> dict[str, list[dict[str, Any]]]:
    """Return the labels of each kind with their clips and hours, the largest first."""
    found = {}
    for name in LABELS:
        rows = [
            {"label": label, "clips": tally.clips, "hours": round(tally.hours, 4), "share": _share(tally.samples, composition)}
            for label, tally in composition.by.get(name, {}).items()
        ]
        found[name] = sorted(rows, key=lambda row: (-row["clips"], row["label"]))  # type: ignore[operator]
    return found


def _share(samples: int, composition: Composition) -> float:
    return round(100 * samples / composition.total.samples, 2) if composition.total.samples else 0.0


def _measure(facts: CardFacts, name: str) -> dict[str, Any]:
    """Return one measure over all clips and over each split."""
    composition = facts.composition
    groups = {"all": "", **{split: split for split in SPLITS if split in composition.by["split"]}}
    found = {label: spread(composition, name, split) for label, split in groups.items()}
    spreads = {
        label: {"n": row.n, "mean": row.mean, "lowest": row.lowest, "highest": row.highest}
        | {f"q{100 * share:02.0f}": value for share, value in zip(QUANTILES, row.quantiles, strict=True)}
        for label, row in found.items()
        if row
    }
    return {"name": name, "unit": unit_of(name), "step": step_of(name), "spread": spreads}


# ---------------------------------------------------------------- words


def _plain(value: object) -> str:
    """Return a value as one line of Markdown that starts no table, link, heading, code or HTML."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~!])", r"\\\1", text)


def _fence(text: str) -> str:
    """Return a fence of backticks longer than any in the text."""
    return "`" * max(3, 1 + max((len(found) for found in re.findall(r"`+", text)), default=0))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": _plain, "fence": _fence}
    return environment


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)
