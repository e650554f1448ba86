"""Scripts with a map that was planted, against speech that was made in code: where each line lies is known by construction."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.match import LEVEL_STEP, Matched, follow, match_script, speech_levels
from nightdub.tasks.match_evidence import LEAD
from nightdub.tasks.match_map import NEAR
from nightdub.tasks.rows import Segment, Utterance, Word
from nightdub.tasks.sound import SPEECH_RATE, write_sound

SYLLABLES = ("ka", "lo", "mi", "ne", "su", "ta", "ro", "vi", "po", "du", "fe", "gi")


@dataclass(frozen=True)
class Film:
    """What is said when: lines at the moments at which they are heard, voice activity around them, and every word in its place."""

    lines: list[Segment]
    utterances: list[Utterance]
    words: list[Word]
    length: float


def film(count: int, seed: int, start: float = 2.0) -> Film:
    """Return lines of one to nine words of 0.35 s, with pauses of 0.3 to 4 s; a detector's stretches reach `LEAD` beyond them."""
    rng = random.Random(seed)
    lines, utterances, words = [], [], []
    for index in range(count):
        said = ["".join(rng.choices(SYLLABLES, k=3)) for _ in range(rng.randint(1, 9))]
        end = round(start + 0.35 * len(said), 3)
        lines.append(Segment(f"s{index:05d}", start, end, " ".join(said).capitalize() + ".", origin="script"))
        utterances.append(Utterance(f"u{index:05d}", start - LEAD, end + LEAD))
        words += [Word(word, start + 0.35 * at, start + 0.35 * (at + 1)) for at, word in enumerate(said)]
        start = round(end + rng.choice((0.3, 0.5, 0.8, 1.5, 4.0)), 3)
    return Film(lines, utterances, words, start + 2)


def mapped(lines: list[Segment], place: Callable[[float], float]) -> list[Segment]:
    """Return a script in which each moment stands at another one."""
    return [replace(line, start=round(place(line.start), 3), end=round(place(line.end), 3)) for line in lines]


def match(script: list[Segment], heard: Film, *, words: bool) -> Matched:
    found = match_script(script, heard.utterances, heard.words if words else [], heard.length, listener="ear" if words else "")
    assert sorted([line.id for line in found.lines] + [row.id for row in found.dropped]) == sorted(line.id for line in script)
    assert [row.segment for row in found.report.lines] == [line.id for line in script]
    return found


def starts(lines: list[Segment] | tuple[Segment, ...]) -> dict[str, float]:
    return {line.id: line.start for line in lines}


HEARD = pytest.mark.parametrize("words", [False, True], ids=["speech", "words"])
FILM = film(120, 1)


@HEARD
@pytest.mark.parametrize("count", [1, 3, 7, 8, 40, 120])
def test_a_script_that_fits_comes_back_as_the_very_same_lines(count: int, words: bool) -> None:
    heard = film(count, 7)
    found = match(heard.lines, heard, words=words)
    assert all(one is other for one, other in zip(found.lines, heard.lines, strict=True))
    assert (found.report.trusted, found.report.rate, found.dropped, found.report.unscripted) == (True, 1.0, (), ())
    assert {row.verdict for row in found.report.lines} == {"aligned"}


@HEARD
def test_times_a_frame_or_two_off_are_left_alone(words: bool) -> None:
    rng = random.Random(3)
    script = [replace(line, start=line.start + rng.uniform(-0.1, 0.1), end=line.end + rng.uniform(0, 0.3)) for line in FILM.lines]
    found = match(script, FILM, words=words)
    assert starts(found.lines) == starts(script)


@HEARD
@pytest.mark.parametrize(
    "place",
    [
        lambda moment: moment + 3.2,
        lambda moment: moment + 0.9,
        lambda moment: moment + 3600.0,
        lambda moment: moment * 25 / 24,
        lambda moment: moment * (25 * 1001 / 24000),
        lambda moment: moment * 24 / 25 + 7.0,
        lambda moment: moment * 1.0023 + 1.0,
    ],
    ids=["3.2 s late", "0.9 s late", "an hour late", "24 for 25", "23.976 for 25", "25 for 24, late", "a rate that nobody names"],
)
def test_a_shift_and_another_rate_are_undone(place: Callable[[float], float], words: bool) -> None:
    found = match(mapped(FILM.lines, place), FILM, words=words)
    assert found.report.trusted
    assert found.dropped == ()
    assert starts(found.lines) == pytest.approx(starts(FILM.lines), abs=NEAR)


