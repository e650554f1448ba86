"""Frames out of and into pictures, and shots joined: all counted, none encoded twice."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
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
from nightdub.infra.media.output import CLEAN, written
from nightdub.infra.media.probe import probe
from nightdub.infra.media.process import ffmpeg_command, run, started
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.sniff import MP4, MPEG_TS, OGG, sniff

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR

SEEK_MARGIN = 1.0  # seconds decoded before the wanted frame, so that frames leaning on an earlier key frame are whole
BLIND_MARGIN = 15.0  # the same where the container has no index of key frames: longer than their usual distance
KEY_INTERVAL = 2.0  # seconds between key frames at most, the usual segment of streaming
SMALL_HEIGHT = 720  # lines below which an unmarked picture is taken for BT.601, as players do
_SCALING = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
_MATRICES = {  # ffprobe's name -> the scale filter's
    "bt709": "bt709",
    "smpte170m": "bt601",
    "bt470bg": "bt601",
    "bt2020nc": "bt2020",
}
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
        .filter("zscale", w=picture.width, h=picture.height, **_TO_RGB, matrixin=_ZSCALE[_matrix(picture)])
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

    All shots of one size, rate, crf and preset have the same headers, whoever wrote them, so that `join_shots` can join them.
    """

    def __init__(
        self, out: Path, width: int, height: int, frame_rate: str, crf: int = 20, preset: str = "veryfast", *, limits: Limits = LIMITS
    ) -> None:
        _check_even(out, width, height)
        self.frames = 0
        self._shape = (height, width, 3)
        self._out = out
        source = ffmpeg.input("pipe:", f="rawvideo", pixel_format="bgr24", video_size=(width, height), framerate=frame_rate)
        self._shot = _Shot(width, height, frame_rate, crf, preset)
        matrix = _matrix_of(height)
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
    """Encode the original frames `first` up to, not including, `last` as one shot, joinable with those of `FrameWriter`.

    Raises: MediaError, as where there are fewer frames than asked for.
    """
    original = _open(source, limits)
    picture = original.picture
    _check_even(source, picture.width, picture.height)
    shot = _Shot(picture.width, picture.height, original.rate, crf, preset)
    frames = shot.prepare(original.frames(first, last), _matrix(picture))
    with written(out) as part:
        run(ffmpeg_command(shot.output(frames, part, vframes=last - first), limits, "-copyts"), limits, str(source))
        _check_count(source, read_segment(part).frames, last - first)
    return out


def join_shots(shots: Sequence[Path], out: Path, limits: Limits = LIMITS) -> int:
    """Join encoded shots without encoding anything again, and return the number of frames.

    Raises: MediaError where shots differ in size, rate or encoder settings, or where a frame is lost.
    """
    if not shots:
        raise MediaError("no shots to join", where=str(out), allowed="one or more", fix="report this")
    segments = [read_segment(shot) for shot in shots]
    for shot, segment in zip(shots, segments, strict=True):
        if segment.headers != segments[0].headers or segment.step != segments[0].step:
            raise MediaError("encoded with other settings", where=str(shot), allowed=f"those of {shots[0]}", fix="encode all shots alike")
    step = segments[0].step
    with tempfile.TemporaryDirectory(prefix="nightdub-join-") as folder, written(out) as part:
        source = _list_of(shots, Path(folder))
        timing = f"setts=pts=N*{step}:dts=N*{step}"
        coding = {"f": "mp4", "vcodec": "copy", "video_track_timescale": segments[0].timescale, "bsf:v": timing}
        graph = source.video.output(f"file:{part}", **coding, **CLEAN)
        run(ffmpeg_command(graph, limits), limits, str(out))
        total = sum(segment.frames for segment in segments)
        _check_count(out, read_segment(part).frames, total)
    return total


def _list_of(shots: Sequence[Path], folder: Path) -> Any:
    """Return a concat input over links with harmless names, so that ffmpeg's safe mode stays on."""
    lines = ["ffconcat version 1.0"]
    for index, shot in enumerate(shots):
        if sniff(shot) is not MP4:
            raise MediaError("not a shot", where=str(shot), allowed=MP4.name, fix="encode it with FrameWriter or encode_range")
        name = f"{index:06d}.mp4"
        (folder / name).symlink_to(shot.resolve())
        lines.append(f"file {name}")
    listing = folder / "shots.ffconcat"
    listing.write_text("\n".join(lines) + "\n")
    return ffmpeg.input(f"file:{listing}", f="concat", safe=1, format_whitelist=f"concat,{MP4.whitelist}", protocol_whitelist="file")


@dataclass(frozen=True, slots=True)
class _Shot:
    """The one form in which shots are encoded."""

    width: int
    height: int
    rate: str
    crf: int
    preset: str

    def output(self, frames: Any, part: Path, **options: Any) -> Any:
        """Return the output node.

        Without B-frames decoding order is display order, so a shot of any length joins exactly; with one thread and closed
        groups of pictures the same frames give the same bytes.
        """
        matrix, primaries = ("bt709", "bt709") if self.height >= SMALL_HEIGHT else ("smpte170m", "unknown")
        colour = {
            "colorspace": matrix,
            "color_primaries": primaries,
            "color_trc": primaries,
            "color_range": "tv",
            "chroma_sample_location": "left",
        }
        interval = max(1, round(KEY_INTERVAL * float(Fraction(self.rate))))
        coding = {"vcodec": "libx264", "preset": self.preset, "crf": self.crf, "bf": 0, "g": interval, "pix_fmt": "yuv420p"}
        fixed = {"threads": 1, "x264-params": "open-gop=0:sliced-threads=0", "flags:v": "+bitexact+cgop", "fps_mode": "cfr", "r": self.rate}
        return frames.output(f"file:{part}", f="mp4", **coding, **fixed, **colour, **CLEAN, **options)

    def prepare(self, frames: Any, matrix: str) -> Any:
        """Return frames in the encoder's form: matrix by height, limited range, square pixels, times counted from zero."""
        numerator, _, denominator = self.rate.partition("/")
        colour = {"in_color_matrix": matrix, "out_color_matrix": _matrix_of(self.height), "out_range": "tv"}
        return (
            frames.filter("scale", self.width, self.height, flags=_SCALING, **colour)
            .filter("format", "yuv420p")
            .filter("setsar", "1")
            .filter("settb", f"{denominator}/{numerator}")
            .filter("setpts", "N")
        )


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


def _matrix(picture: Picture) -> str:
    if picture.pixel_format.startswith(("gbr", "rgb", "bgr")):
        return "auto"
    return _MATRICES.get(picture.matrix, _matrix_of(picture.height))


def _matrix_of(height: int) -> str:
    return "bt709" if height >= SMALL_HEIGHT else "bt601"


def _check_even(path: Path, width: int, height: int) -> None:
    if width % 2 or height % 2:
        found = f"a picture of {width}x{height}"
        raise MediaError(found, where=str(path), allowed="even width and height", fix="crop or pad it by one pixel")


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise MediaError(f"{found} frames where {wanted} belong", where=str(path), fix="check the source's frame rate and length")
