"""Render a mix plan: bed and lines become a programme, its dialogue stem and its bed, block by block, measured while they are written.

Dialogue and bed are rounded to 24 bits and then added, so that the two files sum to the programme exactly. One thread measures and
another writes one block while the next is laid; blocks stay in order, so the bytes are the same.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.tasks.duck import STEP, Key
from nightdub.tasks.limiter import CONTEXT, limiting_gains, ride
from nightdub.tasks.loudness import BLOCK, CELL, Block, GatedMeter, ProgrammeMeter, Stretch, highest_peak, read_padded
from nightdub.tasks.rows import Decibel
from nightdub.tasks.sound import Samples, read_mono
from nightdub.tasks.wav24 import Wav24, packed, whole

RATE = 48_000  # Hz of every deliverable

_FADE_IN, _FADE_OUT = 0.005, 0.01  # seconds: no click where a line begins or is cut
_CELLS = round(STEP * RATE) // CELL  # in a step of the bed's gain


@dataclass(frozen=True, slots=True)
class LaidLine:
    """One line to be laid: `last - first` samples of its sound at 48 kHz."""

    segment: str
    path: Path
    first: int
    stop: int  # where the line itself ends
    last: int  # where its room has died away
    pan: tuple[float, ...]  # gain in each channel
    level: Decibel  # of its own, where it is heard
    energy: float  # sum of K-weighted squares at 48 kHz up to `stop`, before any gain
    cells: npt.NDArray[np.float64]  # mean K-weighted power in each 100 ms of the programme from that of `first` on
    key: Key
    gain: Decibel = 0.0


@dataclass(frozen=True, slots=True)
class MixPlan:
    """All that a rendering needs to know."""

    lines: tuple[LaidLine, ...]
    bed: Path
    channels: int
    frames: int
    spoken: tuple[Stretch, ...]
    course: npt.NDArray[np.float64] | None  # the bed's gain under speech in dB, in steps of 10 ms; None = left alone
    ceiling: float  # linear
    gating: str
    gain: Decibel = 0.0


@dataclass(frozen=True, slots=True)
class Rendered:
    loudness: Decibel | None  # by the plan's gating
    peak: float  # linear
    limited: int  # blocks of one cell


def meter(gating: str, spoken: tuple[Stretch, ...], channels: int) -> GatedMeter | ProgrammeMeter:
    """Return the loudness meter of a profile: over the dialogue, or over the whole programme."""
    return GatedMeter(spoken, RATE, channels) if gating == "dialogue" else ProgrammeMeter(RATE, channels)


def render(plan: MixPlan, out_programme: Path, out_dialogue: Path, out_bed: Path) -> Rendered:
    """Write the three files from front to back and measure the programme on its way."""
    laid, around = _Laid(plan), (CONTEXT + 1) * CELL
    with ExitStack() as stack:
        bed = stack.enter_context(open_bed(plan.bed))
        files = [stack.enter_context(Wav24(path, RATE, plan.channels, plan.frames)) for path in (out_programme, out_dialogue, out_bed)]
        measurer, writer = (stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2))
        output = _Output(plan, *files)
        behind: list[Future[None]] = []
        for start in range(0, plan.frames, BLOCK):
            frames = min(BLOCK, plan.frames - start)
            first, last = start - around, start + -(-frames // CELL) * CELL + around
            block = read_bed(bed, first, last)
            ride(block, bed_gains(plan, first // CELL, last // CELL))
            mixed, block, speech, limited = _together(block, laid.between(first, last), plan.ceiling)
            for earlier in behind:
                earlier.result()
            output.limited += limited
            behind = [writer.submit(output.write, frames, block, speech), measurer.submit(output.measure, start, frames, mixed)]
        for last_one in behind:
            last_one.result()
    return Rendered(output.meter.loudness, output.peak, output.limited)


def _together(bed: Block, speech: Block | None, ceiling: float) -> tuple[Block, Block, Block | None, int]:
    """Return bed and speech, bed alone and speech alone, all limited, with one cell of context; and how many cells were limited."""
    mixed = bed if speech is None else bed + speech
    gains = limiting_gains(mixed, ceiling)
    inner = slice(CONTEXT * CELL, -CONTEXT * CELL)
    mixed, bed, speech = mixed[inner], bed[inner], None if speech is None else speech[inner]
    if gains is None:
        return mixed, bed, speech, 0
    ride(mixed, gains)
    if speech is None:
        return mixed, mixed, None, int((gains[1:-2] < 1).sum())
    ride(bed, gains)
    ride(speech, gains)
    return mixed, bed, speech, int((gains[1:-2] < 1).sum())


class _Output:
    """The three files being written, and what was measured on them so far."""

    def __init__(self, plan: MixPlan, programme: Wav24, dialogue: Wav24, bed: Wav24) -> None:
        self.meter, self.peak, self.limited = meter(plan.gating, plan.spoken, plan.channels), 0.0, 0
        self._programme, self._dialogue, self._bed = programme, dialogue, bed

    def measure(self, start: int, frames: int, mixed: Block) -> None:
        """Measure the next `frames` of the programme, with one cell of context on each side."""
        self.peak = highest_peak(mixed, self.peak)
        self.meter.feed(mixed[CELL : CELL + frames], start)

    def write(self, frames: int, bed: Block, speech: Block | None) -> None:
        """Write the next `frames`, given with one cell of context on each side."""
        kept = slice(CELL, CELL + frames)
        under = whole(bed[kept])
        bytes_under = packed(under)
        self._bed.put(bytes_under)
        if speech is None:
            self._programme.put(bytes_under)
            self._dialogue.skip(frames)
        else:
            spoken = whole(speech[kept])
            self._dialogue.put(packed(spoken))
            self._programme.put(packed(under + spoken))


class _Laid:
    """The dialogue of a plan, asked for front to back; holds only the lines that reach into the block."""

    def __init__(self, plan: MixPlan) -> None:
        self._coming = sorted(plan.lines, key=lambda line: (line.first, line.segment), reverse=True)
        self._gain, self._channels = plan.gain, plan.channels
        self._held: list[tuple[LaidLine, Samples]] = []

    def between(self, first: int, last: int) -> Block | None:
        """Return the sum of all lines from sample `first` up to `last`, shape (frames, channels), or None where there is no speech."""
        while self._coming and self._coming[-1].first < last:
            line = self._coming.pop()
            self._held.append((line, _sound_of(line, self._gain)))
        self._held = [(line, sound) for line, sound in self._held if line.first + sound.size > first]
        if not self._held:
            return None
        speech = np.zeros((last - first, self._channels), np.float32)
        for line, sound in self._held:
            begin, end = max(line.first, first), min(line.first + sound.size, last)
            heard = sound[begin - line.first : end - line.first]
            for channel, gain in enumerate(line.pan):
                if gain:
                    speech[begin - first : end - first, channel] += heard * np.float32(gain)
        return speech


def bed_gains(plan: MixPlan, first: int, last: int) -> npt.NDArray[np.float32]:
    """Return the bed's linear gain at each cell's edge from cell `first` to the end of the cell before `last`."""
    if plan.course is None:
        return np.full(last - first + 1, 10 ** (plan.gain / 20), np.float32)
    low, high = max(first // _CELLS - 1, 0), min(last // _CELLS + 2, len(plan.course))
    middles = (np.arange(low, max(high, low + 1)) + 0.5) * _CELLS
    edges = np.interp(np.arange(first, last + 1), middles, plan.course[low : max(high, low + 1)])
    return np.asarray(10 ** ((edges + plan.gain) / 20), np.float32)


def read_bed(bed: soundfile.SoundFile, first: int, last: int) -> Block:
    """Return a stretch of the bed in the programme's channels: mono lies on both of stereo."""
    block = read_padded(bed, first, last)
    return block if bed.channels > 1 else np.repeat(block, 2, axis=1)


def _sound_of(line: LaidLine, gain: Decibel) -> Samples:
    """Return a line at 48 kHz as it will be laid: cut to its place, faded at both ends, with its gain."""
    sound = read_mono(line.path, rate=RATE)[: line.last - line.first] * np.float32(10 ** ((line.gain + gain) / 20))
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
        raise MediaError(str(error), where=str(path), allowed="48 kHz WAV", fix="make the stems again") from error
    if bed.samplerate != RATE or bed.channels not in (1, 2, 6):
        found, allowed = f"{bed.samplerate} Hz, {bed.channels} channels", "48000 Hz; 1, 2 or 6 channels"
        raise MediaError(found, where=str(path), allowed=allowed, fix="convert it")
    return bed
