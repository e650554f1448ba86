"""Clips that have the same sound, or nearly: found by their fingerprints, without comparing every clip with every other.

Two words of a fingerprint, a moment apart, make a key of 32 bits. Clips that share three of its four bytes are looked at: first
beside that moment, then along their whole length. Each key is compared with its next few neighbours alone, so that the work grows with
the number of clips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.datasets.fingerprint import BANDS, unpack
from nightdub.datasets.rows import Sample
from nightdub.datasets.texts import sentence
from nightdub.tasks.rows import Seconds

NEAR = 0.19  # of the bits that may differ between copies; docs/splits.md has what was measured
WHOLE = 0.8  # of the telling words of the longer clip that a copy shares; a stretch shares as many of its own
FEWEST = 12  # words that must tell something: 0.4 s; of less sound, different clips are alike
_APART = 4  # words between the two of a key
_NEIGHBOURS = 3  # with the same key that a clip is compared with
_BEFORE, _BESIDE = 10, 14  # words around a key that are looked at first; the gap between clips is as long
_BESIDE_NEAR = 0.25  # of their bits
_FAR = (-8, -4, 8, 12)  # of these, the ones that tell most: the rest is left where they differ
_FAR_NEAR = 0.4  # of their bits
_BESIDE_TOLD = 8  # of them that tell something
_BLOCK = 1 << 20  # candidates that are looked at together
_BITS = BANDS - 1

Pair = tuple[str, str, float]
_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Clips:
    """All words in one row, clip after clip, with a gap of silence after each."""

    ids: list[str]
    seconds: list[Seconds]
    words: npt.NDArray[np.uint16]
    owner: npt.NDArray[np.int32]  # of each word
    starts: _Numbers  # of each clip's words, and of the end

    def of(self, clip: int) -> npt.NDArray[np.uint16]:
        return self.words[self.starts[clip] : self.starts[clip + 1] - _BESIDE]


def find(rows: Iterable[tuple[str, str, Seconds]], least: float = 1 - NEAR) -> list[Pair]:
    """Return the near-duplicates: the id that is kept, the id that is not, and the share of equal bits; ordered by the second.

    Of copies as long as each other the lowest id is kept; of a stretch and the clip that it lies in, the clip. Every id is a duplicate
    once at most, and what is kept is no duplicate itself. Clips with under `FEWEST` telling words are duplicates of nothing:
    `exact` finds those that are the very same.

    Args:
        rows: Of each clip its id, its fingerprint and its seconds, in any order.
        least: Share of equal bits from which two clips are alike; below 0.81 none is found.

    Raises: ConfigError where a fingerprint is none.
    """
    ordered = sorted(row for row in rows if np.count_nonzero(unpack(row[1])) >= FEWEST)
    same = _equal((id_, code) for id_, code, _ in ordered)
    taken = {second for _, second, _ in same}
    clips = _clips([row for row in ordered if row[0] not in taken])
    links = [link for link in _verified(clips, _candidates(clips)) if link[2] >= least]
    whole = _lowest([(clips.ids[one], clips.ids[other], alike) for one, other, alike, inside in links if not inside])
    kept = {second: first for first, second, _ in whole}
    inside = []
    for clip, stretch, alike in _inside(clips, [(one, other, alike) for one, other, alike, part in links if part], kept.keys()):
        if (last := _last(kept, clip)) != stretch:  # else the stretch is what is kept for the clip already
            kept[stretch] = last
            inside.append((last, stretch, alike))
    return sorted(((_last(kept, first), second, alike) for first, second, alike in [*same, *whole, *inside]), key=lambda pair: pair[1])


def exact(rows: Iterable[tuple[str, str]]) -> list[Pair]:
    """Return the clips whose sound has the same digest as one of a lower id: kept, duplicate, 1.0. `rows`: id and digest."""
    return _equal(sorted(rows))


def repeated_texts(rows: Iterable[Sample], most: int) -> list[str]:
    """Return the ids beyond the first `most`, by id, of each speaker and text; case and punctuation make no other text."""
    seen: Counter[tuple[str, str]] = Counter()
    beyond = []
    for row in sorted(rows, key=lambda row: row.id):
        key = (row.speaker, sentence(row.text))
        seen[key] += 1
        if seen[key] > most:
            beyond.append(row.id)
    return beyond


def _equal(rows: Iterable[tuple[str, str]]) -> list[Pair]:
    first: dict[str, str] = {}
    found = []
    for id_, code in rows:
        if code and first.setdefault(code, id_) != id_:
            found.append((first[code], id_, 1.0))
    return found


def _clips(rows: list[tuple[str, str, Seconds]]) -> _Clips:
    gap = np.zeros(_BESIDE, np.uint16)
    parts = [unpack(code) for _, code, _ in rows]
    lengths = np.array([0, *(len(part) + _BESIDE for part in parts)], np.int64)
    words = np.concatenate([piece for part in parts for piece in (part, gap)]) if parts else np.zeros(0, np.uint16)
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), lengths[1:])
    return _Clips([row[0] for row in rows], [row[2] for row in rows], words, owner, np.cumsum(lengths))


def _candidates(clips: _Clips) -> list[tuple[int, int, int]]:
    """Return pairs of clips that agree beside one of their keys, and by how many words the second lies behind the first."""
    words = clips.words.astype(np.uint32)
    keys = words[:-_APART] | (words[_APART:] << 16)
    places = np.flatnonzero((words[:-_APART] != 0) & (words[_APART:] != 0))
    found: set[tuple[int, int, int]] = set()
    for byte in range(4):
        kept = keys[places] & np.uint32(~(0xFF << (8 * byte)) & 0xFFFFFFFF)
        order = np.argsort(kept, kind="stable")
        kept, at = kept[order], places[order]
        for beyond in range(1, _NEIGHBOURS + 1):
            for start in range(0, len(at) - beyond, _BLOCK):
                stop = min(start + _BLOCK, len(at) - beyond)
                same = np.flatnonzero(kept[start:stop] == kept[start + beyond : stop + beyond]) + start
                found |= _beside(clips, at[same], at[same + beyond])
    return sorted(found)


def _beside(clips: _Clips, first: _Numbers, second: _Numbers) -> set[tuple[int, int, int]]:
    """Return which of the places agree in the words around them, as clips and the words between their beginnings."""
    other = clips.owner[first] != clips.owner[second]
    first, second = first[other], second[other]
    for steps, limit, least in ((_FAR, _FAR_NEAR, 0), (range(-_BEFORE, _BESIDE), _BESIDE_NEAR, _BESIDE_TOLD)):
        told, differ = _counted(clips.words, first, second, steps)
        near = (differ <= limit * _BITS * told) & (told >= least)
        first, second = first[near], second[near]
    left, right = clips.owner[first], clips.owner[second]
    behind = (first - clips.starts[left]) - (second - clips.starts[right])
    return set(zip(left.tolist(), right.tolist(), behind.tolist(), strict=True))


def _counted(words: npt.NDArray[np.uint16], first: _Numbers, second: _Numbers, steps: Sequence[int]) -> tuple[_Numbers, _Numbers]:
    """Return how many words tell something in both, of those so many steps from each place, and how many of their bits differ."""
    told, differ, last = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64), len(words) - 1
    for step in steps:
        one, two = words[np.clip(first + step, 0, last)], words[np.clip(second + step, 0, last)]
        both = (one != 0) & (two != 0)
        told += both
        differ += np.where(both, np.bitwise_count(one ^ two), 0)
    return told, differ


def _verified(clips: _Clips, candidates: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, float, bool]]:
    """Yield pairs that are near along their whole length: both, the share of equal bits, whether one is a stretch of the other."""
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for one, two, behind in candidates:
        found = _compared(clips.of(one), clips.of(two), behind)
        if found[0] >= 1 - NEAR and found > best.get((one, two), (0.0, False)):
            best[one, two] = found
    for (one, two), (alike, inside) in sorted(best.items()):
        yield one, two, alike, inside


def _compared(one: npt.NDArray[np.uint16], two: npt.NDArray[np.uint16], behind: int) -> tuple[float, bool]:
    """Return the share of equal bits where both clips tell something, 0 where that is too little; and whether one has more beside it."""
    left, right = one[max(0, behind) :], two[max(0, -behind) :]
    length = min(len(left), len(right))
    left, right = left[:length], right[:length]
    both = (left != 0) & (right != 0)
    told, fewer, more = int(both.sum()), *sorted((int(np.count_nonzero(one)), int(np.count_nonzero(two))))
    if told < max(FEWEST, WHOLE * fewer):
        return 0.0, False
    return round(1 - int(np.bitwise_count(left[both] ^ right[both]).sum()) / (_BITS * told), 4), told < WHOLE * more


def _lowest(links: list[Pair]) -> list[Pair]:
    """Return the links as stars: the lowest id of clips that hang together is kept, each other one names it."""
    chief: dict[str, str] = {}
    alike: dict[str, float] = {}

    def root(id_: str) -> str:
        while (above := chief.setdefault(id_, id_)) != id_:
            chief[id_] = chief[above]
            id_ = above
        return id_

    for one, two, share in links:
        low, high = sorted((root(one), root(two)))
        chief[high] = low
        for id_ in (one, two):
            alike[id_] = max(alike.get(id_, 0.0), share)
    return [(root(id_), id_, alike[id_]) for id_ in sorted(chief) if root(id_) != id_]


def _inside(clips: _Clips, links: list[tuple[int, int, float]], gone: Collection[str]) -> list[Pair]:
    """Return the stretches of other clips that are not gone already: the clip, the stretch, the share of equal bits."""
    found: dict[str, tuple[float, str]] = {}
    for one, two, alike in links:
        short, long = sorted((one, two), key=lambda clip: (np.count_nonzero(clips.of(clip)), clips.seconds[clip], -clip))
        stretch, clip = clips.ids[short], clips.ids[long]
        if stretch not in gone and (alike, clip) > found.get(stretch, (0.0, "")):
            found[stretch] = (alike, clip)
    return [(clip, stretch, alike) for stretch, (alike, clip) in sorted(found.items())]


def _last(kept: dict[str, str], id_: str) -> str:
    """Return the clip that is kept for one that may be a duplicate itself."""
    while id_ in kept:
        id_ = kept[id_]
    return id_
