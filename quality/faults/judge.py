"""What the gate says of a dub with a fault: measured where it differs from the good one, and judged against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.rewrap import Packet, picture_packets
from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import Truth
from nightdub.quality.gate import decide
from nightdub.quality.measure import Findings, measure_dub, measure_programme, score_lines, score_shots, whole_picture
from nightdub.quality.metrics.shot_score import ShotScore
from nightdub.quality.metrics.speech import LineScore
from nightdub.quality.policy import Policy
from nightdub.quality.statistics import Interval, share_interval
from nightdub.tasks.rows import Measurement, ShotClip


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault planted and measured; `skipped` says why this dub has nothing that it could befall, `failed` what broke."""

    truth: Truth
    rows: tuple[Measurement, ...] = ()
    skipped: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one policy says of one trial: the metrics of the rules that it breaks and that the good dub kept, and each rule's reason."""

    policy: str
    metrics: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """Return whether anything new is held against the dub."""
        return bool(self.metrics)


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial with every policy's ruling; none where it was skipped or failed."""

    truth: Truth
    rulings: tuple[Ruling, ...] = ()
    skipped: str = ""
    failed: str = ""

    def ruling(self, policy: str) -> Ruling | None:
        """Return what a policy said."""
        return next((row for row in self.rulings if row.policy == policy), None)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one kind was caught at one severity, with Wilson's 95 % interval of the share."""

    kind: str
    severity: float
    caught: int
    n: int
    interval: Interval | None
    metrics: tuple[str, ...]  # whose rules caught it, the most frequent first


def measure_changed(good: Dub, found: Findings, dub: Dub) -> list[Measurement]:
    """Return every measurement of a dub, given what was found in the one that it was made from.

    What is found in a part depends on that part's files and rows alone; where those are the same, so is what was found. Packets tell
    which shots of a film are the same picture.
    """
    shots = _shots(good, found, dub)
    picture = found.picture if _same_picture(good, dub) else whole_picture(dub, shots)
    return measure_dub(dub, Findings(_lines(good, found, dub), shots, _programme(good, found, dub), picture))


def judge(policies: Sequence[Policy], good: Sequence[Measurement], trials: Sequence[Trial]) -> list[Judged]:
    """Return every trial with what each policy says of it, in their order; `good` is what was measured of the good dub."""
    kept = {policy.name: _kept(policy, good) for policy in policies}
    return [
        Judged(
            trial.truth,
            tuple(_rule(policy, kept[policy.name], trial.rows) for policy in policies) if trial.rows else (),
            trial.skipped,
            trial.failed,
        )
        for trial in trials
    ]


def tally(judged: Sequence[Judged], policy: str) -> list[Tally]:
    """Return one row for each kind and severity that was tried, in the order in which they come."""
    groups: dict[tuple[str, float], list[Ruling]] = {}
    for row in judged:
        if ruling := row.ruling(policy):
            groups.setdefault((row.truth.kind, row.truth.severity), []).append(ruling)
    return [_tally(kind, severity, rows) for (kind, severity), rows in groups.items()]


def share(rows: Sequence[Tally]) -> Tally:
    """Return several tallies as one; its kind is empty."""
    caught, n = sum(row.caught for row in rows), sum(row.n for row in rows)
    return Tally("", 0.0, caught, n, share_interval(caught, n), tuple(dict.fromkeys(name for row in rows for name in row.metrics)))


def _tally(kind: str, severity: float, rows: Sequence[Ruling]) -> Tally:
    names = [name for row in rows for name in row.metrics]
    metrics = tuple(sorted(dict.fromkeys(names), key=lambda name: -names.count(name)))
    caught = sum(row.caught for row in rows)
    return Tally(kind, severity, caught, len(rows), share_interval(caught, len(rows)), metrics)


def _kept(policy: Policy, good: Sequence[Measurement]) -> set[str]:
    return {verdict.rule for verdict in decide(policy, good).verdicts if verdict.outcome == "pass"}


def _rule(policy: Policy, kept: set[str], rows: Sequence[Measurement]) -> Ruling:
    """Return the binding rules that fail, or cannot be told any more, of those that the good dub kept."""
    broken = [row for row in decide(policy, rows).verdicts if row.severity != "warn" and row.outcome != "pass" and row.rule in kept]
    return Ruling(policy.name, tuple(dict.fromkeys(row.metric for row in broken)), tuple(row.reason for row in broken))


