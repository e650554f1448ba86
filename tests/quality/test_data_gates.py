"""Data gates: every suite passes sound rows and refuses each planted defect, and nothing passes for being absent.

Great Expectations takes seconds to load, so that all of its tests are in this one file.
"""

from __future__ import annotations

import logging
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.infra.errors import ConfigError
from nightdub.quality.data import gate
from nightdub.quality.data.gate import check_rows, plain_rows
from nightdub.quality.data.page import index, page
from nightdub.quality.data.suites import LONGEST_LINE, SUITES
from nightdub.quality.data.title import Tables, check_title
from nightdub.quality.data.verdict import DataVerdict, ExpectationVerdict
from nightdub.quality.metrics.data import FACTS, data_measurements
from nightdub.tasks.rows import Clip, Cue, Measurement, Placement, Segment, SpokenSound, Title, Translation, Word

CANARY = "Zebulon Quackenbush"  # a name that must not leave the table
SHA = "0123456789abcdef" * 4
LINES = ("s0", "s1", "s2")
LENGTH = 20.0

SCRIPT = [Segment(name, 4.0 * number, 4.0 * number + 2, f"line {number}", origin="script") for number, name in enumerate(LINES)]
TRANSCRIPT = [
    Segment("s0", 0.0, 2.0, "hello", "S1", (Word("hello", 0.0, 2.0),), "script"),
    Segment("s1", 1.5, 3.0, "so there", "ANA", (Word("so", 1.5, 2.0), Word("there", 2.0, 3.0)), "recognised", "whisper"),  # overlaps
    Segment("s2", 9.0, 10.0, "bye", "S1", (), "script", "pocketsphinx-align"),
]
TRANSLATION = [
    Translation("s0", "hola", "memory", "hello", 0.8, 2.0),
    Translation("s1", "pues ya", "apertium", "so there", 0.9, 1.5),
    Translation("s2", "", "apertium", failed="apertium returned nothing"),
]
MANIFEST = [
    Clip("s0", SHA, SHA, 1.8, "espeak-ng", 0.9, (SpokenSound("o", 0.1, 0.2), SpokenSound("l", 0.2, 0.3))),
    Clip("s1", SHA, skipped="non-speech"),
    Clip("s2", SHA, failed="apertium returned nothing"),
]
PLACEMENTS = [
    Placement("s0", 0.0, 2.0, 0.0, 2.0, 0.95),
    Placement("s1", 3.9, 6.2, 4.0, 6.0, 1.1, borrowed_before=0.1, borrowed_after=0.2),
    Placement("s2", 8.0, 10.0, 8.0, 10.0, 1.3, cut=0.3, held="does-not-fit"),
]
SUBTITLES = [Cue(1, 0.0, 2.0, ("hola",), ("s0",)), Cue(2, 4.0, 6.0, ("- pues ya", "- adiós"), ("s1", "s2"))]
MEASUREMENTS = [
    Measurement("timing.cut", 0.3, "s", 3, "nightdub"),
    Measurement("roundtrip.wer", 12.5, "%", 40, "jiwer 4.0.0", interval=(9.0, 16.0), weights=SHA, inputs={"stretch.clips": SHA}),
    Measurement("speech.mos", None, "MOS", not_measured="no listeners' scores and no predictor in this profile"),
    Measurement("translation.bleu", None, "BLEU", not_applicable="every line is from the memory"),
]
CATALOGUE = [Title("pilot", "/films/pilot.mp4", "en", ("es", "fr")), Title("second-1", "/films/2.mkv", "ko", ("en",), priority=-2)]
DATASET = [
    {"id": "LJ001-0001", "audio_path": "wavs/LJ001-0001.wav", "text": "Printing", "language": "en", "speaker": "lj", "emotion": "happy"},
    {"id": "1/1_0000", "audio_path": "kss/1/1_0000.wav", "text": "그는", "language": "ko", "speaker": "kss"},
]
_MADE = {"split": "train", "seconds": 1.5, "sound": "1" * 64, "source": "2" * 64, "emotion": ""}
SAMPLES = [{**DATASET[0], **_MADE}, {**DATASET[1], **_MADE, "speaker": ""}]
GOOD: dict[str, list[Any]] = {
    "catalogue": CATALOGUE,
    "script": SCRIPT,
    "transcript": TRANSCRIPT,
    "translation": TRANSLATION,
    "manifest": MANIFEST,
    "placements": PLACEMENTS,
    "subtitles": SUBTITLES,
    "measurements": MEASUREMENTS,
    "dataset": DATASET,
    "samples": SAMPLES,
}
every_suite = pytest.mark.parametrize("suite", SUITES)


