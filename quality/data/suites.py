"""The suites: what a table of each kind must be before anything is built on it.

They state what every sound title has, not what is good: a line that could not be made is legal as long as it says why.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from nightdub.infra.errors import ConfigError
from nightdub.infra.media.safety import Limits
from nightdub.quality.data.declare import (
    Against,
    Row,
    Suite,
    a_line,
    above,
    as_many_as_lines,
    ascending,
    between,
    holds,
    matches,
    one_of,
    some,
    unique,
)
from nightdub.quality.metrics.table import METRICS
from nightdub.tasks.catalogue import ID
from nightdub.tasks.emotions import EMOTIONS
from nightdub.tasks.languages import LANGUAGES

LONGEST_PROGRAMME = Limits().duration  # seconds that intake allows
LONGEST_LINE = 600.0  # seconds: nobody speaks ten minutes in one line; such a row has a wrong stamp
SLACK = 1.0  # seconds by which sound may outlast the picture that the programme's length is taken from
SAMPLE = 1e-4  # seconds: sums of whole samples of 48 kHz agree to much less
BLANK_OR_SHA = r"^(?:[0-9a-f]{64})?\Z"
SHA = re.compile(r"[0-9a-f]{64}")
NOT_BLANK = r"\S"


def find_suite(name: str) -> Suite:
    """Return a suite by name. Raises: ConfigError where there is none."""
    if name not in SUITES:
        raise ConfigError(f"no suite {name!r}", where="data gate", allowed=", ".join(SUITES), fix="docs/data-gates.md describes each")
    return SUITES[name]


# ---------------------------------------------------------------- tests of one row


def _spoken(row: Row) -> bool:
    return bool(row["text"].strip())


def _lasts(row: Row, _index: int, _against: Against) -> bool:
    return bool(row["end"] - row["start"] <= LONGEST_LINE)


def _ends_in_programme(row: Row, _index: int, against: Against) -> bool:
    return bool(row["end"] <= (against.length or 0.0) + SLACK)


def _timed(parts: list[Row], text: str) -> bool:
    """Return whether words or sounds of a line have a text, and finite times in order."""
    starts = [part["start"] for part in parts]
    return all(part[text].strip() and 0 <= part["start"] <= part["end"] < math.inf for part in parts) and all(
        first <= second for first, second in pairwise(starts)
    )


def _one_reading(row: Row, _index: int, _against: Against) -> bool:
    """Return whether a measurement has a finite value or one reason why it has none."""
    value = row["value"]
    told = [value is not None, bool(row["not_measured"].strip()), bool(row["not_applicable"].strip())]
    return sum(told) == 1 and (value is None or math.isfinite(value))


def _in_range(row: Row, _index: int, _against: Against) -> bool:
    fact, value = METRICS[row["metric"]], row["value"]
    return value is None or bool(fact.lowest <= value <= fact.highest)


def _interval(row: Row, _index: int, _against: Against) -> bool:
    found = row["interval"]
    return found is None or (len(found) == 2 and all(math.isfinite(end) for end in found) and found[0] <= found[1])


def _adds_up(row: Row, _index: int, _against: Against) -> bool:
    """Return whether what a placement says it borrowed is what its times say."""
    before, after = max(0.0, row["slot_start"] - row["start"]), max(0.0, row["end"] - row["slot_end"])
    return bool(abs(before - row["borrowed_before"]) < SAMPLE and abs(after - row["borrowed_after"]) < SAMPLE)


def _inside(row: Row, _index: int, _against: Against) -> bool:
    """Return whether a path stays below its manifest's folder, and is a path: no address, no command, no pipe."""
    path = row["audio_path"]
    plain = not re.search(r"[\0|\n\r]|^[\w+.-]+:", path)
    return bool(path.strip()) and plain and not path.startswith(("/", "\\", "~")) and ".." not in re.split(r"[/\\]", path)


def _targets(row: Row, _index: int, _against: Against) -> bool:
    targets = row["targets"]
    return bool(targets) and len(set(targets)) == len(targets) and row["language"] not in targets and set(targets) <= set(LANGUAGES)


# ---------------------------------------------------------------- suites