@HEARD
def test_a_scene_that_the_sound_lost_is_named_and_the_rest_moves(words: bool) -> None:
    scene = film(25, 99, start=FILM.lines[50].start).lines
    length = scene[-1].end + 1.0 - FILM.lines[50].start
    scene = [replace(line, id=f"x{line.id}") for line in scene]
    late = mapped(FILM.lines[50:], lambda moment: moment + length)
    found = match([*FILM.lines[:50], *scene, *late], FILM, words=words)
    assert {row.id: row.reason for row in found.dropped} == {line.id: "not-in-sound" for line in scene}
    assert starts(found.lines) == pytest.approx(starts(FILM.lines), abs=0.1)
    assert len(found.report.stretches) == 2


@HEARD
def test_a_scene_that_the_script_lost_is_reported_as_unscripted(words: bool) -> None:
    gap = FILM.lines[70].start - FILM.lines[45].start
    script = [*FILM.lines[:45], *mapped(FILM.lines[70:], lambda moment: moment - gap)]
    found = match(script, FILM, words=words)
    assert found.dropped == ()
    assert starts(found.lines) == pytest.approx({line.id: line.start for line in FILM.lines[:45] + FILM.lines[70:]}, abs=0.1)
    long = [line for line in FILM.lines[45:70] if line.end - line.start > 1.5]
    for line in long:
        assert any(row.start < line.start + 0.4 and row.end > line.end - 0.4 for row in found.report.unscripted)
    assert sum(row.end - row.start for row in found.report.unscripted) <= sum(line.end - line.start for line in FILM.lines[44:71])


@HEARD
def test_single_lines_missing_on_either_side_are_named(words: bool) -> None:
    unsaid, unwritten = set(range(5, 120, 10)), set(range(9, 120, 10))
    heard = Film(
        FILM.lines,
        [row for index, row in enumerate(FILM.utterances) if index not in unsaid],
        [word for word in FILM.words if not any(FILM.lines[at].start <= word.start < FILM.lines[at].end for at in unsaid)],
        FILM.length,
    )
    found = match([line for index, line in enumerate(FILM.lines) if index not in unwritten], heard, words=words)
    assert {row.id for row in found.dropped} == {FILM.lines[index].id for index in unsaid}
    assert {row.reason for row in found.dropped} == {"not-in-sound"}
    long = [FILM.lines[index] for index in unwritten if FILM.lines[index].end - FILM.lines[index].start > 1.2]
    assert [round(row.start, 1) for row in found.report.unscripted] == [
        pytest.approx(line.start, abs=0.31) for line in sorted(long, key=lambda line: line.start)
    ]


@HEARD
def test_the_script_of_another_film_is_left_as_it_was_and_not_trusted(words: bool) -> None:
    other = film(110, 50)
    found = match(other.lines, FILM, words=words)
    assert not found.report.trusted
    assert [line for line in other.lines if line.start < FILM.length - 5][:90] == list(found.lines[:90])
    assert {row.verdict for row in found.report.lines} <= {"unmatched", "past-the-end"}
    assert found.report.stretches == ()


def test_a_script_in_another_language_fits_in_time_and_its_words_tell() -> None:
    rng = random.Random(8)
    foreign = [replace(line, text=" ".join(f"w{rng.randint(0, 10**6)}" for _ in line.text.split())) for line in FILM.lines]
    assert match(foreign, FILM, words=False).report.trusted
    assert not match(foreign, FILM, words=True).report.trusted


def test_words_that_were_badly_heard_lose_no_line() -> None:
    rng = random.Random(5)
    poor = replace(FILM, words=[word if rng.random() < 0.4 else replace(word, text="noise") for word in FILM.words])
    assert match(FILM.lines, poor, words=True).dropped == ()


