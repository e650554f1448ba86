"""Sound out of files, as WAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import Header, Sound, read_header
from nightdub.infra.media.output import CLEAN, written
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input

AAC_RATES = {1: "96k", 2: "192k", 6: "448k"}  # channels -> bits a second

HALF = 0.5**0.5  # -3.01 dB
LEFT = (1.0, 0.0, HALF, 0.0, HALF, 0.0)  # of a stereo fold, from L R C LFE Ls Rs (ITU-R BS.775-4, table 2: LFE left out)
RIGHT = (0.0, 1.0, HALF, 0.0, 0.0, HALF)
MONO = tuple((left + right) / 2 for left, right in zip(LEFT, RIGHT, strict=True))  # the mean of that fold's channels

_SIX = {  # ffmpeg's layouts with a centre and surrounds -> where L R C LFE Ls Rs come from; two backs and two sides are summed at -3 dB
    "5.0": ("c0", "c1", "c2", "0*c0", "c3", "c4"),
    "5.1": ("c0", "c1", "c2", "c3", "c4", "c5"),
    "6.1": ("c0", "c1", "c2", "c3", f"c5+{HALF}*c4", f"c6+{HALF}*c4"),
    "7.0": ("c0", "c1", "c2", "0*c0", f"{HALF}*c3+{HALF}*c5", f"{HALF}*c4+{HALF}*c6"),
    "7.1": ("c0", "c1", "c2", "c3", f"{HALF}*c4+{HALF}*c6", f"{HALF}*c5+{HALF}*c7"),
}
_BY_COUNT = {5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}  # where the header does not say, as ffmpeg takes it


def extract_audio(
    path: Path, out: Path, sample_rate: int, channels: int | None = None, *, stream: int = 0, limits: Limits = LIMITS
) -> Path:
    """Write one audio stream as `pcm_s16le` WAV (RF64 above 4 GiB), from its first to its last sample.

    `channels` None keeps the stream's own; 5.1 becomes mono by `MONO`. Raises: MediaError, as where there is no such stream.
    """
    header = read_header(path, limits)
    _require(path, header, stream)
    sound = media_input(path, limits)[f"a:{stream}"]
    if channels == 1 and header.sounds[stream].channels == len(MONO):
        sound = sound.filter("pan", args="mono|c0=" + "+".join(f"{gain}*c{index}" for index, gain in enumerate(MONO)))
    return write_wav(sound, out, sample_rate, channels, limits, where=str(path))


def extract_programme(
    path: Path, out: Path, sample_rate: int, samples: int, limits: Limits = LIMITS, *, stream: int = 0, channels: int | None = 2
) -> Path:
    """Write one audio stream as `pcm_s24le` WAV of exactly `samples` samples that starts with the first picture.

    What lies before the picture or after the end is cut, what lacks is silence, gaps over 0.1 s in the stream's times (swresample's
    `min_hard_comp`) are filled. `channels` None keeps mono, stereo and 5.1 (see `programme_channels`); 2 always makes stereo: mono
    becomes two equal channels, more than two are folded by ffmpeg's normalised matrix, which cannot clip but lowers the level.

    Raises: MediaError, as where there is no such stream.
    """
    header = read_header(path, limits)
    _require(path, header, stream)
    start = header.picture.start if header.picture else header.start
    found = header.sounds[stream]
    count = channels or programme_channels(found)
    sound = _laid_out(media_input(path, limits)[f"a:{stream}"].filter("asetpts", f"PTS-{start:.6f}/TB"), found, count)
    sound = (
        sound.filter("aresample", sample_rate, first_pts=0, **{"async": 1})
        .filter("apad", whole_len=samples)
        .filter("atrim", end_sample=samples)
    )
    return write_wav(sound, out, sample_rate, count, limits, "-copyts", where=str(path), codec="pcm_s24le")


def programme_channels(sound: Sound) -> int:
    """Return the channels of a programme made from a stream: 1 or 2 as they are, 6 from layouts with centre and surrounds, else 2."""
    return sound.channels if sound.channels <= 2 else 6 if _layout(sound) in _SIX else 2


def _layout(sound: Sound) -> str:
    return sound.layout.partition("(")[0] or _BY_COUNT.get(sound.channels, "")


def _laid_out(sound: Any, found: Sound, channels: int) -> Any:
    """Return an audio node in the programme's layout, where that is not for ffmpeg's own matrix to do."""
    if channels == 6:
        parts = "|".join(f"c{index}={source}" for index, source in enumerate(_SIX[_layout(found)]))
        return sound.filter("pan", args=f"5.1|{parts}")
    if found.channels == 1 and channels == 2:
        return sound.filter("channelmap", map="0|0", channel_layout="stereo")
    return sound


def encode_sound(wav: Path, out: Path, limits: Limits = LIMITS) -> Path:
    """Write a WAV as AAC in an `.m4a`, as `mux` would encode it, so that several films can carry the same packets. Raises: MediaError."""
    header = read_header(wav, limits)
    _require(wav, header, 0)
    coding = {"f": "ipod", "acodec": "aac", "audio_bitrate": AAC_RATES[header.sounds[0].channels], "threads": 1, "flags:a": "+bitexact"}
    with written(out) as part:
        run(ffmpeg_command(ffmpeg.output(media_input(wav, limits)["a:0"], f"file:{part}", **coding, **CLEAN), limits), limits, str(wav))
    return out


def write_wav(
    sound: Any,
    out: Path,
    sample_rate: int,
    channels: int | None,
    limits: Limits = LIMITS,
    *options: str,
    where: str = "",
    codec: str = "pcm_s16le",
) -> Path:
    """Write an audio node of a graph as WAV, the same bytes each time.

    `options` are ffmpeg's global ones, `where` is named in errors, `codec` is the form of the samples.
    """
    layout = {} if channels is None else {"ac": channels}
    coding = {"f": "wav", "acodec": codec, "ar": sample_rate, "rf64": "auto", "flags:a": "+bitexact"}
    with written(out) as part:
        graph = ffmpeg.output(sound, f"file:{part}", **coding, **layout, **CLEAN)
        run(ffmpeg_command(graph, limits, *options), limits, where or str(out))
    return out


def _require(path: Path, header: Header, stream: int) -> None:
    if stream >= len(header.sounds):
        found = f"no audio stream {stream}: it has {len(header.sounds)} of them"
        raise MediaError(found, where=str(path), allowed="streams counted from 0", fix="deliver a file with sound")
