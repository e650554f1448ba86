"""Which split a clip belongs to, by the hash of what may not be in two splits, and the check that nothing is.

Clips that share a speaker, a recording or a sentence (whichever `by` names), an augmented copy and its parent, and near-duplicates are
one group: they hang together directly or through others. A group goes where the hash of its lowest key of the first kind in `by` says.
docs/splits.md says what can move when a corpus grows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nightdub.datasets.texts import sentence as words_of
from nightdub.infra.errors import ConfigError

By = Literal["speaker", "recording", "sentence"]
Pairs = Iterable[tuple[str, str, float]]  # near-duplicates, as `datasets.duplicates.find` returns them
UNKNOWN = "(unknown)"  # speaker: clips without one may be of one person, and stay together


class Row(Protocol):
    """What is looked at of a clip; `datasets.rows.Sample` is one."""

    @property
    def id(self) -> str: ...
    @property
    def speaker(self) -> str: ...
    @property
    def recording(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def parent(self) -> str: ...


class SplitRow(Row, Protocol):
    """A clip in its split."""

    @property
    def split(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def emotion(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is in two splits: the first clip of each, by id."""

    kind: str  # speaker, recording, sentence, near-duplicate, copy, or no-parent
    what: str  # the speaker, the recording, the words, or the clip
    splits: tuple[str, ...]
    clips: tuple[str, ...]

    def __str__(self) -> str:
        """Return the leak as a line."""
        places = ", ".join(f"{clip} in {split}" for clip, split in zip(self.clips, self.splits, strict=True))
        return f"{self.kind} {self.what!r}: {places}"


def assign(
    speaker: str, recording: str, sentence: str, shares: Mapping[str, float], by: Sequence[By] = ("speaker",), salt: str = ""
) -> str:
    """Return the split of one clip by the hash of the first kind in `by` alone; the order of `shares` does not matter.

    It is the whole answer where groups have one key each: splits by speaker or by sentence, without near-duplicates. Else ask `split_rows`.

    Raises: ConfigError where the shares do not sum to 1, or `by` is empty.
    """
    _check(shares, by)
    values = {"speaker": speaker or UNKNOWN, "recording": recording, "sentence": words_of(sentence)}
    return _drawn(f"{by[0]}:{values[by[0]]}", shares, salt)


def split_rows(
    rows: Iterable[Row], shares: Mapping[str, float], by: Sequence[By] = ("speaker",), salt: str = "", pairs: Pairs = ()
) -> dict[str, str]:
    """Return the split of each clip by its id, whatever the order of the rows.

    Args:
        rows: The clips; their texts normalised.
        shares: Split -> share of the groups, in sum 1.
        by: What may not be in two splits; the first decides.
        salt: Changes every draw; the same for all versions of a dataset.
        pairs: Near-duplicates that stay together; ids that are not among the rows count for nothing.

    Raises: ConfigError where the shares do not sum to 1, or `by` is empty.
    """
    _check(shares, by)
    groups, keys, ids = _Groups(), {}, []
    for row in rows:
        own = groups.node(f"id:{row.id}")
        ids.append((row.id, own))
        if row.parent:
            groups.join(own, groups.node(f"id:{row.parent}"))
        for kind in by:
            for name in _names(row, kind):
                groups.join(own, groups.node(name))
        keys[own] = (bool(row.parent), _names(row, by[0])[0])
    known = {id_ for id_, _ in ids}
    for one, other, _ in pairs:
        if one in known and other in known:
            groups.join(groups.node(f"id:{one}"), groups.node(f"id:{other}"))
    lowest: dict[int, tuple[bool, str]] = {}
    for _, own in ids:
        root = groups.root(own)
        lowest[root] = min(lowest.get(root, keys[own]), keys[own])
    drawn = {root: _drawn(key, shares, salt) for root, (_, key) in lowest.items()}
    return {id_: drawn[groups.root(own)] for id_, own in ids}


