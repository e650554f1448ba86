"""Lay the spoken lines over music and effects: a programme, its dialogue stem and its bed, at the loudness and true peak of the profile.

Everything streams: memory does not grow with the programme. The lines and the bed (all of it, or a spread of it under the lines, as the
profile's gate asks) are heard once to find the gain, then the programme is rendered and measured while it is written; where it misses
the target, it is rendered once more with the gain corrected. Nothing is compressed, so that the loudness range stays the original's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use: signal alone takes a second

from nightdub.infra.errors import MediaError
from nightdub.tasks.acoustics import frame_powers, heard_level
from nightdub.tasks.downmix import Folded, decibel, fold
from nightdub.tasks.duck import STEP, gain_course
from nightdub.tasks.loudness import CELL, GatedMeter, cell_powers, channel_weights, gated, k_weighting, lkfs, to_stretches
from nightdub.tasks.panning import gains
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.render import RATE, LaidLine, MixPlan, Rendered, open_bed, read_bed, render
from nightdub.tasks.rows import Acoustics, Decibel, Placement, Seconds
from nightdub.tasks.sound import read_sound, to_mono

_CONTOUR = 6.0  # dB that a line may lie above or below the middle level
_SILENT = -70.0  # dBFS: a line as quiet as this says nothing
_SLACK = 0.05  # seconds that a line may be longer than it was placed: time-stretchers round
_HEARD = 300  # seconds of bed, spread over the dialogue, that are heard to foresee its loudness
_NEAR = 0.1  # LU from the target that are not worth another rendering
_MARGIN = 0.1  # dB kept under the true-peak limit: gain that moves between two samples lifts peaks a little
_TENTH = RATE // 10  # samples of a cell of the programme's loudness


@dataclass(frozen=True, slots=True)
class MixFacts:
    """What was mixed and measured. Loudness is that of the programme as written, by the profile's gate; None = nothing to measure."""

    loudness: Decibel | None  # LKFS
    dialogue_loudness: Decibel | None  # LKFS of the lines alone
    true_peak: Decibel | None  # dBTP; None = digital silence
    gain: Decibel  # put on lines and bed alike
    ducking: Decibel  # put on the bed under speech, at most
    limited: Seconds  # time in which the limiter held the programme down
    trimmed: Seconds  # cut off ends of lines, as placed
    lines: int
    renderings: int
    gating: str = "dialogue"
    channels: int = 2
    elsewhere: int = 0  # lines that do not lie in the centre
    stereo_loudness: Decibel | None = None  # of the stereo fold of a 5.1 programme
    stereo_true_peak: Decibel | None = None


def mix_programme(
    placements: Sequence[Placement],
    line_sounds: Mapping[str, Path],
    me_path: Path,
    out: Path,
    *,
    figures: SoundFigures,
    clean_bed: bool,
    original: Mapping[str, Acoustics],
    total_samples: int,
    tails: Mapping[str, Seconds] | None = None,
) -> MixFacts:
    """Write `programme.wav`, `dialogue.wav` and `bed.wav` into a folder, and of 5.1 `stereo.wav`: 48 kHz, 24 bits, `total_samples` long.

    Dialogue and bed sum to the programme exactly. It is 5.1 (L R C LFE Ls Rs) where the bed is, else stereo.

    Args:
        placements: Where each line lies; each needs its sound.
        line_sounds: Segment -> mono WAV of the line, any sample rate.
        me_path: The bed, 48 kHz mono, stereo or 5.1; silence follows where it ends early.
        clean_bed: True = the bed holds no original speech and is left alone under lines; False = it is ducked.
        original: Segment -> how the original line sounds: its level is followed within 6 dB, and its place among the channels.
        tails: Segment -> seconds by which its sound is longer than the line: a room that dies away.

    Raises:
        MediaError: a sound is absent, silent, of the wrong kind, or longer than its placement and cut account for.
    """
    with open_bed(me_path) as bed:
        channels = max(bed.channels, 2)
    surveyed = [
        _survey(place, line_sounds, total_samples, channels, original, (tails or {}).get(place.segment, 0.0)) for place in placements
    ]
    lines = tuple(_levelled(surveyed, {name: row.level for name, row in original.items() if row.level < 0}))
    spoken = tuple(to_stretches([(line.first / RATE, line.stop / RATE) for line in lines], RATE, total_samples))
    ducking = 0.0 if clean_bed else figures.ducking
    course = gain_course((line.key for line in lines), math.ceil(total_samples / RATE / STEP), ducking) if ducking and lines else None
    ceiling = 10 ** ((figures.true_peak - _MARGIN) / 20)
    plan = MixPlan(lines, me_path, channels, total_samples, spoken, course, ceiling, figures.gating)
    files = [out / f"{name}.wav" for name in ("programme", "dialogue", "bed")]
    plan, rendered, renderings = _rendered(plan, figures, files)
    folded = _folded(plan, figures, files[0], out / "stereo.wav") if channels > 2 else Folded(None, 0.0)
    return MixFacts(
        loudness=rendered.loudness,
        dialogue_loudness=lkfs(_speech_power(plan) * 10 ** (plan.gain / 10)),
        true_peak=decibel(rendered.peak),
        gain=plan.gain,
        ducking=ducking,
        limited=rendered.limited * CELL / RATE,
        trimmed=sum(placement.cut for placement in placements),
        lines=len(lines),
        renderings=renderings,
        gating=figures.gating,
        channels=channels,
        elsewhere=sum(line.pan != gains((), channels) for line in lines),
        stereo_loudness=folded.loudness,
        stereo_true_peak=decibel(folded.peak),
    )


