"""Mouth shapes of spoken sounds: a phoneme's name -> how far the lips part and how wide they are -> one shape per film frame.

Figures are classes of lip reading (Fisher 1968, "Confusions among visually perceived consonants"; Jeffers and Barley 1971): vowels
by height and rounding, consonants by where the lips are. They are proportions for a warp, not measurements of a speaker.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Seconds, SpokenSound

Curve = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MouthShape:
    """`openness` 0 (lips closed) to 1 (widest vowel); `width` -1 (rounded) to 1 (spread).

    `firm` is False for sounds made behind the teeth, where the lips stay as the neighbours have them.
    """

    openness: float
    width: float = 0.0
    firm: bool = True
    viseme: str = ""  # name of its class, as `tasks.blendshapes` knows it


@dataclass(frozen=True, slots=True)
class MouthCurves:
    """One value per film frame: the mouth's shape, and how much of it is ours (`activity`, 0 = the original mouth, 1 = all)."""

    openness: Curve
    width: Curve
    activity: Curve


REST = MouthShape(0.05, viseme="rest")
UNKNOWN = MouthShape(0.3, viseme="eh")

_CLASSES: tuple[tuple[str, MouthShape], ...] = (
    # vowels, IPA first, then the letters that espeak-ng's own names use for them
    ("a æ ɑ ɐ ɶ A &", MouthShape(1.0, 0.1, viseme="aa")),
    ("ʌ V", MouthShape(0.75, viseme="ah")),
    ("ɛ E", MouthShape(0.7, 0.4, viseme="eh")),
    ("ə ɜ ɚ ɝ ɘ ɵ ɤ @ 3", MouthShape(0.55, viseme="er")),
    ("e", MouthShape(0.6, 0.6, viseme="ey")),
    ("ɪ ᵻ ɨ I", MouthShape(0.35, 0.6, viseme="ih")),
    ("i", MouthShape(0.3, 1.0, viseme="iy")),
    ("ɯ", MouthShape(0.3, 0.2, viseme="eu")),
    ("ɒ ɔ O 0", MouthShape(0.75, -0.5, viseme="ao")),
    ("œ W", MouthShape(0.6, -0.5, viseme="oe")),
    ("o ɞ", MouthShape(0.65, -0.8, viseme="ow")),
    ("ø Y", MouthShape(0.45, -0.8, viseme="oy")),
    ("ʊ U ʏ", MouthShape(0.35, -0.8, viseme="uh")),
    ("u y ʉ w ɥ ʍ", MouthShape(0.25, -1.0, viseme="uw")),
    # consonants
    ("p b m ɓ", MouthShape(0.0, viseme="pp")),
    ("f v ʋ ɱ β ɸ F B", MouthShape(0.08, 0.1, viseme="ff")),
    ("θ ð T D", MouthShape(0.25, 0.1, viseme="th")),
    ("s z ɕ ʑ c", MouthShape(0.2, 0.5, viseme="ss")),
    ("ʃ ʒ ʂ ʐ S Z", MouthShape(0.3, -0.6, viseme="sh")),
    ("ɹ ɻ ʁ R", MouthShape(0.3, -0.4, viseme="rr")),
    ("t d n ʈ ɖ ɳ ɟ J ɗ", MouthShape(0.22, 0.2, viseme="dd")),
    ("l r ɾ ɽ ɭ ʎ ɫ ɲ * L", MouthShape(0.35, 0.1, viseme="ll")),
    ("j C ʝ", MouthShape(0.3, 0.5, viseme="yy")),
    ("k g ɡ ɠ ŋ N q x χ ɣ Q h ħ ɦ H ʔ ʕ ? ɴ X", MouthShape(0.35, firm=False, viseme="kk")),
)
_SHAPES: dict[str, MouthShape] = {symbol: shape for symbols, shape in _CLASSES for symbol in symbols.split()}
_MODIFIERS = frozenset("ːˑ:;',#^~-!%=`\\\".|_ʰʲʷˠˤᵝˈˌh0123456789")
_HELD = MouthShape(0.35, firm=False, viseme="kk")
_CLOSED = 0.1  # openness below which lips meet
_LONGEST_PAUSE: Seconds = 0.3  # speech goes on across a shorter pause: the lips do not go back to the original's
_RAMP = 3  # frames from the original mouth to ours and back
_QUIETEST = 10 ** (-45 / 20)  # RMS, full scale: below it nothing is said where an engine names no sounds


def shapes_of(name: str) -> tuple[MouthShape, ...]:
    """Return the shapes that one phoneme runs through ("aɪ": two; a pause: rest), () for a name that is not known.

    Reads IPA and the names espeak-ng gives its phonemes; lengths, stress, tones and other modifiers do not move the lips.
    """
    if is_pause(name):
        return (REST,)
    found: list[MouthShape] = []
    for symbol in unicodedata.normalize("NFD", name):
        if symbol in _SHAPES and not (found and symbol in _MODIFIERS):
            found.append(_SHAPES[symbol])
    return tuple(found) or ((_HELD,) if set(name) <= _MODIFIERS else ())


def is_pause(name: str) -> bool:
    """Return whether a name means silence or a change of language ("_:", "(en)") rather than a sound."""
    return name.startswith("(") or not name.strip(" _:!|")


