from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from nightdub.tasks.formats.files import SUBTITLES, subtitle_text, write_subtitles
from nightdub.tasks.rows import Cue

CUES = [
    Cue(1, 0.04, 1.96, ('Tom & <Jerry> --> "here"',)),
    Cue(2, 3661.5, 3663.0, ("¿Qué?\x07", "日本語\u2028です")),
]
SPACE = "{http://www.w3.org/ns/ttml}"


def test_srt_has_numbers_times_and_lines() -> None:
    assert subtitle_text("srt", CUES, "es") == (
        '1\n00:00:00,040 --> 00:00:01,960\nTom & <Jerry> --> "here"\n\n2\n01:01:01,500 --> 01:01:03,000\n¿Qué?\n日本語です\n'
    )


def test_webvtt_has_its_header_and_escapes() -> None:
    text = subtitle_text("vtt", CUES, "es")
    assert text.startswith("WEBVTT\nLanguage: es\n\n1\n00:00:00.040 --> 00:00:01.960\n")
    assert 'Tom &amp; &lt;Jerry&gt; --&gt; "here"' in text
    assert text.count("-->") == 2


def test_ttml_is_valid_xml_in_its_language() -> None:
    root = ET.fromstring(subtitle_text("ttml", CUES, "es"))  # noqa: S314
    assert root.tag == f"{SPACE}tt"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "es"
    one, other = root.iter(f"{SPACE}p")
    assert (one.get("begin"), one.get("end"), one.text) == ("00:00:00.040", "00:00:01.960", 'Tom & <Jerry> --> "here"')
    assert [other.text, other[0].tag, other[0].tail] == ["¿Qué?", f"{SPACE}br", "日本語です"]


def test_times_round_to_the_next_unit() -> None:
    assert "00:01:00,000" in subtitle_text("srt", [Cue(1, 59.9996, 61.0, ("x",))], "en")


def test_no_cues_are_still_a_file_of_the_format() -> None:
    assert subtitle_text("srt", [], "en") == ""
    assert subtitle_text("vtt", [], "en").startswith("WEBVTT\n")
    assert len(list(ET.fromstring(subtitle_text("ttml", [], "en")).iter(f"{SPACE}p"))) == 0  # noqa: S314


def test_files_are_the_same_twice_and_utf8(tmp_path: Path) -> None:
    first = {name: path.read_bytes() for name, path in write_subtitles(CUES, "es", tmp_path).items()}
    assert set(first) == set(SUBTITLES) == {"srt", "vtt", "ttml"}
    assert first == {name: path.read_bytes() for name, path in write_subtitles(CUES, "es", tmp_path).items()}
    assert all("日本語".encode() in data and b"\r" not in data for data in first.values())
    assert re.fullmatch(r"subtitles\.\w+", write_subtitles(CUES, "es", tmp_path)["vtt"].name)
