"""What a clip is changed by to make another of it: one function a change, each from mono sound at any rate to the same rate.

Changes that draw at random take a generator; the same generator gives the same sound.
"""

from __future__ import annotations

import io
from math import cos, pi, sin, sqrt

import numpy as np
import numpy.typing as npt
import scipy
import soundfile
import soxr

from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.plan_dp import RATE as STRETCH_RATE
from nightdub.tasks.rows import Decibel, Hertz, Seconds
from nightdub.tasks.sound import Samples, resample
from nightdub.tasks.stretch import stretch

TELEPHONE = 8_000  # Hz
VOICES = 8  # of babble
VORBIS = 0.9  # compression: quality 1, about 40 kbit/s at 22,050 Hz
MP3 = ((32_000, 32, 320), (16_000, 8, 160), (0, 8, 64))  # from this rate on, kbit/s at libsndfile's compression 1 and 0
MP3_DELAY = 1105  # samples of encoder and decoder; left in where frames are too small to hold the note about it
MP3_SCALE = 0.95  # LAME turns the sound down by that much
ROOM = ((3.5, 3.0, 2.4), (8.0, 6.0, 3.2))  # metres, smallest and largest
DISTANCE = (0.5, 1.5)  # metres from mouth to microphone
SOUND_SPEED = 343.0  # metres a second
_DECAY = 3 * np.log(10.0)  # of amplitude over the reverberation time: 60 dB

Rng = np.random.Generator


def tempo(sound: Samples, rate: int, factor: float) -> Samples:
    """Return speech `factor` times as fast at the same pitch (Rubber Band R3); samples / factor, rounded. Raises: as `tasks.stretch`."""
    return _stretched(sound, rate, round(sound.size / factor))


def speed(sound: Samples, factor: float) -> Samples:
    """Return sound played `factor` times as fast: pitch and formants move with it."""
    return _fit(np.asarray(soxr.resample(sound, factor, 1.0, quality="HQ"), np.float32), round(sound.size / factor))


def pitch(sound: Samples, rate: int, semitones: float) -> Samples:
    """Return sound whose pitch and formants lie `semitones` higher, as long as it was. Raises: as `tasks.stretch`."""
    factor = 2 ** (semitones / 12)
    return _fit(speed(_stretched(sound, rate, round(sound.size * factor)), factor), sound.size)


def formant(sound: Samples, rate: int, factor: float) -> Samples:
    """Return speech whose formants lie `factor` times as high, at the same pitch and length: WORLD's envelope, warped."""
    from nightdub.tasks.engines.world import PERIOD, vocoder, warp_envelope

    world = vocoder()
    wide = np.ascontiguousarray(sound, np.float64)
    rough, times = world.dio(wide, rate, f0_floor=65.0, f0_ceil=500.0, frame_period=PERIOD)
    track = world.stonemask(wide, rough, times, rate)
    envelope = warp_envelope(world.cheaptrick(wide, track, times, rate), rate, [(1000.0, 1000.0 * factor)])
    made = world.synthesize(track, envelope, world.d4c(wide, track, times, rate), rate, PERIOD)
    return as_loud(_fit(made.astype(np.float32), sound.size), sound)


def noise(sound: Samples, snr: Decibel, kind: str, rng: Rng) -> Samples:
    """Return sound with noise `snr` dB under it, both as mean power over the whole clip."""
    added = {"white": _white, "pink": _pink, "babble": _babble}[kind](sound, rng)
    power, own = _power(added), _power(sound)
    return sound if power <= 0 else np.asarray(sound + added * sqrt(own / power * 10 ** (-snr / 10)), np.float32)


def shelf(sound: Samples, rate: int, corner: Hertz, gain: Decibel, *, high: bool) -> Samples:
    """Return sound through a shelf of slope 1: `gain` at 0 Hz, or at half the rate where `high`; half of it at the corner.

    R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients". Raises: ConfigError: a corner above half the rate.
    """
    if corner >= rate / 2:
        raise ConfigError(f"{corner:g} Hz", where="shelf", allowed=f"below {rate / 2:g}", fix="correct the recipe")
    a, w = 10 ** (gain / 40), 2 * pi * corner / rate
    bend = sqrt(2 * a) * sin(w)
    down, up = (a + 1) - (a - 1) * cos(w), (a + 1) + (a - 1) * cos(w)
    zeros = a * np.array([down + bend, 2 * ((a - 1) - (a + 1) * cos(w)), down - bend])
    poles = np.array([up + bend, -2 * ((a - 1) + (a + 1) * cos(w)), up - bend])
    if high:  # the inverse of the low one, and its gain everywhere
        zeros, poles = poles * a, zeros / a
    return np.asarray(scipy.signal.lfilter(zeros / poles[0], poles / poles[0], sound.astype(np.float64)), np.float32)


def room(sound: Samples, rate: int, decay: Seconds, rng: Rng) -> Samples:
    """Return sound as heard in a shoebox room that decays by 60 dB in `decay` seconds: as long, as loud, its direct sound in place."""
    return as_loud(np.asarray(scipy.signal.oaconvolve(sound, room_response(rate, decay, rng))[: sound.size], np.float32), sound)