def _rendered(plan: MixPlan, figures: SoundFigures, files: Sequence[Path]) -> tuple[MixPlan, Rendered, int]:
    """Render a plan with the gain that its loudness is foreseen to need, and once more where that was wrong."""
    foreseen = lkfs(_speech_power(plan) + _bed_power(plan)) if plan.gating == "dialogue" else _programme_loudness(plan)
    plan = replace(plan, gain=figures.loudness - foreseen if foreseen is not None else 0.0)
    rendered = render(plan, *files)
    if not _missed(rendered.loudness, figures):
        return plan, rendered, 1
    plan = replace(plan, gain=plan.gain + figures.loudness - (rendered.loudness or 0.0))
    return plan, render(plan, *files), 2


def _folded(plan: MixPlan, figures: SoundFigures, programme: Path, out: Path) -> Folded:
    """Write the stereo of a 5.1 programme, and once more where its loudness missed the target."""

    def made(gain: Decibel) -> Folded:
        return fold(programme, out, plan.gating, plan.spoken, plan.ceiling, gain)

    folded = made(0.0)
    return made(figures.loudness - (folded.loudness or 0.0)) if _missed(folded.loudness, figures) else folded


def _missed(loudness: Decibel | None, figures: SoundFigures) -> bool:
    return loudness is not None and abs(loudness - figures.loudness) > _NEAR


# ---------------------------------------------------------------- what is to be laid


def _survey(
    placement: Placement, sounds: Mapping[str, Path], frames: int, channels: int, original: Mapping[str, Acoustics], tail: Seconds
) -> LaidLine:
    """Hear one line at its own sample rate. Raises: MediaError where it cannot be laid as it was placed."""
    first, stop = round(placement.start * RATE), min(round(placement.end * RATE), frames)
    if placement.segment not in sounds:
        raise MediaError("no sound for a placed line", where=placement.segment, fix="speak the line again, or excuse it before the mix")
    path = sounds[placement.segment]
    samples, rate = read_sound(path)
    heard = to_mono(samples)
    excess = len(heard) / rate - tail - (stop - first) / RATE - placement.cut
    if first < 0 or stop <= first or excess > _SLACK:
        raise MediaError(
            f"{len(heard) / rate:.3f} s of speech placed at {placement.start:.3f} to {placement.end:.3f} s, {placement.cut:.3f} s cut",
            where=placement.segment,
            allowed=f"within 0 to {frames / RATE:.3f} s, up to {_SLACK} s longer than placed",
            fix="fit the lines again: sound and placement do not belong together",
        )
    kept = heard[: round((stop - first) * rate / RATE)]
    level = heard_level(kept, rate)
    if level is None or not level > _SILENT:
        raise MediaError(
            f"a line of {level or -120.0:.0f} dBFS", where=placement.segment, allowed=f"above {_SILENT:.0f}", fix="speak it again"
        )
    squares = np.square(scipy.signal.sosfilt(k_weighting(rate), kept))
    envelope = 10 * np.log10(np.maximum(frame_powers(kept, rate), 1e-12)) - level
    return LaidLine(
        segment=placement.segment,
        path=path,
        first=first,
        stop=stop,
        last=min(stop + round(tail * RATE), frames),
        pan=gains(original[placement.segment].shares if placement.segment in original else (), channels),
        level=level,
        energy=float(squares.sum()) * RATE / rate,
        cells=_cells(squares, rate, first),
        key=(round(first / RATE / STEP), envelope.astype(np.float32)),
    )


