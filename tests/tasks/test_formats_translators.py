"""XLIFF and TMX: whole round trips, other tools' files, and the readings of translate-toolkit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.line import Style, of_runs, one_row, tidy
from nightdub.tasks.formats.tmx import MemoryFile, MemoryUnit, parse_tmx, read_tmx, write_tmx
from nightdub.tasks.formats.xliff import STATES, BilingualFile, BilingualLine, read_xliff, write_xliff

EXAMPLES = 30
PIECES = ("<", "&amp;", "]]>", "<pc>", '"', "\n", "👩‍👩‍👧", "שלום", "안녕", "e\u0301", "\\", "--", "x")
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=5).map(" ".join).map(tidy)
styled = st.lists(st.tuples(texts, st.sampled_from(["", "b", "i", "iu", "biu"])), max_size=4).map(of_runs)
moments = st.integers(0, 36_000_000).map(lambda milliseconds: milliseconds / 1000)


@st.composite
def units(draw: st.DrawFn) -> BilingualLine:
    source, source_styles = draw(styled)
    target, target_styles = draw(styled)
    if not source:
        source, source_styles = "Yes.", ()
    return BilingualLine(
        id=draw(st.from_regex(r"\A[a-z0-9._-]{1,8}\Z")),
        source=source,
        target=target,
        notes=draw(texts),
        state=draw(st.sampled_from(STATES)),
        start=draw(moments),
        end=draw(moments),
        speaker=one_row(draw(texts)),
        kind=draw(st.sampled_from(["", "on-screen", "sound"])),
        source_styles=source_styles,
        target_styles=target_styles,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(units(), max_size=4, unique_by=lambda line: line.id), texts.map(one_row))
def test_a_bilingual_file_comes_back_whole(lines: list[BilingualLine], title: str) -> None:
    file = BilingualFile("en", "es", tuple(lines), title)
    assert read_xliff(write_xliff(file), "a.xlf") == file


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.builds(
            MemoryUnit,
            st.lists(st.tuples(st.sampled_from(["en", "es-419", "zh-Hant"]), texts.filter(bool)), min_size=1, max_size=3).map(tuple),
            texts.map(one_row),
            st.lists(texts.filter(bool), max_size=2).map(tuple),
            st.lists(st.tuples(st.sampled_from(["x-project", "x-score"]), texts.filter(bool)), max_size=2).map(tuple),
            st.sampled_from(["", "20261121T083000Z"]),
            texts.map(one_row),
        ),
        max_size=4,
    ),
    st.sampled_from(["", "en"]),
)
def test_a_memory_comes_back_whole(memory: list[MemoryUnit], source: str) -> None:
    file = MemoryFile(tuple(memory), source)
    assert parse_tmx(write_tmx(file), "a.tmx") == file


# ---------------------------------------------------------------- others' readers and files

LINES = (
    BilingualLine(
        "s0000", "Hello,\nAnn.", "Hola,\nAna.", "softly", "reviewed", 1.0, 2.5, "Bob", "", (Style(0, 5, "i"),), (Style(0, 4, "i"),)
    ),
    BilingualLine("s0001", "Tom & <Jerry>", start=3.0, end=4.0),
)


def test_another_reader_finds_the_same_lines_in_our_xliff() -> None:
    from translate.storage.xliff2 import Xliff2File

    store = Xliff2File.parsestring(write_xliff(BilingualFile("en", "es", LINES, "pilot")).encode())
    assert (store.sourcelanguage, store.targetlanguage) == ("en", "es")
    assert [str(unit.source) for unit in store.units] == ["Hello,\nAnn.", "Tom & <Jerry>"]
    assert [str(unit.target or "") for unit in store.units] == ["Hola,\nAna.", ""]


def test_another_reader_finds_the_same_texts_in_our_tmx() -> None:
    from translate.storage.tmx import tmxfile

    store = tmxfile.parsestring(write_tmx(MemoryFile((MemoryUnit((("en", "Tom & <Jerry>"), ("es", "Tomás\ny Jerry"))),), "en")).encode())
    assert [(unit.source, unit.target) for unit in store.units] == [("Tom & <Jerry>", "Tomás\ny Jerry")]


def test_another_tools_xliff_is_read() -> None:
    text = """<?xml version="1.0"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="fr">
 <file id="a" original="pilot"><group id="g"><unit id="u1">
  <originalData><data id="d1">&lt;br/&gt;</data></originalData>
  <segment id="1" state="final"><source>One <ph id="1" dataRef="d1"/><mrk id="m1" type="term">word</mrk>.</source>
   <target>Un mot.</target></segment>
  <ignorable><source> </source></ignorable>
  <segment id="2" state="translated"><source>Two<cp hex="0007"/>.</source><target> Deux.</target></segment>
 </unit></group></file>
