"""TTML, read in all its profiles (W3C TTML 2, iTunes, EBU-TT-D, IMSC) and written as IMSC 1.1 Text (W3C Recommendation, 2018).

`ttm:agent` is the speaker, `itts:forcedDisplay` marks text seen in the picture, `ttm:role="sound"` sounds, `ttm:desc` holds notes; the
region says top or bottom.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from nightdub.tasks.formats.line import ON_SCREEN, SOUND, Run, ScriptFile, ScriptLine, of_runs, runs_of, tidy
from nightdub.tasks.formats.safe_xml import XML, Element, local, parse
from nightdub.tasks.formats.ttml_head import FORCED, METADATA, STYLING, Head, Look, TtmlClock, read_clock, read_head
from nightdub.tasks.rows import Seconds
from nightdub.tasks.timecode import FrameRate, written_clock

PROFILE = "http://www.w3.org/ns/ttml/profile/imsc1.1/text"
_STYLED = {  # attribute of styling -> its value that means styled, and the style's letter
    f"{STYLING}fontWeight": ("bold", "b"),
    f"{STYLING}fontStyle": ("italic", "i"),
    f"{STYLING}textDecoration": ("underline", "u"),
}
_UNSPOKEN = {"text", "textContainer", "delimiter"}  # of ruby: readings, which repeat their base


@dataclass(frozen=True, slots=True)
class _Place:
    """What an element inherits from those around it."""

    begin: Seconds = 0.0
    end: Seconds = math.nan  # where nothing around it ends
    agent: str = ""
    role: str = ""
    region: str = ""
    forced: bool = False
    styles: frozenset[str] = frozenset()
    preserve: bool = False


def read_ttml(text: str, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return the paragraphs of a TTML document; times of enclosing elements are added.

    A line's number is the paragraph's own count, since XML keeps no lines.

    Raises:
        ScriptError: broken XML, a document type (whose entities can grow without bound), or no TTML.
    """
    del rate
    root = parse(text, name, ("tt",))
    times, head = read_clock(root, name), read_head(root, name)
    lines = [_line(number, *found, head) for number, found in enumerate(_paragraphs(root, _Place(), times, head), start=1)]
    return ScriptFile(tuple(lines), root.get(f"{XML}lang", ""), times.rate if times.smpte else None, times.hour)


def _paragraphs(element: Element, around: _Place, times: TtmlClock, head: Head) -> Iterator[tuple[Element, _Place]]:
    """Yield each paragraph with what holds for it."""
    for child in element:
        if local(child.tag) in ("body", "div", "p"):
            place = _inside(child, around, times, head)
            if local(child.tag) == "p":
                yield child, place
            else:
                yield from _paragraphs(child, place, times, head)


def _inside(element: Element, around: _Place, times: TtmlClock, head: Head) -> _Place:
    begin = around.begin + times.seconds(element.get("begin", "0s"))
    end = around.end
    if element.get("end"):
        end = around.begin + times.seconds(element.get("end", ""))
    elif element.get("dur"):
        end = begin + times.seconds(element.get("dur", ""))
    region = element.get("region", around.region)
    look = head.look(element)
    forced = look.get(FORCED) or head.regions.get(region, {}).get(FORCED) or str(around.forced).lower()
    return replace(
        around,
        begin=begin,
        end=end,
        agent=element.get(f"{METADATA}agent", around.agent),
        role=element.get(f"{METADATA}role", around.role),
        region=region,
        forced=forced == "true",
        styles=_styles(look, around.styles),
        preserve=element.get(f"{XML}space", "preserve" if around.preserve else "") == "preserve",
    )


def _styles(look: Look, around: frozenset[str]) -> frozenset[str]:
    for attribute, (value, letter) in _STYLED.items():
        if attribute in look:
            around = around | {letter} if value in look[attribute].split() else around - {letter}
    return around


def _line(number: int, paragraph: Element, place: _Place, head: Head) -> ScriptLine:
    forced = place.forced or any(head.look(span).get(FORCED) == "true" for span in paragraph.iter() if local(span.tag) == "span")
    text, styles = of_runs(_runs(paragraph, place.styles, head, preserve=place.preserve))
    notes = tidy("\n".join("".join(note.itertext()) for note in paragraph.iter(f"{METADATA}desc")))
    agent = (place.agent.split() or [""])[0]
    kind = ON_SCREEN if forced else SOUND if "sound" in place.role.split() else ""
    return ScriptLine(place.begin, place.end, text, head.agents.get(agent, agent), kind, notes, head.position(place.region), styles, number)


