"""Every set of subtitles, read by parsers that are not ours: pysubs2 (SRT), webvtt-py (WebVTT), ttconv (IMSC)."""

from __future__ import annotations

import io
import itertools
import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import pysubs2
import pytest
import ttconv.imsc.reader
import ttconv.model
import webvtt

from nightdub.tasks.captions import CaptionSets, make_sets, one_at_a_time
from nightdub.tasks.formats.files import write_subtitles
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Segment, Speaker
from nightdub.tasks.subtitles import Screen, check_cues

NAMES = ("dub", "translated", "forced", "sdh")
TEXTS = {
    "es": ("¡Perdón! Tom & Jerry <3 👨‍👩‍👧‍👦", "שלום, me dijo. «مرحبا» y 5 > 3 & 2 < 4.", "A --> B {no es una marca} 🇪🇸"),
    "ja": ("今日は👨‍👩‍👧‍👦と行くよ", "「שלום」と言った。", "Tom & Jerryは<3だ"),
    "ko": ("오늘은 👍🏽 좋아요", "그가 «مرحبا»라고 했어", "Tom & Jerry <3"),
    "hi": ("नमस्ते 🙏🏽 दोस्तो", "उसने שלום कहा", "टॉम & जेरी <3"),
}
SIGN = {"es": "SALIDA & <ENTRADA>", "ja": "出口 & 入口", "ko": "출구 & 입구", "hi": "बाहर & अंदर"}


def sets_of(language: str) -> CaptionSets:
    lines = [Segment(f"s{index}", 2.0 + 5 * index, 5.0 + 5 * index, text, "ANNA") for index, text in enumerate(TEXTS[language])]
    marks = [
        Segment("m0", 2.5, 5.0, SIGN[language], kind="on-screen"),
        Segment("m1", 40.0, 43.0, SIGN[language], kind="on-screen"),
        Segment("n0", 30.0, 32.0, "[&]", kind="sound"),
    ]
    screen = Screen(language, SubtitleFigures(), Fraction(25), 60.0, (300, 700))
    return make_sets(lines, lines, marks, [Speaker("ANNA", (), named=True)], (), screen)


ALL = [pytest.param((language, name), id=f"{language}-{name}") for language in TEXTS for name in NAMES]


@pytest.fixture(params=ALL)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[Cue], dict[str, Path]]:
    language, name = request.param
    cues = getattr(sets_of(language), name)
    assert cues
    assert check_cues(cues, language, SubtitleFigures(), Fraction(25), cuts=(300, 700), sdh=name == "sdh") == []
    return cues, write_subtitles(cues, language, tmp_path)


def expected(cues: list[Cue]) -> list[tuple[int, int, str]]:
    return [(round(1000 * cue.start), round(1000 * cue.end), "\n".join(cue.lines)) for cue in cues]


def test_srt(made: tuple[list[Cue], dict[str, Path]]) -> None:
    cues, files = made
    read = pysubs2.load(str(files["srt"]), encoding="utf-8", keep_unknown_html_tags=True)
    found = [(event.start, event.end, re.sub(r"\{\\an8\}", "", event.text).replace("\\N", "\n")) for event in read]
    assert [row[:2] for row in found] == [row[:2] for row in expected(cues)]
    assert [event.text.startswith("{\\an8}") for event in read] == [cue.position == "top" for cue in cues]
    for (_, _, text), cue in zip(found, cues, strict=True):
        assert text == "\n".join(cue.lines)