def check(suite: str, rows: list[Any]) -> DataVerdict:
    """Check a table against all that it can be held against."""
    related = suite in ("translation", "manifest", "placements", "subtitles")
    return check_rows(suite, rows, lines=LINES if related else None, length=LENGTH)


def planted(suite: str, number: int, change: Mapping[str, Any]) -> list[Any]:
    """Return the good rows with one of them changed."""
    rows = [dict(row) for row in plain_rows(GOOD[suite])]
    rows[number] |= change
    return rows


def test_every_suite_is_tried() -> None:
    assert set(GOOD) == set(SUITES)


@every_suite
def test_good_rows_pass_and_every_expectation_looked_at_something(suite: str) -> None:
    verdict = check(suite, GOOD[suite])
    assert verdict.success, verdict.reason
    assert [row.expectation for row in verdict.expectations] == [row.says for row in SUITES[suite].expectations()]
    assert verdict.left_out == ()
    assert verdict.n == len(GOOD[suite])
    counted = [row for row in SUITES[suite].expectations() if row.kind not in ("rows", "as many as lines", "some")]
    by_name = {row.expectation: row for row in verdict.expectations}
    assert all(by_name[row.says].n > 0 for row in counted)


@every_suite
def test_expectations_have_names_of_their_own_and_start_with_rows_and_completeness(suite: str) -> None:
    declared = SUITES[suite]
    kinds = [row.kind for row in declared.expectations()]
    assert len({row.says for row in declared.expectations()}) == len(kinds)
    complete = len(declared.texts) + len(declared.numbers) - len(declared.optional)
    assert kinds[: complete + 1] == ["rows"] + ["complete"] * complete
    assert "complete" not in kinds[complete + 1 :]


# ---------------------------------------------------------------- defects

