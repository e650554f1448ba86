from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightdub.apps.cli import cli
from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.files import read_file
from nightdub.tasks.formats.tmx import parse_tmx
from nightdub.tasks.formats.xliff import BilingualFile, BilingualLine, read_xliff, write_xliff

LIST = """tc in,tc out,character,type,notes,line
10:00:01:00,10:00:02:12,Ann,,softly,"Hello, you"
10:00:03:00,10:00:04:00,,FN,,EXIT
10:00:05:00,10:00:04:00,,,,Backwards
"""


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["convert", *(str(folder / word) if "." in word and word[0].isalpha() else word for word in words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path


def test_a_list_becomes_subtitles_and_says_what_is_lost(folder: Path) -> None:
    said = run(folder, "list.csv", "a.srt", "--frame-rate", "25", "--offset", "10:00:00:00")
    assert said.output.splitlines()[1:] == [
        "  lost or changed: lines that end before they begin: 1, the first is line 4",
        "  lost or changed: speaker: 1 lines",
        "  lost or changed: kind: 1 lines",
        "  lost or changed: notes: 1 lines",
    ]
    assert (folder / "a.srt").read_text() == (
        "1\n00:00:01,000 --> 00:00:02,480\nANN: Hello, you\n\n2\n00:00:03,000 --> 00:00:04,000\nEXIT\n"
    )


@pytest.mark.parametrize("ending", ["vtt", "ttml", "ass"])
def test_there_and_back_is_the_same_list(folder: Path, ending: str) -> None:
    assert run(folder, "list.csv", f"a.{ending}", "--frame-rate", "25", "--offset", "10:00:00:00").exit_code == 0
    said = run(folder, f"a.{ending}", "b.csv", "--frame-rate", "25", "--offset", "-10:00:00:00")
    assert said.output.splitlines() == [f"{folder / 'b.csv'}: 2 lines"]
    assert (folder / "b.csv").read_text().splitlines() == [
        "start,end,speaker,kind,notes,position,text",
        '10:00:01:00,10:00:02:12,Ann,,softly,,"Hello, you"',
        "10:00:03:00,10:00:04:00,,on-screen,,,EXIT",
    ]


def test_translators_get_xliff_and_give_back_subtitles_and_a_memory(folder: Path) -> None:
    run(folder, "list.csv", "a.xlf", "--frame-rate", "25", "--offset", "10:00:00:00", "--language", "en", "--target", "es")
    lines = read_xliff((folder / "a.xlf").read_text(), "a.xlf").lines
    assert [(line.id, line.source, line.kind, line.state) for line in lines] == [
        ("s0000", "Hello, you", "", "initial"),
        ("s0001", "EXIT", "on-screen", "initial"),
    ]
    back = BilingualFile("en", "es", (BilingualLine("s0000", "Hello, you", "Hola", start=1.0, end=2.5, speaker="Ann"), lines[1]))
    (folder / "b.xlf").write_text(write_xliff(back))
    assert "lines without a translation: 1" in run(folder, "b.xlf", "b.vtt").output
    (line,) = read_file((folder / "b.vtt").read_bytes(), "b.vtt").lines
    assert (line.start, line.end, line.text, line.speaker) == (1.0, 2.5, "Hola", "Ann")
    assert "times: 1 lines" in run(folder, "b.xlf", "b.tmx").output
    (unit,) = parse_tmx((folder / "b.tmx").read_text(), "b.tmx").units
    assert unit.texts == (("en", "Hello, you"), ("es", "Hola"))
    run(folder, "b.tmx", "c.xlf", "--target", "es")
    assert [(line.source, line.target) for line in read_xliff((folder / "c.xlf").read_text(), "c.xlf").lines] == [("Hello, you", "Hola")]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("list.csv", "a.srt"), "no frame rate"),
        (("list.csv", "a.doc"), "the ending '.doc'"),
        (("list.csv", "a.srt", "--frame-rate", "26"), "frame rate '26'"),
        (("list.csv", "a.srt", "--offset", "01:00:00:00"), "name their rate"),
        (("list.csv", "a.srt", "--offset", "soon"), "offset 'soon'"),
        (("list.csv", "a.srt", "--frame-rate", "25", "--offset", "11:00:00:00"), "before the beginning: 2"),
        (("list.csv", "a.tmx", "--frame-rate", "25"), "a script in one language"),
        (("list.csv", "a.xlf", "--frame-rate", "25"), "no language of the source"),
        (("absent.csv", "a.srt"), "No such file"),
        (("memory.tmx", "a.srt"), "a memory, which has no times"),
        (("memory.tmx", "a.xlf"), "languages of the memory"),
    ],
)
def test_what_cannot_be_converted_says_why_and_leaves_no_file(folder: Path, words: tuple[str, ...], what: str) -> None:
    (folder / "memory.tmx").write_text('<tmx version="1.4"><header srclang="*all*"/><body/></tmx>')
    said = run(folder, *words)
    assert isinstance(said.exception, ScriptError)
    assert what in str(said.exception)
    assert not (folder / words[1]).exists()
