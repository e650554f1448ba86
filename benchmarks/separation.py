"""What the embedded separator is worth: recorded prompts over generated music, 3 dB under them, as mono, stereo and 5.1.

The dialogue's SI-SDR (Le Roux et al. 2019) is set against the mix's own, the bed is asked how much of the dialogue is still in it by the
gate's measure (`leakage.original`), and how much of the music has gone into the dialogue stem. Drums lie in the middle of stereo, where
they are hardest to tell from a voice.

    python benchmarks/separation.py [seconds]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from report import emit

from nightdub.datasets.prompts import recorded_prompts
from nightdub.infra.media.raw import g722_to_wav
from nightdub.quality.metrics.leakage import LeakClip, leakage
from nightdub.tasks.engines.centre_hpss import CentreHpss
from nightdub.tasks.sound import read_mono, resample, to_mono
from nightdub.tasks.stems import split

RATE = 48_000
SECONDS = 120
UNDER = 3.0  # dB by which the music lies under the dialogue
PAUSE = 0.8  # seconds after each prompt
AIM = 6.0  # dB of SI-SDR that the dialogue gains
LINE = 5 * RATE  # samples in which leakage is measured

Sound = npt.NDArray[np.float64]


def voices(folder: Path, seconds: float) -> Sound:
    """Return recorded prompts one after the other, at one level."""
    said, length = [], 0
    for prompt in recorded_prompts("en").values():
        sound = resample(read_mono(g722_to_wav(prompt.path, folder / "prompt.wav")), 16_000, RATE)
        if len(sound) > RATE:
            said += [0.1 * sound / np.std(sound), np.zeros(round(PAUSE * RATE))]
            length += len(said[-2]) + len(said[-1])
        if length > seconds * RATE:
            break
    return np.concatenate(said)[: round(seconds * RATE)]


def music(samples: int) -> Sound:
    """Return chords that change every two seconds and lie across the stereo picture, a bass and drums in its middle, shape (2, samples)."""
    rng, at = np.random.default_rng(7), np.arange(samples) / RATE
    bed = np.zeros((2, samples))
    for bar in range(-(-samples // (2 * RATE))):
        span = slice(bar * 2 * RATE, min((bar + 1) * 2 * RATE, samples))
        root = 196 * 2 ** (int(rng.integers(0, 12)) / 12)
        for ratio, left in ((1.0, 0.2), (1.26, 0.5), (1.5, 0.8), (0.25, 0.5)):
            tone = sum(np.sin(2 * np.pi * root * ratio * harmonic * at[span]) / harmonic for harmonic in (1, 2, 3))
            bed[:, span] += np.array([[1 - left], [left]]) * tone
        for beat in range(4):
            first = span.start + beat * RATE // 2
            hit = rng.standard_normal(max(min(RATE // 5, samples - first), 0))
            bed[:, first : first + len(hit)] += 1.2 * hit * np.exp(-np.arange(len(hit)) / (0.03 * RATE))
    return bed / np.std(bed)


def scenes(voice: Sound) -> dict[str, tuple[Sound, Sound]]:
    """Return layout -> dialogue and bed, shape (channels, samples)."""
    pair = music(len(voice)) * 0.1 * 10 ** (-UNDER / 20)
    quiet = np.zeros_like(voice)
    five = np.stack([pair[0], pair[1], pair.mean(axis=0) / 2, quiet, pair[1] / 2, pair[0] / 2])
    spoken = np.stack([quiet, quiet, voice, quiet, quiet, quiet])
    return {"mono": (voice[None], pair.mean(axis=0, keepdims=True)), "stereo": (np.stack([voice, voice]), pair), "five": (spoken, five)}


def si_sdr(wanted: Sound, got: Sound) -> float:
    """Return the scale-invariant ratio of signal to distortion in dB."""
    one, other = wanted.ravel(), got.ravel()
    scaled = (one @ other) / (one @ one) * one
    return float(10 * np.log10((scaled @ scaled) / ((other - scaled) @ (other - scaled))))


def left_in(wanted: Sound, rest: Sound) -> float:
    """Return how much of a sound is explained to be in another one, in dB against itself."""
    one, other = (resample(to_mono(sound), RATE, 16_000) for sound in (wanted, rest))
    size = LINE // 3
    clips = (LeakClip(str(at), one[at : at + size], other[at : at + size]) for at in range(0, len(one), size))
    return leakage(clips).value or 0.0


def measured(folder: Path, dialogue: Sound, bed: Sound) -> dict[str, float]:
    """Separate one mix and return what became of it."""
    soundfile.write(folder / "mix.wav", (dialogue + bed).T, RATE, subtype="PCM_24")
    started = time.process_time()
    split(folder / "mix.wav", folder / "dialogue.wav", folder / "bed.wav", None, CentreHpss())
    cpu = time.process_time() - started
    heard, rest = (soundfile.read(folder / f"{name}.wav", always_2d=True)[0].T for name in ("dialogue", "bed"))
    return {
        "dialogue_db": si_sdr(dialogue, heard),
        "dialogue_gain_db": si_sdr(dialogue, heard) - si_sdr(dialogue, dialogue + bed),
        "bed_db": si_sdr(bed, rest),
        "leak_into_bed_db": left_in(dialogue, rest),
        "leak_into_dialogue_db": left_in(bed, heard),
        "rtf": cpu / (dialogue.shape[1] / RATE),
    }


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        found = {layout: measured(folder, *scene) for layout, scene in scenes(voices(folder, seconds)).items()}
    figures: dict[str, float | int | str] = {"seconds": seconds}
    figures |= {f"{layout}_{name}": value for layout, row in found.items() for name, value in row.items()}
    worst = min(row["dialogue_gain_db"] for row in found.values())
    emit("separation", figures, worst, f"the dialogue gains at least {AIM:g} dB of SI-SDR in every layout", met=worst >= AIM)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) == 2 else SECONDS)
