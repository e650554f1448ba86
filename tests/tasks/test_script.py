from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.rows import Dropped, Segment
from nightdub.tasks.script import Script, parse_script, read_script
from nightdub.tasks.timecode import RATES, written_clock

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello,</i>
Ann &amp; Bob.

2
00:00:03,000 --> 00:00:04,000 X1:10
{\\an8}42
"""
VTT = """WEBVTT - a title

STYLE
::cue { color: red }

NOTE not said

intro
00:01.000 --> 00:02.500 align:start
<v.loud Ann Lee>Hello, <00:01.700><c>Ann</c> &amp; Bob.</v>

00:00:03.000 --> 00:00:04.000
42
"""
TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
    ttp:frameRate="25">
<head><metadata><ttm:agent xml:id="a1" type="character"><ttm:name type="full">Ann Lee</ttm:name></ttm:agent></metadata></head>
<body><div begin="1s">
  <p begin="0s" dur="1500ms" ttm:agent="a1">Hello,<br/><span>Ann</span> &amp; Bob.</p>
  <p begin="00:00:02:00" end="00:00:02:25">42</p>
</div></body></tt>
"""
CSV = """Start,End,Speaker,Text
1.0,2.5,Ann Lee,"Hello, Ann & Bob."
00:00:03.000,00:00:04.000,,42
"""
FORMS = {"srt": SRT, "vtt": VTT, "ttml": TTML, "csv": CSV, "semicolons": CSV.replace(",", ";").replace("Hello;", "Hello,")}


def parse(text: str, programme_end: float = math.inf) -> Script:
    return parse_script(text.encode(), "lines.txt", programme_end)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_lines(form: str) -> None:
    script = parse(FORMS[form])
    speaker = "" if form == "srt" else "Ann Lee"
    assert script.segments == (
        Segment("s0000", 1.0, 2.5, "Hello, Ann & Bob.", speaker, origin="script", notes="not said" if form == "vtt" else ""),
        Segment("s0001", 3.0, 4.0, "42", origin="script", position="top" if form == "srt" else ""),
    )
    assert script.marks == ()
    assert script.dropped == ()
    assert script.notes == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_unicode_and_any_line_end_are_read(encoding: str, newline: str) -> None:
    text = SRT.replace("Hello", "¿Qué? 안녕").replace("\n", newline)
    assert parse_script(text.encode(encoding), "a.srt").segments[0].text == "¿Qué? 안녕, Ann & Bob."


def test_another_encoding_is_refused_with_the_byte_and_the_next_step() -> None:
    data = SRT.replace("Hello", "Adiós").encode("windows-1252")
    with pytest.raises(ScriptError, match=rf"a\.srt: byte {data.index(0xF3)} \(0xf3\) is not utf-8.*next: .*iconv"):
        parse_script(data, "a.srt")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"1\x002\x003"], ids=["half-a-character", "binary"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(ScriptError, match=r"a\.srt"):
        parse_script(data, "a.srt")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        ("WEBVTT\n", "none found"),
        ("start,end,text\n", "none found"),
        ("Dear all, here is the script.", "unknown form, begins with 'Dear all"),
        ("speaker,words\nAnn,Hello\n", "unknown form"),
        ("<tt><body>", "broken XML"),
        ("<html></html>", "XML of <html>"),
        ('<!DOCTYPE tt [<!ENTITY a "b">]><tt/>', "document type"),
        ('<tt xmlns:p="http://www.w3.org/ns/ttml#parameter" p:frameRate="0"/>', "frame or tick rate"),
        ('start,end,text\n1,2,"never closed\n', "not CSV"),
        ("1\n00:00:0x --> 00:00:02,000\nHello\n", "unreadable-time: 1"),
    ],
)
def test_a_script_without_a_usable_line_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(ScriptError, match=r"lines\.txt") as caught:
        parse(text)
    assert what in str(caught.value)


