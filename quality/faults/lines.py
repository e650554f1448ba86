"""Faults of one line: of its sound, of its place in the mix, and lines that are not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import CannotPlant, Fault, Plant, Planted, Where, long_lines, one_of
from nightdub.quality.faults.sound import RATE, add_to_mix, change_lines, change_mix, clip_sound, contribution
from nightdub.tasks.rows import Placement
from nightdub.tasks.sound import Samples, resample
from nightdub.tasks.stretch import stretch

Random = np.random.Generator
Spoil = Callable[[Samples, float, Random], Samples]

NOBODY_LISTENS = "Only a recogniser of the target language hears it (`roundtrip.wer`), and the embedded engines have none"

_SOFT = "A cut between two words or in a soft sound leaves no hard edge, and nothing asks whether the last word is there but a recogniser"
_NO_LINE = "no line of a second or more has a sound"
_EDGE = 0.02  # of a line's peak: below it the line has not begun, or has ended
_LOOP = 0.2  # seconds that are said again
_HARMONICS = (1.0, 0.5, 0.25)  # of hum: 50, 100 and 150 Hz


def of_sound(spoil: Spoil) -> Plant:
    """Return a plant that spoils the sound of one line, in the clip and wherever the line was mixed."""

    def planted(dub: Dub, severity: float, folder: Path, seed: int) -> Planted:
        place = one_of(long_lines(dub), seed, _NO_LINE)
        sound = spoil(clip_sound(dub, place.segment), severity, np.random.default_rng(seed))
        return Planted(change_lines(dub, {place.segment: sound}, folder), _at(place))

    return planted


# ---------------------------------------------------------------- sounds, 48 kHz mono


def silenced(sound: Samples, percent: float, rng: Random) -> Samples:
    """Return the sound with so many percent of it, in one piece, digital silence."""
    size = min(round(len(sound) * percent / 100), len(sound))
    first = int(rng.integers(0, len(sound) - size + 1))
    return _with(sound, first, np.zeros(size, np.float32))


def cut_off(sound: Samples, milliseconds: float, _rng: Random) -> Samples:
    """Return the sound with its last audible milliseconds silent, cut without a fade."""
    first, last = _audible(sound)
    start = max(first, last - round(milliseconds * RATE / 1000))
    return _with(sound, start, np.zeros(len(sound) - start, np.float32))


def looped(sound: Samples, times: float, rng: Random) -> Samples:
    """Return the sound with 0.2 s of it said so many times more, over what followed."""
    first, last = _audible(sound)
    size = min(round(_LOOP * RATE), (last - first) // (round(times) + 1))
    start = int(rng.integers(first, max(first, last - size * (round(times) + 1)) + 1))
    return _with(sound, start + size, np.tile(sound[start : start + size], round(times)))


def clipped(sound: Samples, decibels: float, _rng: Random) -> Samples:
    """Return the sound driven so far over its own peak and cut off there, at the loudness that it had."""
    peak = float(np.abs(sound).max())
    hard = np.clip(sound * 10 ** (decibels / 20), -peak, peak)
    return np.asarray(hard * (_rms(sound) / max(_rms(hard), 1e-9)), np.float32)


def noisy(sound: Samples, ratio: float, rng: Random) -> Samples:
    """Return the sound with white noise `ratio` dB under it."""
    noise = rng.standard_normal(len(sound)) * _rms(sound) * 10 ** (-ratio / 20)
    return np.asarray(sound + noise, np.float32)


def humming(sound: Samples, level: float, _rng: Random) -> Samples:
    """Return the sound with mains hum of 50, 100 and 150 Hz at a level in dBFS."""
    time = np.arange(len(sound)) / RATE
    hum = sum(share * np.sin(2 * np.pi * 50 * (place + 1) * time) for place, share in enumerate(_HARMONICS))
    return np.asarray(sound + hum * 10 ** (level / 20) / _rms(np.asarray(hum)), np.float32)


def offset(sound: Samples, percent: float, _rng: Random) -> Samples:
    """Return the sound with its zero line moved by so much of full scale."""
    return np.asarray(sound + percent / 100, np.float32)


def narrow(sound: Samples, hertz: float, _rng: Random) -> Samples:
    """Return the sound without what lies above a frequency (Butterworth, 8th order)."""
    from scipy.signal import butter, sosfiltfilt

    return np.asarray(sosfiltfilt(butter(8, hertz, fs=RATE, output="sos"), sound), np.float32)


def louder(sound: Samples, decibels: float, _rng: Random) -> Samples:
    """Return the sound at another level."""
    return np.asarray(sound * 10 ** (decibels / 20), np.float32)


def other_voice(sound: Samples, semitones: float, _rng: Random) -> Samples:
    """Return the sound as somebody else speaks it: pitch and formants moved alike, at the speed that it had."""
    moved = resample(sound, round(RATE * 2 ** (semitones / 12)), RATE)
    return stretch(moved, len(sound))


# ---------------------------------------------------------------- lines in the wrong place, or nowhere


def _missing(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    place = one_of(long_lines(dub), seed, _NO_LINE)
    mute = change_mix(dub, {place.segment: np.zeros(1, np.float32)}, folder)
    changed = replace(
        mute,
        clips=[clip for clip in dub.clips if clip.segment != place.segment],
        placements=[other for other in dub.placements if other.segment != place.segment],
        files=replace(mute.files, clips={name: path for name, path in dub.files.clips.items() if name != place.segment}),
    )
    return Planted(changed, _at(place))


def _unmixed(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    place = one_of(long_lines(dub), seed, _NO_LINE)
    return Planted(change_mix(dub, {place.segment: np.zeros(1, np.float32)}, folder), _at(place))


def _late(dub: Dub, milliseconds: float, folder: Path, seed: int) -> Planted:
    place = one_of(long_lines(dub), seed, _NO_LINE)
    first, sound = contribution(dub, place)
    moved = add_to_mix(dub, [(first, -sound), (first + round(milliseconds * RATE / 1000), sound)], folder)
    return Planted(moved, _at(place))


def _swapped(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    lines = long_lines(dub)
    if len(lines) < 2:
        raise CannotPlant("fewer than two lines have a sound", where="faults", fix="plant it into a dub that has more")
    one = one_of(lines, seed, _NO_LINE)
    others = [place for place in lines if place.segment != one.segment]
    other = min(others, key=lambda place: abs((place.end - place.start) - (one.end - one.start)))
    pair = {one.segment: clip_sound(dub, one.segment), other.segment: clip_sound(dub, other.segment)}
    swapped = {
        one.segment: stretch(pair[other.segment], pair[one.segment].size),
        other.segment: stretch(pair[one.segment], pair[other.segment].size),
    }
    where = Where((one.segment, other.segment), min(one.start, other.start), max(one.end, other.end))
    return Planted(change_lines(dub, swapped, folder), where)


# ---------------------------------------------------------------- small things


def _at(place: Placement) -> Where:
    return Where((place.segment,), place.start, place.end)


def _with(sound: Samples, first: int, piece: Samples) -> Samples:
    changed = sound.copy()
    size = min(len(piece), len(sound) - first)
    changed[first : first + size] = piece[:size]
    return changed


def _audible(sound: Samples) -> tuple[int, int]:
    """Return where a line begins and ends to be heard, in samples."""
    heard = np.flatnonzero(np.abs(sound) > _EDGE * np.abs(sound).max())
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, len(sound))


def _rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


FAULTS: tuple[Fault, ...] = (
    Fault("missing-line", "line", "a line has neither sound nor row; its subtitle stands", "lines", (1,), (1,), _missing, 2),
    Fault("unmixed-line", "line", "a line was spoken and placed, but is not in the mix", "lines", (1,), (1,), _unmixed, 2),
    Fault("late-line", "line", "a line lies later in the mix than its row says", "ms", (100, 300, 1000), (100, 300, 1000), _late),
    Fault("swapped-lines", "line", "two lines have one another's sound", "lines", (2,), (), _swapped, 2, gap=NOBODY_LISTENS),
    Fault("silent-line", "line", "silence in place of speech", "%", (30, 60, 100), (60, 100), of_sound(silenced), 2),
    Fault("cut-tail", "line", "the end of a line is cut off", "ms", (50, 150, 400), (), of_sound(cut_off), 2, gap=_SOFT),
    Fault("repeated-loop", "line", "0.2 s of a line are said again", "times", (1, 2, 4), (2, 4), of_sound(looped), 2),
    Fault("clipped-line", "line", "a line is driven over its peak", "dB", (3, 6, 12), (6, 12), of_sound(clipped), 2),
    Fault("noise", "line", "white noise in a line, so far under it", "dB", (40, 20, 10, 5), (5,), of_sound(noisy), 2),
    Fault("hum", "line", "mains hum of 50 Hz in a line, at this level", "dBFS", (-60, -45, -30), (-45, -30), of_sound(humming), 2),
    Fault("dc-offset", "line", "a line's zero line is moved, of full scale", "%", (0.1, 1, 5), (1, 5), of_sound(offset), 2),
    Fault("narrow-band", "line", "a line holds nothing above this", "Hz", (8000, 5000, 3400), (5000, 3400), of_sound(narrow), 2),
    Fault("line-level", "line", "a line is louder or softer than it was", "dB", (-12, -6, 6, 12), (-12, 12), of_sound(louder)),
    Fault(
        "other-voice",
        "line",
        "a line is spoken by a voice so much higher or lower",
        "semitones",
        (-6, 3, 6),
        (-6, 6),
        of_sound(other_voice),
        2,
    ),
)
