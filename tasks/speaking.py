"""Who of those seen in a shot speaks: the face whose mouth moves, and moves with the original dialogue.

After Cutler and Davis 2000, "Look Who's Talking" (correlation of mouth and sound), and Everingham et al. 2006 (a mouth that moves more
than its face does is a talking one). No model is behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from nightdub.tasks.face_pixels import MOUTH, UPPER, aligned, covered, opening
from nightdub.tasks.faces import Frame, box_at
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import FaceBox, FaceSpan, FaceTrack, Seconds, Shot
from nightdub.tasks.visemes import speech_levels

Curve = npt.NDArray[np.float64]  # one value per frame of the shot
Mask = npt.NDArray[np.bool_]

FOLLOWS = 0.25  # correlation below which a mouth does not follow the voice: still and silently chewing mouths give -0.2 to 0.2
FEWEST = 20  # spoken frames below which a correlation says nothing, and motion alone decides
_MORE, _LEVELS = 1.25, 0.5  # a mouth moves: by this much more than the upper face, and these levels of 255
_LAGS = 3  # frames to each side: lips part before the voice, and films are not cut to the frame
_SILENCE = 12  # frames of silence before and after a line that count: a mouth at rest there speaks for it
_PRESENT = 0.6  # of a line's frames in which a face must be there
_HIDDEN = 0.2  # of a line's frames in which a mouth may be covered
_BRIEF: Seconds = 0.2  # speech below which a shot has none: a line that reaches over the cut


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line of the original as one shot hears it: seconds from the shot's first frame, and who says it (-1 = not known)."""

    start: Seconds
    end: Seconds
    who: int = -1


@dataclass(frozen=True, slots=True)
class _Mouth:
    """One face's mouth through a shot."""

    there: Mask  # frames in which the face is seen
    opened: Curve
    motion: Curve  # mean absolute step of the mouth's pixels, levels
    steady: Curve  # the same of the upper face
    hidden: Mask


def who_speaks(
    frames: Callable[[], Iterable[Frame]],
    shot: Shot,
    faces: Sequence[FaceTrack],
    lines: Sequence[SpokenLine],
    speech: Sound,
    sample_rate: int,
    frame_rate: float,
) -> FaceTrack:
    """Return the face that speaks in a shot, with spans where that changes from line to line, or why no mouth will be moved.

    Args:
        frames: Opens the shot's frames (BGR), from its first; not called where there is nothing to choose.
        shot: The shot.
        faces: Its faces as `tasks.faces.find` gives them, largest first.
        lines: What is heard in it; lines of one speaker are judged together.
        speech: The original's dialogue, mono, from the shot's first frame.
        sample_rate: Hz of `speech`.
        frame_rate: Frames a second of the film.

    Reasons: "no-speech"; "no-face" (none is there while a line is spoken); that of the largest face where none can be moved;
    "occluded"; "off-screen" (a face is there, and its mouth does not move with the voice).
    """
    lines = sorted((line for line in lines if line.end - line.start >= _BRIEF), key=lambda line: (line.start, line.end))
    usable = [face for face in faces if not face.skipped]
    if not lines or not usable:
        reason = faces[0].skipped if faces else "no-face"
        return FaceTrack(shot.id, skipped=reason if lines else "no-speech")
    size = shot.last - shot.first
    mouths = _watch(frames(), shot, usable)
    levels = _smooth(np.sqrt(speech_levels(speech, sample_rate, size, frame_rate)))
    spoken = [_frames_of(line, size, frame_rate) for line in lines]
    choices = _choices(lines, spoken, mouths, levels)
    if all(isinstance(choice, str) for choice in choices):
        return FaceTrack(shot.id, skipped=_most_said(lines, choices))
    if len(set(choices)) == 1 and mouths[int(choices[0])].there.all():
        return usable[int(choices[0])]
    return _in_turns(shot, usable, mouths, spoken, choices)


def _most_said(lines: Sequence[SpokenLine], reasons: Sequence[int | str]) -> str:
    """Return the reason that holds for most of what is said."""
    times: dict[str, Seconds] = {}
    for line, reason in zip(lines, reasons, strict=True):
        times[str(reason)] = times.get(str(reason), 0.0) + line.end - line.start
    return max(times, key=lambda reason: (times[reason], reason))


def _watch(frames: Iterable[Frame], shot: Shot, faces: Sequence[FaceTrack]) -> list[_Mouth]:
    """Look at every face in every frame."""
    seen: list[list[tuple[float, float, float, bool]]] = [[] for _ in faces]
    before: list[npt.NDArray[np.int16] | None] = [None] * len(faces)
    for offset, frame in enumerate(frames):
        for place, face in enumerate(faces):
            now = aligned(frame, box_at(face, shot.first + offset))
            grey = now.astype(np.int16).mean(axis=2).astype(np.int16)
            last = before[place]
            motion, steady = (0.0 if last is None else float(np.abs(grey[part] - last[part]).mean()) for part in (MOUTH, UPPER))
            seen[place].append((opening(now), motion, steady, covered(now)))
            before[place] = grey
    return [_mouth(rows, _there(face, shot)) for face, rows in zip(faces, seen, strict=True)]


def _mouth(rows: Sequence[tuple[float, float, float, bool]], there: Mask) -> _Mouth:
    opened, motion, steady, hidden = (np.array(column) for column in zip(*rows, strict=True))
    return _Mouth(there[: len(opened)], opened, motion, steady, hidden.astype(bool))


def _there(face: FaceTrack, shot: Shot) -> Mask:
    """Return the frames in which a face is seen: between its key frames, and as far beyond as two of those lie apart."""
    keys = [box.frame for box in face.boxes]
    apart = min((other - one for one, other in pairwise(keys)), default=shot.last - shot.first)
    frames = np.arange(shot.first, shot.last)
    return np.asarray((frames > keys[0] - apart) & (frames < keys[-1] + apart))


