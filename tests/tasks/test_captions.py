"""Forced narratives, subtitles for the deaf, and marks in the target language."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from nightdub.tasks.captions import label_lines, make_sets, one_at_a_time, shown_marks, speaker_names, unseen_lines, with_signs, with_sounds
from nightdub.tasks.marks import plain_text, translate_marks
from nightdub.tasks.memory import Match
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.protocols import Identity, Translated
from nightdub.tasks.rows import Cue, FaceTrack, Segment, Shot, Speaker, Translation
from nightdub.tasks.sound_events import _SOUNDS, known_sound
from nightdub.tasks.subtitle_rules import RULES, VOICES
from nightdub.tasks.subtitles import Screen, check_cues
from nightdub.tasks.translate import Hint

RATE = Fraction(25)
SCREEN = Screen("es", SubtitleFigures(), RATE, 60.0)
SDH = replace(SCREEN, sdh=True)
ANA, BEN = Speaker("ANA", ("s1", "s2"), named=True), Speaker("Ben", ("s3",), named=True)
LINES = [
    Segment("s1", 1.0, 3.0, "¿Quién anda ahí?", "ANA"),
    Segment("s2", 3.2, 5.2, "No veo nada.", "ANA"),
    Segment("s3", 9.0, 11.0, "Soy yo, tu vecino.", "Ben"),
]
EXIT = Segment("m1", 1.5, 4.0, "SALIDA", kind="on-screen")
LATER = Segment("m2", 20.0, 23.0, "DIEZ AÑOS DESPUÉS", kind="on-screen")


def rows(cues: list[Cue]) -> list[tuple[str, str, str]]:
    return [("|".join(cue.lines), cue.kind, cue.position) for cue in cues]


# ---------------------------------------------------------------- text in the picture


def test_a_sign_stands_at_the_top_while_somebody_speaks_and_at_the_bottom_else() -> None:
    sets = make_sets(LINES, LINES, [EXIT, LATER], [ANA, BEN], (), SCREEN)
    assert rows(sets.dub) == [
        ("¿Quién anda ahí?", "", ""),
        ("SALIDA", "on-screen", "top"),
        ("No veo nada.", "", ""),
        ("Soy yo, tu vecino.", "", ""),
        ("DIEZ AÑOS DESPUÉS", "on-screen", ""),
    ]
    assert rows(sets.forced) == [("SALIDA", "on-screen", ""), ("DIEZ AÑOS DESPUÉS", "on-screen", "")]
    assert [cue.index for cue in sets.dub] == [1, 2, 3, 4, 5]
    assert (sets.dub[1].start, sets.dub[1].end, sets.dub[1].segments) == (1.52, 4.0, ("m1",))
    for cues in (sets.dub, sets.translated, sets.forced):
        assert check_cues(cues, "es", SubtitleFigures(), RATE) == []


def test_a_sign_goes_where_the_script_has_it_unless_that_is_taken() -> None:
    assert with_signs([], [replace(EXIT, position="top")], SCREEN)[0].position == "top"
    above = Cue(1, 1.0, 3.0, ("¿Quién?",), position="top")
    assert [cue.position for cue in with_signs([above], [replace(EXIT, position="top")], SCREEN)] == ["top", ""]


def test_a_long_text_is_parted_and_stays_in_one_place() -> None:
    story = Segment("m1", 1.0, 20.0, "Hace mucho tiempo, en una ciudad lejana, vivía un hombre que no sabía leer. " * 2, kind="on-screen")
    cues = with_signs([Cue(1, 5.0, 7.0, ("Sí.",))], [story], SCREEN)
    signs = [cue for cue in cues if cue.kind]
    assert len(signs) > 2
    assert {cue.position for cue in signs} == {"top"}


def test_translated_subtitles_have_the_original_s_times_and_the_whole_text() -> None:
    whole = [replace(line, start=line.start + 30, end=line.end + 30, text=f"{line.text} Y nada más.") for line in LINES]
    sets = make_sets(LINES, whole, [], [ANA, BEN], (), SCREEN)
    assert [cue.start for cue in sets.dub] == [1.0, 3.2, 9.0]
    assert [cue.start for cue in sets.translated] == [31.0, 33.2, 39.0]
    assert sets.translated[0].lines == ("¿Quién anda ahí? Y nada más.",)
    assert sets.forced == []


def test_a_mark_without_words_is_left_out() -> None:
    texts = [Translation("m1", "SALIDA", "memory"), Translation("m2", "", "apertium", failed="no such pair")]
    assert shown_marks([replace(EXIT, text="EXIT"), LATER], texts) == [EXIT]


def test_one_text_at_a_time_for_a_film_s_own_track() -> None:
    cues = [Cue(1, 1.0, 3.0, ("-Hola.", "-Adiós."), ("a",)), Cue(2, 2.0, 4.0, ("SALIDA",), ("m",), kind="on-screen", position="top")]
    assert [(cue.start, cue.end, cue.lines) for cue in one_at_a_time(cues)] == [
        (1.0, 2.0, ("-Hola.", "-Adiós.")),
        (2.0, 3.0, ("SALIDA", "-Hola.", "-Adiós.")),
        (3.0, 4.0, ("SALIDA",)),
    ]
    assert one_at_a_time([]) == []


# ---------------------------------------------------------------- for the deaf


def test_a_speaker_is_named_where_the_voice_changes_or_is_not_seen() -> None:
    said = [line.text for line in label_lines(LINES, [ANA, BEN], {"s2"}, SDH)]
    assert said == ["[ANA] ¿Quién anda ahí?", "[ANA] No veo nada.", "[Ben] Soy yo, tu vecino."]
    assert [line.text for line in label_lines(LINES, [ANA, BEN], (), replace(SDH, language="ko"))][::2] == [
        "(ANA) ¿Quién anda ahí?",
        "(Ben) Soy yo, tu vecino.",
    ]
    assert label_lines(LINES, [], (), SDH)[0].text == "¿Quién anda ahí?"  # nobody knows who speaks


def test_where_a_line_could_not_be_read_with_it_a_name_waits_and_a_sound_stands_apart() -> None:
    dense = [Segment(f"s{index}", 2.0 + index, 2.92 + index, "No hay tiempo, ¿sí?", "ANA") for index in range(3)]
    free = replace(dense[2], start=7.0, end=9.0)
    lines = label_lines([*dense[:2], free], [ANA], (), SDH)
    assert [line.text for line in lines] == ["[ANA] No hay tiempo, ¿sí?", "No hay tiempo, ¿sí?", "No hay tiempo, ¿sí?"]
    busy = [replace(dense[0], id="b0", start=1.0, end=1.92, speaker="Ben"), *dense[:2], free]
    assert [line.text[:6] for line in label_lines(busy, [ANA, BEN], (), SDH)] == ["[Ben] ", "No hay", "[ANA] ", "No hay"]
    bang = Segment("n", 3.1, 3.3, "[portazo]", kind="sound")
    cues = make_sets(dense, dense, [bang], [ANA], (), SCREEN).sdh
    assert [(cue.position, cue.kind) for cue in cues if "[portazo]" in cue.lines] == [("top", "sound")]
    assert check_cues(cues, "es", SubtitleFigures(), RATE, sdh=True) == []


def test_names_as_a_reader_is_told_them() -> None:
    heard = [Speaker("v0", (), gender="female"), Speaker("v1", (), gender="female"), Speaker("v2", ())]
    assert speaker_names([Speaker("DR. O'NEIL", (), named=True), Speaker("JJ", (), named=True), *heard], "en") == {
        "DR. O'NEIL": "Dr. O'Neil",
        "JJ": "JJ",
        "v0": "woman 1",
        "v1": "woman 2",
        "v2": "voice",
    }


def test_a_speaker_whom_no_shot_of_the_line_shows_is_unseen() -> None:
    shots = [Shot("a", 0, 50), Shot("b", 50, 100), Shot("c", 100, 300)]
    tracks = [FaceTrack("a", skipped="off-screen"), FaceTrack("b"), FaceTrack("c", skipped="no-face")]
    lines = [Segment("x", 0.0, 1.9, ""), Segment("y", 1.5, 3.0, ""), Segment("z", 5.0, 6.0, "")]
    assert unseen_lines(lines, shots, tracks, RATE) == {"x", "z"}


@pytest.mark.parametrize(
    ("sound", "texts"),
    [
        ((6.0, 8.0), ["¿Quién anda ahí?", "No veo nada.", "Soy yo, tu vecino.", "[portazo]"]),  # in silence: by itself
        ((8.6, 9.2), ["¿Quién anda ahí?", "No veo nada.", "[portazo] Soy yo, tu vecino."]),
        ((2.5, 2.9), ["¿Quién anda ahí? [portazo]", "No veo nada.", "Soy yo, tu vecino."]),
        ((0.0, 0.8), ["[portazo] ¿Quién anda ahí?", "No veo nada.", "Soy yo, tu vecino."]),
    ],
)
def test_a_sound_stands_alone_in_silence_and_else_with_the_line(sound: tuple[float, float], texts: list[str]) -> None:
    found, _ = with_sounds(LINES, [Segment("n", *sound, "[portazo]", kind="sound")], SDH)
    assert [line.text for line in found] == texts


def test_music_under_the_lines_is_told_in_its_pause() -> None:
    (*_, alone), _ = with_sounds(LINES, [Segment("n", 4.0, 12.0, "[música]", kind="sound")], SDH)
    assert (alone.text, alone.start, alone.end) == ("[música]", 5.7, 8.5)


def test_no_sound_is_lost_and_a_film_without_lines_has_its_sounds() -> None:
    sounds = [Segment(f"n{index}", index / 2, index / 2 + 0.4, f"[ruido {index}]", kind="sound") for index in range(30)]
    among, apart = with_sounds(LINES, sounds, SDH)
    texts = " ".join(line.text for line in (*among, *apart))
    assert all(texts.count(sound.text) == 1 for sound in sounds)
    assert apart
    assert with_sounds([], sounds, SDH) == (sounds, [])


def test_the_sdh_set_has_names_sounds_and_signs_and_keeps_the_rules() -> None:
    bang = Segment("n", 6.5, 8.0, "[portazo]", kind="sound")
    cues = make_sets(LINES, LINES, [EXIT, bang], [ANA, BEN], (), SCREEN).sdh
    assert rows(cues) == [
        ("[ANA] ¿Quién anda ahí?", "", ""),
        ("SALIDA", "on-screen", "top"),
        ("No veo nada.", "", ""),
        ("[portazo]", "sound", ""),
        ("[Ben] Soy yo, tu vecino.", "", ""),
    ]
    assert [cue.speaker for cue in cues] == ["ANA", "", "ANA", "", "Ben"]
    assert check_cues(cues, "es", SubtitleFigures(), RATE, sdh=True) == []


# ---------------------------------------------------------------- marks in another language


class Upside:
    """A translator that turns words around and ends every sentence."""

    asked: list[str]

    def __init__(self) -> None:
        self.asked = []

    def identity(self) -> Identity:
        return Identity("upside", "1")

    def translate(self, texts, source, target, contexts=()):
        self.asked += texts
        return [Translated(f"{text[::-1]}.") if "?" not in text else Translated("", failed="no") for text in texts]


def translated(*texts: str, kind: str = "on-screen", hint: Hint | None = None, target: str = "es") -> tuple[list[Translation], list[str]]:
    engine = Upside()
    marks = [Segment(f"m{index}", 0, 0, text, kind=kind) for index, text in enumerate(texts)]
    return translate_marks(marks, [hint or Hint()] * len(marks), "en", target, engine), engine.asked


def test_text_of_the_picture_keeps_its_capitals_and_gets_no_full_stop() -> None:
    made, _ = translated("NO ENTRY", "Ten years later", "The end.")
    assert [line.text for line in made] == ["YRTNE ON", "retal sraey neT", ".dne ehT."]
    assert [line.segment for line in made] == ["m0", "m1", "m2"]
    assert made[0].source == "NO ENTRY"


def test_what_people_say_of_a_mark_comes_first() -> None:
    made, asked = translated("NO ENTRY", hint=Hint(memory=Match("Prohibido el paso", 1.0)))
    assert [(line.text, line.origin) for line in made] == [("PROHIBIDO EL PASO", "memory")]
    assert asked == []
    sound, asked = translated("[door slams]", kind="sound", hint=Hint(person="un portazo tremendo"))
    assert (sound[0].text, sound[0].origin, asked) == ("[un portazo tremendo]", "person", [])


def test_common_sounds_need_no_engine_and_others_are_asked_for_bare() -> None:
    made, asked = translated("[Door slams]", "(sighs) [whistling]", "♪ la la ♪", "♪♪", kind="sound")
    assert [(line.text, line.origin) for line in made] == [
        ("[portazo]", "house"),
        ("[gniltsihw ,shgis]", "upside"),
        ("♪ al al ♪", "upside"),
        ("♪", "house"),
    ]
    assert asked == ["sighs, whistling", "la la"]
    assert translated("[door slams]", kind="sound", target="ja")[0][0].text == "［ドアが閉まる音］"


def test_what_no_engine_knows_has_its_cause_and_no_text() -> None:
    made, _ = translated("WHO?")
    assert (made[0].text, made[0].failed) == ("", "no")


def test_the_tables_have_every_language() -> None:
    assert set(RULES) == set(VOICES) == set(_SOUNDS)
    counts = {len(text.split("|")) for text in _SOUNDS.values()}
    assert counts == {18}
    assert known_sound("Laughter", "en", "ko") == "웃음"
    assert known_sound("risas", "es", "de") == "Lachen"
    assert known_sound("a kettle boils", "en", "es") == ""
    assert plain_text(Segment("m", 0, 0, "EXIT (left)", kind="on-screen")) == "EXIT (left)"
