from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.features import describe
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import CastMember, Features, Segment
from nightdub.tasks.speakers import assign, read_cast

FORMANTS = (500.0, 1500.0, 2500.0, 3500.0)


def lines(*speakers: str) -> list[Segment]:
    return [Segment(f"s{index:04d}", float(index), index + 0.9, "Hi", speaker) for index, speaker in enumerate(speakers)]


def voices(*pitches: float) -> list[Features]:
    """Return features of lines that differ in pitch and, a little and always alike, in timbre."""
    timbre = np.random.default_rng(3).normal(0, 1, (len(pitches), 13))
    return [
        Features(f"s{index:04d}", pitch, pitch * 0.8, pitch * 1.2, 0.8, tuple(timbre[index].tolist()), formants=FORMANTS)
        for index, pitch in enumerate(pitches)
    ]


def names(segments: list[Segment]) -> list[str]:
    return [line.speaker for line in segments]


def test_names_of_the_script_stay_and_take_their_voice_from_the_cast() -> None:
    cast = [CastMember("Bob", "rms", "male"), CastMember("Ann Lee", "slt", "female"), CastMember("Silent Sam")]
    named, speakers = assign(lines("ANN  LEE", "Bob", "Extra", "ann lee"), voices(200, 100, 120, 220), cast)
    assert names(named) == ["Ann Lee", "Bob", "Extra", "Ann Lee"]
    assert [(speaker.id, speaker.voice, speaker.gender) for speaker in speakers] == [
        ("Ann Lee", "slt", "female"),
        ("Bob", "rms", "male"),
        ("Extra", "", ""),
    ]
    assert speakers[0].segments == ("s0000", "s0003")
    assert speakers[0].pitch_median == 210
    assert (speakers[0].pitch_low, speakers[0].pitch_high) == pytest.approx((168, 252))
    assert speakers[0].formants == FORMANTS


def test_voices_that_differ_clearly_are_told_apart_by_first_appearance() -> None:
    named, speakers = assign(lines(*[""] * 6), voices(210, 100, 205, 102, 98, 215))
    assert names(named) == ["S1", "S2", "S1", "S2", "S2", "S1"]
    assert [speaker.id for speaker in speakers] == ["S1", "S2"]


def test_one_voice_is_one_speaker() -> None:
    assert set(names(assign(lines(*[""] * 6), voices(195, 205, 200, 210, 190, 202))[0])) == {"S1"}
    assert names(assign(lines(""), voices(200))[0]) == ["S1"]
    assert assign([], []) == ([], [])


def test_a_cast_list_gives_the_number_of_voices_and_their_register() -> None:
    cast = [CastMember("Bob", "rms", "male"), CastMember("Ann", "slt", "female")]
    named, speakers = assign(lines(*[""] * 4), voices(200, 150, 203, 148), cast)
    assert names(named) == ["S1", "S2", "S1", "S2"]
    assert [(speaker.id, speaker.voice) for speaker in speakers] == [("S1", "slt"), ("S2", "rms")]
    _, unsaid = assign(lines(*[""] * 4), voices(200, 150, 203, 148), [replace(member, gender="") for member in cast])
    assert [speaker.voice for speaker in unsaid] == ["rms", "slt"]  # by first appearance


def test_lines_without_a_name_go_to_the_one_name_that_is_left() -> None:
    cast = [CastMember("Ann", "slt"), CastMember("Bob", "rms")]
    named, speakers = assign(lines("Ann", "", ""), voices(200, 100, 104), cast)
    assert names(named) == ["Ann", "Bob", "Bob"]
    assert speakers[1].voice == "rms"


def test_a_name_of_the_script_is_never_given_to_another_voice() -> None:
    assert names(assign(lines("S1", "", ""), voices(200, 100, 104))[0]) == ["S1", "S2", "S2"]


def test_a_line_without_voiced_sound_goes_with_the_line_before() -> None:
    features = voices(200, 200, 100, 100, 200)
    features[3] = Features("s0003")
    assert names(assign(lines(*[""] * 5), features)[0]) == ["S1", "S1", "S2", "S2", "S1"]
    nothing, speakers = assign(lines("", ""), [])
    assert names(nothing) == ["S1", "S1"]
    assert (speakers[0].pitch_median, speakers[0].formants) == (0.0, ())


def test_real_and_synthetic_voices_are_told_apart(prompt: Callable[[str], tuple[Sound, str]], flite: Callable[[str, str], Sound]) -> None:
    woman = [prompt(name)[0] for name in ("agent-pass", "all-circuits-busy-now", "cannot-complete-as-dialed", "conf-now-unmuted")]
    texts = ("Where have you been all day?", "I was waiting at the station.", "Nobody told me anything.", "Let us go home now.")
    sounds = [sound for pair in zip(woman, [flite("rms", text) for text in texts], strict=True) for sound in pair]
    features = [describe(sound, 16_000, f"s{index:04d}") for index, sound in enumerate(sounds)]
    assert names(assign(lines(*[""] * 8), features)[0]) == ["S1", "S2"] * 4


def test_a_cast_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cast.csv"
    path.write_text("Speaker;Voice;Gender\nAnn;slt;Female\n\nBob\n", encoding="utf-8-sig")
    assert read_cast(path) == [CastMember("Ann", "slt", "female"), CastMember("Bob")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("speaker,gender\nAnn,female\nANN,female\n", "line 3: 'ANN' is named twice"),
        ("speaker,gender\nAnn,woman\n", "line 2: gender 'woman'; allowed: female, male"),
        ("name\nAnn\n", "line 2: no speaker's name; allowed: columns speaker,voice,gender"),
        ("speaker,voice\n", "names nobody"),
        ("", "names nobody"),
    ],
)
def test_a_wrong_cast_list_names_its_line(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "5f3a").write_text(text)
    with pytest.raises(ScriptError, match=r"^cast\.csv") as caught:
        read_cast(tmp_path / "5f3a", "cast.csv")
    assert what in str(caught.value)


def test_an_absent_cast_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"cast\.csv: No such file"):
        read_cast(tmp_path / "cast.csv")
