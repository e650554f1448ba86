"""The mouth of one shot in the delivered picture: does it move, is it sharp, is it calm, does it follow the voice.

All of it is measured in the pixels of the film, where the source's face was found, and held against the source and against the upper
half of the same face, which coding and camera treat alike. No model is behind it: it does not know what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import MetricFact
from nightdub.quality.metrics.pixels import Film, Grey, Real, without
from nightdub.tasks.face_pixels import DEPTH, MOUTH, SIDE, UPPER, Picture, aligned, opening
from nightdub.tasks.lips import Box, mouth_region

_SOURCE = "pixels of the film; Barker and Berthommier 1999 for lips and envelope"
_NONE = "no shot with a redrawn mouth has half a second of speech, or the mouth never opens"

FACTS: dict[str, MetricFact] = {
    "lips.correlation": MetricFact(
        "r",
        -1,
        1,
        "Pearson correlation of the dubbed speech's loudness with the mouth's opening, frame by frame as seen and heard; the opening is "
        "the share between the lips that is dark, or as light as skin and less red: the inside of a mouth, and teeth",
        _SOURCE,
        _NONE,
        interval=True,
    ),
    "lips.lag": MetricFact(
        "ms",
        -500,
        500,
        "shift of the mouth against the voice at which that correlation is highest; above 0 = the mouth is late",
        _SOURCE,
        f"{_NONE}; or there are fewer than 250 frames with speech; or the highest correlation is below 0.3",
    ),
    "lips.dtw": MetricFact(
        "deviations",
        0,
        10,
        "mean cost of the best path between loudness and opening, each in its standard deviations, by time warping within 3 frames; "
        "0 = one follows the other exactly, about 0.6 = they have nothing to do with each other",
        "librosa.sequence.dtw with a Sakoe-Chiba band",
        _NONE,
        interval=True,
    ),
}

Curve = npt.NDArray[np.float64]  # one value per frame
Detail = tuple[float, float, float]  # variance of the Laplacian in the mouth's region, around the lips, in the upper half of the face

LAGS = 12  # frames to each side within which the mouth may be found early or late
WARP = 3  # frames by which the path may leave the diagonal: with more, any two curves of syllables fit
FEWEST = 12  # frames with speech below which no mouth is judged
_QUIET = 10 ** (-45 / 20)  # RMS, full scale: below it nothing is said
_FLAT = 1e-4  # deviation of loudness below which it says nothing
STILL = 0.01  # deviation of the opening below which a mouth does not open and close; talking gives 0.04 to 0.09, coding 0.007

_AROUND = np.zeros((DEPTH, SIDE), bool)  # skin that an engine redraws and that articulation hardly moves
_AROUND[58:113, 8:88] = True
_AROUND[65:102, 21:75] = False
_RING = (0.22, 0.68, 0.78, 1.06)  # the same hole in shares of the box: left, top, right, bottom


@dataclass(frozen=True, slots=True)
class MouthScore:
    """One shot's mouth over the frames in which the dub speaks; levels are of 255."""

    frames: int  # with speech
    change: float  # mean absolute difference from the source in the mouth, levels
    noise: float  # the same in the upper half of the face, which nobody redraws
    sharpness: float  # variance of the Laplacian, dub / source, over the same of the upper half; the less of mouth and skin around it
    flicker: float  # mean absolute second difference in time around the lips, dub less source, levels
    motion: float  # mean absolute step of the dub's mouth from frame to frame, levels
    steady: float  # the same of the upper half
    opening: float  # standard deviation of the opening from the first word to the last, share of the lips' middle
    correlations: tuple[float, ...] = ()  # of loudness with opening, the mouth taken -LAGS to LAGS frames later
    on_screen: float = 1.0  # step of the dub's mouth over that of the upper half, each at its own place on the screen
    dtw: float | None = None  # mean cost of the best path between the two, standard deviations


@dataclass(slots=True)
class MouthWatch:
    """Looks at a face in the frames of one shot, one after the other: 11 kB kept for each frame and film."""

    _faces: tuple[list[Grey], list[Grey]] = field(default_factory=lambda: ([], []))
    _edges: list[tuple[Detail, Detail]] = field(default_factory=list)
    _opened: list[float] = field(default_factory=list)
    _steps: list[tuple[float, float]] = field(default_factory=list)
    _before: list[Grey] = field(default_factory=list)

    def look(self, source: Grey, dub: Grey, colour: Picture, box: Box) -> None:
        """Take one frame of both films, the dub's in colour as well, and the face's box in it."""
        for kept, picture in zip(self._faces, (source, dub), strict=True):
            kept.append(aligned(picture, box))
        self._opened.append(opening(aligned(colour, box)))
        self._edges.append((_edges(source, box), _edges(dub, box)))
        before = self._before[0] if self._before else dub
        self._steps.append((_step(before, dub, _mouth_pixels(dub, box)), _step(before, dub, _upper_pixels(box))))
        self._before = [dub]

    def score(self, levels: Curve) -> MouthScore | None:
        """Return what was seen where `levels` (RMS of the dubbed speech per frame, full scale) tell of speech; None = too little."""
        spoken = levels[: len(self._edges)] > _QUIET
        if np.count_nonzero(spoken) < FEWEST:
            return None
        source, dub = (np.stack(faces) for faces in self._faces)
        opened = np.array(self._opened)
        before, after = np.array(self._edges)[spoken].mean(axis=0)
        kept = [_ratio(float(one), float(other)) for one, other in zip(after, before, strict=True)]
        talk = slice(int(spoken.argmax()), len(spoken) - int(spoken[::-1].argmax()))  # from the first spoken frame to the last
        correlations = lag_correlations(levels[: len(opened)], opened, spoken)
        return MouthScore(
            frames=int(np.count_nonzero(spoken)),
            change=_difference(source, dub, MOUTH, spoken),
            noise=_difference(source, dub, UPPER, spoken),
            sharpness=min(kept[:2]) / kept[2],
            flicker=_flicker(dub, spoken) - _flicker(source, spoken),
            motion=_motion(dub, MOUTH, spoken),
            steady=_motion(dub, UPPER, spoken),
            opening=float(opened[talk].std()),
            correlations=correlations,
            on_screen=_ratio(*(float(step) for step in np.array(self._steps)[spoken].mean(axis=0))),
            dtw=path_cost(levels[talk], opened[talk]) if correlations else None,
        )


