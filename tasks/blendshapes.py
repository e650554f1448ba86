"""A line's mouth as the 52 blendshapes of ARKit, for those who animate a head: visemes and loudness -> one row of weights per frame.

Names: Apple, ARFaceAnchor.BlendShapeLocation. The weights of each viseme are our own table: set by hand from what the classes of
`tasks.visemes` say of jaw, lips and corners (Fisher 1968; Jeffers and Barley 1971), not measured on faces and not taken from another
tool. Shapes that speech does not move (eyes, brows, nose, cheeks) stay at 0.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nightdub.tasks.formats.cells import harmless
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Seconds, SpokenSound
from nightdub.tasks.visemes import blended, closures, mouth_curves, speech_loudness, targets

_EYES = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_SIDED = ("Smile", "Frown", "Dimple", "Stretch", "RollLower", "RollUpper", "ShrugLower", "ShrugUpper", "Press", "LowerDown", "UpperUp")
_UNSIDED = ("RollLower", "RollUpper", "ShrugLower", "ShrugUpper")
NAMES: tuple[str, ...] = (
    *(f"eye{name}{side}" for side in ("Left", "Right") for name in _EYES),
    *("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"),
    *(f"mouth{name}{side}" for name in _SIDED for side in (("",) if name in _UNSIDED else ("Left", "Right"))),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)

# Viseme -> weights; a name without its side stands for both. `jawOpen` and `mouthClose` together are lips that meet over parted teeth.
WEIGHTS: dict[str, dict[str, float]] = {
    "rest": {"mouthClose": 0.02},
    "aa": {"jawOpen": 0.65, "mouthLowerDown": 0.25, "mouthUpperUp": 0.15},
    "ah": {"jawOpen": 0.5, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    "eh": {"jawOpen": 0.42, "mouthStretch": 0.2, "mouthSmile": 0.1, "mouthLowerDown": 0.2},
    "er": {"jawOpen": 0.32, "mouthFunnel": 0.12, "mouthLowerDown": 0.15},
    "ey": {"jawOpen": 0.34, "mouthStretch": 0.28, "mouthSmile": 0.18, "mouthLowerDown": 0.2},
    "ih": {"jawOpen": 0.2, "mouthStretch": 0.28, "mouthSmile": 0.2, "mouthLowerDown": 0.18},
    "iy": {"jawOpen": 0.14, "mouthStretch": 0.35, "mouthSmile": 0.35, "mouthDimple": 0.15, "mouthLowerDown": 0.15},
    "eu": {"jawOpen": 0.15, "mouthStretch": 0.2, "mouthLowerDown": 0.15},
    "ao": {"jawOpen": 0.5, "mouthFunnel": 0.45, "mouthPucker": 0.1},
    "oe": {"jawOpen": 0.38, "mouthFunnel": 0.5, "mouthPucker": 0.15},
    "ow": {"jawOpen": 0.38, "mouthFunnel": 0.5, "mouthPucker": 0.35},
    "oy": {"jawOpen": 0.25, "mouthFunnel": 0.45, "mouthPucker": 0.45},
    "uh": {"jawOpen": 0.2, "mouthFunnel": 0.35, "mouthPucker": 0.5},
    "uw": {"jawOpen": 0.14, "mouthFunnel": 0.25, "mouthPucker": 0.75},
    "pp": {"jawOpen": 0.06, "mouthClose": 0.12, "mouthPress": 0.35, "mouthRollLower": 0.2, "mouthRollUpper": 0.15},
    "ff": {"jawOpen": 0.1, "mouthRollLower": 0.45, "mouthUpperUp": 0.2, "mouthShrugLower": 0.15},
    "th": {"jawOpen": 0.18, "mouthLowerDown": 0.15, "tongueOut": 0.25},
    "ss": {"jawOpen": 0.08, "mouthStretch": 0.25, "mouthSmile": 0.12, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    "sh": {"jawOpen": 0.12, "mouthFunnel": 0.5, "mouthPucker": 0.2, "mouthUpperUp": 0.1},
    "rr": {"jawOpen": 0.18, "mouthFunnel": 0.3, "mouthPucker": 0.2},
    "dd": {"jawOpen": 0.14, "mouthStretch": 0.12, "mouthLowerDown": 0.15},
    "ll": {"jawOpen": 0.22, "mouthLowerDown": 0.15},
    "yy": {"jawOpen": 0.14, "mouthStretch": 0.25, "mouthSmile": 0.2},
    "kk": {"jawOpen": 0.2, "mouthLowerDown": 0.1},
}
_BY_LOUDNESS = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
_WITHOUT_SOUNDS = 0.6  # jaw of the loudest moment where the engine names no sounds

Weights = npt.NDArray[np.float32]  # (frames, 52), 0..1


class LineCurves(NamedTuple):
    """One line's weights, from a frame of the film on."""

    segment: str
    speaker: str
    first: int
    weights: Weights