def unknown_names(sounds: Sequence[SpokenSound]) -> Counter[str]:
    """Count the sounds whose names the table does not know; they are shown as a half-open mouth."""
    return Counter(sound.shape for sound in sounds if not shapes_of(sound.shape))


def mouth_curves(sounds: Sequence[SpokenSound], speech: Sound, sample_rate: int, frames: int, frame_rate: float) -> MouthCurves:
    """Return the mouth of each of `frames` frames; without `sounds` it opens by loudness alone.

    Shapes are joined linearly from middle to middle and smoothed over three frames, so that each leans towards its neighbours; a
    closure (p, b, m) is always reached in the frame nearest to it.
    """
    loudness = speech_loudness(speech, sample_rate, frames, frame_rate)
    if not sounds:
        return MouthCurves(
            loudness * 0.8,
            np.zeros(frames, np.float32),
            _activity(_loud_spans(speech, sample_rate, frames, frame_rate), frames, frame_rate),
        )
    aims = targets(sounds)
    times = [time for time, _ in aims]
    opened = blended(times, [shape.openness for _, shape in aims], frames, frame_rate) * (0.6 + 0.4 * loudness)
    for frame, shape in closures(aims, frames, frame_rate):
        opened[frame] = shape.openness
    spans = [(sound.start, sound.end) for sound in sounds if not is_pause(sound.shape)]
    wide = blended(times, [shape.width for _, shape in aims], frames, frame_rate)
    return MouthCurves(opened.astype(np.float32), wide.astype(np.float32), _activity(spans, frames, frame_rate))


def targets(sounds: Sequence[SpokenSound]) -> list[tuple[Seconds, MouthShape]]:
    """Return the moment of every firm shape, in order; a sound of several shapes shares its time out evenly."""
    aims: list[tuple[Seconds, MouthShape]] = []
    for sound in sorted(sounds, key=lambda sound: sound.start):
        shapes = shapes_of(sound.shape) or (UNKNOWN,)
        step = (sound.end - sound.start) / len(shapes)
        aims += [(sound.start + (place + 0.5) * step, shape) for place, shape in enumerate(shapes) if shape.firm]
    return aims or [(0.0, UNKNOWN)]


def blended(times: Sequence[Seconds], values: Sequence[float], frames: int, frame_rate: float) -> npt.NDArray[np.float64]:
    """Return values aimed at in moments as a curve, one value per frame: linear between them, then the mean of a frame and both sides."""
    curve = np.pad(np.interp((np.arange(frames) + 0.5) / frame_rate, times, values), 1, mode="edge") if frames else np.zeros(2)
    return np.asarray((curve[:-2] + 2 * curve[1:-1] + curve[2:]) / 4, np.float64)


def closures(aims: Sequence[tuple[Seconds, MouthShape]], frames: int, frame_rate: float) -> list[tuple[int, MouthShape]]:
    """Return the frames in which lips meet each other or the teeth: a viewer misses those first."""
    met = [(int(time * frame_rate), shape) for time, shape in aims if shape.openness < _CLOSED]
    return [(frame, shape) for frame, shape in met if 0 <= frame < frames]


def speech_levels(speech: Sound, sample_rate: int, frames: int, frame_rate: float) -> npt.NDArray[np.float64]:
    """Return the RMS of mono speech under each frame, full scale; 0 past its end."""
    edges = np.minimum(np.round(np.arange(frames + 1) * sample_rate / frame_rate).astype(np.int64), len(speech))
    energy = np.concatenate([[0.0], np.cumsum(speech.astype(np.float64) ** 2)])
    spent: npt.NDArray[np.float64] = np.diff(energy[edges])
    return np.sqrt(np.maximum(spent, 0.0) / np.maximum(np.diff(edges), 1))


def speech_loudness(speech: Sound, sample_rate: int, frames: int, frame_rate: float) -> Curve:
    """Return loudness per frame in 0..1: the square root of RMS against the shot's loud passages (95th percentile of what sounds)."""
    levels = speech_levels(speech, sample_rate, frames, frame_rate)
    loud = levels[levels > _QUIETEST]
    if not len(loud):
        return np.zeros(frames, np.float32)
    return np.sqrt(np.clip(levels / np.percentile(loud, 95), 0, 1)).astype(np.float32)


def _loud_spans(speech: Sound, sample_rate: int, frames: int, frame_rate: float) -> list[tuple[Seconds, Seconds]]:
    loud = np.flatnonzero(speech_levels(speech, sample_rate, frames, frame_rate) > _QUIETEST)
    return [(frame / frame_rate, (frame + 1) / frame_rate) for frame in loud]


def _activity(spans: Sequence[tuple[Seconds, Seconds]], frames: int, frame_rate: float) -> Curve:
    """Return 1 in the frames of `spans` and of short pauses between them, falling to 0 within `_RAMP` frames outside."""
    activity = np.zeros(frames, np.float32)
    moments = (np.arange(frames) + 0.5) / frame_rate
    for start, end in _joined(spans):
        outside = np.maximum(np.maximum(start - moments, moments - end), 0) * frame_rate
        activity = np.maximum(activity, np.clip(1 - outside / _RAMP, 0, 1).astype(np.float32))
    return activity


def _joined(spans: Sequence[tuple[Seconds, Seconds]]) -> list[tuple[Seconds, Seconds]]:
    joined: list[tuple[Seconds, Seconds]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] < _LONGEST_PAUSE:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
