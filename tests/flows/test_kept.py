"""What people settled becomes an input of the title-languages that it touches, and of no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nightdub.flows.kept import approved_lines, as_lines, read_kept
from nightdub.infra.digests import digest_bytes
from nightdub.infra.ledger import ApprovedLine, Consent, Correction, Ledger, VoiceEntry
from nightdub.tasks.rows import Title

NOW = datetime.now(UTC)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    yield ledger
    ledger.close()


def title(name: str, series: str = "") -> Title:
    return Title(name, "", "en", ("es", "fr"), series=series)


def test_rows_go_where_they_belong(ledger):
    ledger.put_voices([VoiceEntry("saga", "Ana"), VoiceEntry("saga", "Ana", "fr"), VoiceEntry("alone", "Ben")])
    ledger.put_consent(Consent("everywhere", "A", "*", []))
    ledger.put_consent(Consent("spanish", "B", "series:saga", ["es"]))
    ledger.put_consent(Consent("over", "C", "*", [], expires=NOW + timedelta(days=1)))
    ledger.correct([Correction("one", "es", "s0001", text="Hola")])
    kept = read_kept(ledger, NOW + timedelta(days=2))
    assert kept.of(title("one", "saga"), "es").keys() == {"voices", "consents", "corrections"}
    assert kept.of(title("one", "saga"), "es")["voices"].count(b"\n") == 1
    assert kept.of(title("one", "saga"), "es")["consents"].count(b"\n") == 2
    assert kept.of(title("two", "saga"), "fr")["voices"].count(b"\n") == 2
    assert kept.of(title("two", "saga"), "fr")["consents"].count(b"\n") == 1
    assert kept.of(title("alone"), "es").keys() == {"voices", "consents"}
    assert kept.of(title("three"), "es").keys() == {"consents"}
    assert b"over" in read_kept(ledger, NOW).of(title("three"), "es")["consents"]


def test_who_recorded_it_and_when_changes_nothing(ledger):
    ledger.put_voices([VoiceEntry("saga", "Ana", voice="f1", who="Eva", why="first night")])
    before = read_kept(ledger, NOW).of(title("one", "saga"), "es")["voices"]
    ledger.put_voices([VoiceEntry("saga", "Ana", voice="f1", who="Max", why="again")])
    after = read_kept(ledger, NOW).of(title("one", "saga"), "es")["voices"]
    assert digest_bytes(before) == digest_bytes(after)
    ledger.put_voices([VoiceEntry("saga", "Ana", voice="f2")])
    assert read_kept(ledger, NOW).of(title("one", "saga"), "es")["voices"] != after


def test_approved_lines_of_a_pair(ledger):
    ledger.approve([ApprovedLine("en", "es", "Hello.", "Hola.")])
    assert approved_lines(ledger, "en", "es") == as_lines([ApprovedLine("en", "es", "Hello.", "Hola.")])
    assert approved_lines(ledger, "en", "fr") == b""
