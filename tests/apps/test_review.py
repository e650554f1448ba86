"""Decisions and overrides on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import text

from nightdub.flows.night import open_books
from nightdub.flows.release import Evidence, judge, recorded
from nightdub.infra.ledger import TitleLanguage
from nightdub.infra.settings import load_settings
from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.rows import Measurement, Worst

RULES = (
    Rule("account.failed_lines", "==", 0, "lines", severity="block"),
    Rule("recognition.wer", "<=", 3.5, "%"),
    Rule("roundtrip.wer", "<=", 50, "%", severity="warn"),
)
ROWS = (
    Measurement("account.failed_lines", 0.0, "lines", 12, "nightdub"),
    Measurement("recognition.wer", 3.62, "%", 500, "whisper 1", interval=(3.1, 4.2), worst=(Worst("s3", 40.0, "heard: nothing"),)),
    Measurement("roundtrip.wer", 80.0, "%", 400, "pocketsphinx"),
)
Run = Callable[..., tuple[int, str, str]]
SIGNED = ("--who", "Ana", "--why", "three proper names")


@pytest.fixture(autouse=True)
def _held(run: Run) -> None:
    """One title-language is held."""
    with open_books(load_settings()) as books:
        night, film = books.ledger.start_run("test", {}), books.store.put_bytes(b"film")
        books.ledger.record_measurements(night, "film", "es", [recorded(row) for row in ROWS])
        state, reasons = judge(books, Policy("strict", RULES), Evidence("film", "es", night, "r" * 64, film, ROWS))
        books.ledger.put_title_languages([TitleLanguage("film", "es", "p", "r" * 64, {}, state, list(reasons), film, night)])


def test_a_decision_is_shown_rule_by_rule(run: Run) -> None:
    code, out, _ = run("decision", "film", "es")
    assert code == 0
    assert out.startswith("film/es: fail by policy strict (")
    assert "recognition.wer <= 3.5 %\tfail\t3.62 [3.1, 4.2] %\t500\twhisper 1\n" in out
    assert "\n  s3: 40 heard: nothing\n" in out
    assert "warning: roundtrip.wer is 80 %, allowed <= 50" in out


def test_a_replay_agrees_until_a_number_was_changed(run: Run) -> None:
    code, out, _ = run("decision", "film", "es", "--replay")
    assert (code, out.splitlines()[-1]) == (0, "decided again from the ledger: the same")
    with open_books(load_settings()) as books, books.ledger._write() as connection:
        connection.execute(text("UPDATE measurements SET value = 3.4 WHERE metric = 'recognition.wer'"))
    code, out, _ = run("decision", "film", "es", "--replay")
    assert code == 1
    assert "differs: outcome: stored fail, again pass" in out
    code, out, _ = run("decision", "film", "es", "--replay", "--json")
    assert code == 1
    assert "outcome: stored fail, again pass" in json.loads(out)["differences"]


def test_an_override_releases_says_so_and_is_listed(run: Run) -> None:
    code, out, _ = run("override", "film", "es", "recognition.wer", *SIGNED, "--until", "2999-12-31")
    assert code == 0
    assert "override 1: film/es recognition.wer until 3000-01-01 00:00 UTC" in out
    assert "film/es is released\n  recognition.wer is 3.62 %, allowed <= 3.5; worst: s3 (heard: nothing); overridden by Ana" in out
    assert "overridden\t3.62" in run("decision", "film", "es")[1]
    _, out, _ = run("overrides")
    assert out.splitlines()[1] == "1\tfilm\tes\trecognition.wer\t3000-01-01 00:00\tyes\tAna\tthree proper names"
    _, out, _ = run("revoke", "1")
    assert "override 1 is over; what it let out stays out" in out
    assert "nothing that is held was decided on again" in out
    _, out, _ = run("overrides", "--json")
    assert [row["reviewer"] for row in msgspec.json.decode(out)] == ["Ana"]
    assert "\tno\tAna" in run("overrides")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ("override", "film", "es", "account.failed_lines", *SIGNED, "--until", "2999-12-31"),
            1,
            "account.failed_lines cannot be overridden",
        ),
        (("override", "film", "es", "recognition.wer", *SIGNED, "--until", "2020-12-31"), 1, "an expiry that is to come"),
        (("override", "film", "es", "recognition.wer", *SIGNED, "--until", "tomorrow"), 2, "does not match the format"),
        (("override", "film", "es", "recognition.wer", "--who", "Ana", "--until", "2999-12-31"), 2, "Missing option '--why'"),
        (("override", "film", "fr", "recognition.wer", *SIGNED, "--until", "2999-12-31"), 1, "film/fr: nothing was decided"),
        (("revoke", "9"), 1, "no override 9"),
        (("decision", "film", "fr"), 1, "film/fr: nothing was decided"),
    ],
)
def test_what_cannot_be_done_says_why(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    ended, _, err = run(*arguments)
    assert ended == code
    assert says in err