def test_an_absent_script_is_refused_under_the_name_of_the_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"^film\.srt: No such file"):
        read_script(tmp_path / "5f3a", name="film.srt")
    (tmp_path / "5f3a").write_text(SRT)
    assert len(read_script(tmp_path / "5f3a").segments) == 2


def test_one_bad_line_never_stops_the_others() -> None:
    rows = ["1,2,Fine.", "2,2,Nothing.", "x,3,When?", "4,3,Backwards.", "5,6,", "7,12,Long.", "10,11,Late.", "9,10"]
    script = parse("start,end,text\n" + "\n".join(rows), programme_end=10.0)
    assert script.segments == (
        Segment("s0000", 1.0, 2.0, "Fine.", origin="script"),
        Segment("s0005", 7.0, 10.0, "Long.", origin="script"),
    )
    assert script.dropped == (
        Dropped("s0001", "Nothing.", "zero-length"),
        Dropped("s0002", "When?", "unreadable-time"),
        Dropped("s0003", "Backwards.", "zero-length"),
        Dropped("s0004", "", "empty-text"),
        Dropped("s0006", "", "empty-text"),
        Dropped("s0007", "Late.", "past-the-end"),
    )
    assert len(script.segments) + len(script.dropped) == len(rows)
    assert script.notes == (
        "lines out of order, sorted by start: the first is line 8 of the file",
        "1 lines reach past the programme's end and are cut there: line 7 of the file",
    )


def test_unsorted_lines_are_sorted_and_overlapping_ones_kept_and_both_are_said() -> None:
    script = parse("start,end,text\n5,6,Third.\n1,3,First.\n2,4,Second.\n")
    assert [(line.id, line.text) for line in script.segments] == [("s0000", "First."), ("s0001", "Second."), ("s0002", "Third.")]
    assert script.notes == (
        "lines out of order, sorted by start: the first is line 2 of the file",
        "1 lines begin before the line above ends, kept as they are: s0001",
    )


def test_a_subrip_file_with_careless_blanks_is_read_whole() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nOne\n\nmore.\n2\n00:00:03,000 --> 00:00:04,000\n42\n\n00:00:05.000-->00:00:06.000\nLast."
    assert [line.text for line in parse(text).segments] == ["One more.", "42", "Last."]


def test_a_cue_of_two_voices_is_two_lines_in_time() -> None:
    script = parse("WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ann>Hello!\n<v Bob>Hi Ann\n")
    assert [(line.speaker, line.text, line.start, line.end) for line in script.segments] == [
        ("Ann", "Hello!", 1.0, 2.0),
        ("Bob", "Hi Ann", 2.0, 3.0),
    ]


def test_commas_without_quotes_stay_in_the_text() -> None:
    assert parse("start,end,speaker,text\n1,2,Ann,Well, well, well\n").segments[0].text == "Well, well, well"


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("10f", 0.4), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0), ("50t", 0.5), ("00:00:01:05", 1.2), ("00:00:01.250", 1.25)],
)
def test_ttml_times_are_read(expression: str, seconds: float) -> None:
    parameters = 'xmlns="http://www.w3.org/ns/ttml" xmlns:p="http://www.w3.org/ns/ttml#parameter" p:frameRate="25" p:tickRate="100"'
    script = parse(f'<tt {parameters}><body><div><p begin="0s" end="{expression}">Hi</p></div></body></tt>')
    assert script.segments[0].end == pytest.approx(seconds)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for head in (b"", b"WEBVTT\n\n00:01.000 --> 00:02.000\n", b"start,end,text\n1,2,", b"1\n00:00:01,000 --> 00:00:02,000\n", b"<tt>"):
        try:
            script = parse_script(head + data, "a")
        except ScriptError:
            continue  # refused, which is all that is allowed beside lines
        assert all(line.end > line.start and line.text for line in script.segments)


