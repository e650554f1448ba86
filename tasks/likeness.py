"""The most similar of many lines by edit distance over words, without comparing with each of them.

Two lines that are `threshold` alike differ in `d` words at most, so that of any `d + 1` words of the one the other has one. Lines that hold
one of the rarest `d + 1` words are looked at, and no line that is alike enough is ever missed.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence

_UNKNOWN = "\0"  # a word that no line has
_SURROGATES, _WIDTH = 0xD800, 0x800  # code points that no character has
_OFFERED = 8  # the most similar lines that are handed back


class Likeness:
    """An index of lines, each a list of words; words are kept as characters, so that RapidFuzz compares strings."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        self._codes: dict[str, str] = {}
        self._lines = [self._coded(words) for words in lines]
        self._with: dict[str, array[int]] = defaultdict(lambda: array("L"))
        for index, line in enumerate(self._lines):
            for code in set(line):
                self._with[code].append(index)

    def find(self, words: Sequence[str], threshold: float) -> list[tuple[float, int]]:
        """Return score and number of the up to 8 most similar lines that reach the threshold (above 0, at most 1), the best first."""
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import extract

        line = "".join(self._codes.get(word, _UNKNOWN) for word in words)
        edits = int((1 - threshold) / threshold * len(line) + 1e-9)
        rarest = sorted(line, key=lambda code: (len(self._with.get(code, ())), code))[: edits + 1]
        shortest, longest = threshold * len(line) - 1e-9, len(line) / threshold + 1e-9
        near = {index for code in set(rarest) for index in self._with.get(code, ()) if shortest <= len(self._lines[index]) <= longest}
        choices = {index: self._lines[index] for index in sorted(near)}
        found = extract(line, choices, scorer=Levenshtein.normalized_similarity, score_cutoff=threshold - 1e-9, limit=_OFFERED)
        return sorted(((float(score), index) for _, score, index in found), key=lambda row: (-row[0], row[1]))

    def _coded(self, words: Sequence[str]) -> str:
        return "".join(self._codes.get(word) or self._new(word) for word in words)

    def _new(self, word: str) -> str:
        number = len(self._codes) + 1
        code = self._codes[word] = chr(number if number < _SURROGATES else number + _WIDTH)
        return code