_LINE = (
    unique("id"),
    matches("id", NOT_BLANK, "is not blank"),
    matches("text", NOT_BLANK, "is not blank"),
    between("start", 0, LONGEST_PROGRAMME),
    above("end", "start"),
    ascending("start"),
    holds("end", f"lines last up to {LONGEST_LINE:g} s", _lasts),
    holds("end", "lines end within the programme", _ends_in_programme, needs="length"),
    holds("words", "words have a text and times in order", lambda row, _index, _against: _timed(row["words"], "text")),
)

CATALOGUE = Suite(
    "catalogue",
    "the titles of a night: one row each",
    ("id", "source", "language", "profile"),
    ("priority",),
    (
        unique("id"),
        matches("id", rf"^{ID.pattern}\Z", "is 1 to 64 of a-z, 0-9, _ and -"),
        matches("source", r"^/", "is an absolute path"),
        one_of("language", LANGUAGES, "a known language"),
        holds("targets", "targets are known languages, each once, and not the source's", _targets),
        matches("profile", NOT_BLANK, "is not blank"),
    ),
)

SCRIPT = Suite(
    "script",
    "a delivered script's lines of dialogue",
    ("id", "text", "speaker", "origin"),
    ("start", "end"),
    (*_LINE, one_of("origin", ("script",), "script")),
)

TRANSCRIPT = Suite(
    "transcript",
    "the lines that are to be dubbed, from a script or recognised, each with its speaker",
    ("id", "text", "speaker", "origin", "engine"),
    ("start", "end"),
    (
        *_LINE,
        one_of("origin", ("script", "recognised"), "script or recognised"),
        matches("speaker", NOT_BLANK, "is not blank"),
        holds("engine", "a recognised line names what heard it", lambda row, *_: row["origin"] != "recognised" or bool(row["engine"])),
    ),
)

TRANSLATION = Suite(
    "translation",
    "one line in the target language for each line of dialogue",
    ("segment", "text", "origin", "source", "failed"),
    ("estimate", "slot"),
    (
        as_many_as_lines(),
        unique("segment"),
        a_line("segment"),
        holds("text", "a line has a text or the cause why not", lambda row, *_: _spoken(row) != bool(row["failed"].strip())),
        some("text", "some line has a text", lambda row, *_: _spoken(row)),
        holds("origin", "a text names where it came from", lambda row, *_: not _spoken(row) or bool(row["origin"].strip())),
        holds("source", "a text keeps its source line", lambda row, *_: not _spoken(row) or bool(row["source"].strip())),
        between("estimate", 0, LONGEST_LINE),
        between("slot", 0, LONGEST_LINE),
    ),
)

MANIFEST = Suite(
    "manifest",
    "a segment manifest: the sound of each line, or why there is none",
    ("segment", "key", "sound", "engine", "skipped", "failed"),
    ("duration", "rate"),
    (
        as_many_as_lines(),
        unique("segment"),
        a_line("segment"),
        matches("key", rf"^{SHA.pattern}\Z", "is a sha256"),
        matches("sound", BLANK_OR_SHA, "is a sha256 or empty"),
        holds(
            "sound",
            "a line has a sound, a reason to be skipped or a cause of failure, and one of them",
            lambda row, *_: sum(bool(row[name].strip()) for name in ("sound", "skipped", "failed")) == 1,
        ),
        between("duration", 0, LONGEST_LINE, where="sound", above_low=True),
        between("rate", 0.25, 4, where="sound"),
        matches("engine", NOT_BLANK, "is not blank", where="sound"),
        holds("sounds", "phonemes have a name and times in order", lambda row, *_: _timed(row["sounds"], "shape")),
    ),
)

PLACEMENTS = Suite(
    "placements",
    "where each spoken line lies in the dub, and what was bent to lay it there",
    ("segment", "held"),
    ("start", "end", "slot_start", "slot_end", "stretch", "borrowed_before", "borrowed_after", "cut", "overlap"),
    (
        as_many_as_lines(),
        unique("segment"),
        a_line("segment"),
        between("start", 0, LONGEST_PROGRAMME),
        above("end", "start"),
        holds("end", f"lines last up to {LONGEST_LINE:g} s", _lasts),
        holds("end", "lines end within the programme", _ends_in_programme, needs="length"),
        between("slot_start", 0, LONGEST_PROGRAMME),
        above("slot_end", "slot_start", or_equal=True),
        ascending("slot_start"),
        between("stretch", 0, 10, above_low=True),
        *(between(name, 0, LONGEST_LINE) for name in ("borrowed_before", "borrowed_after", "cut", "overlap")),
        holds("borrowed_before", "borrowed silence is what the times say", _adds_up),
        holds("held", "a line that is cut is held for a person", lambda row, *_: row["cut"] == 0 or bool(row["held"].strip())),
    ),
)

