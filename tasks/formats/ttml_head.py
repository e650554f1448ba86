"""What a TTML document says once: its clock, styles, regions and agents."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.line import one_row
from nightdub.tasks.formats.safe_xml import XML, Element, local
from nightdub.tasks.rows import Seconds
from nightdub.tasks.timecode import FrameRate, clock, frames_of, hour, seconds_of

TTML = "{http://www.w3.org/ns/ttml}"
PARAMETER = "{http://www.w3.org/ns/ttml#parameter}"
METADATA = "{http://www.w3.org/ns/ttml#metadata}"
STYLING = "{http://www.w3.org/ns/ttml#styling}"
FORCED = "{http://www.w3.org/ns/ttml/profile/imsc1#styling}forcedDisplay"
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d+)?)(h|m|s|ms|f|t)", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
FASTEST = 1000  # frames a second
MOST_STYLES = 200  # of a document; scripts have a dozen
_READ = {f"{STYLING}{name}" for name in ("fontWeight", "fontStyle", "textDecoration", "origin", "extent", "displayAlign", "ruby")} | {
    FORCED
}

Look = Mapping[str, str]  # attributes of styling


@dataclass(frozen=True, slots=True)
class TtmlClock:
    """Times of one document; `smpte` where they are time code."""

    rate: FrameRate
    tick: Seconds
    smpte: bool

    @property
    def hour(self) -> Seconds:
        """Return how long an hour of its times lasts."""
        return float(hour(self.rate)) if self.smpte else 3600.0

    def seconds(self, text: str) -> Seconds:
        """Return a time expression of TTML 2 as seconds, not a number where it is none."""
        text = text.strip()
        if found := _OFFSET.fullmatch(text):
            units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "f": float(1 / self.rate.frames), "t": self.tick}
            return float(found[1]) * units[found[2]]
        if self.smpte:
            try:
                return float(seconds_of(frames_of(text, self.rate), self.rate))
            except ScriptError:
                return math.nan
        whole, _, frames = text.rpartition(":")
        if text.count(":") == 3 and re.fullmatch(r"\d{1,9}(\.\d+)?", frames, re.ASCII):
            return clock(whole) + float(frames) * float(1 / self.rate.frames)
        return clock(text) if text.count(":") == 2 else math.nan


@dataclass(frozen=True, slots=True)
class Head:
    """Styles by id, regions by id with their styling, and the names of agents by id."""

    styles: Mapping[str, Look]
    regions: Mapping[str, Look]
    agents: Mapping[str, str]

    def look(self, element: Element) -> Look:
        """Return an element's own styling: that of the styles it names, under its own."""
        return _look(element, self.styles)

    def position(self, region: str) -> str:
        """Return "top" where a region keeps its text in the upper half of the picture."""
        look = self.regions.get(region, {})
        top, height = _percent(look.get(f"{STYLING}origin", "")), _percent(look.get(f"{STYLING}extent", ""))
        if math.isnan(top + height):
            return "top" if look.get(f"{STYLING}displayAlign") == "before" and f"{STYLING}origin" not in look else ""
        anchor = {"after": top + height, "center": top + height / 2}.get(look.get(f"{STYLING}displayAlign", "before"), top)
        return "top" if anchor < 50 else ""


def read_head(root: Element, name: str) -> Head:
    """Return a document's styles, regions and agents. Raises: ScriptError where it has more styles than a script has use for."""
    named = {element.get(f"{XML}id", ""): element for element in root.iter() if local(element.tag) == "style"}
    if len(named) > MOST_STYLES:
        raise ScriptError(f"{len(named)} styles", where=name, allowed=f"at most {MOST_STYLES}", fix="export the TTML again")
    above = {
        identifier: [other for other in dict.fromkeys(one.get("style", "").split()) if other in named] for identifier, one in named.items()
    }
    own = {identifier: {key: value for key, value in one.attrib.items() if key in _READ} for identifier, one in named.items()}
    styles: dict[str, Look] = {identifier: _chained(identifier, above, own) for identifier in named}
    regions = {}
    for region in root.iter():
        if local(region.tag) == "region":
            look = dict(_look(region, styles))
            for child in region:
                look |= _look(child, styles) if local(child.tag) == "style" else {}
            regions[region.get(f"{XML}id", "")] = look
    agents = {agent.get(f"{XML}id", ""): _agent_name(agent) for agent in root.iter(f"{METADATA}agent")}
    return Head(styles, regions, agents)


def read_clock(root: Element, name: str) -> TtmlClock:
    """Return a document's clock. Raises: ScriptError where its rates are none."""
    try:
        over, under = (root.get(f"{PARAMETER}frameRateMultiplier") or "1 1").replace(":", " ").split()
        stated = root.get(f"{PARAMETER}frameRate")
        drop = root.get(f"{PARAMETER}dropMode", "nonDrop")
        whole, above, below = (_whole(text) for text in (stated or "30", over, under))
        rate = FrameRate(whole * Fraction(above, below), drop=drop == "dropNTSC")
        ticks = float(root.get(f"{PARAMETER}tickRate", rate.frames if stated else 1))
        tick = 1 / ticks
        if not 0 < rate.frames <= FASTEST or not 0 < ticks < math.inf or drop == "dropPAL":
            raise ValueError(drop)  # noqa: TRY301 - said once for all of them, below
    except (ValueError, ZeroDivisionError) as error:
        allowed = f"positive numbers, up to {FASTEST} frames a second; dropMode nonDrop or dropNTSC"
        raise ScriptError(f"frame or tick rate: {error}", where=name, allowed=allowed, fix="export the TTML again") from None
    return TtmlClock(rate, tick, root.get(f"{PARAMETER}timeBase") == "smpte")


def _whole(text: str) -> int:
    """Return a whole number of up to nine digits. Raises: ValueError."""
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError(f"{text[:20]!r} is no whole number")
    return int(text)


def _chained(identifier: str, above: Mapping[str, list[str]], own: Mapping[str, Look]) -> Look:
    """Return a style's attributes over those of the styles that it names, each counted once."""
    look: dict[str, str] = {}
    waiting, seen = [identifier], dict[str, None]()
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen[current] = None
            waiting += above[current]
    for current in reversed(seen):
        look |= own[current]
    return look


def _look(element: Element, styles: Mapping[str, Look]) -> Look:
    if "style" not in element.attrib:
        return element.attrib
    look: dict[str, str] = {}
    for identifier in element.get("style", "").split():
        look |= styles.get(identifier, {})
    return look | element.attrib


def _percent(pair: str) -> float:
    """Return the second, vertical one of two percentages."""
    found = re.fullmatch(r"\s*\S+\s+(\d+(?:\.\d+)?)%\s*", pair, re.ASCII)
    return float(found[1]) if found else math.nan


def _agent_name(agent: Element) -> str:
    name = agent.find(f"{METADATA}name")
    return one_row(name.text or "") if name is not None else agent.get(f"{XML}id", "")
