"""Sound out of files, as WAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import Header, read_header
from nightdub.infra.media.output import CLEAN, written
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input


def extract_audio(
    path: Path, out: Path, sample_rate: int, channels: int | None = None, *, stream: int = 0, limits: Limits = LIMITS
) -> Path:
    """Write one audio stream as `pcm_s16le` WAV (RF64 above 4 GiB), from its first to its last sample.

    `channels` None keeps the stream's own. Raises: MediaError, as where there is no such stream.
    """
    _require(path, read_header(path, limits), stream)
    return write_wav(media_input(path, limits)[f"a:{stream}"], out, sample_rate, channels, limits, where=str(path))


def extract_programme(path: Path, out: Path, sample_rate: int, samples: int, limits: Limits = LIMITS, *, stream: int = 0) -> Path:
    """Write one audio stream as stereo WAV of exactly `samples` samples that starts with the first picture.

    What lies before the picture or after the end is cut, what lacks is silence, gaps over 0.1 s in the stream's times (swresample's
    `min_hard_comp`) are filled. Mono becomes two equal channels; more than two are folded by ffmpeg's normalised matrix, which
    cannot clip but lowers the level.

    Raises: MediaError, as where there is no such stream.
    """
    header = read_header(path, limits)
    _require(path, header, stream)
    start = header.picture.start if header.picture else header.start
    sound = media_input(path, limits)[f"a:{stream}"].filter("asetpts", f"PTS-{start:.6f}/TB")
    if header.sounds[stream].channels == 1:
        sound = sound.filter("channelmap", map="0|0", channel_layout="stereo")
    sound = (
        sound.filter("aresample", sample_rate, first_pts=0, **{"async": 1})
        .filter("apad", whole_len=samples)
        .filter("atrim", end_sample=samples)
    )
    return write_wav(sound, out, sample_rate, 2, limits, "-copyts", where=str(path))


def write_wav(
    sound: Any, out: Path, sample_rate: int, channels: int | None, limits: Limits = LIMITS, *options: str, where: str = ""
) -> Path:
    """Write an audio node of a graph as `pcm_s16le` WAV, the same bytes each time.

    `options` are ffmpeg's global ones, `where` is named in errors.
    """
    layout = {} if channels is None else {"ac": channels}
    coding = {"f": "wav", "acodec": "pcm_s16le", "ar": sample_rate, "rf64": "auto", "flags:a": "+bitexact"}
    with written(out) as part:
        graph = ffmpeg.output(sound, f"file:{part}", **coding, **layout, **CLEAN)
        run(ffmpeg_command(graph, limits, *options), limits, where or str(out))
    return out


def _require(path: Path, header: Header, stream: int) -> None:
    if stream >= len(header.sounds):
        found = f"no audio stream {stream}: it has {len(header.sounds)} of them"
        raise MediaError(found, where=str(path), allowed="streams counted from 0", fix="deliver a file with sound")
