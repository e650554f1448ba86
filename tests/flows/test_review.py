"""Decisions can be replayed from the ledger alone, and reviewers set single rules aside for a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from nightdub.flows.night import Books, Night
from nightdub.flows.plan import Planned
from nightdub.flows.pointer import released_package
from nightdub.flows.recipe import FileDigests, House, HouseParts, Recipe
from nightdub.flows.release import decide_and_release, rollback
from nightdub.flows.review import ANY, last_decision, replay, set_aside, take_back
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import TitleLanguage
from nightdub.quality.policy import Policy, Rule, read_policy
from nightdub.tasks.profile import Profile
from nightdub.tasks.rows import Measurement, Title, Worst

STRICT = Policy(
    "strict",
    (
        Rule("account.failed_lines", "==", 0, "lines", severity="block"),
        Rule("recognition.wer", "<=", 3.5, "%"),
        Rule("speech.mos", ">=", 4.4, "MOS"),
        Rule("translation.bleu", ">=", 43, "BLEU", not_applicable_ok=True),
        Rule("roundtrip.wer", "<=", 50, "%", severity="warn"),
        Rule("line.silence", "<=", 60, "%", scope="line"),
    ),
)
WORST = (Worst("s3", 40.0, "heard: nothing"),)
GOOD = (
    Measurement("account.failed_lines", 0.0, "lines", 12, "nightdub"),
    Measurement(
        "recognition.wer", 3.62, "%", 500, "whisper 1", interval=(3.1, 4.2), weights="ab" * 32, worst=WORST, inputs={"film": "c" * 64}
    ),
    Measurement("speech.mos", 4.5, "MOS", 20, "five listeners"),
    Measurement("translation.bleu", None, "BLEU", not_applicable="people translated every line"),
    Measurement("roundtrip.wer", 80.0, "%", 400, "pocketsphinx", stand_in=True),
)
REASON = "recognition.wer is 3.62 %, allowed <= 3.5; worst: s3 (heard: nothing)"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


def night(
    books: Books, rows: Sequence[Measurement] = GOOD, *, language: str = "es", film: str = "film", policy: Policy = STRICT
) -> TitleLanguage:
    """Let the gate judge a film as the end of a night does, and return what then stands in the ledger."""
    package = books.store.put_bytes(film.encode())
    run = Night(books, None, {}, FileDigests(books.ledger), books.ledger.start_run("test", {}))  # type: ignore[arg-type]
    planned = Planned(Title("film", "film.mp4", "en", ("es", "fr")), language, Recipe(HouseParts({}, film), {}), "", ("new",))
    measured = books.store.put_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    house = House(Profile("bare", "strict", commercial=False, engines={}), policy)
    outputs = {"package.film": package, "measure.measurements": measured, "data_gate.measurements": books.store.put_bytes(b"")}
    state, reasons = decide_and_release(run, planned, house, outputs)
    row = TitleLanguage("film", language, "bare", planned.recipe.digest, {}, state, list(reasons), package, run.run)
    books.ledger.put_title_languages([row])
    return row


def override(books: Books, metric: str = "recognition.wer", language: str = "es", until: datetime = TOMORROW) -> list[str]:
    """Set a rule aside and return the states of what was decided on again."""
    _, changed = set_aside(books, "film", language, metric, who="Ana", why="three proper names", until=until)
    return [row.state for row in changed]


def standing(books: Books, language: str = "es") -> TitleLanguage:
    return books.ledger.title_languages()["film", language]


def change(books: Books, statement: str) -> None:
    with books.ledger._write() as connection:
        connection.execute(text(statement))


# ---------------------------------------------------------------- a decision rests on what the ledger has


def test_a_decision_keeps_its_rules_and_their_numbers(books: Books) -> None:
    night(books)
    decision = last_decision(books, "film", "es")
    assert (decision.outcome, decision.policy, decision.policy_digest) == ("fail", "strict", STRICT.digest)
    assert decision.reasons == [REASON]
    rule = {row["metric"]: row for row in decision.rules}["recognition.wer"]
    assert (rule["outcome"], rule["value"], rule["threshold"], rule["n"], rule["interval"]) == ("fail", 3.62, 3.5, 500, [3.1, 4.2])
    assert (rule["engine"], rule["stand_in"], rule["weights"]) == ("whisper 1", False, "ab" * 32)
    assert rule["worst"] == [{"segment": "s3", "value": 40.0, "detail": "heard: nothing"}]


def test_warnings_are_stored_with_the_decision(books: Books) -> None:
    night(books)
    (warning,) = [row for row in last_decision(books, "film", "es").rules if row["severity"] == "warn"]
    assert (warning["outcome"], warning["reason"]) == ("cannot tell", "roundtrip.wer: cannot tell: measured by a stand-in (pocketsphinx)")


def test_a_decision_is_reproduced_from_the_ledger_alone(books: Books, tmp_path: Path) -> None:
    night(books)
    for path in (books.settings.home / "store").rglob("*"):
        if path.is_file():
            path.unlink()
    again = replay(books, "film", "es")
    assert again.differences == ()
    assert again.again.outcome == "fail"
    assert len(again.again.verdicts) == 5


def test_an_older_decision_by_a_policy_that_was_mended_since_still_stands(books: Books) -> None:
    night(books, language="es")
    night(books, language="fr", policy=Policy("strict", (Rule("recognition.wer", "<=", 5, "%"),)))
    assert replay(books, "film", "es").differences == ()
    assert replay(books, "film", "fr").again.released


def test_a_shipped_policy_survives_the_ledger(books: Books) -> None:
    night(books, policy=read_policy("broadcast"))
    assert replay(books, "film", "es").differences == ()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE measurements SET value = 3.4 WHERE metric = 'recognition.wer'", "value: stored 3.62, again 3.4"),
        ("UPDATE measurements SET n = 0 WHERE metric = 'speech.mos'", "n: stored 20, again 0"),
        ("UPDATE measurements SET stand_in = 1 WHERE metric = 'recognition.wer'", "stored fail, again cannot tell"),
        ("UPDATE measurements SET interval_high = 9.0 WHERE metric = 'recognition.wer'", r"interval: stored \[3.1, 4.2\]"),
        ("UPDATE measurements SET not_applicable = '' WHERE metric = 'translation.bleu'", "outcome: stored pass, again cannot tell"),
        ("DELETE FROM measurements WHERE metric = 'speech.mos'", "stored pass, again cannot tell"),
        ("UPDATE decisions SET outcome = 'pass'", "outcome: stored pass, again fail"),
        ("UPDATE decisions SET reasons = '[]'", "reasons: stored "),
        ("UPDATE decisions SET rules = '[]'", "rules: stored 0, again 5"),
        ("UPDATE decisions SET rules = replace(rules, '3.62', '3.42')", "value: stored 3.42, again 3.62"),
    ],
)
def test_a_changed_number_is_found_out(books: Books, statement: str, says: str) -> None:
    night(books)
    change(books, statement)
    assert any(re.search(says, line) for line in replay(books, "film", "es").differences)


def test_changed_rules_are_found_out(books: Books) -> None:
    night(books)
    change(books, "UPDATE policies SET rules = replace(rules, '3.5', '4.5')")
    with pytest.raises(LedgerError, match="are not those of its digest"):
        replay(books, "film", "es")
    change(books, "DELETE FROM policies")
    with pytest.raises(LedgerError, match="were not kept"):
        replay(books, "film", "es")


def test_nothing_decided_is_nothing_to_replay(books: Books) -> None:
    with pytest.raises(LedgerError, match="film/es: nothing was decided"):
        replay(books, "film", "es")


# ---------------------------------------------------------------- overrides


def test_an_override_decides_again_at_once_and_releases(books: Books) -> None:
    film = night(books).package
    assert override(books) == ["released"]
    assert released_package(books, "film", "es") == film
    (move,) = books.ledger.releases("film", "es")
    assert (move.who, move.decision) == ("gate", last_decision(books, "film", "es").id)
    assert move.why.startswith(f"policy strict: pass with overrides; {REASON}; overridden by Ana until ")
    assert standing(books).state == "released"
    assert "overridden by Ana" in standing(books).reasons[0]


def test_the_override_stands_in_the_decision_and_is_replayed(books: Books) -> None:
    night(books)
    override(books)
    rule = {row["metric"]: row for row in last_decision(books, "film", "es").rules}["recognition.wer"]
    assert rule["outcome"] == "overridden"
    assert (rule["override"]["reviewer"], rule["override"]["reason"]) == ("Ana", "three proper names")
    assert replay(books, "film", "es").differences == ()
    change(books, "UPDATE overrides SET reviewer = 'Bea'")
    assert any("override: stored" in line for line in replay(books, "film", "es").differences)


def test_what_was_decided_under_an_override_stands_after_it_is_taken_back(books: Books) -> None:
    film = night(books).package
    override(books)
    assert take_back(books, 1) == []
    assert replay(books, "film", "es").differences == ()
    assert (standing(books).state, released_package(books, "film", "es")) == ("released", film)


def test_the_next_night_counts_an_override_only_while_it_holds(books: Books) -> None:
    night(books)
    override(books)
    assert night(books, film="second").state == "released"
    take_back(books, 1)
    third = night(books, film="third")
    assert (third.state, third.reasons) == ("held", [REASON])
    assert released_package(books, "film", "es") == books.store.put_bytes(b"second")


def test_an_expired_override_counts_no_more(books: Books) -> None:
    night(books)
    override(books)
    change(books, "UPDATE overrides SET expires = '2020-01-01 00:00:00.000000+00:00'")
    assert night(books, film="second").state == "held"


def test_one_override_of_two_that_are_needed_keeps_it_held(books: Books) -> None:
    night(books, [*GOOD[:2], Measurement("speech.mos", 4.38, "MOS", 20), *GOOD[3:]])
    assert override(books) == ["held"]
    assert standing(books).reasons == ["speech.mos is 4.38 MOS, allowed >= 4.4"]
    assert override(books, "speech.mos") == ["released"]
    assert len(standing(books).reasons) == 2


def test_taking_an_override_back_decides_again_on_what_is_held(books: Books) -> None:
    night(books, [*GOOD[:2], Measurement("speech.mos", 4.38, "MOS", 20), *GOOD[3:]])
    override(books)
    (row,) = take_back(books, 1)
    assert len(row.reasons) == 2


def test_an_override_for_every_language_covers_them_all(books: Books) -> None:
    night(books, language="es")
    night(books, language="fr")
    assert override(books, language=ANY) == ["released", "released"]


def test_an_override_does_not_bring_back_what_a_person_took_back(books: Books) -> None:
    night(books, [GOOD[0], Measurement("recognition.wer", 3.0, "%", 500), *GOOD[2:]], film="first")
    night(books, [GOOD[0], Measurement("recognition.wer", 3.0, "%", 500), *GOOD[2:]], film="second")
    rollback(books, "film", "es", "Bea", "wrong name")
    night(books, film="second")
    assert override(books) == ["held"]
    assert "rolled back by Bea" in standing(books).reasons[0]


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("account.failed_lines", "cannot be overridden; allowed: account.failed_lines blocks"),
        ("picture.psnr", r"no rule names 'picture.psnr'; allowed: recognition.wer, speech.mos, translation.bleu;"),
        ("line.silence", "no rule names 'line.silence'"),
    ],
)
def test_what_cannot_be_set_aside_is_refused_with_the_reason(books: Books, metric: str, says: str) -> None:
    night(books)
    with pytest.raises(LedgerError, match=says):
        override(books, metric)
    assert books.ledger.overrides() == []


def test_an_override_needs_a_decision_a_name_a_reason_and_a_future(books: Books) -> None:
    with pytest.raises(LedgerError, match="film/es: nothing was decided"):
        override(books)
    night(books)
    with pytest.raises(LedgerError, match="allowed: a reviewer, a reason, an expiry that is to come"):
        override(books, until=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(LedgerError, match="no override 7"):
        take_back(books, 7)


def test_what_is_being_built_is_left_to_its_night(books: Books) -> None:
    books.ledger.put_title_languages([replace(night(books), state="building")])
    assert override(books) == []
    assert standing(books).state == "building"
    assert night(books).state == "released"
