"""Lay one dubbed line as the original's was: its course of level, and its room. Where from (pan) and how loud is for the mix.

Careful by design: the course is followed within 3 dB, and a room is added only where the scene's own was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy  # its parts load on their first use

from nightdub.tasks.acoustics import PARTS, contour
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, Room, Seconds

_FOLLOWED: Decibel = 3.0  # dB by which a part of a line is raised or lowered at most
_FADE: Seconds = 0.01  # at the end of a line that is cut
_DELAY: Seconds = 0.005  # before a room answers
_BRIGHT = 5000.0  # Hz above which air and walls swallow it
_DEEPEST: Decibel = -45.0  # under the direct sound, where a tail ends
_FULL = 0.95  # highest sample


def place_line(sound: Sound, rate: int, length: int, original: Sequence[Decibel], room: Room | None) -> Sound:
    """Return a mono line of at most `length` samples with the original's contour (`Acoustics.contour`) and room.

    With a room its tail follows, up to where it is 45 dB under the line. The level as a whole is the mix's to set; a line that would
    clip is lowered.
    """
    line = np.array(sound[:length], np.float32)
    if len(sound) > length:
        fade = min(round(_FADE * rate), line.size)
        line[line.size - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    line = _followed(line, rate, original)
    if room is not None:
        answer = impulse(room, rate)
        wet = scipy.signal.fftconvolve(line, answer).astype(np.float32)
        wet[: line.size] += line
        line = wet
    peak = float(np.abs(line).max(initial=0.0))
    return line * np.float32(_FULL / peak) if peak > _FULL else line


def tail_length(room: Room, rate: int) -> int:
    """Return the samples that a room adds to a line."""
    return round((_DELAY + max(room.decay * (room.level - _DEEPEST) / 60, 0.0)) * rate)


def impulse(room: Room, rate: int) -> Sound:
    """Return what a room answers to an impulse, without the impulse: noise that dies away, darker than its source. Always the same."""
    count, delay = tail_length(room, rate) + 1, round(_DELAY * rate)
    noise = np.random.default_rng(0).standard_normal(count - delay)
    darker = math.exp(-2 * math.pi * _BRIGHT / rate)
    noise = scipy.signal.lfilter([1 - darker], [1, -darker], noise)
    tail = noise * np.exp(-3 * math.log(10) * np.arange(noise.size) / (room.decay * rate))
    tail *= math.sqrt(10 ** (room.level / 10) / float(np.square(tail).sum()))
    return np.concatenate([np.zeros(delay), tail]).astype(np.float32)


def _followed(line: Sound, rate: int, original: Sequence[Decibel]) -> Sound:
    """Return the line with the original's course of level, part by part; unchanged where either has none."""
    own = contour(line, rate)
    if not own or len(original) != PARTS:
        return line
    changes = [
        max(-_FOLLOWED, min(_FOLLOWED, wanted - found)) if wanted and found else 0.0 for wanted, found in zip(original, own, strict=True)
    ]
    middles = (np.arange(PARTS) + 0.5) / PARTS * line.size
    gains = 10 ** (np.interp(np.arange(line.size), middles, changes) / 20)
    return np.asarray(line * gains, np.float32)
