"""A recording's bytes as the standard form: float32 mono at 22,050 Hz, without the silence around it, at one loudness."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load on their first use: signal alone takes a second
import soundfile
import soxr

from nightdub.datasets.rows import RATE, Measured, SourceClip
from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.loudness import gated, k_weighting, lkfs
from nightdub.tasks.rows import Decibel, Hertz, Seconds
from nightdub.tasks.sound import Samples, to_mono

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3")
RATES = (4_000, 384_000)  # Hz: a header that says less would make a small file an enormous sound
LONGEST: Seconds = 7200.0
MOST = 2**28  # samples over all channels: 1 GiB
LOUDEST = 2.0**31  # of one sample: what a file of 32-bit integers written as floats has
QUALITIES = ("HQ", "VHQ")
_BLOCK = 2**20  # frames read at once: a header's claim of more costs nothing
_SLACK = 4096  # frames or bytes that may be lacking at the end: headers are often off by that much
_STREAMED = 2**31 - 2**16  # bytes: a header that claims as much was written before the sound was there
_CLAIM = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_FRAME: Seconds = 0.01  # of the level that silence is told by
_LOUD = 5  # frames, at least, that are as loud as what counts as loud: a click of less is no speech
_CELL = RATE // 10  # samples of the 100 ms that loudness is gated by
_SILENCE: Decibel = -120.0


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The figures of the standard form, as a recipe gives them."""

    quality: str = "HQ"  # of soxr: HQ (20 bits, passband to 0.91 of the lower half rate) or VHQ (28 bits)
    trim_below: Decibel = 40.0  # below the clip's loud frames: what is fainter at its ends is left out; 200 leaves nothing out
    padding: Seconds = 0.1  # kept around what is heard
    silent_below: Decibel = -70.0  # dBFS of the loud frames: a fainter clip is silent
    loudness: float = -23.0  # LUFS
    most_gain: Decibel = 20.0  # up or down; 0 levels nothing
    ceiling: Decibel = -1.0  # dBFS that no sample passes: it goes before the loudness and before `most_gain`

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ConfigError(f"quality {self.quality!r}", where="cleaning", allowed=", ".join(QUALITIES), fix="name one of them")
        for name, least, most in (("trim_below", 1, 200), ("padding", 0, 10), ("most_gain", 0, 100), ("ceiling", -100, 0)):
            if not least <= (value := getattr(self, name)) <= most:
                raise ConfigError(f"{name} {value:g}", where="cleaning", allowed=f"{least} to {most}", fix="correct the recipe")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clip in its standard form; nothing is left of a silent one, and `measured.seconds` is 0."""

    samples: Samples  # mono, `RATE` Hz
    measured: Measured


def decode(data: bytes, clip: SourceClip) -> tuple[Samples, int]:
    """Return a whole recording, shape (samples,) or (channels, samples), and its rate in Hz.

    WAV, FLAC, OGG and MP3 through libsndfile; 16-bit little-endian mono PCM where the clip has a `raw_rate` (half a sample at the end, as
    KsponSpeech has some, is left out).

    Raises:
        MediaError: it cannot be decoded, is cut off, has more than `MOST` samples or `LONGEST` seconds, or samples that are no numbers.
    """
    samples, rate = _decode_raw(data, clip) if clip.raw_rate else _decode_file(data, clip)
    check_samples(samples, clip.id)
    return samples, rate


def check_samples(samples: Samples, where: str) -> None:
    """Raises: MediaError where a sample is no finite number, or beyond `LOUDEST`."""
    loudest = float(np.abs(samples).max(initial=0.0))  # NaN and infinity pass through
    if not loudest <= LOUDEST:
        raise MediaError("samples that are not finite numbers", where=where, allowed="[-1, 1]", fix="repair the recording")


def to_standard(samples: Samples, rate: int, start: Seconds, end: Seconds | None, figures: Cleaning) -> Cleaned:
    """Return the stretch from `start` to `end` of a recording in its standard form, and what was measured on the way.

    - Silence is left out at both ends: frames of 10 ms that are `trim_below` fainter than the fifth loudest one, but for `padding`.
    - Loudness is BS.1770's, gated. Under 0.4 s there is none (None): the clip is levelled by the K-weighted power of what is heard in it.
    - Gain is one figure for the whole clip. Nothing is limited, so that a clip whose peaks are high stays under the loudness.

    Raises: MediaError where a sample is no finite number.
    """
    check_samples(samples, "standard form")
    channels = len(samples) if samples.ndim == 2 else 1
    length = samples.shape[-1]
    first = min(round(max(start, 0.0) * rate), length)
    last = length if end is None else max(first, min(round(end * rate), length))
    mono = to_mono(samples[..., first:last])
    heard = _heard(mono, rate, figures)
    if heard is None:
        return Cleaned(np.zeros(0, np.float32), Measured(0.0, rate, channels, round(mono.size / rate, 6), 0.0))
    pad = round(figures.padding * rate)
    begin, stop = max(heard[0] - pad, 0), min(heard[1] + pad, mono.size)
    sound = _at_rate(mono[begin:stop], rate, figures.quality)
    inner = [round((place - begin) * RATE / rate) for place in heard]
    loudness, gain = _levelling(sound, (inner[0], inner[1]), figures)
    sound = sound * np.float32(10 ** (gain / 20))
    measured = Measured(
        round(sound.size / RATE, 6),
        rate,
        channels,
        round(begin / rate, 6),
        round((mono.size - stop) / rate, 6),
        loudness,
        gain,
        round(_peak(sound), 4),
    )
    return Cleaned(sound, measured)


def _decode_raw(data: bytes, clip: SourceClip) -> tuple[Samples, int]:
    _check_size(len(data) // 2, 1, clip.raw_rate, clip.id)
    return np.frombuffer(data, "<i2", len(data) // 2).astype(np.float32) / np.float32(32768), clip.raw_rate


def _decode_file(data: bytes, clip: SourceClip) -> tuple[Samples, int]:
    blocks: list[Samples] = []
    frames = 0
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in FORMATS:
                raise MediaError(file.format_info, where=clip.id, allowed="WAV, FLAC, OGG or MP3", fix="convert the recording")
            while (block := file.read(min(_BLOCK, max(file.frames - frames, 1)), dtype="float32", always_2d=True)).size:
                blocks.append(block)
                frames += len(block)
                _check_size(frames, file.channels, file.samplerate, clip.id)
            rate = file.samplerate
            if frames + _SLACK < file.frames or _cut_off(file.extra_info):
                raise MediaError("a recording that is cut off", where=clip.id, fix="copy it again from where it came")
    except (OSError, RuntimeError) as error:  # LibsndfileError is a RuntimeError, and so is what soundfile raises by itself
        raise MediaError(
            " ".join(str(error).split()), where=clip.id, allowed="WAV, FLAC, OGG or MP3", fix="repair the recording"
        ) from error
    if not blocks:
        return np.zeros(0, np.float32), rate
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return (samples[:, 0] if samples.shape[1] == 1 else np.ascontiguousarray(samples.T)), rate


def _cut_off(said: str) -> bool:
    """Tell by libsndfile's notes whether a WAV has fewer bytes than its header says, or an OGG no end."""
    data = _CLAIM.search(said)
    lacks = int(data[1]) - int(data[2]) if data and int(data[1]) < _STREAMED else 0
    return lacks > _SLACK or "lacks an end-of-stream" in said


