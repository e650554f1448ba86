"""One voice per character: the book before the cast list, and a clone only where a record allows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightdub.tasks.cast import acoustics_of, cast_speakers, clip_with_rights
from nightdub.tasks.rows import BookVoice, Clip, Permission, Speaker, VoiceClip

ANA = Speaker("Ana", ("s1",), 210.0, 180.0, 250.0, (600.0, 1800.0), voice="f1", gender="female", consent="c1", named=True)
OWN = [VoiceClip("Ana", "1" * 64)]
HEARD = BookVoice(
    "Ana", "", "f2", "female", "2" * 64, {"pitch_median": 190.0, "pitch_low": 160.0, "pitch_high": 230.0, "formants": [550, 1700]}
)
HOLDS = [Permission("c1", "A. Ruiz")]


def cast(speaker: Speaker = ANA, book: tuple[BookVoice, ...] = (), permissions: list[Permission] = HOLDS, language: str = "es") -> Speaker:
    (found,) = cast_speakers([speaker], OWN, book, permissions, language)
    return found


def test_without_a_book_the_cast_list_and_the_titles_own_sound_count() -> None:
    assert cast() == replace(ANA, reference="1" * 64)


def test_a_character_heard_before_keeps_voice_sound_and_clip() -> None:
    for listed in ("f1", "", "m3"):
        found = cast(replace(ANA, voice=listed), (HEARD,))
        assert (found.voice, found.gender, found.reference) == ("f2", "female", "2" * 64)
        assert (found.pitch_median, found.pitch_low, found.pitch_high, found.formants) == (190.0, 160.0, 230.0, (550.0, 1700.0))
    assert cast(replace(ANA, voice="f1"), (HEARD,)).notes == ("voice: cast list f1, voice book f2",)
    assert cast(replace(ANA, voice=""), (HEARD,)).notes == ()


def test_a_voice_chosen_by_sound_is_kept_as_well() -> None:
    found = cast(book=(replace(HEARD, voice="", gender=""),))
    assert (found.voice, found.gender) == ("", "")
    assert found.notes == ("voice: cast list f1, voice book none", "gender: cast list female, voice book none")


def test_a_language_comes_before_every_language_and_both_before_the_first_episode() -> None:
    book = (HEARD, BookVoice("Ana", "*", "f3"), BookVoice("Ana", "fr", "f4", reference="4" * 64))
    assert [(cast(book=book, language=to).voice, cast(book=book, language=to).reference[0]) for to in ("es", "fr")] == [
        ("f3", "2"),
        ("f4", "4"),
    ]
    assert cast(book=book, language="fr").pitch_median == 190.0


def test_names_are_compared_without_case_and_others_are_left_alone() -> None:
    assert cast(book=(replace(HEARD, character=" ANA "),)).voice == "f2"
    assert cast(book=(replace(HEARD, character="Anna"),)).voice == "f1"


def test_a_voice_told_apart_by_sound_alone_is_nobodys() -> None:
    found = cast(replace(ANA, named=False), (HEARD,))
    assert (found.voice, found.refused, found.consent) == ("f1", "unnamed", "")


@pytest.mark.parametrize("reason", ["expired", "withdrawn", "other-language", "other-series", "other-title"])
def test_a_record_that_does_not_hold_refuses_with_its_reason(reason: str) -> None:
    found = cast(permissions=[Permission("c1", refused=reason)])
    assert (found.consent, found.refused) == ("", reason)


def test_no_record_and_an_unknown_one_refuse() -> None:
    assert cast(replace(ANA, consent="")).refused == "no-consent"
    assert cast(permissions=[]).refused == "unknown-record"
    assert cast(replace(ANA, consent=""), (replace(HEARD, consent="c1"),)).consent == "c1"


def test_a_clip_says_under_which_record_it_was_cloned_or_why_not() -> None:
    allowed, refused = cast(), cast(permissions=[])
    spoken, cloned = Clip("s1", sound="5" * 64, engine="espeak-ng"), Clip("s1", sound="5" * 64, engine="xtts", cloned="1" * 64)
    assert (clip_with_rights(cloned, allowed).consent, clip_with_rights(cloned, allowed).neutral) == ("c1", "")
    assert clip_with_rights(spoken, allowed).neutral == "espeak-ng does not clone"
    assert clip_with_rights(spoken, replace(allowed, reference="")).neutral == "no-clip"
    assert clip_with_rights(spoken, refused).neutral == "unknown-record"
    assert clip_with_rights(spoken, None).neutral == "unnamed"
    assert clip_with_rights(replace(spoken, sound="", failed="silence"), refused).neutral == ""
    assert clip_with_rights(cloned, refused).consent == ""


def test_the_book_keeps_what_is_heard_and_no_more() -> None:
    speaker = replace(ANA, pitch_median=203.4567, formants=(551.49, 1650.5))
    assert acoustics_of(speaker) == {"pitch_median": 203.5, "pitch_low": 180.0, "pitch_high": 250.0, "formants": [551, 1650]}
