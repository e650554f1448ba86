"""A corpus taken in: every row read, whoever may not be in it left out, every recording known by its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from os.path import splitext
from pathlib import Path

from nightdub.datasets.readers import read_corpus
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import Excused, SourceClip, TakenClip
from nightdub.flows.dataset_release import consenting, erased_speakers
from nightdub.flows.night import Books
from nightdub.flows.recipe import FileDigests

WITHHELD = ("over-limit", "erased", "no-consent")  # reasons of ours, not the reader's


@dataclass(frozen=True)
class Intake:
    """A corpus as it was read: every row is a clip or an excuse."""

    clips: tuple[TakenClip, ...]
    excused: tuple[Excused, ...]
    places: Mapping[str, str]  # digest of a recording -> its path
    unread: int  # rows of which the reader could make no clip

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return len(self.clips) + len(self.excused)


def take_in(books: Books, recipe: Recipe, folder: Path, digests: FileDigests) -> Intake:
    """Read the corpus, leave out whose speakers may not be in it, and digest every recording. Raises: ConfigError."""
    clips, excused, places = [], [], {}
    rows, unread = _limited(map(_permitted(books, recipe), read_corpus(recipe.reader, folder, recipe.options)), recipe.limit), 0
    for row in rows:
        if isinstance(row, Excused):
            excused.append(row)
            unread += row.code not in WITHHELD
            continue
        try:
            source = digests(row.audio)
        except OSError as error:
            excused.append(Excused(row.id, "no-audio", row.where, f"{error.strerror}"))
        else:
            places[source] = row.audio
            clips.append(TakenClip(replace(row, audio="", where=""), source, splitext(row.audio)[1].lower()))  # noqa: PTH122
    digests.remember()
    return Intake(tuple(sorted(clips, key=lambda taken: taken.clip.id)), tuple(excused), places, unread)


def _permitted(books: Books, recipe: Recipe) -> Callable[[SourceClip | Excused], SourceClip | Excused]:
    """Return what excuses a clip whose speaker may not be in the dataset."""
    gone = erased_speakers(books, recipe.title)
    holds = consenting(books) if recipe.consents == "required" else lambda _speaker, _language: True

    def judged(row: SourceClip | Excused) -> SourceClip | Excused:
        if isinstance(row, Excused):
            return row
        if gone(row.speaker):
            return Excused("", "erased", row.where, "the speaker was erased")
        if not holds(row.speaker, row.language):
            return Excused(row.id, "no-consent", row.where, f"no consent of {row.speaker or 'an unnamed speaker'} holds for {row.language}")
        return row

    return judged


def _limited(rows: Iterable[SourceClip | Excused], limit: int | None) -> Iterator[SourceClip | Excused]:
    """Yield all rows, of which clips beyond the limit are excused: those with the highest digests of their ids."""
    if limit is None:
        yield from rows
        return
    found = list(rows)
    order = sorted((row.id for row in found if isinstance(row, SourceClip)), key=lambda name: hashlib.sha256(name.encode()).digest())
    kept = set(order[:limit])
    for row in found:
        over = isinstance(row, SourceClip) and row.id not in kept
        yield Excused(row.id, "over-limit", row.where, f"the recipe asks for {limit} clips") if over else row
