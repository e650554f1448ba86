"""All that is measured of a programme and of the film that carries it, with the film decoded once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import soundfile

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import Header, read_header
from nightdub.infra.media.sound import programme_channels
from nightdub.quality.metrics import carried, traces
from nightdub.quality.metrics.carried import carried_measurements, duration
from nightdub.quality.metrics.loudness import dialogue_measurement, loudness_measurements, peak_measurement, range_difference
from nightdub.quality.metrics.opened import as_timed_wav
from nightdub.quality.metrics.package import Wanted, dub_track, package_measurements
from nightdub.quality.metrics.sync import Spans, av_offset
from nightdub.quality.metrics.traces import original_leak
from nightdub.tasks.rows import Language, Measurement


@dataclass(frozen=True, slots=True)
class Delivery:
    """A film, the programme that it should carry, and what it was made from."""

    film: Path
    programme: Path  # WAV or FLAC, as it was mixed
    original: Path  # the original film, or its sound as WAV from the first frame on
    target: Language
    source: Language
    frame_rate: Fraction  # of the original
    dubbed: Spans  # where the dub's lines lie
    spoken: Spans  # where the original's lines lie
    subtitles: Sequence[Language] = ()
    original_channels: int = 2  # that the film's track of the original should have


def programme_measurements(delivery: Delivery) -> list[Measurement]:
    """Return loudness and peak of the programme, the film's tracks and decoding, its sound against the programme, and A/V offset.

    The film's sounds are decoded to temporary files; memory does not grow with the programme. A film that cannot be read, or has no
    dub track, is measured as such. Raises: MediaError where programme or original cannot be read.
    """
    programme = delivery.programme
    wanted = Wanted(
        delivery.target,
        delivery.source,
        delivery.subtitles,
        delivery.frame_rate,
        duration(programme),
        max(soundfile.info(programme).channels, 2),
        delivery.original_channels,
    )
    return [
        *loudness_measurements(programme),
        dialogue_measurement(programme, delivery.dubbed),
        peak_measurement(programme),
        *package_measurements(delivery.film, wanted),
        *_sound(delivery, wanted),
    ]


def _sound(delivery: Delivery, wanted: Wanted) -> list[Measurement]:
    try:
        header = read_header(delivery.film)
        with ExitStack() as stack:
            return _carried(delivery, wanted, header, stack)
    except MediaError as error:
        if not error.where.startswith(str(delivery.film)):
            raise
        return _unmeasured(error.what)


def _carried(delivery: Delivery, wanted: Wanted, header: Header, stack: ExitStack) -> list[Measurement]:
    """Return what the film's dub track says against the programme and the original."""
    track = dub_track(header, delivery.target)
    if track is None:
        return _unmeasured("the film has no dub track")
    found = programme_channels(header.sounds[track])
    if found < wanted.channels > 2:
        return _unmeasured(f"the dub track has {found} channels, the programme {wanted.channels}")
    rate, channels = soundfile.info(delivery.programme).samplerate, wanted.channels if wanted.channels > 2 else 2
    dub = stack.enter_context(as_timed_wav(delivery.film, wanted.length, rate=rate, stream=track, channels=channels))
    original = stack.enter_context(as_timed_wav(delivery.original, wanted.length, rate=rate, channels=None))
    rows, course = carried_measurements(delivery.programme, dub)
    leak = original_leak(delivery.programme, dub, original, wanted.length, course)
    peak = replace(peak_measurement(dub), metric="package.true_peak")
    spread = range_difference(delivery.programme, original)
    return [*rows, leak, peak, spread, av_offset(original, dub, [*delivery.dubbed, *delivery.spoken])]


def _unmeasured(why: str) -> list[Measurement]:
    facts = carried.FACTS | traces.FACTS
    rows = [Measurement(metric, None, fact.unit, not_measured=why) for metric, fact in facts.items()]
    spread = Measurement("loudness.range_difference", None, "LU", not_measured=why)
    return [*rows, spread, Measurement("sync.av_offset", None, "ms", not_measured=why)]
