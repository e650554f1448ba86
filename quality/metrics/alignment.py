"""Which words of a reference were heard, which were replaced, left out or added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from operator import attrgetter

Chunk = tuple[str, int, int, int, int]  # kind, first and last-but-one in the reference, the same in what was heard

EQUAL, SUBSTITUTE, DELETE, INSERT = "equal", "substitute", "delete", "insert"
_MARK = {EQUAL: "", SUBSTITUTE: "S", DELETE: "D", INSERT: "I"}


@dataclass(frozen=True, slots=True)
class Alignment:
    """One utterance's reference and what was heard, in the same units (words or characters), and the cheapest way from one to the other."""

    id: str
    reference: Sequence[str]
    heard: Sequence[str]
    chunks: Sequence[Chunk]
    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        """Return substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Return errors per reference unit, in percent; of an empty reference 100 for each unit heard."""
        return 100 * self.errors / max(1, len(self.reference))


def aligned(name: str, reference: Sequence[str], heard: Sequence[str], chunks: Sequence[Chunk]) -> Alignment:
    """Return an alignment with its chunks counted."""
    counts = {EQUAL: 0, SUBSTITUTE: 0, DELETE: 0, INSERT: 0}
    for kind, first, last, start, end in chunks:
        counts[kind] += end - start if kind == INSERT else last - first
    return Alignment(name, reference, heard, chunks, *counts.values())


def align(ids: Sequence[str], references: Sequence[Sequence[str]], heard: Sequence[Sequence[str]]) -> list[Alignment]:
    """Align utterances one by one at the least number of errors (Levenshtein, by jiwer). No reference may be empty."""
    import jiwer

    if not ids:
        return []
    found = jiwer.process_words(references, heard, _as_they_are, _as_they_are)
    fields = attrgetter("type", "ref_start_idx", "ref_end_idx", "hyp_start_idx", "hyp_end_idx")
    return [
        aligned(name, reference, units, [fields(chunk) for chunk in chunks])
        for name, reference, units, chunks in zip(ids, references, heard, found.alignments, strict=True)
    ]


def _as_they_are(units: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Stand in for jiwer's own splitting: the units are made already."""
    return units


def aligner() -> str:
    """Return the name and version of what `align` aligns with."""
    return f"jiwer {version('jiwer')}"


def listing(alignment: Alignment) -> str:
    """Return the utterance as three lines under its counts: reference, heard, and S, D or I below each error; gaps are asterisks."""
    columns: list[tuple[str, str, str]] = []
    for kind, first, last, start, end in alignment.chunks:
        for step in range(max(last - first, end - start)):
            said = alignment.reference[first + step] if first + step < last else ""
            made = alignment.heard[start + step] if start + step < end else ""
            width = max(len(said), len(made))
            columns.append((said or "*" * width, made or "*" * width, _MARK[kind]))
    rows = [" ".join(cells[row].ljust(max(map(len, cells))) for cells in columns).rstrip() for row in range(3)]
    counts = f"{alignment.id}: {alignment.hits} right, {alignment.substitutions} S, {alignment.deletions} D, {alignment.insertions} I"
    return "\n".join([counts, *(f"{name}  {row}".rstrip() for name, row in zip(("REF", "HYP", "   "), rows, strict=True))])
