"""Delivered subtitle files: each fault is found where it was planted, and a file as it should be has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from nightdub.quality.metrics.subtitle_read import misread, read_subtitles
from nightdub.quality.metrics.subtitles import Beside, measure_file, subtitle_measurements
from nightdub.tasks.captions import make_sets
from nightdub.tasks.formats.files import SUBTITLES, subtitle_text
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Measurement, Placement, Segment, Speaker, Translation
from nightdub.tasks.subtitles import Screen, make_cues

SPANISH = [
    "La casa está muy lejos del río.",
    "¿Por qué no vienes conmigo mañana? Tenemos que llegar antes de que cierren todas las puertas del mercado.",
    "No.",
    "El señor Núñez dijo: «Jamás volveré a esta ciudad».",
    "Quedan 3 días y 20 noches.",
    "Adiós, corazón.",
]
JAPANESE = ["おはようございます。", "今日はとても寒いですね。", "はい、雪が降っています。", "早く帰りましょう。"]


class Dub:
    """Lines spoken one after the other at an easy pace, and the cues and files made of them."""

    def __init__(self, language: str, texts: Sequence[str], pace: float) -> None:
        self.language, moment = language, 1.0
        self.lines, self.places = [], []
        for index, text in enumerate(texts):
            length = max(0.6, len(text) / pace)
            self.lines.append(Translation(f"u{index}", text, "test"))
            self.places.append(Placement(f"u{index}", moment, moment + length, moment, moment + length))
            moment += length + 1.5
        self.cues = make_cues(self.lines, self.places, language, SubtitleFigures(), Fraction(25), duration=moment + 5)

    def files(self, cues: Sequence[Cue] | None = None) -> dict[str, bytes]:
        return {name: subtitle_text(name, self.cues if cues is None else cues, self.language).encode() for name in SUBTITLES}

    def measure(self, files: dict[str, bytes], cues: Sequence[Cue] | None = None) -> dict[str, Measurement]:
        made = self.cues if cues is None else cues
        rows = subtitle_measurements(files, made, self.lines, self.places, self.language, SubtitleFigures(), Fraction(25))
        return {row.metric.partition(".")[2]: row for row in rows}


SPAIN, JAPAN = Dub("es", SPANISH, 14), Dub("ja", JAPANESE, 3.5)
ALL = ("violations", "file_problems", "missing_lines", "text_difference")


@pytest.mark.parametrize("dub", [SPAIN, JAPAN], ids=["es", "ja"])
def test_what_the_chain_makes_has_no_fault(dub: Dub) -> None:
    rows = dub.measure(dub.files())
    assert {name: rows[name].value for name in ALL} == dict.fromkeys(ALL, 0)
    assert abs(rows["shift"].value) <= 20  # half a frame: cues lie on frames
    assert rows["missing_lines"].n == len(dub.lines)
    assert rows["file_problems"].n == 3 * len(dub.cues)


@pytest.mark.parametrize("dub", [SPAIN, JAPAN], ids=["es", "ja"])
@pytest.mark.parametrize("late", [0.48, -0.28])
def test_a_shifted_file(dub: Dub, late: float) -> None:
    moved = [replace(cue, start=cue.start + late, end=cue.end + late) for cue in dub.cues]
    usual = dub.measure(dub.files())["shift"].value
    one = dub.measure(dub.files() | {"vtt": dub.files(moved)["vtt"]})["shift"]
    assert one.value == pytest.approx(usual + 1000 * late, abs=1)
    assert one.detail == "vtt"


def test_a_missing_cue_is_the_line_that_it_was_made_of() -> None:
    cues = [cue for cue in SPAIN.cues if cue.segments != ("u3",)]
    rows = SPAIN.measure(SPAIN.files() | {"srt": SPAIN.files(cues)["srt"]})
    assert rows["missing_lines"].value == 1
    assert [worst.segment for worst in rows["missing_lines"].worst] == ["u3"]
    letters = sum(len(text.replace(" ", "")) for text in SPANISH)
    assert rows["text_difference"].value == pytest.approx(100 * len(SPANISH[3].replace(" ", "")) / letters)
    assert rows["file_problems"].worst[0].detail.startswith("has the number")


def test_another_line_break_and_other_spaces_are_harmless() -> None:
    cues = [replace(cue, lines=tuple(" ".join(cue.lines).replace(" de ", " de\n", 1).split("\n"))) for cue in SPAIN.cues]
    rows = SPAIN.measure(SPAIN.files(cues))
    assert (rows["text_difference"].value, rows["missing_lines"].value, rows["file_problems"].value) == (0, 0, 0)


def test_another_word_is_a_difference_but_no_missing_line() -> None:
    cues = [replace(cue, lines=tuple(line.replace("lejos", "cerca") for line in cue.lines)) for cue in SPAIN.cues]
    rows = SPAIN.measure(SPAIN.files(cues))
    letters = sum(len(text.replace(" ", "")) for text in SPANISH)
    assert rows["text_difference"].value == pytest.approx(100 * 4 / letters)  # five letters, of which the e stays
    assert rows["text_difference"].worst[0].segment == "u0"
    assert rows["missing_lines"].value == 0


def test_two_speakers_dashes_are_no_letters() -> None:
    line = [Translation("a", "Hola.", "test"), Translation("b", "Adiós.", "test")]
    places = [Placement("a", 1, 1.5, 1, 1.5), Placement("b", 1.6, 2.2, 1.6, 2.2)]
    cue = Cue(1, 1.0, 2.4, ("-Hola.", "-Adiós."), ("a", "b"))
    rows = subtitle_measurements(
        {"srt": subtitle_text("srt", [cue], "es").encode()}, [cue], line, places, "es", SubtitleFigures(), Fraction(25)
    )
    values = {row.metric: row.value for row in rows}
    assert values["subtitles.text_difference"] == 0
    assert values["subtitles.shift"] == 0  # only the first line begins the cue


# ---------------------------------------------------------------- the other sets

SIGNS = [Segment("m0", 2.0, 4.0, "NO ENTRY", kind="on-screen"), Segment("n0", 0.0, 0.9, "[door slams]", kind="sound")]
SIGN_TEXTS = [Translation("m0", "PROHIBIDO EL PASO", "memory"), Translation("n0", "[portazo]", "house")]
SHOWN = [replace(mark, text=line.text) for mark, line in zip(SIGNS, SIGN_TEXTS, strict=True)]


def sets_of(dub: Dub, **change: Sequence[Cue]) -> tuple[dict[str, bytes], list[Cue]]:
    spoken = [Segment(line.segment, place.start, place.end, line.text, "Ana") for line, place in zip(dub.lines, dub.places, strict=True)]
    later = [replace(line, start=line.start + 3, end=line.end + 3, text=f"Bueno: {line.text}") for line in spoken]
    screen = Screen(dub.language, SubtitleFigures(), Fraction(25), dub.places[-1].end + 9)
    made = make_sets(spoken, later, SHOWN, [Speaker("Ana", (), named=True)], (), screen)
    made = replace(made, **change)
    named = {"": made.dub, "translated.": made.translated, "forced.": made.forced, "sdh.": made.sdh}
    files = {f"{name}{form}": subtitle_text(form, cues, dub.language).encode() for name, cues in named.items() for form in SUBTITLES}
    return files, made.dub


def measured(dub: Dub, files: dict[str, bytes], cues: Sequence[Cue], texts: Sequence[Translation] = SIGN_TEXTS) -> dict[str, Measurement]:
    whole = [replace(line, text=f"Bueno: {line.text}") for line in dub.lines]
    segments = [Segment(place.segment, place.start + 3, place.end + 3, "") for place in dub.places]
    beside = Beside((), whole, segments, SIGNS, texts)
    rows = subtitle_measurements(files, cues, dub.lines, dub.places, dub.language, SubtitleFigures(), Fraction(25), beside)
    return {row.metric.partition(".")[2]: row for row in rows}


def test_every_set_is_held_against_its_own_lines() -> None:
    rows = measured(SPAIN, *sets_of(SPAIN))
    assert {name: rows[name].value for name in (*ALL, "loose_times", "forced_missing")} == dict.fromkeys(
        (*ALL, "loose_times", "forced_missing"), 0
    )
    assert rows["forced_missing"].n == 1
    assert abs(rows["shift"].value) <= 20


@pytest.mark.parametrize("name", ["sdh", "translated"])
def test_a_line_that_a_set_lacks(name: str) -> None:
    files, cues = sets_of(SPAIN)
    whole = read_subtitles("x.srt", files[f"{name}.srt"]).cues
    short = [cue for cue in whole if "Núñez" not in " ".join(cue.lines) and "jamás" not in " ".join(cue.lines).lower()]
    assert len(short) < len(whole)
    rows = measured(SPAIN, files | {f"{name}.srt": subtitle_text("srt", short, "es").encode()}, cues)
    assert (rows["missing_lines"].value, rows["missing_lines"].detail) == (1, f"{name}.srt")
    assert [worst.segment for worst in rows["missing_lines"].worst] == ["u3"]


def test_a_sign_that_any_file_lacks_is_missed() -> None:
    files, cues = sets_of(SPAIN)
    without = [cue for cue in cues if not cue.kind]
    for form in SUBTITLES:
        rows = measured(SPAIN, files | {form: subtitle_text(form, without, "es").encode()}, cues)
        assert (rows["forced_missing"].value, rows["missing_lines"].value) == (1, 0)
    assert measured(SPAIN, {name: data for name, data in files.items() if not name.startswith("forced")}, cues)["forced_missing"].value == 1
    moved = [replace(cue, start=cue.start + 40, end=cue.end + 40) for cue in cues if cue.kind]
    rows = measured(SPAIN, files | {"forced.vtt": subtitle_text("vtt", moved, "es").encode()}, cues)
    assert [worst.segment for worst in rows["forced_missing"].worst] == ["m0"]


def test_an_untranslated_sign_is_missed_and_none_at_all_does_not_apply() -> None:
    files, cues = sets_of(SPAIN)
    row = measured(SPAIN, files, cues, [Translation("m0", "", "apertium", failed="no")])["forced_missing"]
    assert (row.value, row.worst[0].detail) == (1, "not translated")
    assert SPAIN.measure(SPAIN.files())["forced_missing"].not_applicable == "no text in the picture is marked"


def test_times_off_the_cuts_are_counted_by_themselves() -> None:
    cue = Cue(1, 8.0, 10.2, ("Por favor, no cuelgue.",), ("u0",))
    beside = Beside(cuts=(250,))
    rows = subtitle_measurements(
        {}, [cue, replace(cue, index=2, start=20.0, end=22.0)], [], [], "es", SubtitleFigures(), Fraction(25), beside
    )
    values = {row.metric: row.value for row in rows}
    assert (values["subtitles.violations"], values["subtitles.loose_times"]) == (0, 50)
    assert rows[1].worst[0].detail == "shot-change, allowed 0"


def broken(cues: Sequence[Cue], **change: object) -> list[Cue]:
    return [cues[0], replace(cues[1], **change), *cues[2:]]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"end": SPAIN.cues[2].start + 0.5}, "order"),
        ({"end": SPAIN.cues[1].start + 0.2}, "too-short"),
        ({"end": SPAIN.cues[1].start + 0.9}, "reading-speed"),
        ({"lines": ("uno", "dos", "tres")}, "lines"),
        ({"lines": ("x" * 60,)}, "line-length"),
    ],
)
def test_rules_are_held_against_the_files(change: dict[str, object], rule: str) -> None:
    rows = SPAIN.measure({"vtt": SPAIN.files(broken(SPAIN.cues, **change))["vtt"]})
    assert rows["violations"].value >= 1
    assert rule in " ".join(worst.detail for worst in rows["violations"].worst)
    assert rows["violations"].detail.startswith("vtt: ")


def problems(data: bytes, name: str = "srt") -> list[str]:
    return [problem.what for problem in read_subtitles(name, data).problems]


ONE = b"1\n00:00:01,000 --> 00:00:02,000\nHola.\n"
TWO = ONE + b"\n2\n00:00:03,000 --> 00:00:04,000\nAdi\xc3\xb3s.\n"


def test_a_clean_file_has_no_problem() -> None:
    assert problems(TWO) == []
    assert problems(TWO.replace(b"\n", b"\r\n")) == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (TWO.decode().encode("latin-1"), "not UTF-8 at byte 74"),
        (b"\xef\xbb\xbf" + TWO, "byte order mark"),
        (TWO.decode().encode().decode("cp1252").encode(), "UTF-8 read as Windows Latin: Ã³"),
        (TWO.replace(b"\xc3\xb3", "\ufffd".encode()), "a letter was lost (U+FFFD)"),
        (TWO.replace(b"00:00:03,000", b"00:00:01,500"), "overlaps the one before"),
        (TWO.replace(b"00:00:03,000", b"00:00:00,500"), "out of order"),
        (TWO.replace(b"00:00:04,000", b"00:00:02,500"), "ends before it begins"),
        (TWO.replace(b"2\n00:00:03", b"7\n00:00:03"), "has the number 7 instead of 2"),
        (TWO.replace(b"00:00:03,000", b"00:00:3,0"), "cannot be read: '2'"),
        (TWO.replace(b"Adi\xc3\xb3s.", b" "), "empty"),
        (b"", "no cue"),
    ],
)
def test_each_problem_of_a_file_is_named(data: bytes, what: str) -> None:
    assert what in problems(data)


def test_a_missing_number_is_one_problem() -> None:
    cues = [Cue(index, float(index), index + 0.9, (f"Línea {index}",)) for index in (1, 2, 4, 5, 6)]
    for form in ("srt", "vtt"):
        assert problems(subtitle_text(form, cues, "es").encode(), form) == ["has the number 4 instead of 3"]


@pytest.mark.parametrize("form", ["srt", "vtt", "ttml"])
def test_every_format_is_read_back_as_it_was_written(form: str) -> None:
    cues = [Cue(1, 0.04, 1.96, ('Tom & <Jerry> --> "here"',)), Cue(2, 3661.5, 3663.0, ("¿Qué?", "日本語です"))]
    read = read_subtitles(f"subtitles.{form}", subtitle_text(form, cues, "es").encode())
    assert list(read.cues) == cues
    assert read.problems == ()


@pytest.mark.parametrize("form", ["srt", "vtt", "ttml"])
def test_places_and_kinds_are_read_and_cues_in_two_places_may_stand_together(form: str) -> None:
    cues = [Cue(1, 1.0, 3.0, ("👨‍👩‍👧‍👦 שלום & hola",)), Cue(2, 2.0, 4.0, ("SALIDA",), kind="on-screen", position="top")]
    read = read_subtitles(form, subtitle_text(form, cues, "es").encode())
    assert [(cue.lines, cue.position) for cue in read.cues] == [(cue.lines, cue.position) for cue in cues]
    assert [cue.kind for cue in read.cues] == (["", ""] if form == "srt" else ["", "on-screen"])
    assert read.problems == ()
    both = [replace(cue, position="top") for cue in cues]
    assert problems(subtitle_text(form, both, "es").encode(), form) == ["overlaps the one before"]


def test_other_formats_problems() -> None:
    assert problems(b"1\n00:00.000 --> 00:01.000\nHola\n", "vtt")[0].startswith("cannot be read: begins with '1'")
    assert problems(b"<tt xmlns='http://www.w3.org/ns/ttml'><body>", "ttml")[0].startswith("cannot be read: ")
    assert problems(b"<!DOCTYPE tt><tt/>", "ttml")[0].startswith("cannot be read: ")
    assert problems(ONE, "txt")[0] == "a format that is not known: srt, vtt and ttml are"
    webvtt = b"WEBVTT\n\nNOTE by hand\n\nfirst\n00:01.000 --> 00:02.000 align:start\n<b>Hola</b>\n"
    assert read_subtitles("vtt", webvtt).cues == (Cue(1, 1.0, 2.0, ("Hola",)),)
    assert problems(webvtt, "vtt") == []


@pytest.mark.parametrize("text", ["é", "한국어", "да", "—", "हिन्दी", "日本"])
def test_misread_utf8_is_recognised(text: str) -> None:
    wrong = text.encode().decode("cp1252", errors="replace") if text == "é" else text.encode().decode("latin-1")
    assert misread(wrong)
    assert misread(text) == []


@pytest.mark.parametrize(
    "text", ["L'été à Noël, où êtes-vous ?", "Straße, Größe, Übung", "«Ça va», dit-il… – oui", "São João, ação", "Ñandú"]
)
def test_plain_text_is_not_taken_for_misread(text: str) -> None:
    assert misread(text) == []


def test_a_capital_before_a_quotation_mark_is_known_to_be_right() -> None:
    text = "«CAFÉ»"
    assert misread(text) == ["É»"]
    data = ONE.decode().replace("Hola.", text).encode()
    assert read_subtitles("srt", data, known=text).problems == ()


def test_no_files_and_no_lines_are_not_measured() -> None:
    rows = SPAIN.measure({})
    assert rows["violations"].value == 0  # the cues themselves
    assert {rows[name].not_measured for name in ("file_problems", "missing_lines", "text_difference", "shift")} == {
        "no subtitle file was delivered"
    }
    rows = subtitle_measurements({}, [], [], [], "es", SubtitleFigures(), Fraction(25))
    assert all(row.value is None and (row.not_measured or row.not_applicable) for row in rows)


def test_a_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(TWO)
    assert [(row.metric, row.value) for row in measure_file(path, None, "es")] == [
        ("subtitles.violations", 0.0),
        ("subtitles.file_problems", 0.0),
    ]
    assert "'xx' are not known" in measure_file(path, None, "xx")[0].not_measured