def _runs(element: Element, styles: frozenset[str], head: Head, *, preserve: bool) -> Iterator[Run]:
    look = "".join(sorted(styles))
    yield _spaced(element.text, preserve=preserve), look
    for child in element:
        if local(child.tag) == "br":
            yield "\n", look
        elif local(child.tag) == "span":
            inner = head.look(child)
            if inner.get(f"{STYLING}ruby") not in _UNSPOKEN:
                yield from _runs(child, _styles(inner, styles), head, preserve=preserve)
        yield _spaced(child.tail, preserve=preserve), look


def _spaced(text: str | None, *, preserve: bool) -> str:
    return (text or "") if preserve else re.sub(r"[ \t\n\r]+", " ", text or "")


# ---------------------------------------------------------------- writing

_OPEN = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" \
xmlns:ttm="http://www.w3.org/ns/ttml#metadata" xmlns:itts="http://www.w3.org/ns/ttml/profile/imsc1#styling" \
ttp:contentProfiles="{profile}" ttp:timeBase="media"{rate} xml:lang={language}>
  <head>
"""
_LOOK = """    <styling>
      <style xml:id="s" tts:fontFamily="proportionalSansSerif" tts:fontSize="100%" tts:textAlign="center" tts:color="white"/>
    </styling>
    <layout>
      <region xml:id="top" tts:origin="10% 10%" tts:extent="80% 35%" tts:displayAlign="before"/>
      <region xml:id="bottom" tts:origin="10% 55%" tts:extent="80% 35%" tts:displayAlign="after"/>
    </layout>
  </head>
  <body style="s">
    <div>
"""
_CLOSE = """    </div>
  </body>
</tt>
"""
_SPAN = {"b": ' tts:fontWeight="bold"', "i": ' tts:fontStyle="italic"', "u": ' tts:textDecoration="underline"'}


def write_ttml(file: ScriptFile) -> str:
    """Return a script as an IMSC 1.1 Text document, times in milliseconds of media time."""
    agents = {name: f"a{place}" for place, name in enumerate(dict.fromkeys(line.speaker for line in file.lines if line.speaker), 1)}
    head = [_OPEN.format(profile=PROFILE, language=quoteattr(file.language), rate=_rate(file.rate))]
    if agents:
        agent = '      <ttm:agent xml:id="{}" type="character"><ttm:name type="full">{}</ttm:name></ttm:agent>\n'
        named = "".join(agent.format(identifier, escape(speaker)) for speaker, identifier in agents.items())
        head.append(f"    <metadata>\n{named}    </metadata>\n")
    rows = [_paragraph(line, agents) for line in file.lines]
    return "".join([*head, _LOOK, *rows, _CLOSE])


def _rate(rate: FrameRate | None) -> str:
    if rate is None:
        return ""
    multiplier = rate.frames / rate.nominal
    return f' ttp:frameRate="{rate.nominal}" ttp:frameRateMultiplier="{multiplier.numerator} {multiplier.denominator}"'


def _paragraph(line: ScriptLine, agents: Mapping[str, str]) -> str:
    marks = f' region="{line.position or "bottom"}"'
    marks += f' ttm:agent="{agents[line.speaker]}"' if line.speaker else ""
    marks += ' ttm:role="sound"' if line.kind == SOUND else ""
    marks += ' itts:forcedDisplay="true"' if line.kind == ON_SCREEN else ""
    notes = f"<metadata><ttm:desc>{escape(line.notes)}</ttm:desc></metadata>" if line.notes else ""
    times = f'begin="{written_clock(line.start)}" end="{written_clock(line.end)}"'
    return f'      <p xml:id="c{line.number}" {times}{marks}>{notes}{_spans(line)}</p>\n'


def _spans(line: ScriptLine) -> str:
    text = []
    for run, styles in runs_of(line.text, line.styles):
        plain = escape(run).replace("\n", "<br/>")
        text.append(f"<span{''.join(_SPAN[kind] for kind in styles)}>{plain}</span>" if styles else plain)
    return "".join(text)
