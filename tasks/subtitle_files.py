"""Cues as files: SRT, WebVTT and TTML, the same bytes for the same cues."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from nightdub.tasks.rows import Cue, Language, Seconds


def srt(cues: Sequence[Cue], _language: Language) -> str:
    """Return cues as SubRip. The format has no escapes: the text stands as it is."""
    return "\n".join(_block(cue, ",", str) for cue in cues)


def webvtt(cues: Sequence[Cue], language: Language) -> str:
    """Return cues as WebVTT (W3C), its three special characters escaped."""
    return "\n".join([f"WEBVTT\nLanguage: {language}\n", *(_block(cue, ".", escape) for cue in cues)])


def ttml(cues: Sequence[Cue], language: Language) -> str:
    """Return cues as TTML 1 (W3C), lines at the bottom of the picture, times in milliseconds of media time."""
    rows = []
    for cue in cues:
        text = "<br/>".join(escape(_clean(line)) for line in cue.lines)
        rows.append(f'      <p xml:id="c{cue.index}" begin="{_clock(cue.start)}" end="{_clock(cue.end)}">{text}</p>')
    return "\n".join([_HEAD.format(language=quoteattr(language)), *rows, _TAIL])


def write_subtitles(cues: Sequence[Cue], language: Language, folder: Path) -> dict[str, Path]:
    """Write all formats as `subtitles.<format>` in UTF-8 and return them by name: "srt", "vtt", "ttml"."""
    written = {}
    for name, form in FORMATS.items():
        written[name] = folder / f"subtitles.{name}"
        written[name].write_text(form(cues, language), encoding="utf-8", newline="\n")
    return written


FORMATS: dict[str, Callable[[Sequence[Cue], Language], str]] = {"srt": srt, "vtt": webvtt, "ttml": ttml}

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" \
ttp:timeBase="media" xml:lang={language}>
  <head>
    <styling>
      <style xml:id="s" tts:textAlign="center" tts:color="white"/>
    </styling>
    <layout>
      <region xml:id="r" tts:origin="10% 10%" tts:extent="80% 80%" tts:displayAlign="after"/>
    </layout>
  </head>
  <body style="s" region="r">
    <div>"""
_TAIL = """    </div>
  </body>
</tt>
"""


def _block(cue: Cue, point: str, safe: Callable[[str], str]) -> str:
    lines = [str(cue.index), f"{_clock(cue.start, point)} --> {_clock(cue.end, point)}", *(safe(_clean(line)) for line in cue.lines)]
    return "\n".join(lines) + "\n"


def _clean(line: str) -> str:
    """Return a line without control characters: XML 1.0 knows none, and a line end would end the cue."""
    return "".join(letter for letter in line if unicodedata.category(letter) not in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


def _clock(moment: Seconds, point: str = ".") -> str:
    milliseconds = round(moment * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