def _cells(squares: npt.NDArray[np.float32], rate: int, first: int) -> npt.NDArray[np.float64]:
    """Return the mean of each 100 ms of the programme, from the one in which a line begins at sample `first`."""
    size = rate // 10
    before = round(first % _TENTH * rate / RATE)
    after = -(before + squares.size) % size
    return np.asarray(np.pad(squares, (before, after)).reshape(-1, size).mean(axis=1, dtype=np.float64))


def _levelled(lines: Sequence[LaidLine], wanted: Mapping[str, Decibel]) -> Iterator[LaidLine]:
    """Give each line the gain to its original's level, at most 6 dB from the middle level; to the middle where that is not known."""
    if not lines:
        return
    known = [wanted[line.segment] for line in lines if line.segment in wanted]
    middle = median(known or [line.level for line in lines])
    for line in lines:
        contour = wanted.get(line.segment, middle) - middle
        yield replace(line, gain=middle + max(-_CONTOUR, min(_CONTOUR, contour)) - line.level)


# ---------------------------------------------------------------- how loud it will be


def _speech_power(plan: MixPlan) -> float:
    """Return the mean K-weighted power of the lines over the stretches where they lie, summed over channels with their weights."""
    spoken = sum(last - first for first, last in plan.spoken)
    return sum(line.energy * _weight(line) * 10 ** (line.gain / 10) for line in plan.lines) / spoken if spoken else 0.0


def _weight(line: LaidLine) -> float:
    return sum(weight * gain * gain for weight, gain in zip(channel_weights(len(line.pan)), line.pan, strict=True))


def _bed_power(plan: MixPlan) -> float:
    """Return the mean K-weighted power of the ducked bed under speech, heard in one-second pieces spread evenly over it."""
    pieces = [(at, min(at + RATE, last)) for first, last in plan.spoken for at in range(first, last, RATE)]
    pieces = pieces[:: max(1, math.ceil(len(pieces) / _HEARD))]
    with open_bed(plan.bed) as bed:
        meter = GatedMeter(pieces, RATE, plan.channels)
        for first, last in pieces:
            meter.feed(read_bed(bed, first - RATE // 10, last), first - RATE // 10)
    if plan.course is None or not pieces:
        return meter.power
    steps = [plan.course[int(first / RATE / STEP) : math.ceil(last / RATE / STEP)] for first, last in pieces]
    return meter.power * float(np.mean(10 ** (np.concatenate(steps) / 10)))


def _programme_loudness(plan: MixPlan) -> Decibel | None:
    """Return the loudness (BS.1770-4) of the whole programme without any gain; bed and lines are taken to be unrelated."""
    powers = np.zeros(math.ceil(plan.frames / _TENTH))
    with open_bed(plan.bed) as bed:
        twice = 2.0 if bed.channels == 1 else 1.0
    under = cell_powers(plan.bed)[: len(powers)] * twice
    powers[: len(under)] = under
    if plan.course is not None:
        steps = np.pad(10 ** (plan.course / 10), (0, -len(plan.course) % 10), mode="edge").reshape(-1, 10).mean(axis=1)
        powers[: len(steps)] *= steps[: len(powers)]
    for line in plan.lines:
        part = powers[line.first // _TENTH :][: len(line.cells)]
        part += line.cells[: len(part)] * _weight(line) * 10 ** (line.gain / 10)
    return gated(powers)
