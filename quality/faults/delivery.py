"""Faults of the film as a file: sound out of time, wrong tracks, damage. Programme and rows are as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from nightdub.infra.media.ffmpeg import Piece, assemble
from nightdub.infra.media.rewrap import Track
from nightdub.quality.dub import Dub
from nightdub.quality.faults.film import dub_place, repack, sounds_of, subtitles_of
from nightdub.quality.faults.kinds import CannotPlant, Fault, Plant, Planted, Where, choose, long_lines, one_of
from nightdub.quality.faults.mix import leaking
from nightdub.quality.faults.sound import RATE, Whole, rewrite, scaled, to_whole
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.sound import resample

Tracks = list[Track]


def of_track(change: Callable[[Whole, Dub, float], Whole]) -> Plant:
    """Return a plant that changes the sound of the film's dub track alone."""

    def planted(dub: Dub, severity: float, folder: Path, _seed: int) -> Planted:
        sound = rewrite(dub.files.programme, folder / "track.wav", lambda whole: change(whole, dub, severity))
        return Planted(repack(dub, folder, sound=sound), Where())

    return planted


def of_tracks(change: Callable[[Dub, Tracks, Tracks, int], tuple[Tracks, Tracks]]) -> Plant:
    """Return a plant that changes the film's lists of sounds and subtitles; it is given the place of the dub among the sounds."""

    def planted(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
        sounds, subtitles = change(dub, sounds_of(dub), subtitles_of(dub), dub_place(dub))
        return Planted(repack(dub, folder, sounds=sounds, subtitles=subtitles), Where())

    return planted


def shifted(whole: Whole, _dub: Dub, milliseconds: float) -> Whole:
    """Return the sound later (above 0) or earlier, at the length that it had."""
    late = round(milliseconds * RATE / 1000)
    moved = np.zeros_like(whole)
    if late >= 0:
        moved[late:] = whole[: len(whole) - late]
    else:
        moved[:late] = whole[-late:]
    return moved


def drifting(whole: Whole, _dub: Dub, percent: float) -> Whole:
    """Return the sound played slower by so many percent, at the length that it had."""
    slow = resample(whole.T / 2.0**31, 100_000, round(100_000 * (1 + percent / 100)))
    return to_whole(slow.T, whole)


def one_sided(whole: Whole, _dub: Dub, decibels: float) -> Whole:
    """Return the sound with its left channel lowered."""
    return np.stack([scaled(whole[:, 0], 10 ** (decibels / 20)), *whole.T[1:]], axis=1)


def gained(whole: Whole, _dub: Dub, decibels: float) -> Whole:
    """Return the sound at another level than the programme's."""
    return scaled(whole, 10 ** (decibels / 20))


def _dropout(dub: Dub, milliseconds: float, folder: Path, seed: int) -> Planted:
    place = one_of(long_lines(dub), seed, "no line of a second or more has a sound")
    first = round((place.start + place.end) / 2 * RATE)
    last = first + round(milliseconds * RATE / 1000)

    def torn(whole: Whole) -> Whole:
        changed = whole.copy()
        changed[first:last] = 0
        return changed

    sound = rewrite(dub.files.programme, folder / "track.wav", torn)
    return Planted(repack(dub, folder, sound=sound), Where((place.segment,), first / RATE, last / RATE))


def _original_for_dub(dub: Dub, _severity: float, folder: Path, _seed: int) -> Planted:
    sounds, place = sounds_of(dub), dub_place(dub)
    others = [track for at, track in enumerate(sounds) if at != place]
    if not others:
        raise CannotPlant("the film has no other sound than the dub", where="faults", fix="plant it into a film that has one")
    sounds[place] = replace(sounds[place], path=others[0].path, stream=others[0].stream)
    return Planted(repack(dub, folder, sounds=sounds), Where())


def _frame_rate(dub: Dub, percent: float, folder: Path, _seed: int) -> Planted:
    """Play the picture at another rate, the sound as it was: 4.1667 % over 24 is 25."""
    rate = dub.frame_rate * Fraction(1000, 1001) if percent == PULL_DOWN else dub.frame_rate * Fraction(24, 25)
    picture = folder / "picture.mp4"
    assemble(dub.files.film, [Piece(0, dub.facts.frames)], rate, picture)
    return Planted(repack(dub, folder, picture=picture), Where(detail=f"{rate} frames/s"))


PULL_DOWN, FILM = -0.1, -4.0  # percent: 1000/1001, and 24 where 25 belong


def _truncated(dub: Dub, percent: float, folder: Path, _seed: int) -> Planted:
    data = dub.files.film.read_bytes()
    film = folder / "film.mp4"
    film.write_bytes(data[: round(len(data) * (1 - percent / 100))])
    return Planted(_with_film(dub, film), Where(detail=f"{len(data) - film.stat().st_size} bytes are gone"))


def _damaged(dub: Dub, count: float, folder: Path, seed: int) -> Planted:
    data = bytearray(dub.files.film.read_bytes())
    places = choose(seed, "bytes").sample(range(len(data) // 2, len(data)), round(count))
    for place in places:
        data[place] ^= 0xFF
    film = folder / "film.mp4"
    film.write_bytes(data)
    return Planted(_with_film(dub, film), Where(detail=f"bytes {', '.join(map(str, sorted(places)[:3]))}"))


def _with_film(dub: Dub, film: Path) -> Dub:
    return replace(dub, files=replace(dub.files, film=film))


# ---------------------------------------------------------------- tracks


def _tagged_as_original(dub: Dub, sounds: Tracks, subtitles: Tracks, place: int) -> tuple[Tracks, Tracks]:
    sounds[place] = replace(sounds[place], language=LANGUAGES[dub.source].iso639_2)
    return sounds, subtitles


def _untagged(_dub: Dub, sounds: Tracks, subtitles: Tracks, place: int) -> tuple[Tracks, Tracks]:
    sounds[place] = replace(sounds[place], language="und")
    return sounds, subtitles


def _subtitles_tagged_as_original(dub: Dub, sounds: Tracks, subtitles: Tracks, _place: int) -> tuple[Tracks, Tracks]:
    return sounds, [replace(track, language=LANGUAGES[dub.source].iso639_2) for track in subtitles]


def _without_dub(_dub: Dub, sounds: Tracks, subtitles: Tracks, place: int) -> tuple[Tracks, Tracks]:
    return sounds[:place] + sounds[place + 1 :], subtitles


def _without_original(_dub: Dub, sounds: Tracks, subtitles: Tracks, place: int) -> tuple[Tracks, Tracks]:
    return sounds[place : place + 1], subtitles


def _without_subtitles(_dub: Dub, sounds: Tracks, _subtitles: Tracks, _place: int) -> tuple[Tracks, Tracks]:
    return sounds, []


def _original_default(_dub: Dub, sounds: Tracks, subtitles: Tracks, place: int) -> tuple[Tracks, Tracks]:
    return [replace(track, default=at != place) for at, track in enumerate(sounds)], subtitles


_SHIFTS = (-300, -120, -60, 60, 80, 120, 300)  # EBU R37 lets sound be 40 ms early to 60 ms late

FAULTS: tuple[Fault, ...] = (
    Fault(
        "av-shift", "film", "the film's sound is late (above 0) or early", "ms", _SHIFTS, (-300, -120, -60, 80, 120, 300), of_track(shifted)
    ),
    Fault("drift", "film", "the film's sound runs slower than its picture", "%", (0.02, 0.1, 0.5), (0.1, 0.5), of_track(drifting)),
    Fault("frame-rate", "film", "the film's picture runs slower than its sound", "%", (PULL_DOWN, FILM), (PULL_DOWN, FILM), _frame_rate),
    Fault(
        "late-leak", "film", "the original's dialogue is in the film's dub track alone", "dB", (-40, -30, -15), (-15,), of_track(leaking)
    ),
    Fault("film-level", "film", "the film's sound has another level than the programme", "dB", (-6, -3, 3), (-6, -3, 3), of_track(gained)),
    Fault("one-channel", "film", "one channel of the film's sound is lowered", "dB", (-6, -90), (-6, -90), of_track(one_sided)),
    Fault("dropout", "film", "the film's sound is gone for a moment in a line", "ms", (20, 100, 500), (500,), _dropout, 2),
    Fault("original-for-dub", "film", "the track tagged as the dub holds the original's sound", "tracks", (1,), (1,), _original_for_dub),
    Fault(
        "wrong-track-language", "film", "the dub is tagged as the original's language", "tracks", (1,), (1,), of_tracks(_tagged_as_original)
    ),
    Fault("untagged-track", "film", "the dub is tagged with no language", "tracks", (1,), (1,), of_tracks(_untagged)),
    Fault(
        "wrong-subtitle-language",
        "film",
        "the film's subtitles are tagged as the original's language",
        "tracks",
        (1,),
        (1,),
        of_tracks(_subtitles_tagged_as_original),
    ),
    Fault("missing-dub-track", "film", "the film lacks the dub", "tracks", (1,), (1,), of_tracks(_without_dub)),
    Fault("missing-original-track", "film", "the film lacks the original's sound", "tracks", (1,), (1,), of_tracks(_without_original)),
    Fault("missing-subtitle-track", "film", "the film lacks its subtitles", "tracks", (1,), (1,), of_tracks(_without_subtitles)),
    Fault("wrong-default", "film", "players begin with the original's sound", "tracks", (1,), (1,), of_tracks(_original_default)),
    Fault("truncated", "film", "the end of the file is gone", "%", (0.1, 5, 50), (5, 50), _truncated),
    Fault("damaged", "film", "bytes of the file's second half are changed", "bytes", (1, 20, 200), (20, 200), _damaged, 2),
)
