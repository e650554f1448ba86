"""What a format can carry comes back as it went out, character by character; what it cannot is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightdub.tasks.formats.files import FORMS, lost, read_file, written
from nightdub.tasks.formats.line import ON_SCREEN, SOUND, STYLES, ScriptFile, ScriptLine, Style, of_runs, one_row, runs_of, tidy, understood
from nightdub.tasks.timecode import RATES, frames_of, seconds_of

EXAMPLES = 30  # for each format; raise it after a change to a reader or a writer

# Pieces that a careless writer or reader would take for marks, and scripts that need their invisible characters.
MARKS = (
    *(
        "<",
        ">",
        "&",
        "<i>",
        "</i>",
        "<b",
        "</v>",
        "<v Ann>",
        "<c.forced>",
        "&amp;",
        "&lt;",
        "&#60;",
        "<br/>",
        "<!--",
        "]]>",
        "{\\an8}",
        "{",
        "}",
    ),
    *(
        "\\",
        "\\N",
        "\\h",
        "{note}",
        "-->",
        "1 --> 2",
        "00:00:01,000 --> 00:00:02,000",
        "1",
        "42",
        "NOTE",
        "STYLE",
        "WEBVTT",
        '"',
        "'",
        ",",
        ";",
    ),
    *(
        "[",
        "]",
        "(",
        ")",
        "*",
        "♪",
        "ANN:",
        "ANN: ",
        ":",
        "-",
        "#",
        "=1+1",
        "\u00a0",
        "\u3000",
        "line:0",
        "Dialogue:",
        "Comment:",
        "[Events]",
    ),
    *("👩‍👩‍👧", "🇰🇷", "👋🏽", "שלום, עולם", "\u200fمرحبا\u200e", "안녕", "日本語", "e\u0301", "ß", "İ", "\U0010fffd", "\ue000"),
)
words = st.lists(st.sampled_from(MARKS) | st.text(max_size=6), max_size=6).map(" ".join) | st.lists(st.sampled_from(MARKS), max_size=4).map(
    "".join
)
rows = st.lists(words, max_size=3).map("\n".join)
names = st.sampled_from(["", "Ann", "ANN LEE", "DR. O'NEIL (V.O.)", "R&B <Bo>", "안", "Ann; Bob", "אן"]) | st.text(max_size=8).map(one_row)


@st.composite
def lines(draw: st.DrawFn) -> ScriptLine:
    """Draw one line as a reader would give it: tidy, and with the kind that its text tells."""
    pieces = draw(st.lists(st.tuples(rows, st.sets(st.sampled_from(STYLES)).map(lambda kinds: "".join(sorted(kinds)))), max_size=4))
    text, styles = of_runs(pieces)
    if not text:
        text, styles = "Yes.", ()
    start = draw(st.integers(0, 3_600_000)) / 100
    end = start + draw(st.integers(1, 1000)) / 100
    kind = draw(st.sampled_from(["", ON_SCREEN, SOUND]))
    line = ScriptLine(start, round(end, 2), text, draw(names), kind, tidy(draw(rows)), draw(st.sampled_from(["", "top"])), styles)
    return understood(line)


def carried(line: ScriptLine, form: str) -> ScriptLine:
    """Return the part of a line that docs/scripts.md says a format carries."""
    if form == "srt":
        kind = "" if line.kind == ON_SCREEN else line.kind
        speaker = line.speaker.upper() if line.speaker in ("Ann", "ANN LEE", "DR. O'NEIL (V.O.)") else ""
        return understood(replace(line, kind=kind, notes="", speaker=speaker))
    if form == "ass":
        return replace(line, speaker="" if "sign" in line.speaker.lower() else line.speaker.replace(",", ";"))
    return replace(line, styles=()) if form == "csv" else line


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=4), st.sampled_from(["", "es", "zh-Hant"]))
@example([ScriptLine(0.0, 1.0, "a\n42\n--> b")], "")
@example([ScriptLine(0.0, 1.0, "a <b", styles=(Style(0, 1, "i"), Style(3, 4, "b")))], "en")
def test_what_was_written_is_read_again(form: str, drawn: list[ScriptLine], language: str) -> None:
    kept = ScriptFile(tuple(carried(line, form) for line in drawn), "" if form in ("srt", "csv") else language)
    text = written(kept, form)
    back = read_file(text.encode(), f"lines.{form}")
    assert back.lines == kept.lines
    assert back.language == kept.language
    assert written(back, form) == text
    assert lost(kept, form) == []


@given(st.lists(st.tuples(rows, st.sets(st.sampled_from(STYLES)).map(lambda kinds: "".join(sorted(kinds)))), max_size=5))
def test_styles_stand_on_characters_and_survive_being_cut_into_runs(pieces: list[tuple[str, str]]) -> None:
    text, styles = of_runs(pieces)
    assert of_runs(runs_of(text, styles)) == (text, styles)
    assert tidy(text) == text
    assert all(0 <= style.first < style.last <= len(text) and not text[style.first].isspace() for style in styles)


@given(lines())
def test_a_line_is_understood_once(line: ScriptLine) -> None:
    assert understood(line) == line


@pytest.mark.parametrize("name", RATES)
def test_a_list_in_time_code_comes_back_on_the_same_frames(name: str) -> None:
    rate = RATES[name]
    mark = ";" if rate.drop else ":"
    moments = [float(seconds_of(frames_of(f"{code}{mark}{frame:02d}", rate), rate)) for code, frame in (("01:00:00", 0), ("01:09:59", 23))]
    file = ScriptFile((ScriptLine(moments[0], moments[1], "Hello"),), rate=rate)
    text = written(file, "csv")
    assert f"01:00:00{mark}00,01:09:59{mark}23" in text
    back = read_file(text.encode(), "list.csv", rate)
    assert (back.lines, back.rate) == (file.lines, rate)


LINE = ScriptLine(1.0, 2.0, "Hello", "Ann", ON_SCREEN, "quietly", "top", (Style(0, 5, "i"),))


@pytest.mark.parametrize(
    ("form", "losses"),
    [
        ("srt", ["speaker: 1 lines", "kind: 1 lines", "notes: 1 lines"]),
        ("vtt", []),
        ("ttml", []),
        ("ass", []),
        ("csv", ["styles: 1 lines"]),
    ],
)
def test_what_is_lost_is_named(form: str, losses: list[str]) -> None:
    assert lost(ScriptFile((LINE,)), form) == losses


def test_a_rounded_time_and_a_comma_in_a_name_are_losses() -> None:
    assert lost(ScriptFile((ScriptLine(1.004, 2.0, "Hello", "Ann, Bob"),)), "ass") == [
        "speaker: 1 lines",
        "time, by half a millisecond or more: 1 lines",
    ]