def _choices(lines: Sequence[SpokenLine], spoken: Sequence[Mask], mouths: Sequence[_Mouth], levels: Curve) -> list[int | str]:
    """Return for each line the face that says it, or why none does."""
    known = {line.who: None for line in lines if line.who >= 0}
    groups = [[place for place, line in enumerate(lines) if line.who == who] for who in known]
    groups += [[place] for place, line in enumerate(lines) if line.who < 0]
    choices: list[int | str] = [""] * len(lines)
    for group in groups:
        own = np.logical_or.reduce([spoken[place] for place in group])
        others = np.logical_or.reduce([np.zeros_like(own), *(mask for place, mask in enumerate(spoken) if place not in group)])
        choice = _choose(own, _widened(own) & ~(others & ~own), mouths, levels)
        for place in group:
            choices[place] = choice
    return choices


def _choose(own: Mask, around: Mask, mouths: Sequence[_Mouth], levels: Curve) -> int | str:
    """Return the face that speaks in the frames `own`, judged over `around`, or why there is none."""
    there = [place for place, mouth in enumerate(mouths) if np.count_nonzero(mouth.there & own) >= _PRESENT * np.count_nonzero(own)]
    if not there:
        return "no-face"
    clear = [place for place in there if np.mean(mouths[place].hidden[own]) <= _HIDDEN]
    if not clear:
        return "occluded"
    scores = {place: _follows(mouths[place], own, around, levels) for place in clear}
    best = max(clear, key=lambda place: (scores[place], -place))
    return best if scores[best] >= FOLLOWS else "off-screen"


def _follows(mouth: _Mouth, own: Mask, around: Mask, levels: Curve) -> float:
    """Return how well a mouth follows the voice, -1 to 1; -1 for one that does not move, 1 for one that does and has no time to tell."""
    seen = own & mouth.there
    if mouth.motion[seen].mean() <= _MORE * mouth.steady[seen].mean() + _LEVELS:
        return -1.0
    if np.count_nonzero(seen) < FEWEST:
        return 1.0
    return max(_correlation(curve, levels, around & mouth.there) for curve in (mouth.opened, mouth.motion - mouth.steady))


def _correlation(curve: Curve, levels: Curve, frames: Mask) -> float:
    """Return the highest Pearson correlation of a mouth's curve with the voice's level within `_LAGS` frames of each other."""
    places, calm, found = np.flatnonzero(frames), _smooth(curve), [-1.0]
    for lag in range(-_LAGS, _LAGS + 1):
        kept = places[(places + lag >= 0) & (places + lag < len(calm))]
        one, other = levels[kept], calm[kept + lag]
        if len(kept) > 2 and one.std() > 1e-6 and other.std() > 1e-6:
            found.append(float(np.corrcoef(one, other)[0, 1]))
    return max(found)


def _in_turns(
    shot: Shot, faces: Sequence[FaceTrack], mouths: Sequence[_Mouth], spoken: Sequence[Mask], choices: Sequence[int | str]
) -> FaceTrack:
    """Return one track that goes from face to face: between two lines it changes in the middle of the pause."""
    ends = [(int(np.flatnonzero(mask)[0]), int(np.flatnonzero(mask)[-1])) for mask in spoken]
    middles = ((one[1] + other[0] + 1) // 2 for one, other in pairwise(ends))
    edges = [*accumulate((0, *middles), max), len(spoken[0])]  # never back, where a line is said within another
    spans: list[FaceSpan] = []
    boxes: list[FaceBox] = []
    for (start, end), choice in _runs([*pairwise(edges)], choices):
        if isinstance(choice, str):
            continue
        seen = np.flatnonzero(mouths[choice].there[start:end])
        if len(seen):
            first, last = shot.first + start + int(seen[0]), shot.first + start + int(seen[-1]) + 1
            spans.append(FaceSpan(first, last))
            boxes += _pinned(faces[choice], first, last)
    return FaceTrack(shot.id, tuple(boxes), spans=tuple(spans))


def _runs(edges: Sequence[tuple[int, int]], choices: Sequence[int | str]) -> list[tuple[tuple[int, int], int | str]]:
    """Return neighbouring spans of one choice as one."""
    runs: list[tuple[tuple[int, int], int | str]] = []
    for (start, end), choice in zip(edges, choices, strict=True):
        if runs and runs[-1][1] == choice:
            runs[-1] = ((runs[-1][0][0], end), choice)
        else:
            runs.append(((start, max(start, end)), choice))
    return runs


def _pinned(face: FaceTrack, first: int, last: int) -> list[FaceBox]:
    """Return a face's boxes within frames, and one at each end: what another span holds does not pull at them."""
    ends = [FaceBox(frame, *(round(side) for side in box_at(face, frame))) for frame in sorted({first, last - 1})]
    return [ends[0], *(box for box in face.boxes if first < box.frame < last - 1), *ends[1:]]


def _frames_of(line: SpokenLine, size: int, frame_rate: float) -> Mask:
    middle = (np.arange(size) + 0.5) / frame_rate
    own = (middle >= line.start) & (middle < line.end)
    if not own.any():
        own[min(size - 1, max(0, int(line.start * frame_rate)))] = True
    return np.asarray(own)


def _widened(mask: Mask) -> Mask:
    return np.convolve(mask, np.ones(2 * _SILENCE + 1), mode="full")[_SILENCE : _SILENCE + len(mask)] > 0


def _smooth(curve: Curve) -> Curve:
    """Return the mean of three frames."""
    padded = np.pad(curve.astype(np.float64), 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3)
