"""Time as scripts write it: SMPTE time code with exact frame rates, and clocks of hours, minutes and seconds.

Counting follows SMPTE ST 12-1: drop frame leaves out the first two codes of each minute but every tenth (four at 59.94), so that an hour of
code lasts an hour within 3.6 ms. Non-drop code at 29.97 counts every frame, and an hour of it lasts 3603.6 s. At 50 and 59.94 the last
field counts to 49 and 59, as editing systems write it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from nightdub.infra.errors import ScriptError
from nightdub.tasks.rows import Seconds

DAY = 24  # hours of time code
_CODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)([:;.,])(\d{2})", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)", re.ASCII)
_SECONDS = re.compile(r"\s*\d{1,9}(\.\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class FrameRate:
    """Frames a second, exact, and whether the codes leave numbers out (only at 30000/1001 and 60000/1001)."""

    frames: Fraction
    drop: bool = False

    @property
    def nominal(self) -> int:
        """Return the frames that one second of time code counts."""
        return math.ceil(self.frames)

    @property
    def dropped(self) -> int:
        """Return how many codes a minute leaves out: 0, 2 or 4."""
        return self.nominal // 15 if self.drop else 0


_NTSC = {24: Fraction(24_000, 1001), 30: Fraction(30_000, 1001), 60: Fraction(60_000, 1001)}
RATES: dict[str, FrameRate] = {
    "23.976": FrameRate(_NTSC[24]),
    "24": FrameRate(Fraction(24)),
    "25": FrameRate(Fraction(25)),
    "29.97": FrameRate(_NTSC[30]),
    "29.97df": FrameRate(_NTSC[30], drop=True),
    "30": FrameRate(Fraction(30)),
    "50": FrameRate(Fraction(50)),
    "59.94": FrameRate(_NTSC[60]),
    "59.94df": FrameRate(_NTSC[60], drop=True),
}


def named_rate(name: str) -> FrameRate:
    """Return the rate of one of the names of `RATES`. Raises: ScriptError."""
    if name.lower() not in RATES:
        raise ScriptError(f"frame rate {name!r}", where="time code", allowed=", ".join(RATES))
    return RATES[name.lower()]


def rate_of(frames: Fraction) -> FrameRate:
    """Return the non-drop rate of a video: within 0.01 % of a rate of `RATES` that one, so that 29.97 is 30000/1001."""
    near = [rate for rate in RATES.values() if abs(rate.frames / frames - 1) < Fraction(1, 10_000)]
    return near[0] if near else FrameRate(frames)


def is_code(text: str) -> bool:
    """Return whether a text has the form of a time code with frames; "." and "," part the frames only where two digits follow."""
    found = _CODE.fullmatch(text.strip())
    return found is not None and found[4] in ":;"


def frames_of(code: str, rate: FrameRate) -> int:
    """Return the frame, counted from 0 at 00:00:00:00, of "HH:MM:SS:FF"; a ";" before the frames asks for drop-frame counting.

    Raises:
        ScriptError: no time code, one that the rate cannot have (frame 25 at 25), or one that drop frame leaves out (00:01:00;00).
    """
    found = _CODE.fullmatch(code.strip())
    if not found:
        raise ScriptError(f"time code {code!r}", where="time code", allowed="HH:MM:SS:FF, or HH:MM:SS;FF for drop frame")
    hours, minutes, seconds, frame = (int(found[group]) for group in (1, 2, 3, 5))
    if hours >= DAY or frame >= rate.nominal:
        raise ScriptError(f"time code {code!r}", where="time code", allowed=f"up to 23:59:59:{rate.nominal - 1:02d} at {_name(rate)}")
    rate = counted(rate, found[4])
    whole = 60 * hours + minutes
    if seconds == 0 and frame < rate.dropped and minutes % 10:
        raise ScriptError(f"time code {code!r} does not exist in drop frame", where="time code", fix="is the script non-drop?")
    return (60 * whole + seconds) * rate.nominal + frame - rate.dropped * (whole - whole // 10)


def counted(rate: FrameRate, mark: str) -> FrameRate:
    """Return the rate as the mark before the frames says that it is counted. Raises: ScriptError where the rate has no drop frame."""
    if mark == ";" and rate.frames not in (_NTSC[30], _NTSC[60]):
        allowed = "':' before the frames; only 29.97 and 59.94 drop frames"
        raise ScriptError(f"drop-frame time code at {_name(rate)}", where="time code", allowed=allowed, fix="name the script's own rate")
    return FrameRate(rate.frames, drop=True) if mark == ";" else rate


def code_of(frame: int, rate: FrameRate) -> str:
    """Return a frame's time code, "HH:MM:SS:FF" or, in drop frame, "HH:MM:SS;FF". Raises: ScriptError below 0 and from 24 hours on."""
    minute = 60 * rate.nominal - rate.dropped  # of most minutes; every tenth is whole
    ten = 10 * minute + rate.dropped
    if not 0 <= frame < 6 * DAY * ten:
        raise ScriptError(f"frame {frame}", where="time code", allowed=f"0 to {6 * DAY * ten - 1} at {_name(rate)}")
    tens, rest = divmod(frame, ten)
    number = frame + rate.dropped * (9 * tens + max(0, rest - rate.dropped) // minute)
    seconds, last = divmod(number, rate.nominal)
    mark = ";" if rate.drop else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{last:02d}"


def seconds_of(frame: int, rate: FrameRate) -> Fraction:
    """Return when a frame begins, exactly."""
    return frame / rate.frames


def nearest_frame(moment: Seconds | Fraction, rate: FrameRate) -> int:
    """Return the frame that begins nearest to a moment."""
    return round(Fraction(moment) * rate.frames)


def hour(rate: FrameRate | None) -> Fraction:
    """Return how many seconds one hour of a script's own time lasts: 3600 for clocks (None), 3603.6 for non-drop code at 29.97."""
    return seconds_of(frames_of("01:00:00:00", rate), rate) if rate else Fraction(3600)


def clock(text: str) -> Seconds:
    """Return "HH:MM:SS.mmm", "MM:SS,mmm" or plain seconds as seconds (to the microsecond), not a number where it is none of these."""
    if found := _CLOCK.fullmatch(text.strip()):
        hours, minutes, seconds = found.groups()
        return round(int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", ".")), 6)
    return float(text) if _SECONDS.fullmatch(text) else math.nan


def written_clock(moment: Seconds, point: str = ".") -> str:
    """Return "HH:MM:SS.mmm", rounded to the millisecond."""
    milliseconds = round(moment * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _name(rate: FrameRate) -> str:
    return next((name for name, other in RATES.items() if other == rate), f"{float(rate.frames):g}") + " frames a second"