</xliff>"""
    (line,) = read_xliff(text, "a.xlf").lines
    assert (line.id, line.source, line.target, line.state) == ("u1", "One word. Two.", "Un mot. Deux.", "translated")
    assert math.isnan(line.start)


def test_another_tools_memory_is_read_with_its_document_type() -> None:
    text = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="*all*" segtype="sentence" adminlang="en" creationtool="x" creationtoolversion="1" o-tmf="x"
 datatype="html"/>
<body><tu tuid="7" creationdate="20200101T000000Z" creationid="ann"><note>formal</note><prop type="x-domain">film</prop>
<tuv xml:lang="EN-US"><seg>Press <bpt i="1">&lt;b&gt;</bpt>enter<ept i="1">&lt;/b&gt;</ept> <hi>now</hi>.</seg></tuv>
<tuv xml:lang="es"><seg>Pulse <ph>{1}</ph>Intro.</seg></tuv></tu><tu><tuv xml:lang="en"><seg/></tuv></tu></body></tmx>"""
    texts = (("EN-US", "Press enter now."), ("es", "Pulse Intro."))
    unit = MemoryUnit(texts, "7", ("formal",), (("x-domain", "film"),), "20200101T000000Z", "ann")
    assert parse_tmx(text, "a.tmx") == MemoryFile((unit,))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<xliff version="1.2"/>', "XLIFF version 1.2"),
        ('<xliff version="2.1"><file><unit id="a"/><unit id="a"/></file></xliff>', "unit 'a'"),
        ('<xliff version="2.1"><file><unit><segment/></unit></file></xliff>', "unit ''"),
        ('<xliff version="2.1"><file><unit id="a"><segment state="done"/></unit></file></xliff>', "state 'done'"),
        ("<tmx/>", "XML of <tmx>"),
        ("<!DOCTYPE xliff SYSTEM 'http://x/y.dtd'><xliff/>", "document type"),
        ("<x>" * 100, "inside one another"),
    ],
)
def test_xliff_that_cannot_be_used_is_refused(text: str, what: str) -> None:
    with pytest.raises(ScriptError, match=r"^a\.xlf") as caught:
        read_xliff(text, "a.xlf")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<!DOCTYPE tmx [<!ENTITY a "b">]><tmx/>', "document type"),
        ('<!DOCTYPE tmx SYSTEM "a" [<!ENTITY a "b">]><tmx/>', "document type"),
        ("<tmx><body><tu><tuv><seg>x</seg></tuv></tu></body></tmx>", "without its language"),
        ("<xliff/>", "XML of <xliff>"),
    ],
)
def test_tmx_that_cannot_be_used_is_refused(text: str, what: str) -> None:
    with pytest.raises(ScriptError, match=r"^a\.tmx") as caught:
        parse_tmx(text, "a.tmx")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (BilingualFile("", "es", LINES), "no language of the source"),
        (BilingualFile("en", "", LINES), "no language that they are in"),
        (BilingualFile("en", "es", (BilingualLine("a b", "x"),)), "line 'a b'"),
        (BilingualFile("en", "es", (BilingualLine("a", "x", state="done"),)), "state 'done'"),
        (BilingualFile("en", "es", (BilingualLine("a", ""),)), "without text"),
    ],
)
def test_what_xliff_cannot_hold_is_not_written(file: BilingualFile, what: str) -> None:
    with pytest.raises(ScriptError, match=what):
        write_xliff(file)


@pytest.mark.parametrize(
    "unit", [MemoryUnit(()), MemoryUnit((("en", ""),)), MemoryUnit((("", "x"),)), MemoryUnit((("en", "x"),), changed="today")]
)
def test_what_tmx_cannot_hold_is_not_written(unit: MemoryUnit) -> None:
    with pytest.raises(ScriptError, match="each with its language"):
        write_tmx(MemoryFile((unit,)))


def test_a_delivered_memory_is_read_by_language(tmp_path: Path) -> None:
    units = (MemoryUnit((("en-US", "Yes."), ("en-GB", "Aye."), ("ES", "Sí."), ("tlh", "HIja'"))), MemoryUnit((("en", "No."),)))
    (tmp_path / "a.tmx").write_text(write_tmx(MemoryFile(units)), encoding="utf-8")
    assert read_tmx(tmp_path / "a.tmx") == [{"en": "Yes.", "es": "Sí."}, {"en": "No."}]
    with pytest.raises(ScriptError, match=r"^memory\.tmx: No such file"):
        read_tmx(tmp_path / "b.tmx", "memory.tmx")