def lag_correlations(levels: Curve, opened: Curve, spoken: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the correlation of loudness at each spoken frame with the opening -LAGS to LAGS frames later; () where one is constant.

    Loudness is the square root of RMS, so that soft syllables count. Frames outside the shot are left out, and the correlation is
    taken times the share that is left, so that no far lag wins by having few.
    """
    loudness, frames = np.sqrt(levels), np.flatnonzero(spoken)
    if loudness[spoken].std() < _FLAT or opened.std() < STILL:
        return ()
    found = []
    for lag in range(-LAGS, LAGS + 1):
        kept = frames[(frames + lag >= 0) & (frames + lag < len(opened))]
        one, other = loudness[kept], opened[kept + lag]
        flat = len(kept) < FEWEST or one.std() < _FLAT or other.std() < _FLAT
        found.append(0.0 if flat else float(np.corrcoef(one, other)[0, 1]) * len(kept) / len(frames))
    return tuple(found)


def path_cost(levels: Curve, opened: Curve) -> float:
    """Return the mean cost of the cheapest monotone path between two curves of one length, in standard deviations; 0 = same shape."""
    from librosa.sequence import dtw

    one, other = ((curve - curve.mean()) / curve.std() for curve in (np.sqrt(levels), opened))
    costs = np.abs(one[:, None] - other[None, :])
    total, path = dtw(C=costs, global_constraints=True, band_rad=min(1.0, (WARP + 0.5) / len(one)))
    return float(total[-1, -1]) / len(path)


def _edges(picture: Grey, box: Box) -> Detail:
    """Return the variance of the Laplacian (Pech-Pacheco et al. 2000) in the film's own pixels; 0 where a part lies outside the film."""
    x, y, width, height = box
    left, top, _, _ = mouth_region(box, picture.shape[1], picture.shape[0])
    mouth = _laplacian(picture[_mouth_pixels(picture, box)])
    hole = (x + _RING[0] * width - left, y + _RING[1] * height - top, x + _RING[2] * width - left, y + _RING[3] * height - top)
    return _variance(mouth), _variance(mouth[without(mouth.shape, hole)]), _variance(_laplacian(picture[_upper_pixels(box)]))


def _mouth_pixels(picture: Grey, box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = mouth_region(box, picture.shape[1], picture.shape[0])
    return slice(top, bottom), slice(left, right)


def _upper_pixels(box: Box) -> tuple[slice, slice]:
    """Return rows and columns of the upper half of a face, none of them before the picture."""
    x, y, width, height = box
    rows, columns = ((y + 0.1 * height, y + 0.55 * height), (x + 0.1 * width, x + 0.9 * width))
    return slice(*(max(0, round(row)) for row in rows)), slice(*(max(0, round(column)) for column in columns))


def _step(before: Grey, now: Grey, place: tuple[slice, slice]) -> float:
    """Return the mean absolute difference of two frames in one place, levels; 0 for a place outside the film."""
    change = now[place].astype(np.int16) - before[place]
    return float(np.abs(change).mean()) if change.size else 0.0


def _laplacian(picture: Grey) -> Real:
    import cv2

    return np.asarray(cv2.Laplacian(picture, cv2.CV_32F), np.float32) if picture.size else np.zeros((0, 0), np.float32)


def _variance(values: Real) -> float:
    return float(values.var()) if values.size else 0.0


def _ratio(above: float, below: float) -> float:
    return (above + 1) / (below + 1)  # 1 = far below what a picture of skin has: two flat pictures are alike


def _difference(source: Film, dub: Film, part: tuple[slice, slice], spoken: npt.NDArray[np.bool_]) -> float:
    one, other = (faces[spoken][:, part[0], part[1]].astype(np.float32) for faces in (source, dub))
    return float(np.abs(one - other).mean())


def _motion(faces: Film, part: tuple[slice, slice], spoken: npt.NDArray[np.bool_]) -> float:
    """Return the mean absolute step into the spoken frames."""
    steps = np.abs(np.diff(faces[:, part[0], part[1]].astype(np.float32), axis=0)).mean(axis=(1, 2))
    return float(steps[spoken[1:]].mean()) if spoken[1:].any() else 0.0


def _flicker(faces: Film, spoken: npt.NDArray[np.bool_]) -> float:
    """Return the mean absolute difference of each spoken frame from the mean of its neighbours, in the skin around the lips."""
    skin = faces[:, _AROUND].astype(np.float32)
    off = np.abs(skin[1:-1] - (skin[:-2] + skin[2:]) / 2).mean(axis=1)
    return float(off[spoken[1:-1]].mean()) if spoken[1:-1].any() else 0.0


def pooled(rows: Sequence[tuple[float, int]]) -> float:
    """Return the mean of values weighted by their frames."""
    return sum(value * frames for value, frames in rows) / sum(frames for _, frames in rows)
