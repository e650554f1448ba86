"""What others make of our files, and what we make of theirs."""

from __future__ import annotations

import io
import logging
import math
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.files import FORMS, form_of, read_file, written
from nightdub.tasks.formats.line import LARGEST, ON_SCREEN, SOUND, ScriptFile, ScriptLine, Style, decode
from nightdub.tasks.timecode import RATES

FILE = ScriptFile(
    (
        ScriptLine(1.0, 2.5, "Tom & <3 Jerry\nשלום 👩‍👩‍👧", "Ann Lee", notes="softly"),
        ScriptLine(3.0, 4.0, "EXIT {1}", "", ON_SCREEN, position="top"),
        ScriptLine(5.0, 6.0, "[door slams]", "", SOUND),
        ScriptLine(3661.25, 3663.0, "Never say never", "Bob", styles=(Style(0, 5, "i"), Style(10, 15, "b"))),
    ),
    "en",
)
TIMES = [(1000, 2500), (3000, 4000), (5000, 6000), (3_661_250, 3_663_000)]


def test_pysubs2_reads_our_subrip() -> None:
    import pysubs2

    events = pysubs2.SSAFile.from_string(written(FILE, "srt"), "srt").events
    assert [(event.start, event.end) for event in events] == TIMES
    assert events[0].text == "ANN LEE: Tom & <3 Jerry\\Nשלום 👩‍👩‍👧"
    assert events[3].text == "BOB: {\\i1}Never{\\i0} say {\\b1}never{\\b0}"


def test_pysubs2_reads_our_ass() -> None:
    import pysubs2

    events = pysubs2.SSAFile.from_string(written(FILE, "ass"), "ass").events
    assert [(event.start, event.end) for event in events if not event.is_comment] == TIMES
    assert [(event.name, event.style) for event in events] == [
        ("", "Default"),
        ("Ann Lee", "Default"),
        ("", "Sign"),
        ("", "Default"),
        ("Bob", "Default"),
    ]
    assert (events[0].is_comment, events[0].text, events[1].plaintext) == (True, "softly", "Tom & <3 Jerry\nשלום 👩‍👩‍👧")


def test_webvtt_py_reads_our_webvtt() -> None:
    import webvtt

    captions = webvtt.from_buffer(io.StringIO(written(FILE, "vtt"))).captions
    assert [(caption.start, caption.end) for caption in captions][3] == ("01:01:01.250", "01:01:03.000")
    assert [caption.voice for caption in captions] == ["Ann Lee", None, None, "Bob"]
    assert [caption.text for caption in captions][2:] == ["[door slams]", "Never say never"]


def test_ttconv_reads_our_imsc_without_a_complaint(caplog: pytest.LogCaptureFixture) -> None:
    from ttconv.imsc.reader import to_model
    from ttconv.isd import ISD
    from ttconv.model import Br, P, Text

    with caplog.at_level(logging.WARNING):
        document = to_model(ElementTree.ElementTree(ElementTree.fromstring(written(FILE, "ttml"))))  # noqa: S314
    assert caplog.records == []
    assert document.get_lang() == "en"
    assert document.get_content_profiles() == {"http://www.w3.org/ns/ttml/profile/imsc1.1/text"}
    paragraphs = [element for element in document.get_body().dfs_iterator() if isinstance(element, P)]
    assert [(row.get_begin(), row.get_end()) for row in paragraphs] == [(Fraction(a, 1000), Fraction(b, 1000)) for a, b in TIMES]
    assert [row.get_region().get_id() for row in paragraphs] == ["bottom", "top", "bottom", "bottom"]
    words = ["\n" if isinstance(part, Br) else part.get_text() for part in paragraphs[0].dfs_iterator() if isinstance(part, Br | Text)]
    assert "".join(words) == FILE.lines[0].text
    shown = ISD.from_model(document, Fraction(7, 2))
    assert [region.get_id() for region in shown.iter_regions() if len(list(region.dfs_iterator())) > 1] == ["top"]