LONG = LONGEST_LINE + 1
DEFECTS = [
    # suite, row, what is wrong with it, the expectations that must fail, and no other
    ("catalogue", 1, {"id": "pilot"}, {"id is not used twice"}),
    ("catalogue", 1, {"id": "../etc"}, {"id is 1 to 64 of a-z, 0-9, _ and -"}),
    ("catalogue", 1, {"id": "two\n"}, {"id is 1 to 64 of a-z, 0-9, _ and -"}),
    ("catalogue", 0, {"source": ""}, {"source is an absolute path"}),
    ("catalogue", 0, {"language": "xx"}, {"language is a known language"}),
    ("catalogue", 0, {"targets": []}, {"targets are known languages, each once, and not the source's"}),
    ("catalogue", 0, {"targets": ["es", "en"]}, {"targets are known languages, each once, and not the source's"}),
    ("catalogue", 0, {"targets": ["es", "tlh"]}, {"targets are known languages, each once, and not the source's"}),
    ("catalogue", 0, {"profile": " "}, {"profile is not blank"}),
    ("catalogue", 0, {"priority": None}, {"priority is a finite number"}),
    ("script", 1, {"id": "s0"}, {"id is not used twice"}),
    ("script", 1, {"text": " \n"}, {"text is not blank"}),
    ("script", 1, {"text": None}, {"text is a text"}),
    ("script", 0, {"start": -0.1}, {"start is at least 0, up to 43200"}),
    ("script", 1, {"end": 4.0}, {"end is after start"}),
    ("script", 1, {"start": 9.0, "end": 9.5}, {"rows are in order of start"}),
    ("script", 2, {"start": math.nan}, {"start is a finite number", "end is after start", "lines last up to 600 s"}),
    ("script", 2, {"end": LONG + 8}, {"lines last up to 600 s", "lines end within the programme"}),
    ("script", 2, {"end": LENGTH + 1.1}, {"lines end within the programme"}),
    ("script", 0, {"origin": "recognised"}, {"origin is script"}),
    ("script", 0, {"words": [{"text": "line", "start": 1.0, "end": 0.5}]}, {"words have a text and times in order"}),
    ("script", 0, {"words": None}, {"words have a text and times in order"}),
    ("transcript", 0, {"speaker": ""}, {"speaker is not blank"}),
    ("transcript", 1, {"engine": ""}, {"a recognised line names what heard it"}),
    ("transcript", 0, {"origin": "dreamt"}, {"origin is script or recognised"}),
    ("transcript", 0, {"words": [{"text": "b", "start": 1.0, "end": 1.1}, {"text": "a", "start": 0.5, "end": 0.6}]},
     {"words have a text and times in order"}),
    ("translation", 2, {"failed": ""}, {"a line has a text or the cause why not"}),
    ("translation", 0, {"failed": "engine died"}, {"a line has a text or the cause why not"}),
    ("translation", 1, {"segment": "s0"}, {"segment is not used twice"}),
    ("translation", 1, {"segment": "s9"}, {"segment is a line of this title"}),
    ("translation", 1, {"origin": ""}, {"a text names where it came from"}),
    ("translation", 1, {"source": " "}, {"a text keeps its source line"}),
    ("translation", 1, {"estimate": math.inf}, {"estimate is a finite number"}),
    ("translation", 1, {"slot": -1.0}, {"slot is at least 0, up to 600"}),
    ("manifest", 0, {"sound": SHA.upper()}, {"sound is a sha256 or empty"}),
    ("manifest", 0, {"key": ""}, {"key is a sha256"}),
    ("manifest", 0, {"key": f"{SHA}\n"}, {"key is a sha256"}),
    ("manifest", 2, {"failed": ""}, {"a line has a sound, a reason to be skipped or a cause of failure, and one of them"}),
    ("manifest", 0, {"skipped": "sung"}, {"a line has a sound, a reason to be skipped or a cause of failure, and one of them"}),
    ("manifest", 0, {"duration": 0.0}, {"duration is above 0, up to 600 where there is a sound"}),
    ("manifest", 0, {"duration": LONG}, {"duration is above 0, up to 600 where there is a sound"}),
    ("manifest", 0, {"rate": 0.0}, {"rate is at least 0.25, up to 4 where there is a sound"}),
    ("manifest", 0, {"engine": ""}, {"engine is not blank where there is a sound"}),
    ("manifest", 0, {"sounds": [{"shape": "o", "start": 0.2, "end": 0.1}]}, {"phonemes have a name and times in order"}),
    ("placements", 0, {"start": -0.2, "borrowed_before": 0.2}, {"start is at least 0, up to 43200"}),
    ("placements", 0, {"end": 0.0}, {"end is after start"}),
    ("placements", 2, {"end": 22.0, "borrowed_after": 12.0}, {"lines end within the programme"}),
    ("placements", 1, {"slot_end": 3.0, "borrowed_after": 3.2}, {"slot_end is not before slot_start"}),
    ("placements", 2, {"slot_start": 3.0, "start": 3.0}, {"rows are in order of slot_start"}),
    ("placements", 0, {"stretch": 0.0}, {"stretch is above 0, up to 10"}),
    ("placements", 0, {"overlap": -0.1}, {"overlap is at least 0, up to 600"}),
    ("placements", 1, {"borrowed_after": 0.1}, {"borrowed silence is what the times say"}),
    ("placements", 2, {"held": ""}, {"a line that is cut is held for a person"}),
    ("subtitles", 1, {"index": 3}, {"cues are numbered 1, 2, 3 and so on"}),
    ("subtitles", 1, {"index": 1}, {"cues are numbered 1, 2, 3 and so on"}),
    ("subtitles", 0, {"end": 0.0}, {"end is after start"}),
    ("subtitles", 0, {"start": 5.0, "end": 5.5}, {"rows are in order of start"}),
    ("subtitles", 0, {"lines": []}, {"a cue has lines, none of them blank"}),
    ("subtitles", 1, {"lines": ["- pues ya", " "]}, {"a cue has lines, none of them blank"}),
    ("subtitles", 1, {"segments": ["s1", "s9"]}, {"a cue names lines of this title"}),
    ("subtitles", 1, {"segments": []}, {"a cue names lines of this title"}),
    ("measurements", 0, {"value": None}, {"there is a finite value or one reason why not"}),
    ("measurements", 0, {"value": math.nan}, {"there is a finite value or one reason why not", "values lie in the metric's range"}),
    ("measurements", 0, {"not_measured": "too short"}, {"there is a finite value or one reason why not"}),
    ("measurements", 2, {"not_applicable": "no speech"}, {"there is a finite value or one reason why not"}),
    ("measurements", 0, {"value": -1.0}, {"values lie in the metric's range"}),
    ("measurements", 0, {"unit": "ms"}, {"the unit is the metric's"}),
    ("measurements", 0, {"engine": ""}, {"a value names what measured it"}),
    ("measurements", 0, {"n": -1}, {"n is a whole number from 0"}),
    ("measurements", 0, {"n": 2.5}, {"n is a whole number from 0"}),
    ("measurements", 1, {"metric": "timing.cut", "unit": "s"}, {"metric is not used twice"}),
    ("measurements", 1, {"interval": [16.0, 9.0]}, {"intervals are finite and in order"}),
    ("measurements", 1, {"weights": "v2"}, {"weights is a sha256 or empty"}),
    ("measurements", 1, {"inputs": {"stretch.clips": "clips.jsonl"}}, {"inputs are sha256 digests"}),
    ("measurements", 0, {"metric": "made.up"},
     {"metric is in the table of metrics", "values lie in the metric's range", "the unit is the metric's"}),
    ("dataset", 1, {"id": "LJ001-0001"}, {"id is not used twice"}),
    ("dataset", 1, {"audio_path": "wavs/LJ001-0001.wav"}, {"audio_path is not used twice"}),
    ("dataset", 0, {"audio_path": "../outside.wav"}, {"paths stay below the manifest's folder"}),
    ("dataset", 0, {"audio_path": "/etc/passwd"}, {"paths stay below the manifest's folder"}),
    ("dataset", 0, {"audio_path": "pipe:sox in.wav -t wav - |"}, {"paths stay below the manifest's folder"}),
    ("dataset", 0, {"audio_path": "https://example.org/a.wav"}, {"paths stay below the manifest's folder"}),
    ("dataset", 0, {"text": "\t"}, {"text is not blank"}),
    ("dataset", 0, {"language": "English"}, {"language is a known language"}),
    ("dataset", 0, {"speaker": None}, {"speaker is a text"}),
    ("dataset", 0, {"emotion": "hungry"}, {"emotion is one of RAVDESS's eight, or empty"}),
    ("samples", 0, {"split": "training"}, {"split is train, validation or test"}),
    ("samples", 0, {"seconds": 0.0}, {"seconds is above 0, up to 600"}),
    ("samples", 1, {"sound": ""}, {"sound is a sha256"}),
    ("samples", 1, {"source": "s1.wav"}, {"source is a sha256"}),
    ("samples", 1, {"audio_path": "clips/../../a.wav"}, {"paths stay below the manifest's folder"}),
]  # fmt: skip


