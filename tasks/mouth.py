"""The mouth of one shot: its frames read, the face's neighbourhood given to a lip-sync engine, the shot encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import EngineError
from nightdub.infra.media.ffmpeg import FrameWriter, read_frames
from nightdub.tasks.blend import blend
from nightdub.tasks.faces import box_at
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.protocols import Animated, Frames, LipSync, Sound
from nightdub.tasks.rows import FaceSpan, FaceTrack, Seconds, Shot, ShotClip, SpokenSound

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR
Window = tuple[slice, slice]  # rows, columns

_MARGIN = 0.4  # face heights around the face that an engine sees
_SILENT = 10 ** (-50 / 20)  # peak, full scale: below it nobody speaks


def animate_shot(
    source: Path,
    shot: Shot,
    face: FaceTrack,
    speech: Sound,
    sample_rate: int,
    *,
    sounds: Sequence[SpokenSound],
    engine: LipSync,
    out: Path,
    figures: PictureFigures,
    frame_rate: str,
) -> ShotClip:
    """Move the mouth of one shot and encode it into `out`; `speech` and `sounds` start with the shot, `frame_rate` is as "25/1".

    Where `skipped` is set nothing was written, and the original shot stands: the face's reason, "no-speech", or the engine's.
    Memory: the face's neighbourhood in every frame of the shot, twice; whole frames one at a time.

    Raises: EngineError where the engine gives back other than it was given.
    """
    clip = ShotClip(shot.id, shot.first, shot.last, frames=shot.last - shot.first)
    if reason := why_still(face, speech):
        return replace(clip, skipped=reason)
    window, seen = _cut_out(source, shot, face)
    moved, count, why = _animate(seen, window, shot, face, Voice(speech, sample_rate, sounds), engine, float(Fraction(frame_rate)))
    if not count:
        return replace(clip, skipped=why or "no-speech")
    frames = read_frames(source, shot.first, shot.last)
    laid = (_laid(frame, window, face) for frame, face in zip(frames, moved, strict=True))
    _encode(laid, out, figures, frame_rate, source)
    return replace(clip, moved=count)


def _animate(
    seen: Frames, window: Window, shot: Shot, face: FaceTrack, voice: Voice, engine: LipSync, rate: float
) -> tuple[Frames, int, str]:
    """Give the engine the frames of each face that speaks; return what came back, blended, frames moved, and why there are none."""
    local, moved, count, reason = _in_window(face, window, shot.first), seen.copy(), 0, ""
    for span in local.spans or (FaceSpan(0, len(seen)),):
        part, own = slice(span.first, span.last), _from(local, span)
        speech, sounds = voice.between(span.first / rate, span.last / rate)
        made = engine.animate(seen[part], rate, own, speech, voice.sample_rate, sounds)
        _check(made, seen[part], shot.id)
        reason = reason or made.skipped
        if made.moved and not made.skipped:
            moved[part] = blend(seen[part], made.frames, [box_at(own, frame) for frame in range(span.last - span.first)])
            count += made.moved
    return moved, count, reason


def why_still(face: FaceTrack, speech: Sound) -> str:
    """Return why a shot keeps its original frames, before any is read; empty = its mouth is to be moved."""
    if face.skipped or not face.boxes:
        return face.skipped or "no-face"
    return "" if len(speech) and float(np.abs(speech).max()) >= _SILENT else "no-speech"


def face_window(face: FaceTrack, width: int, height: int) -> Window:
    """Return the rows and columns of a picture of this size in which the face moves during the shot, with a margin."""
    sides = [(box.x, box.y, box.x + box.width, box.y + box.height, round(_MARGIN * box.height)) for box in face.boxes]
    left, top = (max(0, min(side[place] - side[4] for side in sides)) for place in (0, 1))
    right, bottom = (max(side[place] + side[4] for side in sides) for place in (2, 3))
    return slice(top, min(height, bottom)), slice(left, min(width, right))


def _cut_out(source: Path, shot: Shot, face: FaceTrack) -> tuple[Window, Frames]:
    """Return the face's neighbourhood and its pixels in every frame of the shot."""
    window: Window | None = None
    for index, frame in enumerate(read_frames(source, shot.first, shot.last)):
        if window is None:
            window = face_window(face, frame.shape[1], frame.shape[0])
            seen = np.empty((shot.last - shot.first, *frame[window].shape), np.uint8)
        seen[index] = frame[window]
    if window is None:
        raise EngineError("a shot without frames", where=shot.id, fix="report this")
    return window, seen


@dataclass(frozen=True, slots=True)
class Voice:
    """What is said in a shot, from its first frame."""

    speech: Sound
    sample_rate: int
    sounds: Sequence[SpokenSound]

    def between(self, start: Seconds, end: Seconds) -> tuple[Sound, list[SpokenSound]]:
        """Return a part of it, in the part's own time."""
        first, last = (round(moment * self.sample_rate) for moment in (start, end))
        within = (sound for sound in self.sounds if sound.end > start and sound.start < end)
        return self.speech[first:last], [replace(sound, start=sound.start - start, end=sound.end - start) for sound in within]


def _in_window(face: FaceTrack, window: Window, first: int) -> FaceTrack:
    """Return the track in pixels from the window's corner and frames from the shot's first."""
    rows, columns = window
    boxes = (replace(box, frame=box.frame - first, x=box.x - columns.start, y=box.y - rows.start) for box in face.boxes)
    return replace(face, boxes=tuple(boxes), spans=tuple(FaceSpan(span.first - first, span.last - first) for span in face.spans))


def _from(face: FaceTrack, span: FaceSpan) -> FaceTrack:
    """Return the face that speaks in a span, its frames counted from there."""
    own = [box for box in face.boxes if span.first <= box.frame < span.last] if face.spans else face.boxes
    return FaceTrack(face.shot, tuple(replace(box, frame=box.frame - span.first) for box in own))


def _check(moved: Animated, seen: Frames, where: str) -> None:
    if moved.frames.shape != seen.shape or moved.frames.dtype != np.uint8:
        raise EngineError(
            f"frames of {moved.frames.shape} {moved.frames.dtype}", where=where, allowed=f"{seen.shape} uint8", fix="mend the engine"
        )


def _encode(frames: Iterator[Frame], out: Path, figures: PictureFigures, frame_rate: str, source: Path) -> None:
    first = next(frames)
    height, width = first.shape[:2]
    with FrameWriter(out, width, height, frame_rate, crf=figures.crf, preset=figures.preset, like=source) as writer:
        for frame in chain([first], frames):
            writer.write(frame)


def _laid(frame: Frame, window: Window, face: Frame) -> Frame:
    laid = frame.copy()
    laid[window] = face
    return laid