@pytest.mark.parametrize("form", FORMS)
def test_no_file_is_still_told_by_its_content(form: str) -> None:
    assert form_of(written(FILE, form), "x") == form
    assert written(FILE, form) == written(FILE, form)


# ---------------------------------------------------------------- files as others write them

ITT = """<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:tts="http://www.w3.org/ns/ttml#styling"
 xml:lang="en-US" ttp:timeBase="smpte" ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001" ttp:dropMode="{drop}">
<head><styling><style xml:id="base" tts:fontStyle="italic"/><style xml:id="loud" style="base" tts:fontWeight="bold"/></styling>
<layout><region xml:id="t" tts:origin="0% 0%" tts:extent="100% 15%" tts:displayAlign="before"/>
<region xml:id="b"><style tts:origin="0% 85%"/><style tts:extent="100% 15%" tts:displayAlign="after"/></region></layout></head>
<body><div><p begin="{begin}" end="{end}" region="t" style="loud">One<br/>
   two</p><p begin="{begin}" end="00:00:60:00" region="b">Bad</p></div></body></tt>"""


@pytest.mark.parametrize(
    ("drop", "begin", "end", "seconds"),
    [("dropNTSC", "00:01:00;02", "00:10:00;00", (60.06, 599.9994)), ("nonDrop", "00:01:00:00", "01:00:00:00", (60.06, 3603.6))],
)
def test_smpte_times_of_itunes_timed_text_count_frames(drop: str, begin: str, end: str, seconds: tuple[float, float]) -> None:
    file = read_file(ITT.format(drop=drop, begin=begin, end=end).encode(), "a.itt")
    first, second = file.lines
    assert (first.start, first.end) == pytest.approx(seconds)
    assert (first.text, first.position, first.styles) == ("One\ntwo", "top", (Style(0, 7, "b"), Style(0, 7, "i")))
    assert (second.timed, second.position, file.language) == (False, "", "en-US")


def test_marks_of_forced_narratives_and_inheritance_in_ttml() -> None:
    text = """<tt xmlns="http://www.w3.org/ns/ttml" xmlns:i="http://www.w3.org/ns/ttml/profile/imsc1#styling"
 xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:m="http://www.w3.org/ns/ttml#metadata"><body><div
 i:forcedDisplay="true" begin="10s" end="20s">
 <p begin="1s" dur="2s">EXIT</p><p i:forcedDisplay="false">Go <span tts:ruby="container"><span tts:ruby="base">漢</span><span
 tts:ruby="text">かん</span></span></p></div><div><p begin="1s" end="2s" m:role="sound">music</p></div></body></tt>"""
    lines = read_file(text.encode(), "a.ttml").lines
    assert [(line.start, line.end, line.text, line.kind) for line in lines] == [
        (11.0, 13.0, "EXIT", ON_SCREEN),
        (10.0, 20.0, "Go 漢", ""),
        (1.0, 2.0, "[music]", SOUND),
    ]


def test_an_ass_script_of_an_editor_is_read() -> None:
    text = """[Script Info]
; made elsewhere
[V4+ Styles]
Format: Name, Fontname, Alignment
Style: Main,Arial,2
Style: Upper,Arial,8
[Events]
Format: Layer, Start, End, Style, Actor, Text
Comment: 0,0:00:00.00,0:00:09.00,Main,,karaoke template
Dialogue: 0,0:00:01.00,0:00:02.50,Upper,Ann,{\\fad(100,100)}Hello, {\\i1}dear{\\r} {pun}world\\hand\\Nall
Dialogue: 0,0:00:03.00,0:00:04.00,Signs,,{\\p1}m 0 0 l 1 1{\\p0}EXIT
Dialogue: 0,soon,0:00:05.00,Main,,When?
"""
    one, two, three = read_file(text.encode(), "a.ass").lines
    assert (one.start, one.end, one.text) == (1.0, 2.5, "Hello, dear world\u00a0and\nall")
    assert (one.speaker, one.position, one.notes, one.styles) == ("Ann", "top", "pun", (Style(7, 11, "i"),))
    assert (two.text, two.kind) == ("EXIT", ON_SCREEN)
    assert math.isnan(three.start)