def _short(value: object) -> str:
    """Return what a case is called: the same in every process, also where it is a set."""
    return str(sorted(value) if isinstance(value, set) else value)[:50]


@pytest.mark.parametrize(("suite", "number", "change", "names"), DEFECTS, ids=_short)
def test_a_planted_defect_fails_by_name(suite: str, number: int, change: dict[str, Any], names: set[str]) -> None:
    verdict = check(suite, planted(suite, number, change))
    assert not verdict.success
    assert {row.expectation for row in verdict.failed} == names
    assert all(row.message for row in verdict.failed)
    assert verdict.reason.startswith(f"data gate {suite}: ")
    assert any(name in verdict.reason for name in names)


@pytest.mark.parametrize("suite", ["translation", "manifest", "placements"])
def test_a_line_left_out_or_said_twice_fails_against_the_lines_of_the_title(suite: str) -> None:
    said = {row.expectation for row in check(suite, GOOD[suite][:-1]).failed}
    assert said == {"there is one row for each line"}
    twice = {row.expectation for row in check(suite, [*GOOD[suite], GOOD[suite][-1]]).failed}
    assert twice == {"there is one row for each line", "segment is not used twice"}


def test_counts_and_shares_are_of_the_rows_looked_at() -> None:
    verdict = check("script", planted("script", 1, {"text": " "}))
    assert verdict.failed == (ExpectationVerdict("text is not blank", "text", False, 3, 1, 100 / 3, "not so in 1 of 3 rows"),)
    assert verdict.reason == "data gate script: text is not blank (not so in 1 of 3 rows)"


