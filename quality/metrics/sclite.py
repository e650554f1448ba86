"""NIST's scoring files (trn, stm, ctm), read and aligned as sclite does, so that the totals are sclite's.

sclite pays 4 for a substitution and 3 for a deletion or an insertion. Where five substitutions can be traded for three of each it takes
the trade, and its total is then higher than the least number of errors: `p q r a b` against `a b s t u` is 6, not 5. On 9,000 random
utterances every count equalled sclite 2.10's; with alternatives in the reference 8 totals of 6,000 differed, where ways of equal cost have
different totals.
Source: SCTK 2.4, doc/infmts.htm, doc/sclite.htm and stm2ctm.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nightdub.infra.errors import PairsError
from nightdub.quality.metrics.alignment import DELETE, EQUAL, INSERT, SUBSTITUTE, Alignment, Chunk, aligned
from nightdub.tasks.rows import Seconds

COSTS = {EQUAL: 0, SUBSTITUTE: 4, DELETE: 3, INSERT: 3}
ENGINE = "nightdub, by the costs of NIST sclite (4, 3, 3)"
TRN, STM, CTM = "WORDS (UTTERANCE)", "FILE CHANNEL SPEAKER BEGIN END [<LABEL>] WORDS", "FILE CHANNEL BEGIN DURATION WORD [CONFIDENCE]"
_IGNORED = "ignore_time_segment_in_scoring"
_NULL = "@"
_UTTERANCE = re.compile(r"^(.*)\(([^()\s]+)\)\s*$")


@dataclass(frozen=True, slots=True)
class Arc:
    """One word of a reference between two nodes; an empty word costs nothing."""

    first: int
    last: int
    word: str


@dataclass(slots=True)
class Network:
    """A reference as arcs between nodes 0 to `nodes` - 1, each arc from a lower to a higher node; alternatives run side by side."""

    arcs: list[Arc] = field(default_factory=list)
    nodes: int = 1

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1


def score_files(reference: Path, hypothesis: Path) -> list[Alignment]:
    """Return one alignment for each utterance scored: trn against trn by utterance, or ctm against stm by time.

    As in sclite, case does not count, utterances that only the reference has are not scored, and words outside every stm segment
    belong to the segment that follows them, the last words to the last one.

    Raises:
        PairsError: a file that is absent or has a faulty line; an utterance or channel that the reference does not have; a mix of formats.
    """
    kinds = reference.suffix.lower() == ".stm", hypothesis.suffix.lower() == ".ctm"
    if kinds[0] != kinds[1]:
        raise PairsError(
            f"{hypothesis.name} against {reference.name}", allowed=".ctm against .stm, or trn against trn", fix="name two such files"
        )
    pairs = list(_timed(reference, hypothesis)) if kinds[0] else list(_named(reference, hypothesis))
    if not pairs:
        raise PairsError("no utterance to score", where=str(hypothesis), allowed=CTM if kinds[0] else TRN, fix="give at least one")
    return [align_nist(name, words, heard) for name, words, heard in pairs]


def align_nist(name: str, reference: Sequence[str], heard: Sequence[str]) -> Alignment:
    """Align words at sclite's costs. `reference` may hold alternatives: `{`, `/`, `}` and `@` for nothing, as words of their own.

    Raises: PairsError where the braces do not match.
    """
    network = _network(reference, name)
    steps = _cheapest(network, heard)
    chunks: list[Chunk] = []
    said: list[str] = []
    at = 0
    for kind, word in steps:
        long, wide = int(kind != INSERT), int(kind != DELETE)
        chunks.append((kind, len(said), len(said) + long, at, at + wide))
        said += [word] * long
        at += wide
    return aligned(name, said, heard, chunks)


def _cheapest(network: Network, heard: Sequence[str]) -> list[tuple[str, str]]:
    """Return the steps of the cheapest way through the network beside the words heard; a step is its kind and its reference word."""
    width = len(heard) + 1
    cost = [[float("inf")] * width for _ in range(network.nodes)]
    back: list[list[tuple[int, int, str, str] | None]] = [[None] * width for _ in range(network.nodes)]
    into: list[list[Arc]] = [[] for _ in range(network.nodes)]
    for arc in network.arcs:
        into[arc.last].append(arc)
    cost[0][0] = 0
    for node in range(network.nodes):
        for at in range(width):
            for total, step in _ways(into[node], node, at, heard, cost):
                if total < cost[node][at]:
                    cost[node][at], back[node][at] = total, step
    steps = []
    place = network.nodes - 1, len(heard)
    while found := back[place[0]][place[1]]:
        place = found[0], found[1]
        if found[2]:
            steps.append((found[2], found[3]))
    return steps[::-1]


def _ways(
    arcs: Sequence[Arc], node: int, at: int, heard: Sequence[str], cost: Sequence[Sequence[float]]
) -> Iterator[tuple[float, tuple[int, int, str, str]]]:
    """Yield every way to a place, with its whole cost. Of equal ones the first counts, as in sclite: pairs, insertions, deletions."""
    for arc in arcs:
        if not arc.word:
            yield cost[arc.first][at], (arc.first, at, "", "")
        elif at:
            kind = EQUAL if arc.word == heard[at - 1] else SUBSTITUTE
            yield cost[arc.first][at - 1] + COSTS[kind], (arc.first, at - 1, kind, arc.word)
    if at:
        yield cost[node][at - 1] + COSTS[INSERT], (node, at - 1, INSERT, "")
    for arc in arcs:
        if arc.word:
            yield cost[arc.first][at] + COSTS[DELETE], (arc.first, at, DELETE, arc.word)


def _network(words: Sequence[str], name: str) -> Network:
    network = Network()
    stack: list[tuple[int, list[int]]] = []
    at = 0
    for word in words:
        if word == "{":
            stack.append((at, []))
            at = _branch(network, at)
        elif word in ("/", "}") and stack:
            start, ends = stack[-1]
            ends.append(at)
            at = _branch(network, start) if word == "/" else network.node()
            if word == "}":
                stack.pop()
                network.arcs += [Arc(end, at, "") for end in ends]
        elif word == "}":
            raise PairsError("'}' without '{'", where=name, allowed="{ one / another / @ }", fix="mend the alternatives")
        else:
            following = network.node()
            network.arcs.append(Arc(at, following, "" if word == _NULL else word))
            at = following
    if stack:
        raise PairsError("'{' without '}'", where=name, allowed="{ one / another / @ }", fix="mend the alternatives")
    return network


def _branch(network: Network, start: int) -> int:
    following = network.node()
    network.arcs.append(Arc(start, following, ""))
    return following


# ---------------------------------------------------------------- files


def _named(reference: Path, hypothesis: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    wanted = _trn(reference)
    for name, heard in _trn(hypothesis).items():
        if name not in wanted:
            raise PairsError(f"utterance {name} is not in {reference.name}", where=str(hypothesis), fix="score what has a reference")
        yield name, wanted[name], heard


def _trn(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in _lines(path):
        match = _UTTERANCE.match(line)
        if not match:
            raise _faulty(path, number, "no utterance name at its end", TRN)
        name = match[2].lower()
        if name in found:
            raise _faulty(path, number, f"utterance {match[2]} again", "each once")
        found[name] = match[1].lower().split()
    return found


@dataclass(frozen=True, slots=True)
class _Spoken:
    begin: Seconds
    end: Seconds
    name: str
    words: list[str]


def _timed(reference: Path, hypothesis: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    segments, words = _stm(reference), _ctm(hypothesis)
    for channel in words:
        if channel not in segments:
            raise PairsError(f"no channel {' '.join(channel)} in {reference.name}", where=str(hypothesis), fix="score what has a reference")
    for channel, spoken in segments.items():
        coming = words.get(channel, [])
        for index, segment in enumerate(spoken):
            last = index == len(spoken) - 1
            count = next((at for at, (middle, _) in enumerate(coming) if middle >= segment.end and not last), len(coming))
            inside, coming = coming[:count], coming[count:]
            if _IGNORED not in segment.words:
                yield segment.name, segment.words, [word for _, word in inside]


def _stm(path: Path) -> dict[tuple[str, str], list[_Spoken]]:
    found: dict[tuple[str, str], list[_Spoken]] = {}
    for number, line in _lines(path):
        cells = line.lower().split()
        if len(cells) < 5:
            raise _faulty(path, number, f"{len(cells)} fields", STM)
        begin, end = _seconds(path, number, cells[3]), _seconds(path, number, cells[4])
        text = cells[6:] if len(cells) > 5 and re.fullmatch(r"<.*>", cells[5]) else cells[5:]
        spoken = found.setdefault((cells[0], cells[1]), [])
        if end < begin or (spoken and begin < spoken[-1].begin):
            raise _faulty(path, number, f"begins at {begin:g} and ends at {end:g}", "segments in order of time")
        spoken.append(_Spoken(begin, end, f"{cells[0]} {cells[1]} {begin:g}", text))
    return found


def _ctm(path: Path) -> dict[tuple[str, str], list[tuple[Seconds, str]]]:
    """Return each channel's words with their middles."""
    found: dict[tuple[str, str], list[tuple[Seconds, str]]] = {}
    for number, line in _lines(path):
        cells = line.lower().split()
        if len(cells) not in (5, 6):
            raise _faulty(path, number, f"{len(cells)} fields", CTM)
        if cells[4].startswith("<alt"):
            raise _faulty(path, number, f"alternatives in a hypothesis: {cells[4]}", "one word a line")
        middle = _seconds(path, number, cells[2]) + _seconds(path, number, cells[3]) / 2
        found.setdefault((cells[0], cells[1]), []).append((middle, cells[4]))
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither empty nor comments, with their numbers."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PairsError(error.strerror or str(error), where=str(path), fix="name a file that can be read") from error
    except UnicodeDecodeError as error:
        raise PairsError("not UTF-8", where=str(path), allowed="UTF-8", fix="save the file as UTF-8") from error
    yield from ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip() and not line.startswith(";;"))


def _seconds(path: Path, line: int, text: str) -> Seconds:
    if not re.fullmatch(r"\d*\.?\d+|\d+\.", text):
        raise _faulty(path, line, f"{text!r} is no time", "seconds, 0 and up")
    return float(np.float32(text))  # as sclite holds it: decides on which side of a border a middle lies


def _faulty(path: Path, line: int, what: str, allowed: str) -> PairsError:
    return PairsError(f"line {line}: {what}", where=str(path), allowed=allowed, fix="mend this line")