# ---------------------------------------------------------------- what differs


def _lines(good: Dub, found: Findings, dub: Dub) -> list[LineScore]:
    old = {score.segment: score for score in found.lines}
    fresh = {name: path for name, path in dub.files.clips.items() if name not in old or _line_of(good, name) != _line_of(dub, name)}
    new = {score.segment: score for score in score_lines(replace(dub, files=replace(dub.files, clips=fresh)))} if fresh else {}
    return [new.get(name) or old[name] for name in dub.files.clips]


def _line_of(dub: Dub, name: str) -> tuple[object, ...]:
    """Return everything that a line's score is made of."""
    return (
        dub.files.clips.get(name),
        dub.files.original,
        dub.target,
        [row for row in dub.segments if row.id == name],
        [row for row in dub.translations if row.segment == name],
        [speaker for speaker in dub.speakers if name in speaker.segments],
    )


def _shots(good: Dub, found: Findings, dub: Dub) -> list[ShotScore]:
    if (good.files.film, good.files.dialogue, good.shot_clips, good.tracks) == (
        dub.files.film,
        dub.files.dialogue,
        dub.shot_clips,
        dub.tracks,
    ):
        return list(found.shots)
    spoken = _changed_speech(good, dub)
    before, after = _packets(good.files.film), _packets(dub.files.film)
    old = {score.shot: score for score in found.shots}
    fresh = [clip for clip in dub.shot_clips if clip.shot not in old or _differs(clip, before, after, spoken, dub.frame_rate)]
    new = {score.shot: score for score in score_shots(replace(dub, shot_clips=fresh))}
    return [new.get(clip.shot) or old[clip.shot] for clip in dub.shot_clips]


def _same_picture(good: Dub, dub: Dub) -> bool:
    return good.shot_clips == dub.shot_clips and (
        good.files.film == dub.files.film or ((before := _packets(good.files.film)) is not None and before == _packets(dub.files.film))
    )


def _packets(film: Path) -> list[Packet] | None:
    """Return a film's packets in the order of display, None where it cannot be read."""
    try:
        return sorted(picture_packets(film), key=lambda packet: float(packet.time))
    except MediaError:
        return None


def _differs(
    clip: ShotClip, before: list[Packet] | None, after: list[Packet] | None, spoken: list[tuple[float, float]], rate: Fraction
) -> bool:
    """Return whether a shot's pictures or what is said in it are others; a shot whose packets cannot be read is another."""
    start, end = float(clip.first / rate), float(clip.last / rate)
    if before is None or after is None or len(before) != len(after):
        return True
    return before[clip.first : clip.last] != after[clip.first : clip.last] or any(one < end and other > start for one, other in spoken)


def _changed_speech(good: Dub, dub: Dub) -> list[tuple[float, float]]:
    """Return the stretch of time in which the dialogue stem is another one; empty where it is the same file."""
    if good.files.dialogue == dub.files.dialogue:
        return []
    import numpy as np
    import soundfile

    one, other = (soundfile.read(path, dtype="int32", always_2d=True) for path in (good.files.dialogue, dub.files.dialogue))
    if one[0].shape != other[0].shape:
        return [(0.0, float("inf"))]
    places = np.flatnonzero((one[0] != other[0]).any(axis=1))
    return [(float(places[0]) / one[1], float(places[-1] + 1) / one[1])] if len(places) else []


def _programme(good: Dub, found: Findings, dub: Dub) -> list[Measurement]:
    return list(found.programme) if _mix_of(good) == _mix_of(dub) else measure_programme(dub)


def _mix_of(dub: Dub) -> tuple[object, ...]:
    """Return everything that the programme and the delivered film are measured by."""
    files = dub.files
    paths = (files.source, files.film, files.original, files.bed, files.programme, files.dialogue)
    return (
        paths,
        dub.spans,
        [(line.id, line.start, line.end) for line in dub.segments],
        dub.gain,
        dub.bed_delivered,
        dub.source,
        dub.target,
    )