# ---------------------------------------------------------------- nothing passes for being absent


@every_suite
def test_an_empty_table_fails(suite: str) -> None:
    verdict = check(suite, [])
    assert not verdict.success
    assert verdict.expectations[0] == ExpectationVerdict("the table has rows", "", False, message="0 rows")
    held = {"there is one row for each line"} & {row.expectation for row in verdict.failed}
    optional = set(SUITES[suite].optional)
    passed = [row.expectation for row in verdict.expectations if row.success and row.column not in optional]
    assert passed == [], held


@every_suite
@pytest.mark.parametrize("nothing", [None, math.nan], ids=["null", "nan"])
def test_an_all_null_and_an_all_nan_table_fail(suite: str, nothing: object) -> None:
    fields = {name for row in plain_rows(GOOD[suite]) for name in row}
    verdict = check(suite, [dict.fromkeys(fields, nothing) for _ in range(3)])
    assert not verdict.success
    complete = {row.says for row in SUITES[suite].expectations() if row.kind == "complete"}
    assert complete <= {row.expectation for row in verdict.failed}


@every_suite
def test_rows_without_any_field_fail(suite: str) -> None:
    assert not check(suite, [{}, {}, {}]).success


@pytest.mark.parametrize("column", ["start", "end"])
def test_one_column_of_nan_fails(column: str) -> None:
    verdict = check("script", [dict(row) | {column: math.nan} for row in plain_rows(SCRIPT)])
    assert f"{column} is a finite number" in {row.expectation for row in verdict.failed}


@pytest.mark.parametrize("kind", ["empty", "null", "nan"])
def test_great_expectations_alone_passes_such_tables(kind: str) -> None:
    """Why the suites state completeness themselves: this is what they are built on, and it may change with a new version."""
    import pandas
    from great_expectations import ExpectationSuite
    from great_expectations import expectations as gx

    columns = {"empty": [], "null": [None] * 3, "nan": [math.nan] * 3}[kind]
    frame = pandas.DataFrame({"start": pandas.Series(columns, dtype="float64"), "text": pandas.Series(columns, dtype="object")})
    asked = [
        gx.ExpectColumnValuesToBeBetween(column="start", min_value=0, max_value=5),
        gx.ExpectColumnValuesToBeUnique(column="start"),
        gx.ExpectColumnValuesToBeInSet(column="text", value_set=["a"]),
        gx.ExpectColumnValuesToMatchRegex(column="text", regex=r"\S"),
    ]
    batch = gate._batches().get_batch(batch_parameters={"dataframe": frame})
    assert batch.validate(ExpectationSuite(name="plain", expectations=asked)).success is True


def test_a_table_in_which_every_line_has_an_excuse_fails() -> None:
    failed = [Translation(name, "", "apertium", failed="died") for name in LINES]
    assert {row.expectation for row in check("translation", failed).failed} == {"some line has a text"}
    silent = check("manifest", [Clip(name, SHA, failed="died") for name in LINES])
    assert {row.message for row in silent.failed} == {"no row to look at"}
    unmeasured = check("measurements", [Measurement("timing.cut", None, "s", not_measured="no line was placed")])
    assert {row.expectation for row in unmeasured.failed} == {"something was measured"}


# ---------------------------------------------------------------- errors are failures


def raising(*_args: object, **_more: object) -> Any:
    raise ValueError(f"could not convert string to float: {CANARY!r}")


def test_an_error_while_a_suite_runs_is_a_failing_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    check("script", SCRIPT)
    monkeypatch.setattr("great_expectations.datasource.fluent.interfaces.Batch.validate", raising)
    verdict = check("script", SCRIPT)
    assert (verdict.success, len(verdict.expectations)) == (False, 1)
    assert verdict.reason.startswith("data gate script: the suite can be run (ValueError in test_data_gates.py, line ")
    assert CANARY not in repr(verdict)