def weights_of(viseme: str) -> npt.NDArray[np.float64]:
    """Return the 52 weights of one viseme. Raises: KeyError."""
    row = np.zeros(len(NAMES))
    for name, weight in WEIGHTS[viseme].items():
        for full in (name,) if name in NAMES else (f"{name}Left", f"{name}Right"):
            row[NAMES.index(full)] = weight
    return row


def curves(sounds: Sequence[SpokenSound], speech: Sound, sample_rate: int, frames: int, frame_rate: float) -> Weights:
    """Return the weights of each of `frames` frames; `sounds` and `speech` (mono) start with the first.

    As in `tasks.visemes.mouth_curves` shapes lean towards their neighbours, closures are reached, quiet speech opens less, and
    all is 0 where nothing is said. Without `sounds` the jaw follows loudness alone.
    """
    activity = mouth_curves(sounds, speech, sample_rate, frames, frame_rate).activity
    loudness = speech_loudness(speech, sample_rate, frames, frame_rate)
    if not sounds:
        made = np.zeros((frames, len(NAMES)))
        made[:, NAMES.index("jawOpen")] = _WITHOUT_SOUNDS * loudness
    else:
        aims = targets(sounds)
        times, rows = [time for time, _ in aims], np.stack([weights_of(shape.viseme) for _, shape in aims])
        made = np.stack([blended(times, list(column), frames, frame_rate) for column in rows.T], axis=1)
        made[:, [NAMES.index(name) for name in _BY_LOUDNESS]] *= (0.6 + 0.4 * loudness)[:, None]
        for frame, shape in closures(aims, frames, frame_rate):
            made[frame] = weights_of(shape.viseme)
    return np.clip(made * activity[:, None], 0, 1).astype(np.float32)


def write_curves(path: Path, lines: Iterable[LineCurves], frame_rate: float) -> Path:
    """Write lines as CSV: segment, speaker, frame and time in the film (seconds, of the frame's start), then the 52 weights."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["segment", "speaker", "frame", "time", *NAMES])
        for line in lines:
            for offset, row in enumerate(line.weights):
                frame = line.first + offset
                writer.writerow(
                    [line.segment, harmless(line.speaker), frame, f"{frame / frame_rate:.4f}", *(f"{weight:.3g}" for weight in row)]
                )
    return path


def line_curves(
    segment: str, speaker: str, start: Seconds, sounds: Sequence[SpokenSound], speech: Sound, sample_rate: int, frame_rate: float
) -> LineCurves:
    """Return one line's curves in the film's frames; `start` is the film's time at which `speech` and `sounds` begin."""
    first = int(start * frame_rate + 1e-6)
    late = start - first / frame_rate
    count = int(np.ceil((late + len(speech) / sample_rate) * frame_rate))
    padded = np.concatenate([np.zeros(round(late * sample_rate), np.float32), speech])
    timed = [SpokenSound(sound.shape, sound.start + late, sound.end + late) for sound in sounds]
    return LineCurves(segment, speaker, first, curves(timed, padded, sample_rate, count, frame_rate))
