"""Evaluations: what is kept, what is taken over, and what a comparison says of engines whose errors are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile
from trial_engines import LINES, Parrot, example, installed, write_set

from nightdub.datasets.evaluation import read_set
from nightdub.flows.evaluate import compare, evaluate, hypotheses, resolve
from nightdub.flows.night import Books
from nightdub.flows.upkeep import collect_garbage
from nightdub.infra.errors import ConfigError, MachineLacks, StepFailed


@pytest.fixture
def parrots() -> Iterator[type[Parrot]]:
    with installed() as found:
        yield found


@pytest.fixture
def lines(tmp_path: Path) -> str:
    return write_set(tmp_path / "lines.jsonl")


@pytest.fixture
def mute() -> Iterator[None]:
    """No network that rates speech."""
    with mock.patch("nightdub.flows.evaluate._predictor", return_value=""):
        yield


def test_the_second_time_nothing_is_made(books: Books, parrots: type[Parrot], lines: str) -> None:
    (first,) = evaluate(books, "translate", "parrot:wrong=0.25", [read_set(lines)])
    (second,) = evaluate(books, "translate", "parrot:wrong=0.25", [read_set(lines)])
    assert (first.made, first.reused, second.made, second.reused) == (LINES, 0, 0, LINES)
    assert len(parrots.worked) == LINES
    assert second.row.hypotheses == first.row.hypotheses
    assert (first.row.items, first.row.failed, first.row.language, first.row.dataset) == (LINES, 0, "en-es", lines)
    assert books.ledger.environment(second.row.environment)["python"].startswith("3.")
    assert [row.id for row in books.ledger.evaluations("translate")] == [second.row.id, first.row.id]
    assert books.ledger.runs(1)[0].account == {"made": 0, "reused": LINES}


def test_a_part_of_a_set_is_taken_over_by_the_whole(books: Books, parrots: type[Parrot], lines: str) -> None:
    (part,) = evaluate(books, "translate", "parrot", [read_set(f"{lines}:30")])
    (whole,) = evaluate(books, "translate", "parrot", [read_set(lines)])
    assert (part.row.items, whole.made, whole.reused) == (30, LINES - 30, 30)


def test_every_hypothesis_is_stored_in_the_report_format_and_outlives_housekeeping(books: Books, parrots: type[Parrot], lines: str) -> None:
    (done,) = evaluate(books, "translate", "parrot:wrong=1", [read_set(lines)])
    collect_garbage(books, grace_seconds=-60)
    rows = [json.loads(line) for line in books.store.get_bytes(done.row.hypotheses).splitlines()]
    assert (rows[0]["id"], rows[0]["ref"], rows[0]["cluster"]) == ("l000", example(0)["text"], "s0")
    assert rows[0]["hyp"] == "wrong " + str(example(0)["text"]).partition(" ")[2]
    assert books.store.get_bytes(done.row.dataset_digest) == read_set(lines).manifest()


def test_scores_are_those_of_the_errors_that_were_made(books: Books, parrots: type[Parrot], lines: str) -> None:
    """One of ten words wrong in every line is a TER of 10 %; no error is a BLEU of 100."""
    (bad,), (good,) = (evaluate(books, "translate", f"parrot:wrong={wrong}", [read_set(lines)]) for wrong in (1, 0))
    ter = next(metric for metric in bad.row.metrics if metric["metric"] == "ter")
    assert (ter["value"], ter["interval"]) == (pytest.approx(10.0), pytest.approx([10.0, 10.0]))
    assert {metric["metric"]: round(metric["value"], 6) for metric in good.row.metrics} == {"bleu": 100.0, "chrf": 100.0, "ter": 0.0}


def test_a_line_that_failed_counts_as_all_wrong(books: Books, parrots: type[Parrot], tmp_path: Path) -> None:
    rows = [example(0), example(1, text="silence please", translations={"es": "silence please"})]
    (done,) = evaluate(books, "translate", "parrot", [read_set(write_set(tmp_path / "two.jsonl", rows))])
    assert done.row.failed == 1
    assert [row.failed for row in hypotheses(books, done.row)] == ["", "nothing to say"]
    ter = next(metric for metric in done.row.metrics if metric["metric"] == "ter")
    assert ter["value"] == pytest.approx(100 * 2 / 12)  # two words left out of ten and two


def test_an_engine_that_fails_at_every_line_has_no_score(books: Books, parrots: type[Parrot], tmp_path: Path) -> None:
    rows = [example(number, text="silence") for number in range(3)]
    with pytest.raises(StepFailed, match="nothing to say"):
        evaluate(books, "translate", "parrot", [read_set(write_set(tmp_path / "mute.jsonl", rows))])
    assert books.ledger.evaluations() == []
    assert books.ledger.runs(1)[0].state == "failed"


@pytest.mark.parametrize(
    ("candidate", "stable", "want"),
    [
        ("parrot:wrong=0.5", "parrot:wrong=0.1", "fail"),
        ("parrot:wrong=0.1", "parrot:wrong=0.5", "pass"),
        ("parrot:wrong=0.3,salt=b", "parrot:wrong=0.3,salt=a", "cannot_tell"),
        ("parrot:wrong=0.3", "parrot:wrong=0.3", "pass"),
    ],
)
def test_a_comparison_says_pass_fail_or_cannot_tell(
    books: Books, parrots: type[Parrot], lines: str, candidate: str, stable: str, want: str
) -> None:
    one, other = (evaluate(books, "translate", engine, [read_set(lines)])[0].row for engine in (candidate, stable))
    found = compare(books, [one], [other])
    assert found.outcome == want
    assert [verdict["contrast"]["metric"] for verdict in found.verdicts] == ["bleu", "chrf", "ter"]
    assert {verdict["contrast"]["clusters"] for verdict in found.verdicts} == {20}
    assert books.ledger.comparisons("translate", one.engine)[0].evaluations == [[one.id, other.id]]


def test_only_the_same_lines_are_compared(books: Books, parrots: type[Parrot], lines: str) -> None:
    one = evaluate(books, "translate", "parrot", [read_set(lines)])[0].row
    part = evaluate(books, "translate", "parrot:wrong=1", [read_set(f"{lines}:50")])[0].row
    with pytest.raises(ConfigError, match="another set or listener"):
        compare(books, [one], [part])


def test_spoken_lines_are_heard_by_a_recogniser(books: Books, parrots: type[Parrot], mute: None, tmp_path: Path) -> None:
    """The beeper says each word as `la`: every word of a spoken line is wrong, and one line is not spoken."""
    rows = [example(0), example(1, text="la la la"), example(2, text="silence")]
    (done,) = evaluate(books, "speak", "parrot", [read_set(write_set(tmp_path / "spoken.jsonl", rows))])
    assert (done.row.failed, len(done.row.identities)) == (1, 2)
    assert [row.hyp for row in hypotheses(books, done.row)] == [" ".join(["la"] * 10), "la la la", ""]
    wer = next(metric for metric in done.row.metrics if metric["metric"] == "wer")
    assert (wer["value"], wer["listener"], wer["stand_in"]) == (pytest.approx(100 * 11 / 14), "parrot", False)


def test_recordings_are_heard_from_the_store(books: Books, parrots: type[Parrot], tmp_path: Path) -> None:
    for words in (2, 3):
        soundfile.write(tmp_path / f"{words}.wav", np.full(1600 * words, 0.1), 16_000)
    rows = [example(words, audio=f"{words}.wav", text="la la", translations={}) for words in (2, 3)]
    found = read_set(write_set(tmp_path / "heard.jsonl", rows))
    (done,) = evaluate(books, "recognise", "parrot", [found])
    assert [row.hyp for row in hypotheses(books, done.row)] == ["la la", "la la la"]
    assert done.row.metrics[0]["value"] == pytest.approx(25.0)  # one word too many of four
    collect_garbage(books, grace_seconds=-60)
    assert all(books.store.exists(digest) for digest in found.files)


def test_what_cannot_be_evaluated_is_refused_before_any_work(books: Books, parrots: type[Parrot], lines: str, tmp_path: Path) -> None:
    plain = write_set(tmp_path / "plain.jsonl", [example(number, translations={}) for number in range(3)])
    for verb, engine, name, words in (
        ("recognise", "parrot", lines, "nothing to recognise"),
        ("translate", "parrot", plain, "nothing to translate"),
        ("separate", "parrot", plain, "nothing evaluates"),
        ("recognise", "nobody", plain, "no engine 'nobody'"),
        ("recognise", "stable", plain, "no engine is stable for recognise"),
        ("recognise", "pocketsphinx", write_set(tmp_path / "es.jsonl", [example(0, language="es")]), "does not know es"),
        ("translate", "parrot:wrong=", lines, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=words):
            evaluate(books, verb, engine, [read_set(name)])
    assert books.ledger.runs() == []


def test_whisper_without_weights_says_what_is_lacking(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("whisper")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    soundfile.write(tmp_path / "a.wav", np.zeros(1600), 16_000)
    found = read_set(write_set(tmp_path / "one.jsonl", [example(0, audio="a.wav")]))
    with pytest.raises(MachineLacks, match="no weights for 'large-v3'"):
        evaluate(books, "recognise", "whisper:large-v3", [found])


def test_an_engine_has_one_spelling(books: Books, parrots: type[Parrot]) -> None:
    assert resolve(books, "translate", "parrot:wrong=0.5,salt=a") == resolve(books, "translate", "parrot:salt=a,wrong=0.5")


@pytest.mark.slow
def test_recorded_prompts_are_recognised_by_a_real_engine(books: Books) -> None:
    """Twelve prompts by pocketsphinx: more words right than wrong, an interval around the value, and nothing made twice."""
    (done,) = evaluate(books, "recognise", "pocketsphinx", [read_set("prompts-en:12")])
    wer = done.row.metrics[0]
    assert (wer["metric"], done.row.items, done.row.failed) == ("wer", 12, 0)
    assert 0 < wer["value"] < 60
    assert wer["interval"][0] <= wer["value"] <= wer["interval"][1]
    assert evaluate(books, "recognise", "pocketsphinx", [read_set("prompts-en:12")])[0].made == 0
