"""A film's picture put together from its own packets and from shots encoded anew, without encoding anything again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media import avc
from nightdub.infra.media.boxes import Segment, read_samples, read_segment
from nightdub.infra.media.groups import LENGTH_SIZE, ranks_of, read_bytes, read_packets
from nightdub.infra.media.header import Picture, read_header
from nightdub.infra.media.movie import Movie, Sample
from nightdub.infra.media.output import written
from nightdub.infra.media.safety import LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames `first` up to, not including, `last` of a film: an encoded shot, or, where there is none, the film's own packets."""

    first: int
    last: int
    shot: Path | None = None


def assemble(source: Path, pieces: Sequence[Piece], rate: Fraction, out: Path, limits: Limits = LIMITS, *, exact: bool = True) -> int:
    """Write the silent film `out` (MP4) from all its pieces in their order, and return the number of its frames.

    Packets that are taken over keep every byte: a piece of them starts and ends where `read_groups` says. Shots are those of
    `encode_range` or of a `FrameWriter` like `source`. Decoders are told the parameter sets of both before the first frame. Where not
    `exact`, a shot may hold more or fewer frames than it stands for.

    Raises: MediaError where pieces leave a gap, shots were encoded with different settings, or a frame is lost.
    """
    _check_order(pieces, out, exact=exact)
    shots = [piece.shot for piece in pieces if piece.shot]
    if len(shots) == len(pieces):
        return join_shots(shots, out)
    picture = _picture(source, limits)
    sets = avc.read_sets(picture.headers)
    if shots:
        encoded = avc.read_sets(_alike(shots).headers)
        if encoded.numbers & sets.numbers:
            raise MediaError("parameter sets of the same number", where=str(shots[0]), allowed=f"others than {source}'s", fix="report this")
        sets = sets.with_others(encoded)
    packets = read_packets(source, limits)
    shown = ranks_of(packets)
    delay = max((place - rank for place, rank in enumerate(shown)), default=0)
    with written(out) as part:
        samples = _samples(pieces, read_bytes(source, packets, limits), [delay + rank - place for place, rank in enumerate(shown)], delay)
        frames = Movie(picture.width, picture.height, rate, sets.to_bytes(), delay).write(part, samples)
        if exact:
            _check_frames(out, frames, pieces[-1].last)
    return frames


def join_shots(shots: Sequence[Path], out: Path) -> int:
    """Join encoded shots, and return the number of frames. Raises: MediaError where shots differ in size, rate or settings."""
    if not shots:
        raise MediaError("no shots to join", where=str(out), allowed="one or more", fix="report this")
    form = _alike(shots)
    rate = Fraction(form.timescale, form.step)
    with written(out) as part:
        samples = (Sample(data, key) for shot in shots for data, key in read_samples(shot))
        frames = Movie(form.width, form.height, rate, form.headers).write(part, samples)
        _check_frames(out, frames, sum(read_segment(shot).frames for shot in shots))
    return frames


def _samples(pieces: Sequence[Piece], packets: Iterator[bytes], lates: Sequence[int], delay: int) -> Iterator[Sample]:
    """Yield all packets of the new film; those of the source that a shot stands for are read and dropped."""
    places = enumerate(packets)
    for piece in pieces:
        frames = read_samples(piece.shot) if piece.shot else None
        for place, data in places:
            if frames is None:
                yield Sample(data, any(avc.kind(unit) == avc.IDR for unit in avc.units(data, LENGTH_SIZE)), lates[place])
            if place + 1 == piece.last:
                break
        yield from (Sample(frame, key, delay) for frame, key in frames or ())


def _alike(shots: Sequence[Path]) -> Segment:
    """Return the form that all shots have. Raises: MediaError."""
    first = read_segment(shots[0])
    for shot in shots[1:]:
        segment = read_segment(shot)
        if (segment.headers, segment.step, segment.timescale) != (first.headers, first.step, first.timescale):
            raise MediaError("encoded with other settings", where=str(shot), allowed=f"those of {shots[0]}", fix="encode all shots alike")
    return first


def _picture(source: Path, limits: Limits) -> Picture:
    picture = read_header(source, limits).picture
    if picture is None:
        raise MediaError("no picture", where=str(source), fix="deliver a file with video")
    return picture


def _check_order(pieces: Sequence[Piece], out: Path, *, exact: bool) -> None:
    ends = [0, *(piece.last for piece in pieces[:-1])]
    for piece, end in zip(pieces, ends, strict=bool(pieces)):
        found = read_segment(piece.shot).frames if piece.shot and exact else piece.last - piece.first
        if piece.first != end or found != piece.last - piece.first:
            raise MediaError(f"{found} frames at {piece.first}", where=str(piece.shot or out), allowed=f"from {end} on", fix="report this")


def _check_frames(out: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise MediaError(f"{found} frames where {wanted} belong", where=str(out), fix="report this: a shot is not as long as it says")
