"""How a line of the original sounds in its place: level and its course, the channels that it comes from, and the room.

Place and room are read only from a dialogue stem that is the original's own: a separator's leaves a centre and a gate behind it.

The room is read where speech ends and nothing follows: level against time from 15 to 35 dB under the last loud moment is a straight
line in a room, as in reverberation measurements (ISO 3382-1, T20), and a cliff without one. On recorded prompts in planted rooms of 0.3
to 1.2 s the median of a scene is within a fifth of the decay, and within 5 dB of the level; dry prompts read 0.08 s.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from statistics import median, quantiles

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Acoustics, Decibel, Room, Seconds
from nightdub.tasks.sound import to_mono

AFTER: Seconds = 1.5  # heard after a line, at most up to the next one
PARTS = 4  # of a line, whose levels are its contour
SHORTEST: Seconds = 1.5  # line that has a contour
_FRAME = 0.01  # seconds
_HEARD = 25.0  # dB under the loudest frame that still is the line
_KNOWN = -60.0  # dBFS under which a line is not heard
_SOUNDING = 0.1  # of a part's time that must sound, or it has no level of its own
_CENTRED = 1.0  # dB between left and right that are not a place
_FAINT, _ALONE = 0.05, 0.9  # shares of a channel of 5.1 that is left out, and of a centre that is all
_SMOOTH = 4  # frames
_LOUD = 6.0  # dB under the line's level: speech, and not its end
_PAUSE = 20  # frames without a loud one after which speech has ended
_TOP, _BOTTOM, _RISE, _FLOOR = 15.0, 35.0, 5.0, 5.0  # dB: where a decay is read, what ends it, what it must stay above the noise
_SCENE: Seconds = 5.0  # without a line, after which another room may be
_DECAYS = 3  # that a scene's room rests on, at least
_DRY: Seconds = 0.25
_LONGEST: Seconds = 2.0
_SPREAD = 2.0  # between the quarters of a scene's decays
_WETTEST: Decibel = -3.0

_Frames = npt.NDArray[np.float64]


def describe(sound: npt.NDArray[np.float32], rate: int, length: int, *, true: bool) -> Acoustics:
    """Return how a line sounds, without its room: that is a scene's, and comes with `with_rooms`.

    Args:
        sound: The original's dialogue from the line's start on, shape (samples,) or (channels, samples).
        length: Samples of the line itself; what follows is silence or its reverberation.
        true: The stem is the original's own, not a separator's.
    """
    mono = to_mono(sound)
    if not mono[:length].size:
        return Acoustics("")
    level = heard_level(mono[:length], rate)
    if level is None or level < _KNOWN:
        return Acoustics("")
    return Acoustics(
        "",
        level=round(level, 2),
        contour=contour(mono[:length], rate),
        shares=_shares(np.atleast_2d(sound)[:, :length], rate) if true else (),
        decays=tuple(_decays(mono, rate)) if true else (),
    )


def heard_level(sound: Sound, rate: int) -> Decibel | None:
    """Return the RMS in dBFS of the 10 ms that lie within 25 dB of the loudest; None for silence."""
    powers = frame_powers(sound, rate)
    loudest = powers.max(initial=0.0)
    if loudest <= 0:
        return None
    return 10 * math.log10(float(powers[powers >= loudest * 10 ** (-_HEARD / 10)].mean()))


def frame_powers(sound: Sound, rate: int) -> _Frames:
    """Return the mean square of every 10 ms; a rest is left out, a sound shorter than that is one frame."""
    size = round(_FRAME * rate)
    whole = sound[: len(sound) // size * size] if len(sound) >= size else sound
    return np.asarray(np.square(whole, dtype=np.float64).reshape(max(len(sound) // size, 1), -1).mean(axis=1))


def contour(sound: Sound, rate: int) -> tuple[Decibel, ...]:
    """Return the level of each quarter of a line against the line's, in dB; empty for a short or silent one, 0 for a silent quarter."""
    powers = frame_powers(sound, rate)
    if len(sound) < SHORTEST * rate or powers.max(initial=0.0) <= 0:
        return ()
    heard = powers >= powers.max() * 10 ** (-_HEARD / 10)
    whole = 10 * math.log10(float(powers[heard].mean()))
    parts = zip(np.array_split(powers, PARTS), np.array_split(heard, PARTS), strict=True)
    return tuple(round(10 * math.log10(float(part[loud].mean())) - whole, 2) if loud.mean() >= _SOUNDING else 0.0 for part, loud in parts)


def heard_until(spans: Sequence[tuple[Seconds, Seconds]]) -> list[Seconds]:
    """Return for each line up to when nothing but its own room is heard: 1.5 s after it, the next line, or its end under another line."""
    starts, reached = sorted(start for start, _ in spans), sorted(spans, key=lambda span: span[1])
    ends = [end for _, end in reached]
    earliest = [*accumulate((start for start, _ in reversed(reached)), min)][::-1]  # start of those that end no earlier
    found = []
    for _, end in spans:
        following = bisect_left(starts, end)
        later = bisect_right(ends, end)
        under = later < len(ends) and earliest[later] < end
        until = end if under else min([end + AFTER, *starts[following : following + 1]])
        found.append(round(until, 6))
    return found