def _check_size(frames: int, channels: int, rate: int, where: str) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise MediaError(f"{rate} Hz", where=where, allowed=f"{RATES[0]} to {RATES[1]} Hz", fix="look at the recording's header")
    if frames > LONGEST * rate or frames * channels > MOST:
        allowed = f"{LONGEST:g} s, and {MOST} samples over all channels"
        raise MediaError("a recording that is too long", where=where, allowed=allowed, fix="cut it into parts")


def _heard(mono: Samples, rate: int, figures: Cleaning) -> tuple[int, int] | None:
    """Return the first sample of what is heard, and one past the last; None where nothing is."""
    size = max(1, round(_FRAME * rate))
    edges = np.arange(0, mono.size, size)
    if not edges.size:
        return None
    lengths = np.diff(np.append(edges, mono.size))
    level = mono - mono.mean(dtype=np.float64)  # a constant offset is not heard
    powers = np.add.reduceat(np.square(level, dtype=np.float64), edges) / lengths
    loud = float(np.partition(powers, -min(_LOUD, powers.size))[-min(_LOUD, powers.size)])
    if loud <= 10 ** (figures.silent_below / 10):
        return None
    (active,) = np.nonzero(powers >= loud * 10 ** (-figures.trim_below / 10))
    return int(edges[active[0]]), int(edges[active[-1]] + lengths[active[-1]])


def _at_rate(mono: Samples, rate: Hertz, quality: str) -> Samples:
    return mono if rate == RATE else np.asarray(soxr.resample(mono, rate, RATE, quality=quality), np.float32)


def _levelling(sound: Samples, inner: tuple[int, int], figures: Cleaning) -> tuple[float | None, Decibel]:
    """Return the loudness in LUFS, None where there is none, and the gain in dB."""
    powers = np.square(scipy.signal.sosfilt(k_weighting(RATE), sound))
    whole = powers.size // _CELL * _CELL
    loudness = gated(powers[:whole].reshape(-1, _CELL).mean(axis=1, dtype=np.float64))
    part = powers[inner[0] : inner[1]]
    level = loudness if loudness is not None else lkfs(float(part.mean(dtype=np.float64)) if part.size else 0.0)
    gain = 0.0 if level is None else min(max(figures.loudness - level, -figures.most_gain), figures.most_gain)
    return None if loudness is None else round(loudness, 4), round(min(gain, figures.ceiling - _peak(sound)), 4)


def _peak(sound: Samples) -> Decibel:
    """Return the highest sample in dBFS, at least `_SILENCE`."""
    highest = float(np.abs(sound).max(initial=0.0))
    return max(_SILENCE, 20 * float(np.log10(highest))) if highest > 0 else _SILENCE