def room_response(rate: int, decay: Seconds, rng: Rng) -> Samples:
    """Return the response of a room by image sources (pyroomacoustics), from the direct sound on.

    Formulas foretell the decay of such a room only roughly. So it is measured (Schroeder, from -5 to -25 dB), and what differs is
    made up for by an exponential course.
    """
    import pyroomacoustics

    pyroomacoustics.constants.set("num_threads", 1)  # sums in one order, whatever the machine
    sides = rng.uniform(*ROOM)
    source, way = sides * rng.uniform(0.3, 0.7, 3), rng.standard_normal(3)
    ear = np.clip(source + way / np.linalg.norm(way) * rng.uniform(*DISTANCE), 0.15 * sides, 0.85 * sides)
    surface = 2 * (sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2])
    absorbed = 1 - np.exp(-8 * _DECAY * sides.prod() / (SOUND_SPEED * surface * decay))  # Eyring's formula
    order = int(np.ceil(SOUND_SPEED * decay / sides.min()))
    walls = pyroomacoustics.ShoeBox(sides, fs=rate, materials=pyroomacoustics.Material(float(absorbed)), max_order=order)
    walls.add_source(source)
    walls.add_microphone(ear)
    walls.compute_rir()
    response = np.asarray(walls.rir[0][0], np.float64)
    response = response[int(np.abs(response).argmax()) :][: round(decay * rate) + 1]
    course = np.arange(response.size) / rate
    return np.asarray(response * np.exp(_DECAY * course * (1 / reverberation(response, rate) - 1 / decay)), np.float32)


def reverberation(response: npt.NDArray[np.floating], rate: int) -> Seconds:
    """Return a response's time of decay by 60 dB: Schroeder's backward integral, a straight line from -5 to -25 dB."""
    left = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    levels = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    (part,) = np.nonzero((levels <= -5) & (levels >= -25))
    return float(-60 / np.polyfit(part / rate, levels[part], 1)[0])


def codec(sound: Samples, rate: int, name: str, kilobits: int) -> Samples:
    """Return sound that went through a lossy codec and back, as long as it was and in place; libsndfile's own codecs, no process."""
    if name == "mp3":
        return _mp3(sound, rate, kilobits)
    if name == "ogg":
        return _fit(_through(sound, rate, "OGG", "VORBIS", compression_level=VORBIS), sound.size)
    narrow = _through(resample(sound, rate, TELEPHONE), TELEPHONE, "WAV", {"g711": "ULAW", "gsm": "GSM610"}[name])
    return _fit(resample(narrow, TELEPHONE, rate), sound.size)


def clip(sound: Samples, share: float) -> Samples:
    """Return sound whose peaks are cut off at `share` of the highest one, at the level they were cut at."""
    top = np.float32(share) * np.abs(sound).max(initial=0.0)
    return np.clip(sound, -top, top)


def as_loud(sound: Samples, model: Samples) -> Samples:
    """Return sound at the mean power of `model`; silence stays silence."""
    power = _power(sound)
    return sound if power <= 0 else np.asarray(sound * np.float32(sqrt(_power(model) / power)), np.float32)


def _stretched(sound: Samples, rate: int, samples: int) -> Samples:
    """Return sound at the same pitch, `samples` long."""
    wide = resample(sound, rate, STRETCH_RATE)
    return _fit(resample(stretch(wide, round(samples * STRETCH_RATE / rate)), STRETCH_RATE, rate), samples)


def _fit(sound: Samples, samples: int) -> Samples:
    """Return the first `samples` samples, with silence where there are fewer."""
    return np.pad(sound[:samples], (0, max(0, samples - sound.size)))


def _power(sound: npt.NDArray[np.floating]) -> float:
    return float(np.mean(np.square(sound, dtype=np.float64))) if sound.size else 0.0


def _white(sound: Samples, rng: Rng) -> Samples:
    return rng.standard_normal(sound.size, np.float32)


def _pink(sound: Samples, rng: Rng) -> Samples:
    """Return noise whose power falls by 3 dB an octave, without a constant part."""
    size = scipy.fft.next_fast_len(sound.size, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(size))
    spectrum[0] = 0.0
    made = scipy.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1)), size)
    return np.asarray(made[: sound.size], np.float32)


def _babble(sound: Samples, rng: Rng) -> Samples:
    """Return the clip's own voice eight times over, from other places, faster and slower, some of it backwards."""
    total = np.zeros(sound.size, np.float32)
    for _ in range(VOICES):
        voice = np.roll(sound, int(rng.integers(sound.size)))[:: int(rng.choice((-1, 1)))]
        total += np.resize(speed(np.ascontiguousarray(voice), float(rng.uniform(0.8, 1.25))), sound.size)
    return total


def _mp3(sound: Samples, rate: int, kilobits: int) -> Samples:
    low, high = next((low, high) for least, low, high in MP3 if rate >= least)
    if not low < kilobits <= high:
        raise ConfigError(f"{kilobits} kbit/s", where="codec mp3", allowed=f"above {low}, to {high} at {rate} Hz", fix="correct the recipe")
    level = (high - kilobits) / (high - low)
    made = _through(sound, rate, "MP3", "MPEG_LAYER_III", compression_level=level, bitrate_mode="CONSTANT")
    return _fit(made[MP3_DELAY:] if made.size > sound.size else made, sound.size) / np.float32(MP3_SCALE)


def _through(sound: Samples, rate: int, container: str, subtype: str, **options: float | str) -> Samples:
    written = io.BytesIO()
    try:
        soundfile.write(written, np.clip(sound, -1.0, 1.0), rate, format=container, subtype=subtype, **options)
        return np.asarray(soundfile.read(io.BytesIO(written.getvalue()), dtype="float32")[0])
    except (OSError, RuntimeError) as error:
        raise MediaError(" ".join(str(error).split()), where=f"codec {subtype}", fix="leave this codec out of the recipe") from error
