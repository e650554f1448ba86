"""The plan: one query over the ledger, and for every title-language whether it must be built, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from nightdub.flows.kept import read_kept
from nightdub.flows.recipe import FileDigests, House, Recipe, delivered, title_recipe
from nightdub.infra.digests import digest_bytes
from nightdub.infra.ledger import Ledger, Standing
from nightdub.infra.ledger.engine import collector_paused
from nightdub.tasks.rows import Language, Title

AGAIN = (
    "MachineLacks",
    "ObjectMissing",
    "DigestMismatch",
    "StoreError",  # full or forbidden
    "LedgerError",  # its disk is full
    "PointerConflict",
    "SourceUnreadable",
    "transient",
)  # causes that may be gone by the next night without any input having changed


@dataclass(frozen=True, slots=True)
class Planned:
    """One title-language of the catalogue, its recipe, and why it must be built (nothing = unchanged)."""

    title: Title
    language: Language
    recipe: Recipe
    state: str  # of the ledger: "", "released", "held", "failed", "building"
    because: tuple[str, ...]
    kept: Mapping[str, bytes] = field(default_factory=dict)  # what people settled: name of the input -> its rows

    @property
    def unchanged(self) -> bool:
        """Return whether nothing has to be done."""
        return not self.because


def make_plan(
    titles: Sequence[Title], houses: Mapping[str, House], ledger: Ledger, digests: FileDigests, *, again: bool = False
) -> list[Planned]:
    """Plan a catalogue in order of priority, then of the catalogue.

    Args:
        titles: The catalogue's usable rows.
        houses: Profile name -> profile and policy.
        ledger: Asked for the whole catalogue at once.
        digests: Digests of the catalogue's files.
        again: Also build what failed, although nothing has changed.
    """
    known, kept = ledger.standing(), read_kept(ledger, datetime.now(UTC))
    marked = {(row.title, row.language): f"{row.subject}: {row.taken_back} was taken back" for row in ledger.reevaluations()}
    earlier = cache(ledger.title_languages)  # their inputs, asked for only where something has changed
    planned = []
    with collector_paused():
        for title in in_order(titles):
            house, files = houses[title.profile], delivered(title, digests)
            for language in title.targets:
                settled = kept.of(title, language)
                parts = files | {name: digest_bytes(lines) for name, lines in settled.items()} if settled else files
                recipe, row = title_recipe(house, title, language, parts), known.get((title.id, language))
                if row and row.recipe != recipe.digest:
                    because = _changes(recipe, earlier(title.id)[title.id, language].inputs)
                else:
                    because = _reasons(row, marked.get((title.id, language), ""), again=again)
                planned.append(Planned(title, language, recipe, row.state if row else "", because, settled))
    digests.remember()
    return planned


def in_order(titles: Sequence[Title]) -> list[Title]:
    """Return titles by priority, then as the catalogue has them; a series' titles follow each other by episode, from its first row on."""
    first: dict[tuple[int, str], int] = {}
    for title in titles:
        place = (title.priority, title.series)
        first[place] = min(first.get(place, title.row), title.row)

    def key(title: Title) -> tuple[int, int, str, int]:
        return -title.priority, first[title.priority, title.series] if title.series else title.row, title.episode, title.row

    return sorted(titles, key=key)


def _changes(recipe: Recipe, earlier: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name} changed" for name in recipe.changed_since(earlier)) or ("recipe changed",)


def _reasons(row: Standing | None, mark: str, *, again: bool) -> tuple[str, ...]:
    """Return why a title-language is built although its inputs are the same."""
    if row is None:
        return ("new",)
    if row.state == "building":
        return ("was not finished",)
    if row.state == "failed" and (again or any(f"[{cause}]" in reason for cause in AGAIN for reason in row.reasons)):
        return ("failed before",)
    if again and row.state == "held" and any(reason.startswith(("account.", "picture.", "speech.")) for reason in row.reasons):
        return ("failed before",)  # lines or shots of it may have
    return (mark,) if mark else ()
