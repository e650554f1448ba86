"""Faults of the film's picture: frames that are not there, stand still or are black, and mouths that are blurred, still or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from nightdub.infra.media.ffmpeg import read_frames
from nightdub.quality.dub import Dub
from nightdub.quality.faults.film import Frame, change_frames
from nightdub.quality.faults.kinds import CannotPlant, Fault, Plant, Planted, Where, choose, one_of, talking_shots
from nightdub.tasks.faces import box_at
from nightdub.tasks.lips import Box, mouth_region

_NO_MOUTH = "no shot has a redrawn mouth"

Repaint = Callable[[Frame, Frame, Box], Frame]  # the dub's frame, the original's, the face in it


def of_frames(change: Callable[[Iterator[Frame]], Iterable[Frame]]) -> Plant:
    """Return a plant that changes so many frames in the middle of a shot."""

    def planted(dub: Dub, severity: float, folder: Path, seed: int) -> Planted:
        count = round(severity)
        shots = [shot for shot in dub.shots if shot.last - shot.first >= count + 2]
        shot = one_of(shots, seed, f"no shot has {count + 2} frames")
        first = choose(seed, "frames").randrange(shot.first + 1, shot.last - count)
        return Planted(change_frames(dub, folder, first, first + count, change), _where(dub, first, first + count))

    return planted


def frozen(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield the first frame again and again."""
    first = next(frames)
    yield first
    for _ in frames:
        yield first


def blackened(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield black frames."""
    return (np.zeros_like(frame) for frame in frames)


def dropped(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield nothing: the film is shorter by these frames."""
    for _ in frames:
        pass
    return iter(())


def of_mouth(repaint: Callable[[float], Repaint], seconds: Callable[[float], float] = lambda _: np.inf) -> Plant:
    """Return a plant that repaints the mouth of a shot in which one was redrawn, for so many seconds from the first frame on."""

    def planted(dub: Dub, severity: float, folder: Path, seed: int) -> Planted:
        clip, face = one_of(talking_shots(dub), seed, _NO_MOUTH)
        last = min(clip.last, clip.first + max(1, round(min(seconds(severity), 1e6) * dub.frame_rate)))
        originals, paint = read_frames(dub.files.source, clip.first, last), repaint(severity)

        def change(frames: Iterator[Frame]) -> Iterator[Frame]:
            for number, (frame, original) in enumerate(zip(frames, originals, strict=True), clip.first):
                yield paint(frame.copy(), original, box_at(face, number))

        return Planted(change_frames(dub, folder, clip.first, last, change), _where(dub, clip.first, last))

    return planted


def blurred(percent: float) -> Repaint:
    """Return what blurs a mouth by a Gaussian whose deviation is so much of the face's width."""
    import cv2

    def paint(frame: Frame, _original: Frame, box: Box) -> Frame:
        left, top, right, bottom = _region(frame, box)
        frame[top:bottom, left:right] = cv2.GaussianBlur(frame, (0, 0), box[2] * percent / 100)[top:bottom, left:right]
        return frame

    return paint


def stilled(_severity: float) -> Repaint:
    """Return what shows the first frame's mouth in all frames."""
    import cv2

    kept: list[Frame] = []

    def paint(frame: Frame, _original: Frame, box: Box) -> Frame:
        left, top, right, bottom = _region(frame, box)
        if not kept:
            kept.append(frame[top:bottom, left:right].copy())
        frame[top:bottom, left:right] = cv2.resize(kept[0], (right - left, bottom - top))
        return frame

    return paint


def elsewhere(_severity: float) -> Repaint:
    """Return what leaves the face as it was filmed, and moves the redrawn mouth to the mirrored place in the picture."""

    def paint(frame: Frame, original: Frame, box: Box) -> Frame:
        left, top, right, bottom = _region(frame, box)
        mouth, width = frame[top:bottom, left:right].copy(), frame.shape[1]
        other = width - right if abs(width - right - left) >= right - left else max(0, left - 2 * (right - left))
        if abs(other - left) < (right - left) // 2:
            raise CannotPlant("the face fills the picture", where="faults", fix="plant it into a wider shot")
        frame[top:bottom, left:right] = original[top:bottom, left:right]
        frame[top:bottom, other : other + right - left] = mouth
        return frame

    return paint


def as_filmed(_severity: float) -> Repaint:
    """Return what undoes the redrawing."""

    def paint(frame: Frame, original: Frame, box: Box) -> Frame:
        left, top, right, bottom = _region(frame, box)
        frame[top:bottom, left:right] = original[top:bottom, left:right]
        return frame

    return paint


def _region(frame: Frame, box: Box) -> tuple[int, int, int, int]:
    return mouth_region(box, frame.shape[1], frame.shape[0])


def _where(dub: Dub, first: int, last: int) -> Where:
    return Where((), float(first / dub.frame_rate), float(last / dub.frame_rate), (first, last))


FAULTS: tuple[Fault, ...] = (
    Fault("dropped-frames", "picture", "frames are missing from the film", "frames", (1, 5, 25), (1, 5, 25), of_frames(dropped)),
    Fault("frozen-frames", "picture", "the picture stands still", "frames", (5, 12, 25), (12, 25), of_frames(frozen)),
    Fault("black-frames", "picture", "the picture is black", "frames", (1, 5, 25), (1, 5, 25), of_frames(blackened)),
    Fault("blurred-mouth", "picture", "a mouth is blurred, deviation of the face's width", "%", (1, 3, 6), (3, 6), of_mouth(blurred)),
    Fault("frozen-mouth", "picture", "a mouth stands still while the dub speaks", "s", (1, 2, 4), (4,), of_mouth(stilled, float)),
    Fault("wrong-face", "picture", "a mouth is moved where no face is, and the speaker's is not", "shots", (1,), (1,), of_mouth(elsewhere)),
    Fault("unmoved-mouth", "picture", "a mouth that was to be redrawn is as it was filmed", "shots", (1,), (1,), of_mouth(as_filmed)),
)
