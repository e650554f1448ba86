"""The film's picture: packets of the source where nothing was redrawn, shots encoded anew elsewhere (smart cut)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import Groups, Piece, assemble, encode_range
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import MediaFacts, PicturePiece, Shot, ShotClip


def encode_shot(source: Path, shot: Shot, figures: PictureFigures, out: Path) -> ShotClip:
    """Encode a shot's original frames into `out`. Raises: MediaError, as where the source has fewer frames."""
    encode_range(source, out, shot.first, shot.last, crf=figures.crf, preset=figures.preset)
    return ShotClip(shot.id, shot.first, shot.last, frames=shot.last - shot.first)


def plan_pieces(clips: Sequence[ShotClip], groups: Groups) -> list[PicturePiece]:
    """Return the film's picture in order: encoded shots, the source's packets from key frame to key frame, and bridges between them.

    A bridge is what lies between an encoded shot and the next key frame: the source's frames, yet to be encoded, shot by shot.
    Where the source's packets cannot be kept, every clip must have its own picture.

    Raises: MediaError where one has not.
    """
    pieces: list[PicturePiece] = []
    for encoded, run in _runs(sorted(clips, key=lambda clip: clip.first)):
        if encoded:
            pieces += [PicturePiece(clip.first, clip.last, clip.shot, picture=clip.picture) for clip in run]
        elif groups.why_not:
            what = f"a shot without a picture: {run[0].failed or run[0].skipped}"
            raise MediaError(what, where=run[0].shot, allowed=f"none: {groups.why_not}", fix="run the night again")
        else:
            pieces += _kept(run, groups)
    return pieces


def film_picture(source: Path, pieces: Sequence[Piece], facts: MediaFacts, out: Path) -> int:
    """Write the silent film and return how many frames are the source's own packets.

    `facts` are the source's; the picture has exactly its frames at its rate.

    Raises: MediaError where a piece is missing or of another length.
    """
    last = pieces[-1].last if pieces else 0
    if last != facts.frames:
        found, allowed = f"{last} frames in {len(pieces)} pieces", f"{facts.frames}, as the source has"
        raise MediaError(found, where=str(out), allowed=allowed, fix="report this: a shot is missing")
    assemble(source, pieces, Fraction(facts.frame_rate), out)
    return sum(piece.last - piece.first for piece in pieces if piece.shot is None)


def parts_of(clip: ShotClip, pieces: Sequence[PicturePiece]) -> list[PicturePiece]:
    """Return what a shot is made of, each piece with the frames of the shot that it shows."""
    return [
        replace(piece, first=max(piece.first, clip.first), last=min(piece.last, clip.last), within=max(0, clip.first - piece.first))
        for piece in pieces
        if piece.first < clip.last and piece.last > clip.first
    ]


def _runs(clips: Sequence[ShotClip]) -> list[tuple[bool, list[ShotClip]]]:
    """Return stretches of clips that have a picture of their own, and of such that have none."""
    runs: list[tuple[bool, list[ShotClip]]] = []
    for clip in clips:
        encoded = bool(clip.picture)
        if runs and runs[-1][0] == encoded:
            runs[-1][1].append(clip)
        else:
            runs.append((encoded, [clip]))
    return runs


def _kept(run: Sequence[ShotClip], groups: Groups) -> list[PicturePiece]:
    """Return a stretch of untouched shots as the groups that lie in it, with bridges before and after."""
    first, last, cuts = run[0].first, run[-1].last, [*groups.starts, groups.frames]
    start, end = cuts[min(bisect_left(cuts, first), len(cuts) - 1)], cuts[max(0, bisect_right(cuts, last) - 1)]
    if start >= end:
        return _bridges(run, first, last)
    return [*_bridges(run, first, start), PicturePiece(start, end, kept=True), *_bridges(run, end, last)]


def _bridges(run: Sequence[ShotClip], first: int, last: int) -> list[PicturePiece]:
    spans = ((max(first, clip.first), min(last, clip.last), clip.shot) for clip in run)
    return [PicturePiece(start, end, shot) for start, end, shot in spans if start < end]
