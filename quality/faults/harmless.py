"""Changes that nobody hears, sees or reads as a fault: the gate must hold none of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from nightdub.infra.media.ffmpeg import encode_range
from nightdub.quality.dub import Dub
from nightdub.quality.faults.delivery import of_track, shifted
from nightdub.quality.faults.film import repack
from nightdub.quality.faults.kinds import Fault, Planted, Where, long_lines, one_of
from nightdub.quality.faults.lines import louder, of_sound
from nightdub.quality.faults.mix import gained, of_programme
from nightdub.quality.faults.sound import RATE, Whole, change_lines, clip_sound, rewrite, scaled, with_programme
from nightdub.quality.faults.subtitles import of_files, with_cues
from nightdub.tasks.line_breaks import one_line
from nightdub.tasks.stretch import stretch

_DELIVERED = 20  # crf of the profile


def _sound_encoded(dub: Dub, kilobits: float, folder: Path, _seed: int) -> Planted:
    return Planted(repack(dub, folder, sound=dub.files.programme, bit_rate=f"{kilobits:g}k"), Where())


def _picture_encoded(dub: Dub, coarser: float, folder: Path, _seed: int) -> Planted:
    picture = encode_range(dub.files.film, folder / "picture.mp4", 0, dub.facts.frames, round(_DELIVERED + coarser))
    return Planted(repack(dub, folder, picture=picture), Where())


def _matroska(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
    return Planted(repack(dub, folder, suffix=".mkv"), Where())


def _titled(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
    return Planted(repack(dub, folder, tags={"title": "Another title", "artist": "A studio"}), Where())


def _index_last(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
    return Planted(repack(dub, folder, options={}), Where())


def _ticks(dub: Dub, ticks: float, folder: Path, _seed: int) -> Planted:
    """Write the picture's times on another clock."""
    return Planted(repack(dub, folder, options={"movflags": "+faststart", "video_track_timescale": round(ticks)}), Where())


def _stretched(dub: Dub, percent: float, folder: Path, seed: int) -> Planted:
    """Speak one line so much faster, in its place, as its row says."""
    place = one_of(long_lines(dub), seed, "no line of a second or more has a sound")
    sound = clip_sound(dub, place.segment)
    size = round(min(sound.size, round((place.end - place.start) * RATE)) / (1 + percent / 100))
    changed = change_lines(dub, {place.segment: stretch(sound, size)}, folder)
    row = replace(place, end=round(place.start + size / RATE, 9), stretch=place.stretch * (1 + percent / 100))
    rows = [row if other is place else other for other in dub.placements]
    return Planted(replace(changed, placements=rows), Where((place.segment,), place.start, place.end))


def _noisy(whole: Whole, _dub: Dub, level: float) -> Whole:
    noise = np.random.default_rng(0).standard_normal(whole.shape) * 10 ** (level / 20) * 2.0**31
    return scaled(whole + noise, 1.0)


def _inverted(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
    """Turn the whole mix upside down, its stem included."""
    dialogue = rewrite(dub.files.dialogue, folder / "dialogue.wav", lambda whole: scaled(whole, -1.0))
    programme = rewrite(dub.files.programme, folder / "programme.wav", lambda whole: scaled(whole, -1.0))
    return Planted(with_programme(replace(dub, files=replace(dub.files, dialogue=dialogue)), programme, folder), Where())


def _broken_elsewhere(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    """Break the lines of one subtitle one word earlier or later, within the language's length."""
    from nightdub.tasks.line_breaks import width
    from nightdub.tasks.subtitle_rules import RULES

    longest, found = RULES[dub.target].line_length, []
    for place, cue in enumerate(dub.cues):
        words = one_line(" ".join(cue.lines)).split(" ")
        breaks = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
        found += [(place, pair) for pair in breaks if pair != cue.lines and max(width(line, dub.target) for line in pair) <= longest]
    place, pair = one_of(found, seed, "no subtitle has two words")
    cues = [replace(cue, lines=pair) if at == place else cue for at, cue in enumerate(dub.cues)]
    return Planted(with_cues(dub, cues, folder), Where(dub.cues[place].segments, cues=(dub.cues[place].index,)))


def _crlf(data: bytes, _severity: float) -> bytes:
    return data.replace(b"\n", b"\r\n")


FAULTS: tuple[Fault, ...] = (
    Fault("sound-encoded", "harmless", "the film's sound at another bit rate of AAC", "kbit/s", (128, 256), (), _sound_encoded),
    Fault("picture-encoded", "harmless", "the film's picture encoded again, so much coarser", "crf", (0, 2), (), _picture_encoded),
    Fault("gain", "harmless", "the programme so much louder", "LU", (-0.5, 0.5), (), of_programme(gained)),
    Fault("matroska", "harmless", "the same tracks in Matroska", "files", (1,), (), _matroska),
    Fault("tags", "harmless", "a title and a name in the film's tags", "tags", (2,), (), _titled),
    Fault("index-last", "harmless", "the film's index at its end", "files", (1,), (), _index_last),
    Fault("clock", "harmless", "the picture's times in other ticks a second", "ticks", (90_000,), (), _ticks),
    Fault("shift", "harmless", "the film's sound later", "ms", (0.03, 1, 10), (), of_track(shifted)),
    Fault("dither", "harmless", "noise in the programme, at this level", "dBFS", (-80,), (), of_programme(_noisy)),
    Fault("polarity", "harmless", "the programme upside down", "programmes", (1,), (), _inverted),
    Fault("line-gain", "harmless", "a line so much louder", "dB", (-1, 1), (), of_sound(louder)),
    Fault("small-stretch", "harmless", "a line so much faster", "%", (2,), (), _stretched),
    Fault("line-break", "harmless", "a subtitle broken at another word", "subtitles", (1,), (), _broken_elsewhere, 2),
    Fault("crlf", "harmless", "subtitle files with the line ends of Windows", "files", (3,), (), of_files(_crlf)),
)
