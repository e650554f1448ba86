"""The sample's sound: recordings of people laid on a timeline, over a generated bed; stereo or 5.1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.apps.sample.titles import VOICES, SampleTitle
from nightdub.datasets.prompts import Prompt
from nightdub.infra.media.raw import g722_to_wav
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import read_mono, resample, write_sound
from nightdub.tasks.stretch import stretch_file

RATE = 48_000  # Hz
FRAME_RATE = 25
SIGN = 2.0  # seconds in which a sign is seen, before the first line
CHORD = 4.0  # seconds
CENTRE = 2  # of 5.1: front left, front right, centre, low frequencies, back left, back right

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """One recorded line laid on the title's timeline; `sound` is mono."""

    start: Seconds
    sound: Sound
    prompt: Prompt
    speaker: str
    picture: str

    @property
    def end(self) -> Seconds:
        return self.start + len(self.sound) / RATE


def lay_out(title: SampleTitle, prompts: Mapping[str, Prompt]) -> Iterator[Line]:
    """Place the recordings one after the other, each on a frame's edge."""
    start = 1.0 + (SIGN if title.sign else 0.0)
    for index, line in enumerate(title.lines):
        sound = _recording(prompts[line.prompt], VOICES[line.speaker], line.tempo)
        yield Line(start, sound, prompts[line.prompt], line.speaker, line.picture)
        gap = 0.9 + 0.2 * (index % 4) if line.gap is None else line.gap
        start = round((start + len(sound) / RATE + gap) * FRAME_RATE) / FRAME_RATE


def dialogue(lines: Sequence[Line], length: Seconds, channels: int) -> Sound:
    """Return the lines in the centre: on both channels of stereo, on the third of 5.1; shape (channels, samples)."""
    track = np.zeros((channels, round(length * RATE)), np.float32)
    where = slice(None) if channels == 2 else slice(CENTRE, CENTRE + 1)
    for line in lines:
        first = round(line.start * RATE)
        track[where, first : first + len(line.sound)] += line.sound
    return track


def bed(length: Seconds, seed: int, channels: int) -> Sound:
    """Return slow chords, wide in the picture, and distant noise, about 20 dB below speech; behind the listener too in 5.1."""
    random = np.random.default_rng(seed)
    front = _stereo_bed(random, length)
    if channels == 2:
        return front
    track = np.zeros((channels, front.shape[1]), np.float32)
    track[:2], track[-2:] = front, 0.5 * _stereo_bed(random, length)
    return track


def _recording(prompt: Prompt, pitch: float, tempo: float) -> Sound:
    """Return a recording at 48 kHz and one level: played at another pitch and speed, or spoken faster at the same pitch."""
    with tempfile.TemporaryDirectory() as scratch:
        sound = read_mono(g722_to_wav(prompt.path, Path(scratch) / "prompt.wav"))
        loud = np.flatnonzero(np.abs(sound) > 0.02)
        sound = sound[max(loud[0] - 800, 0) : loud[-1] + 1600]
        sound = resample(sound, round(16_000 * pitch), RATE)
        if tempo != 1.0:
            slow, fast = write_sound(Path(scratch) / "slow.wav", sound, RATE), Path(scratch) / "fast.wav"
            stretch_file(slow, fast, round(len(sound) / tempo))
            sound = read_mono(fast, rate=RATE)
    return (sound * (0.08 / float(np.sqrt(np.mean(sound**2))))).astype(np.float32)


def _stereo_bed(random: np.random.Generator, length: Seconds) -> Sound:
    track = 0.008 * _rumble(random, round(length * RATE))
    for start in np.arange(0, length, CHORD):
        root = random.choice([98.0, 110.0, 130.8, 146.8])
        chord = _chord(root, random.uniform(0, 6, 4))
        first = round(start * RATE)
        place = track[:, first : first + chord.shape[1]]
        place += chord[:, : place.shape[1]]
    return track.astype(np.float32)


def _chord(root: float, phases: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return four notes at four places in the stereo picture, faded in and out over 0.8 s so that chords overlap."""
    time = np.arange(round((CHORD + 0.8) * RATE)) / RATE
    fade = np.clip(time / 0.8, 0, 1) * np.clip((CHORD + 0.8 - time) / 0.8, 0, 1)
    notes = [(root, 0.2), (root * 1.25, 0.8), (root * 1.5, 0.4), (root * 2, 0.65)]
    tones = [
        np.outer((1 - pan, pan), fade * np.sin(2 * np.pi * hertz * time + phase)) for (hertz, pan), phase in zip(notes, phases, strict=True)
    ]
    return np.asarray(0.008 * np.sum(tones, axis=0))


def _rumble(random: np.random.Generator, samples: int) -> npt.NDArray[np.float64]:
    """Return stereo noise that falls with frequency, without the slow drift below 10 Hz, at a peak of 1."""
    noise = np.cumsum(random.standard_normal((2, samples)), axis=1)
    sums = np.cumsum(np.pad(noise, ((0, 0), (2401, 2400)), mode="edge"), axis=1)
    noise -= (sums[:, 4801:] - sums[:, :-4801]) / 4801
    return np.asarray(noise / np.abs(noise).max())