def test_the_documented_dialogue_list_means_what_the_page_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
    body = page.partition("```csv file=scripts/list.csv\n")[2].partition("```")[0]
    script = parse_script(body.encode(), "list.csv", 60.0, RATES["25"])
    assert [(line.start, line.end, line.speaker) for line in script.segments] == [(1.0, 3.2, "Alice"), (4.0, 5.48, "Bruno")]
    assert [(mark.text, mark.kind, mark.notes) for mark in script.marks] == [("NO ENTRY", "on-screen", "on the door")]
    assert script.notes == ("times begin at 01:00:00, which was taken off",)


def test_marks_are_neither_dialogue_nor_dropped() -> None:
    script = parse("start,end,kind,notes,text\n1,2,,softly,Hello\n2,3,FN,,EXIT\n3,4,,,[door slams]\n4,5,sound,,wind\n5,5,,,Nothing\n")
    assert [(line.id, line.text, line.kind, line.notes) for line in script.segments] == [("s0000", "Hello", "", "softly")]
    assert [(mark.id, mark.text, mark.kind, mark.start) for mark in script.marks] == [
        ("s0001", "EXIT", "on-screen", 2.0),
        ("s0002", "[door slams]", "sound", 3.0),
        ("s0003", "[wind]", "sound", 4.0),
    ]
    assert script.dropped == (Dropped("s0004", "Nothing", "zero-length"),)
    with pytest.raises(ScriptError, match="not dialogue: 1"):
        parse("start,end,text\n1,2,[sighs]\n")


@pytest.mark.parametrize(
    ("name", "codes", "starts"),
    [
        ("25", ("01:00:01:00", "01:00:02:00", "01:59:00:00"), (1.0, 2.0, 3540.0)),
        ("25", ("10:00:01:12", "10:00:02:00", "10:59:00:00"), (1.48, 2.0, 3540.0)),
        ("29.97", ("01:00:00:29", "01:00:02:00", "01:50:00:00"), (29 * 1001 / 30_000, 2.002, 3003.0)),
        ("29.97df", ("01:00:00;00", "01:00:02;00", "01:10:00;00"), (0.0, 2.002, 599.9994)),
    ],
)
def test_the_hour_that_a_tape_begins_with_is_taken_off(name: str, codes: tuple[str, ...], starts: tuple[float, ...]) -> None:
    rows = "".join(f"{code},Line\n" for code in codes)
    script = parse_script(f"time code,line\n{rows}".encode(), "list.csv", 3600.0, RATES[name])
    assert [line.start for line in script.segments] == pytest.approx(list(starts), abs=1e-5)
    assert script.notes[1].startswith(f"times begin at {codes[0][:2]}:00:00")


def test_a_script_in_time_with_the_film_is_never_moved() -> None:
    text = "start,end,text\n3700,3701,Late\n3900,3901,Later\n"
    assert parse(text, 7200.0).segments[0].start == 3700.0
    assert parse(text).segments[0].start == 3700.0
    other = parse("start,end,text\n1,2,Fits\n4000,4001,Does not\n9000,9001,Nor this\n", 600.0)
    assert [line.start for line in other.segments] == [1.0]
    assert [row.reason for row in other.dropped] == ["past-the-end"] * 2


def test_lines_before_the_tapes_hour_are_named() -> None:
    rows = "".join(f"01:00:{second:02d}:00,01:00:{second:02d}:20,Line\n" for second in range(1, 20))
    script = parse_script(f"start,end,text\n00:59:50:00,00:59:55:00,Slate\n{rows}".encode(), "a.csv", 60.0, RATES["25"])
    assert [(row.text, row.reason) for row in script.dropped] == [("Slate", "before-the-start")]
    assert len(script.segments) == 19


def test_ten_thousand_lines_are_all_read() -> None:
    times = [f"{written_clock(index, ',')} --> {written_clock(index + 0.5, ',')}" for index in range(1, 10_001)]
    script = parse("".join(f"{index}\n{time}\n안녕 {index} 👋\n\n" for index, time in enumerate(times, 1)))
    assert (len(script.segments), script.dropped, script.segments[-1].id) == (10_000, (), "s9999")
