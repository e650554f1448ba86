"""Pauses inside a line: where the original has them, where the dub can, and the silence that is put in so that the two agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Pause, Seconds, Segment, SpokenSound

HEARD: Seconds = 0.25  # between two words of the original: less is no pause
SILENCE: Seconds = 0.12  # inside the dub: less is a plosive's closure
NEAR = 0.15  # share of the line by which the two may lie apart
LEAST: Seconds = 0.05  # less silence than this is not worth putting in
FRAME: Seconds = 0.01
QUIET = 1e-2  # amplitude under the loudest frame's, -40 dB
FADE: Seconds = 0.005  # on either side of silence that is put in


def find_silences(sound: Sound, rate: int) -> tuple[Pause, ...]:
    """Return the silences inside a line's sound, shape (samples,), each from where it begins; those at its ends are none."""
    size = round(FRAME * rate)
    frames = np.square(np.asarray(sound[: sound.size // size * size], np.float64)).reshape(-1, size).mean(axis=1)
    loud = np.flatnonzero(frames > QUIET**2 * frames.max(initial=0.0))
    return tuple(
        Pause(round((first + 1) * FRAME, 3), round((after - first - 1) * FRAME, 3))
        for first, after in pairwise(loud.tolist())
        if (after - first - 1) * FRAME >= SILENCE - FRAME / 2
    )


def match_pauses(original: Segment, silences: Sequence[Pause], duration: Seconds) -> tuple[Pause, ...]:
    """Return where silence may be put into a line, and how much, so that its pauses are as long as the original's.

    A pause of the original and a silence of the dub belong together where as much of the speech lies before them, to `NEAR`. A line
    whose words were not found in the sound has no pauses: their times are guesses.

    Args:
        original: The line with its words in time.
        silences: Inside the dubbed sound, in order.
        duration: Of the dubbed sound.
    """
    heard = _speech_before(_pauses_of(original), original.start, original.end)
    free = _speech_before(list(silences), 0.0, duration)
    found: list[Pause] = []
    for share, pause in heard:
        near = min(free, key=lambda place: abs(place[0] - share), default=None)
        if near is None or abs(near[0] - share) > NEAR:
            continue
        free = free[free.index(near) + 1 :]  # pauses keep their order
        if pause.length - near[1].length >= LEAST:
            found.append(Pause(round(near[1].at + near[1].length / 2, 6), round(pause.length - near[1].length, 3)))
    return tuple(found)


def put_in(sound: Sound, pauses: Sequence[tuple[int, int]]) -> Sound:
    """Return the sound with silence put in, each as (sample before which, samples), in order; its edges are faded over 5 ms."""
    parts, reached = [], 0
    for at, length in pauses:
        parts += [sound[reached:at], np.zeros(length, np.float32)]
        reached = at
    parts.append(sound[reached:])
    return np.concatenate([_faded(part, first=index > 0, last=index + 1 < len(parts)) for index, part in enumerate(parts)])


def shift_sounds(sounds: Sequence[SpokenSound], pauses: Sequence[Pause]) -> Iterator[SpokenSound]:
    """Yield phonemes with the silence that was put in before them; one that it falls into keeps its length."""
    for sound in sounds:
        late = sum(pause.length for pause in pauses if pause.at <= (sound.start + sound.end) / 2)
        yield SpokenSound(sound.shape, sound.start + late, sound.end + late)


def _pauses_of(line: Segment) -> list[Pause]:
    if any(word.estimated for word in line.words):
        return []
    return [Pause(first.end, after.start - first.end) for first, after in pairwise(line.words) if after.start - first.end >= HEARD]


def _speech_before(pauses: Sequence[Pause], start: Seconds, end: Seconds) -> list[tuple[float, Pause]]:
    """Return each pause with the share of the speech that lies before it."""
    speech = end - start - sum(pause.length for pause in pauses)
    silent = 0.0
    shares = []
    for pause in pauses:
        shares.append(((pause.at - start - silent) / speech if speech > 0 else 0.0, pause))
        silent += pause.length
    return shares


def _faded(part: Sound, *, first: bool, last: bool) -> Sound:
    """Return a part with its first and last 5 ms at 48 kHz faded, where silence lies on that side."""
    size = min(round(FADE * 48_000), part.size)
    ramp = np.linspace(0.0, 1.0, size, dtype=np.float32)
    part = part.copy()
    if first:
        part[:size] *= ramp
    if last:
        part[part.size - size :] *= ramp[::-1]
    return part
