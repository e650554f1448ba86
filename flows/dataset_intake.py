"""A corpus taken in: every row read, whoever may not be in it left out, every recording known by its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os.path import splitext
from pathlib import Path

from nightdub.datasets.readers import read_corpus
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import Excused, SourceClip, TakenClip
from nightdub.flows.dataset_erase import erased_speakers
from nightdub.flows.night import Books
from nightdub.flows.recipe import FileDigests


@dataclass(frozen=True)
class Intake:
    """A corpus as it was read: every row is a clip or an excuse."""

    clips: tuple[TakenClip, ...]
    excused: tuple[Excused, ...]
    places: Mapping[str, str]  # digest of a recording -> its path

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return len(self.clips) + len(self.excused)


def take_in(books: Books, recipe: Recipe, folder: Path, digests: FileDigests) -> Intake:
    """Read the corpus, leave out whose speakers may not be in it, and digest every recording. Raises: ConfigError."""
    clips, excused, places = [], [], {}
    keep = _permitted(books, recipe)
    for row in _limited(read_corpus(recipe.reader, folder, recipe.options), recipe.limit):
        refusal = row if isinstance(row, Excused) else keep(row)
        if isinstance(row, SourceClip) and not refusal:
            try:
                source = digests(row.audio)
            except OSError as error:
                refusal = Excused(row.id, "no-audio", row.where, f"{error.strerror}")
            else:
                places[source] = row.audio
                clips.append(TakenClip(replace(row, audio="", where=""), source, splitext(row.audio)[1].lower()))  # noqa: PTH122
        if refusal:
            excused.append(refusal)
    digests.remember()
    return Intake(tuple(sorted(clips, key=lambda taken: taken.clip.id)), tuple(excused), places)


def _permitted(books: Books, recipe: Recipe) -> Callable[[SourceClip], Excused | None]:
    """Return what says why a clip's speaker may not be in the dataset; None where he may."""
    gone = erased_speakers(books, recipe)
    speakers = consenting(books) if recipe.consents == "required" else None

    def refusal(clip: SourceClip) -> Excused | None:
        if gone(clip.speaker):
            return Excused("", "erased", clip.where, "the speaker was erased")
        if speakers is not None and clip.speaker not in speakers:
            return Excused(clip.id, "no-consent", clip.where, f"no consent of {clip.speaker or 'an unnamed speaker'} holds")
        return None

    return refusal


def consenting(books: Books) -> set[str]:
    """Return the speakers whose consent holds now, for whatever is made."""
    return {row.speaker for row in books.ledger.consents(datetime.now(UTC)) if row.scope == "*"}


def _limited(rows: Iterator[SourceClip | Excused], limit: int | None) -> Iterator[SourceClip | Excused]:
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
