"""Other sounds in the places of a dub's lines: in the clip, the dialogue stem, the programme and the film, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.digests import digest_file
from nightdub.quality.dub import Dub
from nightdub.quality.faults.film import repack
from nightdub.tasks.panning import gains
from nightdub.tasks.rows import Clip, Placement
from nightdub.tasks.sound import Samples, read_mono, read_sound, to_mono, write_sound

RATE = 48_000  # Hz of clips and programmes
_FULL = 2.0**31  # soundfile's whole numbers: 24 bits come through unchanged
_FADE = 0.005  # seconds at both ends of a line as it is laid

Whole = npt.NDArray[np.int32]  # (samples, channels)


def change_lines(dub: Dub, sounds: Mapping[str, Samples], folder: Path) -> Dub:
    """Return the dub with other sounds (48 kHz, mono) for some segments, everywhere where their sound is."""
    return change_clips(change_mix(dub, sounds, folder), sounds, folder)


def change_clips(dub: Dub, sounds: Mapping[str, Samples], folder: Path) -> Dub:
    """Return the dub with other clips, and their rows; the mix stays as it was."""
    files = {name: write_sound(folder / f"{name.replace('/', '_')}.wav", sound, RATE) for name, sound in sounds.items()}
    clips = [_with_sound(clip, files.get(clip.segment)) for clip in dub.clips]
    return replace(dub, files=replace(dub.files, clips={**dub.files.clips, **files}), clips=clips, heard=_unheard(dub, sounds))


def change_mix(dub: Dub, sounds: Mapping[str, Samples], folder: Path) -> Dub:
    """Return the dub mixed as though these were the sounds of the lines: in stem, programme and film; the clips stay as they were."""
    places = {place.segment: place for place in dub.placements}
    changes = []
    for name, sound in sounds.items():
        first, old = contribution(dub, places[name])
        changes.append((first, _laid(sound, old.size) * np.float32(gain_of(dub, places[name], old)) - old))
    return add_to_mix(dub, changes, folder)


def add_to_mix(dub: Dub, changes: Sequence[tuple[int, Samples]], folder: Path) -> Dub:
    """Return the dub with mono sounds added from a sample on to the stem, the programme and the film, where the lines there lie."""
    placed = [(first, sound[:, None] * _pan(dub, first, sound.size)) for first, sound in changes]
    dialogue = rewrite(dub.files.dialogue, folder / "dialogue.wav", lambda whole: _add(whole, placed))
    programme = rewrite(dub.files.programme, folder / "programme.wav", lambda whole: _add(whole, placed))
    return with_programme(replace(dub, files=replace(dub.files, dialogue=dialogue)), programme, folder)


def with_programme(dub: Dub, programme: Path, folder: Path) -> Dub:
    """Return the dub with another programme, in the film as well."""
    return repack(replace(dub, files=replace(dub.files, programme=programme)), folder, sound=programme)


def rewrite(path: Path, out: Path, change: Callable[[Whole], Whole]) -> Path:
    """Write a WAV changed, in its own form; samples that `change` leaves alone come through exactly."""
    with soundfile.SoundFile(path) as file:
        rate, subtype, whole = file.samplerate, file.subtype, file.read(dtype="int32", always_2d=True)
    soundfile.write(out, change(whole), rate, subtype=subtype, format="WAV")
    return out


def scaled(whole: npt.NDArray[Any], factor: float) -> Whole:
    """Return samples times a factor; what leaves full scale is clipped."""
    return _whole(whole * factor)


def to_whole(samples: npt.NDArray[np.floating], like: Whole) -> Whole:
    """Return samples in [-1, 1], shape (samples,) or (samples, channels), cut or filled up to the shape of other ones."""
    wide = np.zeros(like.shape, np.float64)
    count = min(len(like), len(samples))
    wide[:count] = (samples if samples.ndim == 2 else samples[:, None])[:count]
    return _whole(wide * _FULL)


def clip_sound(dub: Dub, segment: str) -> Samples:
    """Return a line's own sound at 48 kHz."""
    return read_mono(dub.files.clips[segment], rate=RATE)


def contribution(dub: Dub, place: Placement) -> tuple[int, Samples]:
    """Return where a line begins in the mix, in samples, and what it adds there.

    That is the dialogue stem itself where no other line lies on it, else the clip as it was laid.
    """
    first, stop = round(place.start * RATE), round(place.end * RATE)
    stem = read_mono(dub.files.dialogue, place.start, place.end, RATE)
    if not any(other.segment != place.segment and other.start < place.end and other.end > place.start for other in dub.placements):
        return first, stem
    laid = _laid(clip_sound(dub, place.segment), stop - first)
    return first, laid * np.float32(_gain(laid, stem))


def gain_of(dub: Dub, place: Placement, old: Samples) -> float:
    """Return what the mix multiplied a line's sound with."""
    return _gain(_laid(clip_sound(dub, place.segment), old.size), old)


def _gain(laid: Samples, mixed: Samples) -> float:
    size = min(laid.size, mixed.size)
    power = float(laid[:size] @ laid[:size])
    return float(laid[:size] @ mixed[:size]) / power if power > 0 else 1.0


def _laid(sound: Samples, size: int) -> Samples:
    """Return a sound cut or filled up to a place, faded at both ends."""
    laid = np.zeros(size, np.float32)
    count = min(size, sound.size)
    laid[:count] = sound[:count]
    ends = min(round(_FADE * RATE), count // 2)
    fade = np.linspace(0, 1, ends, endpoint=False, dtype=np.float32)
    laid[:ends] *= fade
    laid[count - ends : count] *= fade[::-1]
    return laid


def _pan(dub: Dub, first: int, size: int) -> npt.NDArray[np.float32]:
    """Return the gain of each channel of the dialogue stem against its mono there; in the centre where it is silent."""
    start = max(first, 0) / RATE
    stem = np.atleast_2d(read_sound(dub.files.dialogue, start, start + size / RATE)[0])
    mono = to_mono(stem)
    power = float(mono @ mono)
    return np.asarray(stem @ mono / power if power > 0 else gains((), max(len(stem), 2))[: len(stem)], np.float32)


def _add(whole: Whole, changes: Sequence[tuple[int, Samples]]) -> Whole:
    """Add sounds of shape (samples, channels) from a sample on."""
    wide = whole.astype(np.int64)
    for first, sound in changes:
        start, stop = max(first, 0), min(first + len(sound), len(wide))
        wide[start:stop] += np.rint(sound[start - first : stop - first].astype(np.float64) * _FULL).astype(np.int64)
    return _whole(wide)


def _whole(wide: npt.NDArray[Any]) -> Whole:
    return np.asarray(np.clip(np.rint(wide), -_FULL, _FULL - 1), np.int32)


def _with_sound(clip: Clip, path: Path | None) -> Clip:
    if path is None:
        return clip
    return replace(clip, sound=digest_file(path), duration=soundfile.info(path).frames / RATE)


def _unheard(dub: Dub, sounds: Mapping[str, Samples]) -> Mapping[str, str] | None:
    """Return what a recogniser heard, without the lines that it has not listened to again."""
    return None if dub.heard is None else {name: text for name, text in dub.heard.items() if name not in sounds}