def moved(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the clips of both versions whose split changed: id -> (split before, split now)."""
    return {id_: (old[id_], new[id_]) for id_ in sorted(old.keys() & new.keys()) if old[id_] != new[id_]}


def gaps(rows: Iterable[SplitRow], shares: Mapping[str, float]) -> list[str]:
    """Return what splits lack, a line each: any clip at all, or a clip of a language or an emotion that the dataset has."""
    wanted = [name for name in sorted(shares) if shares[name] > 0]
    splits: Counter[str] = Counter()
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        splits[row.split] += 1
        for kind, value in (("language", row.language), ("emotion", row.emotion)):
            if value:
                classes[f"{kind} {value}"][row.split] += 1
    empty = [f"split {name} is empty: what may not be apart fell into the others" for name in wanted if not splits[name]]
    return empty + [
        f"split {name} has no {what}" for what in sorted(classes) for name in wanted if splits[name] and not classes[what][name]
    ]


# ---------------------------------------------------------------- the check: it shares no code with the draw


def leaks(rows: Iterable[SplitRow], by: Sequence[By] = ("speaker",), pairs: Pairs = ()) -> list[Leak]:
    """Return all that is in more than one split, ordered by kind: what `by` names, copies apart from their parents, near-duplicates.

    A copy whose parent is not among the rows is a leak too: nobody can say that the parent is nowhere else.
    """
    places: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    splits: dict[str, str] = {}
    copies: list[tuple[str, str]] = []
    for row in rows:
        splits[row.id] = row.split
        if row.parent:
            copies.append((row.id, row.parent))
        for kind, what in _shared(row, by):
            first = places[kind, what].get(row.split)
            places[kind, what][row.split] = row.id if first is None else min(first, row.id)
    found = [Leak(kind, what, *_columns(where)) for (kind, what), where in places.items() if len(where) > 1]
    for copy, parent in copies:
        if parent not in splits:
            found.append(Leak("no-parent", parent, (splits[copy],), (copy,)))
        elif splits[parent] != splits[copy]:
            found.append(Leak("copy", parent, (splits[parent], splits[copy]), (parent, copy)))
    for one, other, like in pairs:
        if one in splits and other in splits and splits[one] != splits[other]:
            found.append(Leak("near-duplicate", f"{like:.2f}", (splits[one], splits[other]), (one, other)))
    return sorted(found, key=lambda leak: (leak.kind, leak.what, leak.clips))


def _shared(row: SplitRow, by: Sequence[By]) -> Iterator[tuple[str, str]]:
    """Yield what a clip may share with others."""
    if "speaker" in by:
        yield "speaker", row.speaker or UNKNOWN
    if "recording" in by and row.recording:
        yield "recording", row.recording
    if "recording" in by and row.source:
        yield "recording", f"sha256:{row.source}"
    if "sentence" in by and (words := words_of(row.text)):
        yield "sentence", words


def _columns(where: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ordered = sorted(where.items())
    return tuple(split for split, _ in ordered), tuple(clip for _, clip in ordered)


# ---------------------------------------------------------------- groups


def _names(row: Row, kind: By) -> tuple[str, ...]:
    """Return what a clip is linked by, the one that decides first; a clip that lacks it is a group by its own id."""
    if kind == "speaker":
        return (f"speaker:{row.speaker or UNKNOWN}",)
    if kind == "recording":
        return (f"recording:{row.recording or row.id}", *((f"source:{row.source}",) if row.source else ()))
    return (f"sentence:{words}" if (words := words_of(row.text)) else f"sentence of:{row.id}",)


class _Groups:
    """Disjoint sets of names, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._above: list[int] = []

    def node(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._above))
        if number == len(self._above):
            self._above.append(number)
        return number

    def root(self, number: int) -> int:
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._above[second] = first


def _drawn(key: str, shares: Mapping[str, float], salt: str) -> str:
    """Return the split that the key's hash falls into; shares lie beside each other in the order of their names."""
    place = int.from_bytes(hashlib.sha256(f"{salt}\0{key}".encode()).digest()[:8]) / 2**64
    names = [name for name in sorted(shares) if shares[name] > 0]
    for name in names:
        place -= shares[name]
        if place < 0:
            return name
    return names[-1]


def _check(shares: Mapping[str, float], by: Sequence[By]) -> None:
    if not by or set(by) - {"speaker", "recording", "sentence"}:
        raise ConfigError(f"splits by {list(by)}", where="splits", allowed="speaker, recording, sentence", fix="name one at least")
    if any(not share >= 0 for share in shares.values()) or not abs(sum(shares.values()) - 1) <= 1e-6:
        raise ConfigError(f"shares of {sum(shares.values()):g}", where="splits", allowed="shares that sum to 1", fix="mend the shares")