def test_a_recogniser_that_heard_next_to_nothing_is_not_asked() -> None:
    found = match(FILM.lines, replace(FILM, words=FILM.words[:5]), words=True)
    assert (found.report.trusted, found.report.listener, found.dropped) == (True, "", ())


@HEARD
def test_lines_said_at_once_are_all_kept(words: bool) -> None:
    second = [
        replace(line, id=f"{line.id}b", start=round(line.start + 0.2, 3), end=round(line.end + 0.3, 3), speaker="B")
        for line in FILM.lines[::4]
        if len(line.text.split()) > 1
    ]
    script = sorted([*FILM.lines, *second], key=lambda line: line.start)
    found = match(script, FILM, words=words)
    assert found.dropped == ()
    assert starts(found.lines) == starts(script)


def test_something_heard_that_is_no_known_speech_keeps_its_line() -> None:
    heard = replace(FILM, utterances=[row for index, row in enumerate(FILM.utterances) if index not in (10, 20)])
    levels = np.full(round(FILM.length / LEVEL_STEP), -60, np.float32)
    for index, line in enumerate(FILM.lines):
        if index != 20:  # the tenth is whispered, the twentieth is not there
            levels[round(line.start / LEVEL_STEP) : round(line.end / LEVEL_STEP)] = -40 if index == 10 else -20
    found = match_script(FILM.lines, heard.utterances, [], FILM.length, levels=levels)
    assert [row.id for row in found.dropped] == [FILM.lines[20].id]
    assert [row.segment for row in found.report.lines if row.verdict == "no-speech"] == [FILM.lines[10].id]


def test_lines_past_the_end_are_left_out_and_the_last_is_cut() -> None:
    script = [*FILM.lines[:-1], replace(FILM.lines[-1], end=FILM.length + 5), Segment("late", FILM.length + 1, FILM.length + 3, "Late.")]
    found = match(script, FILM, words=False)
    assert [(row.id, row.reason) for row in found.dropped] == [("late", "past-the-end")]
    assert found.lines[-1].end == FILM.length


def test_a_script_of_which_nothing_is_in_the_sound_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"no line of the script is in the sound \(past-the-end: 3\)"):
        match_script([replace(line, start=line.start + 10, end=line.end + 10) for line in film(3, 1).lines], [], [], 5.0)


def test_a_silent_film_keeps_its_script_and_says_that_it_does_not_fit() -> None:
    found = match_script(FILM.lines, [], [], FILM.length)
    assert (found.report.trusted, len(found.lines), found.report.speech) == (False, 120, 0.0)


def test_marks_follow_the_lines_that_they_stand_among() -> None:
    found = match(mapped(FILM.lines, lambda moment: moment * 25 / 24 + 3), FILM, words=True)
    line = FILM.lines[60]
    moment = line.start * 25 / 24 + 3.2
    marks = [Segment("m", moment, moment + 1, "EXIT", kind="on-screen"), Segment("n", 9e5, 9e5 + 1, "FIN", kind="on-screen")]
    moved, outside = follow(marks, found.report, FILM.length)
    assert [mark.start for mark in moved] == [pytest.approx(line.start + 0.2 * 24 / 25, abs=0.12)]
    assert [(row.id, row.reason) for row in outside] == [("n", "past-the-end")]


def test_levels_are_decibels_of_tenths_of_a_second(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(SPEECH_RATE), 0.1 * np.sign(np.sin(np.arange(SPEECH_RATE // 2) + 0.5))])
    levels = speech_levels(write_sound(tmp_path / "sound.wav", sound, SPEECH_RATE))
    assert levels[:10] == pytest.approx(-120)
    assert levels[10:] == pytest.approx(-20, abs=0.01)
    assert len(levels) == 15


@pytest.mark.slow
def test_three_thousand_lines_of_another_rate() -> None:
    """Three hours and more; `benchmarks/align.py` has 10,000 lines."""
    heard = film(3_000, 2)
    found = match(mapped(heard.lines, lambda moment: moment * 25 / 24 + 2), heard, words=True)
    assert (found.report.rate, found.dropped) == (0.96, ())
    assert starts(found.lines) == pytest.approx(starts(heard.lines), abs=0.1)
