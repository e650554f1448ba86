"""Frames out of and into pictures: all counted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import ffmpeg
import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import MediaError
from nightdub.infra.media.boxes import read_segment
from nightdub.infra.media.header import Header, Picture, read_header
from nightdub.infra.media.output import written
from nightdub.infra.media.probe import probe
from nightdub.infra.media.process import ffmpeg_command, run, started
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.shot import Shot, matrix_in
from nightdub.infra.media.sniff import MPEG_TS, OGG, sniff

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR

SEEK_MARGIN = 1.0  # seconds decoded before the wanted frame, so that frames leaning on an earlier key frame are whole
BLIND_MARGIN = 15.0  # the same where the container has no index of key frames: longer than their usual distance
_ZSCALE = {"bt709": "bt709", "bt601": "smpte170m", "bt2020": "bt2020nc", "auto": "gbr"}  # the scale filter's name -> zscale's
# To RGB by zscale: for 640x360 0.5 ms a frame where the scale filter takes 2.8 ms for the same quality (luma comes back at 70 dB),
# and in 0.25 ms only 47 dB (measured on 5.1.9, one core).
_TO_RGB = {"filter": "bicubic", "dither": "none", "matrix": "gbr", "range": "full"}
_FROM_RGB = {"filter": "bicubic", "dither": "none", "matrixin": "gbr", "rangein": "full", "range": "limited"}


def read_frames(path: Path, first: int, last: int, limits: Limits = LIMITS) -> Iterator[Frame]:
    """Yield frames `first` up to, not including, `last` as (height, width, 3) BGR, in display orientation, one in memory at a time.

    Exact for pictures of constant rate: frames are picked by their times, and their number is checked.

    Raises: MediaError, as where there are fewer frames than asked for.
    """
    source = _open(path, limits)
    picture = source.picture
    graph = (
        source.frames(first, last)
        .filter("zscale", w=picture.width, h=picture.height, **_TO_RGB, matrixin=_ZSCALE[matrix_in(picture)])
        .filter("format", "gbrp")
        .filter("format", "bgr24")
        .output("pipe:", f="rawvideo", fps_mode="passthrough", vframes=last - first)
    )
    size, count = picture.width * picture.height * 3, 0
    with started(ffmpeg_command(graph, limits, "-copyts"), limits, str(path)) as process:
        while process.stdout and len(data := process.stdout.read(size)) == size:
            count += 1
            yield np.frombuffer(data, np.uint8).reshape(picture.height, picture.width, 3)
    _check_count(path, count, last - first)


class FrameWriter:
    """Encode BGR frames as one silent shot (MP4, H.264); the file appears whole when the `with` block ends, or not at all.

    All shots of one size, rate, crf, preset and film have the same headers, whoever wrote them, so that they can be joined. `like` is
    the film whose colours, shape of pixels, profile and fields the shot is to have; without it they follow from the height.
    """

    def __init__(
        self,
        out: Path,
        width: int,
        height: int,
        frame_rate: str,
        crf: int = 20,
        preset: str = "veryfast",
        *,
        like: Path | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        _check_even(out, width, height)
        self.frames = 0
        self._shape = (height, width, 3)
        self._out = out
        source = ffmpeg.input("pipe:", f="rawvideo", pixel_format="bgr24", video_size=(width, height), framerate=frame_rate)
        self._shot = Shot(width, height, frame_rate, crf, preset, read_header(like, limits).picture if like else None)
        matrix = self._shot.matrix
        yuv = source.video.filter("format", "gbrp").filter("zscale", w=width, h=height, **_FROM_RGB, matrix=_ZSCALE[matrix])
        self._source = self._shot.prepare(yuv.filter("format", "yuv420p"), matrix)
        self._limits = limits

    def __enter__(self) -> FrameWriter:
        self._writing = self._encoder()
        self._process = self._writing.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writing.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Append one (height, width, 3) uint8 BGR frame. Raises: MediaError where it has another shape or type."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            found, allowed = f"a frame of {frame.shape} {frame.dtype}", f"{self._shape} uint8"
            raise MediaError(found, where=str(self._out), allowed=allowed, fix="report this")
        if self._process.stdin is not None:
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        self.frames += 1

    @contextmanager
    def _encoder(self) -> Iterator[subprocess.Popen[bytes]]:
        with written(self._out) as part:
            command = ffmpeg_command(self._shot.output(self._source, part), self._limits)
            with started(command, self._limits, str(self._out)) as process:
                yield process
            _check_count(self._out, read_segment(part).frames if self.frames else 0, max(self.frames, 1))


def encode_range(
    source: Path, out: Path, first: int, last: int, crf: int = 20, preset: str = "veryfast", *, limits: Limits = LIMITS
) -> Path:
    """Encode the original frames `first` up to, not including, `last` as one shot, joinable with those of a `FrameWriter` like `source`.

    Raises: MediaError, as where there are fewer frames than asked for.
    """
    original = _open(source, limits)
    picture = original.picture
    _check_even(source, picture.width, picture.height)
    shot = Shot(picture.width, picture.height, original.rate, crf, preset, picture)
    frames = shot.prepare(original.frames(first, last), matrix_in(picture))
    with written(out) as part:
        run(ffmpeg_command(shot.output(frames, part, vframes=last - first), limits, "-copyts"), limits, str(source))
        _check_count(source, read_segment(part).frames, last - first)
    return out


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture to take frames from."""

    path: Path
    header: Header
    picture: Picture
    rate: str
    limits: Limits

    def frames(self, first: int, last: int) -> Any:
        """Return a node with a range of frames, cut half a frame before the first and before the one after the last."""
        if not 0 <= first < last:
            raise MediaError(f"frames {first} to {last}", where=str(self.path), allowed="0 <= first < last", fix="report this")
        step = 1 / Fraction(self.rate)
        start, end = (self.picture.start + float((index - Fraction(1, 2)) * step) for index in (first, last))
        seek = start - self.header.start - (BLIND_MARGIN if sniff(self.path) in (MPEG_TS, OGG) else SEEK_MARGIN)
        source = media_input(self.path, self.limits, **({"ss": f"{seek:.6f}"} if seek > 0 else {}))
        return source["v:0"].filter("select", f"between(t,{start:.6f},{end:.6f})")


def _open(path: Path, limits: Limits) -> _Source:
    header = read_header(path, limits)
    if header.picture is None:
        raise MediaError("no picture", where=str(path), fix="deliver a file with video")
    rate = _exact_rate(path, header.picture.rates, limits)
    if not rate:
        raise MediaError("no frame rate", where=str(path), fix="deliver a film of constant frame rate")
    return _Source(path, header, header.picture, rate, limits)


@lru_cache(maxsize=64)
def _exact_rate(path: Path, rates: tuple[str, ...], limits: Limits) -> str:
    """Return the rate that the header is sure of, else the one that counting finds."""
    return rates[0] if len(rates) == 1 else probe(path, limits).frame_rate


def _check_even(path: Path, width: int, height: int) -> None:
    if width % 2 or height % 2:
        found = f"a picture of {width}x{height}"
        raise MediaError(found, where=str(path), allowed="even width and height", fix="crop or pad it by one pixel")


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise MediaError(f"{found} frames where {wanted} belong", where=str(path), fix="check the source's frame rate and length")
