"""Where a recogniser heard the words of a script: pairs of a script's word and a heard one, and what each says for an offset."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.tasks.rows import Seconds, Segment, Word

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SLACK, STRETCH = 0.8, 0.1  # seconds, and share of the line's length, by which a word may miss the place that its letters give it
MOST = 2500  # pairs of one word, 50 in the script with 50 in the sound: a commoner word says too little to be looked up
HEARD = 0.5  # share of spoken words that a recogniser gets right, until it is known
LIKE = 65  # of 100; recorded prompts and what was heard of them lie above in 19 of 20 lines of five words and more, other prompts below
DEPENDENT = 0.5  # words of one line are heard or missed together: each counts half
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Anchors:
    """Pairs ordered by line: `at` is the script word's place (script time), `heard` the heard word's, `slack` what may lie between them."""

    line: Ints
    at: Floats
    heard: Floats
    weight: Floats  # nats
    slack: Floats  # seconds
    missed: Floats  # nats against each line where none of its words is heard
    first: Ints  # index of each line's first pair; one more at the end
    words: int  # of the script that were looked up

    def of_line(self, line: int, rate: float, offsets: Floats) -> Floats:
        """Return the nats of one line's words at each offset."""
        low, high = self.first[line], self.first[line + 1]
        distance = np.abs(self.heard[low:high, None] - self.at[low:high, None] * rate - offsets)
        found: Floats = self.missed[line] + ((distance <= self.slack[low:high, None]) * self.weight[low:high, None]).sum(axis=0)
        return found

    def share_heard(self, rate: float, offsets: Floats) -> float:
        """Return the share of the script's words that are heard where the map has them, `offsets` being one for each line."""
        near = np.abs(self.heard - self.at * rate - offsets[self.line]) <= self.slack
        found = {(int(line), float(at)) for line, at in zip(self.line[near], self.at[near], strict=True)}
        return len(found) / max(self.words, 1)

    def curve(self, first: int, last: int, rate: float, origin: Seconds, step: Seconds, size: int) -> Floats:
        """Return the nats of some lines' words for each lag of the lines' origin, in steps; lags below zero are counted from the end."""
        low, high = self.first[first], self.first[last]
        lags = np.rint((self.heard[low:high] - self.at[low:high] * rate + origin) / step).astype(np.int64)
        inside = (lags > -size // 2) & (lags < size)
        votes = np.bincount(lags[inside] % size, self.weight[low:high][inside], size)
        reach = round(SLACK / step)
        sums = np.cumsum(np.concatenate([votes[-reach:], votes, votes[:reach]]))
        box: Floats = sums[2 * reach :] - np.concatenate([[0.0], sums[: size - 1]])
        return box + float(self.missed[first:last].sum())


def plain_words(text: str) -> list[str]:
    """Return a text's words as they are compared: lower case, letters, vowel signs and digits; of Chinese and Japanese each character."""
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else "" if char in "'\u2019" else " " for char in text.casefold())
    return _UNSPACED.sub(r" \g<0> ", kept).split()


def anchors_of(lines: Sequence[Segment], words: Sequence[Word], length: Seconds, share: float = HEARD) -> Anchors:
    """Return all pairs of equal words that are rare enough to tell something; `share` of what is said is heard rightly."""
    heard: dict[str, list[Seconds]] = {}
    for word in words:
        for part in plain_words(word.text):
            heard.setdefault(part, []).append((word.start + word.end) / 2)
    chance = {text: min(0.9, 2 * SLACK * len(times) / max(length, 1.0)) for text, times in heard.items()}
    rows: list[tuple[int, float, float, float, float]] = []
    missed, looked_up = np.zeros(len(lines)), 0
    often = Counter(part for line in lines for part in plain_words(line.text))
    for index, line in enumerate(lines if words else ()):
        parts = plain_words(line.text)
        total = sum(len(part) + 1 for part in parts)
        seen, slack = 0, SLACK + STRETCH * (line.end - line.start)
        for part in parts:
            at = line.start + (seen + (len(part) + 1) / 2) / total * (line.end - line.start)
            seen += len(part) + 1
            by_chance = min(0.9, max(chance.get(part, 0.0), 0.5 / max(length, 1.0)) * slack / SLACK)
            if len(heard.get(part, ())) * often[part] > MOST:
                continue
            looked_up += 1
            against = DEPENDENT * float(np.log((1 - share) / (1 - min(by_chance, share))))
            missed[index] += against
            weight = max(0.0, DEPENDENT * float(np.log(share / by_chance))) - against
            rows += [(index, at, time, weight, slack) for time in heard.get(part, ())]
    table = np.array(rows, np.float64).reshape(-1, 5)
    line_of = table[:, 0].astype(np.int64)
    return Anchors(
        line_of, table[:, 1], table[:, 2], table[:, 3], table[:, 4], missed, np.searchsorted(line_of, np.arange(len(lines) + 1)), looked_up
    )


def contradicts(line: Segment, start: Seconds, end: Seconds, words: Sequence[Word], starts: Sequence[Seconds]) -> bool:
    """Return whether something else was heard at a line's place: "your messages to show it" is no other thing than "your message is
    too short", and half a line's letters are too few to tell.

    `words` are ordered; `starts` are their starts. Letters are compared, not words (rapidfuzz's partial ratio).
    """
    from rapidfuzz.fuzz import partial_ratio

    near = words[bisect_left(starts, start - SLACK) : bisect_left(starts, end + SLACK)]
    said = "".join(plain_words(line.text))
    heard = "".join(part for word in near for part in plain_words(word.text))
    return len(heard) >= len(said) / 2 and partial_ratio(said, heard) < LIKE
