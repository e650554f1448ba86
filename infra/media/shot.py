"""The form in which shots are encoded: like the film that they come from, so that they can stand between its own packets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nightdub.infra.media.avc import read_sets
from nightdub.infra.media.header import Picture
from nightdub.infra.media.output import CLEAN

KEY_INTERVAL = 2.0  # seconds between key frames at most, the usual segment of streaming
SMALL_HEIGHT = 720  # lines below which an unmarked picture is taken for BT.601, as players do
PROFILES = {"Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main", "High": "high"}  # of 8-bit 4:2:0 -> x264's name
TOP_FIRST, BOTTOM_FIRST = ("tt", "tb"), ("bb", "bt")  # ffprobe's orders of fields: stored and shown
MATRICES = {  # ffprobe's name -> the scale filter's
    "bt709": "bt709",
    "smpte170m": "bt601",
    "bt470bg": "bt601",
    "bt2020nc": "bt2020",
}
_SCALING = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"


def matrix_in(picture: Picture) -> str:
    """Return the matrix of a picture as the scale filter names it; "auto" where it is RGB."""
    if picture.pixel_format.startswith(("gbr", "rgb", "bgr")):
        return "auto"
    return MATRICES.get(picture.matrix, matrix_of(picture.height))


def matrix_of(height: int) -> str:
    """Return the matrix that an unmarked picture of this height is taken to have."""
    return "bt709" if height >= SMALL_HEIGHT else "bt601"


@dataclass(frozen=True, slots=True)
class Shot:
    """How a shot is encoded. `like` is the picture of the film that it comes from: colours, shape, profile and fields are that film's."""

    width: int
    height: int
    rate: str
    crf: int
    preset: str
    like: Picture | None = None

    @property
    def matrix(self) -> str:
        """Return the matrix of the encoded shot as the scale filter names it."""
        return matrix_in(self.like) if self._keeps_colour and self.like else matrix_of(self.height)

    def output(self, frames: Any, part: Any, **options: Any) -> Any:
        """Return the output node.

        Without B-frames decoding order is display order, so a shot of any length joins exactly; with one thread and closed
        groups of pictures the same frames give the same bytes.
        """
        interval = max(1, round(KEY_INTERVAL * float(Fraction(self.rate))))
        coding = {"vcodec": "libx264", "preset": self.preset, "crf": self.crf, "bf": 0, "g": interval, "pix_fmt": "yuv420p"}
        flags = "+bitexact+cgop+ildct+ilme" if self._fields else "+bitexact+cgop"
        parameters = f"open-gop=0:sliced-threads=0:sps-id={self._number}" + (f":{self._fields}=1" if self._fields else "")
        fixed = {"threads": 1, "x264-params": parameters, "flags:v": flags, "fps_mode": "cfr", "r": self.rate}
        return frames.output(f"file:{part}", f="mp4", **coding, **fixed, **self._level, **self._colour, **CLEAN, **options)

    def prepare(self, frames: Any, matrix: str) -> Any:
        """Return frames in the encoder's form: its matrix, limited range, the film's shape of pixels, times counted from zero."""
        numerator, _, denominator = self.rate.partition("/")
        colour = {"in_color_matrix": matrix, "out_color_matrix": self.matrix, "out_range": "tv"}
        made = frames.filter("scale", self.width, self.height, flags=_SCALING, **colour).filter("format", "yuv420p")
        made = made.filter("setsar", self.like.pixel_aspect.replace(":", "/") if self.like else "1")
        if self._fields:
            made = made.filter("setfield", self._fields)
        return made.filter("settb", f"{denominator}/{numerator}").filter("setpts", "N")

    @property
    def _keeps_colour(self) -> bool:
        """Return whether the film's colours can be kept as they are marked, or as they are not."""
        return self.like is not None and matrix_in(self.like) != "auto" and self.like.matrix in ("", *MATRICES)

    @property
    def _colour(self) -> dict[str, str]:
        marks = {"color_range": "tv", "chroma_sample_location": "left"}
        if self.like and self._keeps_colour:
            said = (self.like.matrix, self.like.primaries, self.like.transfer)
        else:
            said = ("bt709", "bt709", "bt709") if self.height >= SMALL_HEIGHT else ("smpte170m", "", "")
        names = ("colorspace", "color_primaries", "color_trc")
        return marks | {name: value or "unknown" for name, value in zip(names, said, strict=True)}

    @property
    def _fields(self) -> str:
        order = self.like.fields if self.like else ""
        return "tff" if order in TOP_FIRST else "bff" if order in BOTTOM_FIRST else ""

    @property
    def _level(self) -> dict[str, str]:
        if self.like is None or self.like.codec != "h264" or self.like.profile not in PROFILES:
            return {}
        level = {"level": f"{self.like.level / 10:.1f}"} if self.like.level > 9 else {}
        return {"profile:v": PROFILES[self.like.profile], **level}

    @property
    def _number(self) -> int:
        """Return the number of our parameter sets: the first that the film does not use, so that both can stand side by side."""
        try:
            taken = read_sets(self.like.headers).numbers if self.like else frozenset()
        except ValueError:
            return 0
        return next((number for number in range(32) if number not in taken), 0)
