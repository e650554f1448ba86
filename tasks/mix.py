"""Lay the spoken lines over music and effects: a programme and its dialogue stem, at the loudness and true peak of the profile.

Everything streams: memory does not grow with the programme. The lines and a spread of the bed are heard once to find the gain, then
the programme is rendered and measured while it is written; where lines and bed together miss the target, it is rendered once more
with the gain corrected.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import scipy  # its parts load on their first use: signal alone takes a second

from nightdub.infra.errors import MediaError
from nightdub.tasks.loudness import CELL, GatedMeter, k_weighting, lkfs, read_padded, to_stretches
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.render import RATE, LaidLine, MixPlan, open_bed, render
from nightdub.tasks.rows import Decibel, Placement, Seconds
from nightdub.tasks.sound import read_sound, to_mono

_CONTOUR = 6.0  # dB that a line may lie above or below the middle level
_SILENT = -70.0  # dBFS: a line as quiet as this says nothing
_SLACK = 0.05  # seconds that a line may be longer than it was placed: time-stretchers round
_HEARD = 300  # seconds of bed, spread over the dialogue, that are heard to foresee its loudness
_NEAR = 0.1  # LU from the target that are not worth another rendering
_MARGIN = 0.1  # dB kept under the true-peak limit: gain that moves between two samples lifts peaks a little


@dataclass(frozen=True, slots=True)
class MixFacts:
    """What was mixed and measured. `loudness` is dialogue-gated over the programme as written; None = no dialogue to measure."""

    loudness: Decibel | None  # LKFS
    dialogue_loudness: Decibel | None  # LKFS of the lines alone, heard on both channels
    true_peak: Decibel | None  # dBTP; None = digital silence
    gain: Decibel  # put on lines and bed alike
    ducking: Decibel  # put on the bed under speech
    limited: Seconds  # time in which the limiter held the programme down
    trimmed: Seconds  # cut off ends of lines, as placed
    lines: int
    renderings: int


def mix_programme(
    placements: Sequence[Placement],
    line_sounds: Mapping[str, Path],
    me_path: Path,
    out_programme: Path,
    out_dialogue: Path,
    *,
    figures: SoundFigures,
    clean_bed: bool,
    segment_levels: Mapping[str, Decibel] | None,
    total_samples: int,
) -> MixFacts:
    """Write the programme (stereo) and the dialogue stem (mono: lines lie in the centre), 48 kHz and 24 bits, `total_samples` long.

    Args:
        placements: Where each line lies; each needs its sound.
        line_sounds: Segment -> WAV of the line, any sample rate.
        me_path: The bed, 48 kHz stereo; silence follows where it ends early.
        clean_bed: True = the bed holds no original speech and is left alone under lines; False = it is ducked.
        segment_levels: Segment -> RMS in dBFS of the original line, whose contour the dub follows within 6 dB.

    Raises:
        MediaError: a sound is absent, silent, of the wrong kind, or longer than its placement and cut account for.
    """
    lines = tuple(_levelled([_survey(placement, line_sounds, total_samples) for placement in placements], segment_levels or {}))
    ducking = 0.0 if clean_bed else figures.ducking
    spoken = tuple(to_stretches([(line.first / RATE, line.stop / RATE) for line in lines], RATE, total_samples))
    plan = MixPlan(lines, me_path, total_samples, spoken, ducking, 10 ** ((figures.true_peak - _MARGIN) / 20), 0.0)
    speech, bed = _speech_power(plan), _bed_power(plan)
    foreseen = lkfs(speech + bed)
    plan = replace(plan, gain=figures.loudness - foreseen if foreseen is not None else 0.0)
    rendered, renderings = render(plan, out_programme, out_dialogue), 1
    loudness = lkfs(rendered.power)
    if loudness is not None and abs(loudness - figures.loudness) > _NEAR:
        plan = replace(plan, gain=plan.gain + figures.loudness - loudness)
        rendered, renderings = render(plan, out_programme, out_dialogue), 2
    return MixFacts(
        loudness=lkfs(rendered.power),
        dialogue_loudness=lkfs(speech * 10 ** (plan.gain / 10)),
        true_peak=20 * math.log10(rendered.peak) if rendered.peak > 0 else None,
        gain=plan.gain,
        ducking=ducking,
        limited=rendered.limited * CELL / RATE,
        trimmed=sum(placement.cut for placement in placements),
        lines=len(lines),
        renderings=renderings,
    )


# ---------------------------------------------------------------- what is to be laid


def _survey(placement: Placement, sounds: Mapping[str, Path], frames: int) -> LaidLine:
    """Hear one line at its own sample rate. Raises: MediaError where it cannot be laid as it was placed."""
    first, stop = round(placement.start * RATE), min(round(placement.end * RATE), frames)
    if placement.segment not in sounds:
        raise MediaError("no sound for a placed line", where=placement.segment, fix="speak the line again, or excuse it before the mix")
    path = sounds[placement.segment]
    samples, rate = read_sound(path)
    heard = to_mono(samples)
    excess = len(heard) / rate - (stop - first) / RATE - placement.cut
    if first < 0 or stop <= first or excess > _SLACK:
        raise MediaError(
            f"{len(heard) / rate:.3f} s of speech placed at {placement.start:.3f} to {placement.end:.3f} s, {placement.cut:.3f} s cut",
            where=placement.segment,
            allowed=f"within 0 to {frames / RATE:.3f} s, up to {_SLACK} s longer than placed",
            fix="fit the lines again: sound and placement do not belong together",
        )
    kept = heard[: round((stop - first) * rate / RATE)]
    level = 10 * math.log10(max(float(np.square(kept).sum()) / max(kept.size, 1), 1e-12))
    if not level > _SILENT:
        raise MediaError(f"a line of {level:.0f} dBFS RMS", where=placement.segment, allowed=f"above {_SILENT:.0f}", fix="speak it again")
    weighted = scipy.signal.sosfilt(k_weighting(rate), kept)
    return LaidLine(placement.segment, path, first, stop, level, float(np.square(weighted).sum()) * RATE / rate)


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
    """Return the mean K-weighted power of the lines on both channels over the stretches where they lie."""
    spoken = sum(last - first for first, last in plan.spoken)
    return 2 * sum(line.energy * 10 ** (line.gain / 10) for line in plan.lines) / spoken if spoken else 0.0


def _bed_power(plan: MixPlan) -> float:
    """Return the mean K-weighted power of the ducked bed under speech, heard in one-second pieces spread evenly over it."""
    pieces = [(at, min(at + RATE, last)) for first, last in plan.spoken for at in range(first, last, RATE)]
    with open_bed(plan.bed) as bed:
        meter = GatedMeter(pieces := pieces[:: max(1, math.ceil(len(pieces) / _HEARD))], RATE, bed.channels)
        for first, last in pieces:
            meter.feed(read_padded(bed, first - RATE // 10, last), first - RATE // 10)
    return meter.power * 10 ** (plan.ducking / 10)
