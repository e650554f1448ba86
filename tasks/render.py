"""Render a mix plan: bed and lines become a programme and its dialogue stem, block by block, measured while they are written.

A second thread measures and writes one block while the next is laid; blocks stay in order, so the bytes are the same.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.tasks.limiter import CONTEXT, limiting_gains, ride
from nightdub.tasks.loudness import BLOCK, CELL, Block, GatedMeter, Stretch, highest_peak, read_padded
from nightdub.tasks.rows import Decibel
from nightdub.tasks.sound import Samples, read_mono
from nightdub.tasks.wav24 import Wav24

RATE = 48_000  # Hz of every deliverable

_FADE_IN, _FADE_OUT = 0.005, 0.01  # seconds: no click where a line begins or is cut
_ATTACK, _RELEASE = 0.2, 0.5  # seconds in which the bed gives way before a line and comes back after it


@dataclass(frozen=True, slots=True)
class LaidLine:
    """One line to be laid: `stop - first` samples of its sound at 48 kHz."""

    segment: str
    path: Path
    first: int
    stop: int
    level: Decibel  # RMS of its own
    energy: float  # sum of K-weighted squares at 48 kHz, before any gain
    gain: Decibel = 0.0


@dataclass(frozen=True, slots=True)
class MixPlan:
    """All that a rendering needs to know."""

    lines: tuple[LaidLine, ...]
    bed: Path
    frames: int
    spoken: tuple[Stretch, ...]
    ducking: Decibel
    ceiling: float  # linear
    gain: Decibel


@dataclass(frozen=True, slots=True)
class Rendered:
    power: float  # K-weighted, dialogue-gated
    peak: float  # linear
    limited: int  # blocks of one cell


def render(plan: MixPlan, out_programme: Path, out_dialogue: Path) -> Rendered:
    """Write both files from front to back and measure the programme on its way."""
    laid, duck, around = _Laid(plan), _Duck(plan), (CONTEXT + 1) * CELL
    with (
        open_bed(plan.bed) as bed,
        Wav24(out_programme, RATE, 2, plan.frames) as programme,
        Wav24(out_dialogue, RATE, 1, plan.frames) as stem,
        ThreadPoolExecutor(1) as aside,
    ):
        output, behind = _Output(plan, programme, stem), Future[None]()
        behind.set_result(None)
        for start in range(0, plan.frames, BLOCK):
            frames = min(BLOCK, plan.frames - start)
            first, last = start - around, start + -(-frames // CELL) * CELL + around
            block = read_padded(bed, first, last)
            ride(block, duck.gains(first // CELL, last // CELL))
            speech = laid.between(first, last)
            block, speech, limited = _together(block, speech, plan.ceiling)
            behind.result()
            output.limited += limited
            behind = aside.submit(output.take, start, frames, block, speech)
        behind.result()
    return Rendered(output.meter.power, output.peak, output.limited)


def _together(block: Block, speech: Samples | None, ceiling: float) -> tuple[Block, Samples | None, int]:
    """Return bed and speech, and speech alone, both limited, without their context but for one cell; and how many cells were limited."""
    if speech is not None:
        block[:, 0] += speech
        block[:, 1] += speech
        speech = speech[CONTEXT * CELL : -CONTEXT * CELL]
    gains, block = limiting_gains(block, ceiling), block[CONTEXT * CELL : -CONTEXT * CELL]
    if gains is None:
        return block, speech, 0
    ride(block, gains)
    if speech is not None:
        ride(speech, gains)
    return block, speech, int((gains[1:-2] < 1).sum())


class _Output:
    """The two files being written, and what was measured on them so far."""

    def __init__(self, plan: MixPlan, programme: Wav24, stem: Wav24) -> None:
        self.meter, self.peak, self.limited = GatedMeter(plan.spoken, RATE, 2), 0.0, 0
        self._programme, self._stem = programme, stem

    def take(self, start: int, frames: int, block: Block, speech: Samples | None) -> None:
        """Measure and write the next `frames`; both arrays have one cell of context on each side."""
        self.peak = highest_peak(block, self.peak)
        kept = block[CELL : CELL + frames]
        self.meter.feed(kept, start)
        self._programme.write(kept)
        if speech is None:
            self._stem.skip(frames)
        else:
            self._stem.write(speech[CELL : CELL + frames])


class _Laid:
    """The dialogue of a plan, asked for front to back; holds only the lines that reach into the block."""

    def __init__(self, plan: MixPlan) -> None:
        self._coming = sorted(plan.lines, key=lambda line: (line.first, line.segment), reverse=True)
        self._gain = plan.gain
        self._held: list[tuple[int, Samples]] = []

    def between(self, first: int, last: int) -> Samples | None:
        """Return the sum of all lines from sample `first` up to `last`, or None where there is no speech."""
        while self._coming and self._coming[-1].first < last:
            line = self._coming.pop()
            self._held.append((line.first, _sound_of(line, self._gain)))
        self._held = [(at, sound) for at, sound in self._held if at + sound.size > first]
        if not self._held:
            return None
        speech = np.zeros(last - first, np.float32)
        for at, sound in self._held:
            begin, end = max(at, first), min(at + sound.size, last)
            speech[begin - first : end - first] += sound[begin - at : end - at]
        return speech


class _Duck:
    """The bed's gain in time: down before a line begins, up after it ends, straight in decibels, unmoved in short pauses."""

    def __init__(self, plan: MixPlan) -> None:
        attack, release = round(_ATTACK * RATE), round(_RELEASE * RATE)
        times: list[int] = []
        for first, last in plan.spoken:
            if times and first - attack <= times[-1]:
                del times[-2:]
                times += [last, last + release]
            else:
                times += [first - attack, first, last, last + release]
        self._times = np.array(times or [0]) / CELL
        self._levels = np.array([0.0, plan.ducking, plan.ducking, 0.0] * (len(times) // 4) or [0.0]) + plan.gain

    def gains(self, first: int, last: int) -> npt.NDArray[np.float32]:
        """Return the linear gain at each cell's edge from cell `first` to the end of the cell before `last`."""
        edges = np.interp(np.arange(first, last + 1), self._times, self._levels)
        return np.asarray(10 ** (edges / 20), np.float32)


def _sound_of(line: LaidLine, gain: Decibel) -> Samples:
    """Return a line at 48 kHz as it will be laid: cut to its place, faded at both ends, with its gain."""
    sound = read_mono(line.path, rate=RATE)[: line.stop - line.first] * np.float32(10 ** ((line.gain + gain) / 20))
    into, out = min(round(_FADE_IN * RATE), sound.size // 2), min(round(_FADE_OUT * RATE), sound.size // 2)
    sound[:into] *= _rise(into)
    sound[sound.size - out :] *= _rise(out)[::-1]
    return sound


def _rise(samples: int) -> Samples:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1)), np.float32)


def open_bed(path: Path) -> soundfile.SoundFile:
    try:
        bed = soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="48 kHz stereo WAV", fix="make the stems again") from error
    if (bed.samplerate, bed.channels) != (RATE, 2):
        raise MediaError(f"{bed.samplerate} Hz, {bed.channels} channels", where=str(path), allowed="48000 Hz, 2 channels", fix="convert it")
    return bed