def test_webvtt(made: tuple[list[Cue], dict[str, Path]]) -> None:
    cues, files = made
    read = webvtt.read(str(files["vtt"]))
    seconds = [(round(1000 * caption.start_in_seconds), round(1000 * caption.end_in_seconds)) for caption in read]
    assert [pair[0] // 1000 for pair in seconds] == [row[0] // 1000 for row in expected(cues)]  # the parser keeps whole seconds
    assert [clock(caption.start) for caption in read] == [row[0] for row in expected(cues)]
    assert [clock(caption.end) for caption in read] == [row[1] for row in expected(cues)]
    texts = [caption.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for caption in read]
    assert texts == [row[2] for row in expected(cues)]
    assert [caption.voice or "" for caption in read] == [cue.speaker for cue in cues]


def clock(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(":")
    return round(1000 * (3600 * int(hours) + 60 * int(minutes) + float(seconds)))


def test_imsc(made: tuple[list[Cue], dict[str, Path]], caplog: pytest.LogCaptureFixture) -> None:
    """ttconv builds its model of the document, and says what of it IMSC does not have: nothing."""
    cues, files = made
    document = ttconv.imsc.reader.to_model(ET.parse(io.BytesIO(files["ttml"].read_bytes())))  # noqa: S314
    assert caplog.records == []
    body = document.get_body()
    assert body is not None
    paragraphs = [element for element in body.dfs_iterator() if type(element).__name__ == "P"]
    assert [(float(p.get_begin()), float(p.get_end())) for p in paragraphs] == [(cue.start, cue.end) for cue in cues]
    assert [p.get_region().get_id() for p in paragraphs] == [cue.position or "bottom" for cue in cues]
    texts = ["".join(map(written, paragraph.dfs_iterator())) for paragraph in paragraphs]
    assert texts == ["\n".join(cue.lines) for cue in cues]


def written(element: ttconv.model.ContentElement) -> str:
    return element.get_text() if isinstance(element, ttconv.model.Text) else "\n" if isinstance(element, ttconv.model.Br) else ""


TT, ITTS = "{http://www.w3.org/ns/ttml}", "{http://www.w3.org/ns/ttml/profile/imsc1#styling}"
TTP, TTS = "{http://www.w3.org/ns/ttml#parameter}", "{http://www.w3.org/ns/ttml#styling}"


def test_imsc_text_profile(made: tuple[list[Cue], dict[str, Path]]) -> None:
    """Constraints of IMSC 1.1 Text (W3C Recommendation 2018, sections 6 and 8) that a document of ours could break."""
    cues, files = made
    data = files["ttml"].read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    root = ET.fromstring(data)  # noqa: S314
    assert root.get(f"{TTP}contentProfiles") == "http://www.w3.org/ns/ttml/profile/imsc1.1/text"
    assert root.get(f"{TTP}timeBase") == "media"  # 8.4: smpte and clock are prohibited
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang")
    regions = {region.get("{http://www.w3.org/XML/1998/namespace}id"): region for region in root.iter(f"{TT}region")}
    assert len(regions) <= 4  # 8.4.1: presented at once
    for region in regions.values():  # 7.4.1: inside the root container, in percent
        values = [[float(part.removesuffix("%")) for part in region.get(f"{TTS}{name}", "").split()] for name in ("origin", "extent")]
        assert all(origin >= 0 and origin + extent <= 100 for origin, extent in zip(*values, strict=True))
    tops = [float(region.get(f"{TTS}origin", "").split()[1].removesuffix("%")) for region in regions.values()]
    assert tops == sorted(tops)  # the two do not overlap: the upper one ends where the lower one begins, or above
    for paragraph in root.iter(f"{TT}p"):
        assert paragraph.get("region") in regions
        assert re.fullmatch(r"\d{2}:\d{2}:\d{2}\.\d{3}", paragraph.get("begin", ""))
        assert paragraph.find(f"{TT}set") is None  # animation of what is not allowed
    forced = [paragraph.get(f"{ITTS}forcedDisplay") == "true" for paragraph in root.iter(f"{TT}p")]
    assert forced == [cue.kind == "on-screen" for cue in cues]
    assert not list(root.iter("{http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt}image"))


def test_the_film_s_own_track_has_one_text_at_a_time(tmp_path: Path) -> None:
    cues = one_at_a_time(sets_of("es").dub)
    read = pysubs2.load(str(write_subtitles(cues, "es", tmp_path)["srt"]), encoding="utf-8", keep_unknown_html_tags=True)
    assert all(before.end <= after.start for before, after in itertools.pairwise(read))
    assert any(SIGN["es"] in event.text and "Tom & Jerry" in event.text for event in read)