def test_an_error_inside_one_expectation_fails_it_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    monkeypatch.setattr(type(pandas.Series(["a"]).str), "contains", raising)
    verdict = check("script", SCRIPT)
    broken = {row.expectation for row in verdict.failed}
    assert {"text is not blank", "id is not blank"} <= broken
    assert "end is after start" not in broken
    assert all(re.fullmatch(r"[\w.]+Error in \w+\.py, line \d+", row.message) for row in verdict.failed), verdict.failed
    assert CANARY not in repr(verdict) + page(verdict)


@pytest.mark.parametrize("lose", [0, 5])
def test_an_expectation_without_an_answer_fails(lose: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(batch: Any, suite: Any, **more: Any) -> Any:
        result = whole(batch, suite, **more)
        result.results = [row for row in result.results if row.expectation_config.meta["index"] != lose]
        return result

    from great_expectations.datasource.fluent.interfaces import Batch

    whole = Batch.validate
    monkeypatch.setattr(Batch, "validate", forgetful)
    verdict = check("script", SCRIPT)
    assert [row.message for row in verdict.failed] == ["great_expectations gave no answer"]


def test_the_suites_own_success_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def gloomy(batch: Any, suite: Any, **more: Any) -> Any:
        result = whole(batch, suite, **more)
        result.success = False
        return result

    from great_expectations.datasource.fluent.interfaces import Batch

    whole = Batch.validate
    monkeypatch.setattr(Batch, "validate", gloomy)
    assert check("script", SCRIPT).reason == "data gate script: the suite as a whole holds (great_expectations says it does not)"


def test_rows_that_are_no_rows_fail_and_an_unknown_suite_is_refused() -> None:
    assert not check_rows("script", [1, 2]).success
    with pytest.raises(ConfigError, match="no suite 'scirpt'") as caught:
        check_rows("scirpt", SCRIPT)
    assert "transcript" in caught.value.allowed


def test_loading_the_gates_loads_no_great_expectations_and_running_one_calls_nobody() -> None:
    script = """
import sys
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") else None)
from nightdub.quality.data import gate, page, suites, title
print([name for name in ("great_expectations", "pandas") if name in sys.modules])
print(gate.check_rows("script", [{"id": "a", "start": 0, "end": 1, "text": "x", "speaker": "", "origin": "script", "words": []}]).success)
print("great_expectations" in sys.modules, calls)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["[]", "True", "True []"]
    assert "Calculating Metrics" not in done.stderr


# ---------------------------------------------------------------- verdicts and pages hold no data


@every_suite
def test_no_value_of_the_data_gets_into_verdict_or_page(suite: str) -> None:
    fields = {name for row in plain_rows(GOOD[suite]) for name in row}
    rows: list[dict[str, Any]] = [dict.fromkeys(fields, CANARY), dict.fromkeys(fields, CANARY), {CANARY: 1}]
    verdict = check(suite, rows)
    assert not verdict.success
    told = msgspec.json.encode(verdict).decode() + page(verdict) + index([verdict]) + repr(data_measurements([verdict]))
    assert not any(part in told for part in CANARY.split())


def test_a_page_stands_alone_and_says_what_failed() -> None:
    verdict = check("script", planted("script", 1, {"text": " "}))
    for made in (page(verdict, "pilot / es"), index([verdict], "pilot / es")):
        assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in made
        assert re.findall(r"https?:|//|src=|url\(|<script|<link|@import", made.replace("<!doctype", "")) == []
        assert "pilot / es" in made
        assert "not so in 1 of 3 rows" in made
    body = page(verdict)
    assert body.count('class="fail">fail</td>') == 1
    assert body.count('class="pass">pass</td>') == len(verdict.expectations) - 1
    assert "33.3 %" in body
    assert "fail" not in re.sub(r"(?s)<style>.*</style>|failed", "", page(check("script", SCRIPT)))


def test_a_page_names_what_was_not_looked_at_and_escapes_what_it_is_about() -> None:
    alone = check_rows("translation", TRANSLATION)
    assert alone.success
    assert alone.left_out == ("there is one row for each line", "segment is a line of this title")
    made = page(alone, "<script>alert(1)</script>")
    assert "<script>" not in made
    assert "&lt;script&gt;" in made
    assert all(says in made for says in alone.left_out)


def test_the_index_links_to_each_page() -> None:
    verdicts = [check("script", SCRIPT), check("subtitles", [])]
    assert re.findall(r'<a href="([^"]+)">', index(verdicts)) == ["script.html", "subtitles.html"]


# ---------------------------------------------------------------- a title as a whole

WHOLE = Tables(
    segments=[Segment(name, 4.0 * number, 4.0 * number + 2, "text", "S1", origin="script") for number, name in enumerate(LINES)],
    translations=[Translation(name, "texto", "memory", "text", 1.0, 2.0) for name in LINES],
    voiced=[Clip("s0", SHA, SHA, 1.0, "espeak-ng"), Clip("s1", SHA, SHA, 1.0, "espeak-ng"), Clip("s2", SHA, failed="died")],
    clips=[Clip("s0", SHA, SHA, 1.0, "espeak-ng"), Clip("s1", SHA, failed="sox died"), Clip("s2", SHA, failed="died")],
    placements=[Placement("s0", 0.0, 1.0, 0.0, 2.0), Placement("s1", 4.0, 5.0, 4.0, 6.0)],
    cues=[Cue(1, 0.0, 2.0, ("texto",), ("s0",))],
    measurements=MEASUREMENTS,
    length=LENGTH,
    script=SCRIPT,
)


def changed(**tables: object) -> Tables:
    values = {name: getattr(WHOLE, name) for name in Tables.__dataclass_fields__}
    return Tables(**(values | tables))  # type: ignore[arg-type]


def test_a_sound_title_passes_every_gate() -> None:
    verdicts = check_title(WHOLE)
    assert [verdict.reason for verdict in verdicts] == [""] * 7
    assert [verdict.suite for verdict in verdicts] == list(SUITES)[1:-2]
    assert [verdict.suite for verdict in check_title(changed(script=None))] == list(SUITES)[2:-2]


def test_a_bad_table_of_a_title_is_named_with_its_expectation() -> None:
    verdicts = check_title(changed(translations=WHOLE.translations[:2], cues=[]))
    assert [verdict.suite for verdict in verdicts if not verdict.success] == ["translation", "subtitles"]
    assert "there is one row for each line (2 rows)" in verdicts[2].reason
    assert "the table has rows (0 rows)" in verdicts[5].reason


def test_a_spoken_line_without_a_place_is_found() -> None:
    assert (
        "data gate placements: there is one row for each line (1 rows)" in check_title(changed(placements=WHOLE.placements[:1]))[4].reason
    )


def test_the_gates_are_measured_for_the_policy() -> None:
    verdicts = [check("script", planted("script", 1, {"text": " "})), check("subtitles", SUBTITLES)]
    failed, passed = data_measurements(verdicts)
    assert (failed.metric, failed.value, failed.unit) == ("data.failed_expectations", 1.0, "expectations")
    assert failed.n == sum(len(verdict.expectations) for verdict in verdicts)
    assert (failed.worst[0].segment, failed.worst[0].value) == ("script: text is not blank", 33.3333)
    assert failed.detail == verdicts[0].reason
    assert failed.engine == "great_expectations 1.24.1"
    assert (passed.metric, passed.value, passed.n) == ("data.suites_passed", 1.0, 2)
    assert check("measurements", [failed, passed]).success


def test_no_gate_is_no_pass() -> None:
    rows = data_measurements([])
    assert [(row.metric, row.value, row.not_measured) for row in rows] == [(name, None, "no data gate ran") for name in FACTS]


def test_great_expectations_keeps_its_temporary_folders_to_itself() -> None:
    check("script", [])
    names = [name for name in logging.root.manager.loggerDict if name.startswith("great_expectations")]
    assert "great_expectations.data_context.types.base" in names
    assert [name for name in names if logging.getLogger(name).getEffectiveLevel() < logging.WARNING] == []


def test_templates_are_listed_for_the_wheel() -> None:
    listed = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"nightdub.quality.data" = ["templates/*.html"]' in listed


def test_every_suite_and_expectation_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/data-gates.md").read_text()
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n### ")[1:]}
    assert list(sections) == list(SUITES)
    for name, suite in SUITES.items():
        body = sections[name].split("\n## ")[0]
        assert re.findall(r"^\| (.*?) \|", body, re.MULTILINE)[1:] == [row.says for row in suite.expects], name
        assert all(f"`{column}`" in body for column in (*suite.texts, *suite.numbers)), name