@pytest.mark.parametrize(
    ("header", "row", "start", "kind"),
    [
        ("TC In;TC Out;Character;Dialogue;Comments;Type", "01:00:01:12;01:00:02:00;ANN;Hello;soft;", 3601.48, ""),
        ("in\tout\tcharacter\tline\tnotes\tkind", "00:00:01.5\t00:00:02.0\tANN\tHello\tsoft\tFN", 1.5, ON_SCREEN),
        ("Time Code,Character,Line,Notes,Type", "00:00:10:00,ANN,Hello,soft,SFX", 10.0, SOUND),
    ],
)
def test_dialogue_lists_name_their_columns_as_they_like(header: str, row: str, start: float, kind: str) -> None:
    file = read_file(f"{header}\n{row}\n".encode(), "list.csv", RATES["25"])
    (line,) = file.lines
    assert (line.start, line.speaker, line.notes, line.kind) == (pytest.approx(start), "ANN", "soft", kind)
    assert line.text == ("[Hello]" if kind == SOUND else "Hello")
    assert file.notes == (
        ("the list has no column of ends: each line ends where the next begins",) if "Out" not in header and "out" not in header else ()
    )


def test_a_list_of_beginnings_ends_each_line_where_the_next_begins() -> None:
    lines = read_file(b"time code,line\n1,One\n3,Two\n30,Three\n", "a.csv").lines
    assert [(line.start, line.end) for line in lines] == [(1.0, 3.0), (3.0, 9.0), (30.0, 36.0)]


def test_time_code_needs_a_rate_and_an_impossible_code_spoils_one_line() -> None:
    data = b"start,end,text\n00:01:00;00,00:01:01;00,Dropped\n00:01:02;00,00:01:03;00,Fine\n"
    with pytest.raises(ScriptError, match=r"a\.csv: time code '00:01:00;00', and no frame rate"):
        read_file(data, "a.csv")
    with pytest.raises(ScriptError, match=r"only 29\.97 and 59\.94"):
        read_file(data, "a.csv", RATES["25"])
    file = read_file(data, "a.csv", RATES["29.97"])
    assert [line.timed for line in file.lines] == [False, True]
    assert file.rate == RATES["29.97df"]


@pytest.mark.parametrize(
    ("text", "speaker", "said", "kind"),
    [
        ("ANN: Hello", "ANN", "Hello", ""),
        ("DR. O'NEIL (V.O.): Yes", "DR. O'NEIL (V.O.)", "Yes", ""),
        ("ANN: [sighs]", "ANN", "[sighs]", SOUND),
        ("Note: this stays", "", "Note: this stays", ""),
        ("At 12:30 sharp", "", "At 12:30 sharp", ""),
        ("♪ la la ♪", "", "♪ la la ♪", SOUND),
        ("（ドアの音）", "", "（ドアの音）", SOUND),
        ("[sighs] Hello", "", "[sighs] Hello", ""),
    ],
)
def test_labels_and_brackets_say_who_speaks_and_what_is_no_speech(text: str, speaker: str, said: str, kind: str) -> None:
    (line,) = read_file(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n".encode(), "a.srt").lines
    assert (line.speaker, line.text, line.kind) == (speaker, said, kind)


def test_a_broken_time_is_a_line_of_its_own_and_never_text_of_the_one_before() -> None:
    lines = read_file(b"1\n00:00:01,000 --> 00:00:02,000\nOne\n\n2\nsoon --> later\nTwo\n", "a.srt").lines
    assert [(line.text, line.timed) for line in lines] == [("One", True), ("Two", False)]


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(ScriptError, match=f"at most {LARGEST}"):
        decode(b"x" * (LARGEST + 1), "a.srt")