def with_rooms(rows: Sequence[Acoustics], spans: Sequence[tuple[Seconds, Seconds]]) -> list[Acoustics]:
    """Return the rows with the room of each line's scene; `spans` are where the lines lie. A scene ends where nobody speaks for 5 s."""
    order = sorted(range(len(rows)), key=lambda index: spans[index])
    rooms: dict[int, Room | None] = {}
    for scene in _scenes(order, spans):
        room = scene_room([decay for index in scene for decay in rows[index].decays])
        rooms |= dict.fromkeys(scene, room)
    return [replace(row, room=rooms[index]) for index, row in enumerate(rows)]


def scene_room(decays: Sequence[Room]) -> Room | None:
    """Return the room that decays agree on; None for fewer than three, for such that differ by more than two to one, and for a dry one."""
    if len(decays) < _DECAYS:
        return None
    times = sorted(decay.decay for decay in decays)
    low, middle, high = quantiles(times, n=4, method="inclusive")
    if middle < _DRY or high > _SPREAD * low:
        return None
    return Room(round(min(middle, _LONGEST), 2), round(min(median(decay.level for decay in decays), _WETTEST), 1))


def _scenes(order: Sequence[int], spans: Sequence[tuple[Seconds, Seconds]]) -> Iterator[list[int]]:
    scene: list[int] = []
    reached = 0.0
    for index in order:
        if scene and spans[index][0] - reached > _SCENE:
            yield scene
            scene = []
        scene.append(index)
        reached = max(reached, spans[index][1])
    if scene:
        yield scene


def _shares(channels: npt.NDArray[np.float32], rate: int) -> tuple[float, ...]:
    """Return each channel's share of the power while the line is heard; empty where that is the centre, or there is one channel."""
    if len(channels) == 1:
        return ()
    powers = np.array([frame_powers(channel, rate) for channel in channels])
    whole = powers.sum(axis=0)
    shares = powers[:, whole >= whole.max() * 10 ** (-_HEARD / 10)].sum(axis=1)
    shares /= shares.sum()
    if len(channels) == 2:
        apart = abs(10 * math.log10(max(shares[0], 1e-9) / max(shares[1], 1e-9)))
        return () if apart < _CENTRED else tuple(np.round(shares, 3).tolist())
    shares[3] = 0.0  # an LFE carries no voice
    shares[shares < _FAINT * shares.sum()] = 0.0
    shares /= shares.sum() or 1.0
    return () if shares[2] >= _ALONE else tuple(np.round(shares, 3).tolist())


# ---------------------------------------------------------------- the room


def _decays(sound: Sound, rate: int) -> Iterator[Room]:
    """Yield what each end of speech says of the room."""
    powers = frame_powers(sound, rate)
    if len(powers) < _PAUSE or powers.max() <= 0:
        return
    smooth = np.convolve(powers, np.full(_SMOOTH, 1 / _SMOOTH), "same")
    levels = 10 * np.log10(np.maximum(smooth, 1e-12))
    speech = 10 * math.log10(float(powers[levels > levels.max() - 30].mean()))
    floor = float(np.percentile(levels, 5)) + _FLOOR
    loud = np.flatnonzero(levels >= speech - _LOUD)
    for last, following in pairwise([*loud.tolist(), len(levels)]):
        if following - last >= _PAUSE and (room := _decay(powers, levels[last : following - _SMOOTH], last, floor)):
            yield room


def _decay(powers: _Frames, levels: _Frames, last: int, floor: float) -> Room | None:
    """Return the room that one fall from the last loud frame tells of; None where it does not fall far and straight enough."""
    lowest = np.minimum.accumulate(levels)
    ended = np.flatnonzero((levels > lowest + _RISE) | (levels < floor))
    lowest = lowest[: ended[0]] if ended.size else lowest
    if not lowest.size or lowest[-1] > levels[0] - _BOTTOM:
        return None
    first = int(np.argmax(lowest <= levels[0] - _TOP))
    end = int(np.argmax(lowest <= levels[0] - _BOTTOM)) + 1
    if end - first < 3:
        return Room(round(60 * _FRAME * (end - first) / (_BOTTOM - _TOP), 3), -60.0)
    slope = float(np.polyfit(np.arange(end - first) * _FRAME, levels[first:end], 1)[0])
    if slope >= 0:
        return None
    decay = -60 / slope
    return Room(round(decay, 3), round(_reverberation(powers, last + first, float(levels[first:end].mean()), end - first, decay), 1))


def _reverberation(powers: _Frames, start: int, level: Decibel, frames: int, decay: Seconds) -> Decibel:
    """Return the energy of the reverberation against the sound that caused it, from the level of a decay that begins at a frame.

    A room that answers an impulse of energy 1 with q * 13.8 / decay * exp(-13.8 t / decay) holds q times its energy in the tail; the
    mean level of the decay, against the same sum over what was heard before it, is q.
    """
    fall = 6 * math.log(10) / decay
    before = powers[start::-1][: round(2 * decay / _FRAME) + 1]
    excited = float((before * np.exp(-fall * _FRAME * np.arange(before.size))).sum()) * _FRAME * math.exp(-fall * frames / 2 * _FRAME)
    return level - 10 * math.log10(max(excited * fall, 1e-12))