SUBTITLES = Suite(
    "subtitles",
    "the cues on screen",
    (),
    ("index", "start", "end"),
    (
        holds("index", "cues are numbered 1, 2, 3 and so on", lambda row, index, _: row["index"] == index + 1),
        between("start", 0, LONGEST_PROGRAMME),
        above("end", "start"),
        ascending("start"),
        holds("end", f"cues last up to {LONGEST_LINE:g} s", _lasts),
        holds("end", "cues end within the programme", _ends_in_programme, needs="length"),
        holds("lines", "a cue has lines, none of them blank", lambda row, *_: bool(row["lines"]) and all(map(str.strip, row["lines"]))),
        holds(
            "segments",
            "a cue names lines of this title",
            lambda row, _index, against: bool(row["segments"]) and set(row["segments"]) <= (against.lines or frozenset()),
            needs="lines",
        ),
    ),
)

MEASUREMENTS = Suite(
    "measurements",
    "what was measured of a dub: a value or a reason for each metric",
    ("metric", "unit", "engine", "not_measured", "not_applicable", "weights"),
    ("n", "value"),
    (
        unique("metric"),
        one_of("metric", METRICS, "in the table of metrics"),
        holds("value", "there is a finite value or one reason why not", _one_reading),
        some("value", "something was measured", lambda row, *_: row["value"] is not None and math.isfinite(row["value"])),
        holds("value", "values lie in the metric's range", _in_range),
        holds("unit", "the unit is the metric's", lambda row, *_: row["unit"] == METRICS[row["metric"]].unit),
        holds("engine", "a value names what measured it", lambda row, *_: row["value"] is None or bool(row["engine"].strip())),
        holds("n", "n is a whole number from 0", lambda row, *_: row["n"] >= 0 and row["n"] == int(row["n"])),
        holds("interval", "intervals are finite and in order", _interval),
        matches("weights", BLANK_OR_SHA, "is a sha256 or empty"),
        holds("inputs", "inputs are sha256 digests", lambda row, *_: all(SHA.fullmatch(digest) for digest in row["inputs"].values())),
    ),
    optional=("value",),
)

_CLIP = (
    unique("id"),
    matches("id", NOT_BLANK, "is not blank"),
    unique("audio_path"),
    holds("audio_path", "paths stay below the manifest's folder", _inside),
    matches("text", NOT_BLANK, "is not blank"),
    one_of("language", LANGUAGES, "a known language"),
    one_of("emotion", (*EMOTIONS, ""), "one of RAVDESS's eight, or empty"),
)

DATASET = Suite(
    "dataset",
    "a speech dataset's manifest in the exchange format: one clip a row",
    ("id", "audio_path", "text", "language", "speaker", "emotion"),
    (),
    (*_CLIP, matches("speaker", NOT_BLANK, "is not blank")),
    optional=("emotion",),
)

SAMPLES = Suite(
    "samples",
    "the lines of a dataset that was built here, before it is released",
    ("id", "audio_path", "text", "language", "speaker", "emotion", "split", "sound", "source"),
    ("seconds",),
    (
        *_CLIP,
        one_of("split", ("train", "validation", "test"), "train, validation or test"),
        between("seconds", 0, LONGEST_LINE, above_low=True),
        matches("sound", rf"^{SHA.pattern}\Z", "is a sha256"),
        matches("source", rf"^{SHA.pattern}\Z", "is a sha256"),
    ),
    optional=("emotion", "speaker"),
)

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (CATALOGUE, SCRIPT, TRANSCRIPT, TRANSLATION, MANIFEST, PLACEMENTS, SUBTITLES, MEASUREMENTS, DATASET, SAMPLES)
}
