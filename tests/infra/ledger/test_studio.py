"""What people settle: voices, consents, corrections and approved lines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger.rows import ApprovedLine, Consent, Correction, VoiceEntry


def test_the_newest_entry_of_a_character_and_language_counts(ledger):
    ledger.put_voices([VoiceEntry("saga", "Ana", voice="f1"), VoiceEntry("saga", "Ana", "es", voice="f2"), VoiceEntry("other", "Ana")])
    ledger.put_voices([VoiceEntry("saga", "Ana", voice="f3", acoustics={"pitch_median": 210.0}, who="Eva", why="sounds younger")])
    found = [(row.language, row.voice) for row in ledger.voices("saga")]
    assert found == [("*", "f3"), ("es", "f2")]
    assert ledger.voices("saga")[0].acoustics == {"pitch_median": 210.0}
    assert len(ledger.voices()) == 3


def test_an_entry_is_added_only_where_there_is_none(ledger):
    first, second = VoiceEntry("saga", "Ana", "", reference="1" * 64), VoiceEntry("saga", "Ana", "", reference="2" * 64)
    assert ledger.add_voices([first]) == [first]
    assert ledger.add_voices([second, VoiceEntry("saga", "Ben", "")]) == [VoiceEntry("saga", "Ben", "")]
    assert ledger.add_voices([]) == []
    assert [(row.character, row.reference[:1]) for row in ledger.voices("saga")] == [("Ana", "1"), ("Ben", "")]
    ledger.put_voices([second])
    assert ledger.voices("saga")[0].reference == "2" * 64


def test_of_many_who_add_the_same_entry_one_wins(ledger):
    rows = [VoiceEntry("saga", "Ana", "", origin=str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        added = [row for found in pool.map(lambda row: ledger.add_voices([row]), rows) for row in found]
    assert [row.origin for row in ledger.voices("saga")] == [row.origin for row in added]
    assert len(added) == 1


def test_a_consent_holds_until_it_expires_or_is_withdrawn(ledger, clock):
    hour = timedelta(hours=1)
    ledger.put_consent(Consent("c1", "Ana Ruiz", "series:saga", ["es"], expires=clock.now + hour))
    ledger.put_consent(Consent("c2", "Ben", "*", []))
    assert [row.id for row in ledger.consents(clock.now)] == ["c1", "c2"]
    assert [row.id for row in ledger.consents(clock.now + hour)] == ["c2"]
    ledger.withdraw_consent("c2")
    moment = ledger.consents()[1].withdrawn
    clock.pass_seconds(60)
    ledger.withdraw_consent("c2")
    assert (ledger.consents()[1].withdrawn, [row.id for row in ledger.consents(clock.now)]) == (moment, ["c1"])
    with pytest.raises(LedgerError, match="no consent 'c9'"):
        ledger.withdraw_consent("c9")
    with pytest.raises(LedgerError, match="recorded already"):
        ledger.put_consent(Consent("c1", "somebody else", "*", []))
    assert ledger.consents()[0].speaker == "Ana Ruiz"


def test_the_newest_correction_of_a_line_counts_until_it_is_taken_back(ledger):
    ledger.correct(
        [Correction("t", "es", "s0001", text="Hola"), Correction("t", "es", "s0002", start=1.5, locked=True, pinned={"text": "x"})]
    )
    ledger.correct([Correction("t", "es", "s0001", text="Buenas", who="Eva", why="register"), Correction("t", "fr", "s0001", text="Salut")])
    found = ledger.corrections("t", "es")
    assert [(row.segment, row.text, row.start, row.locked) for row in found] == [("s0001", "Buenas", None, False), ("s0002", "", 1.5, True)]
    assert ledger.take_back_correction("t", "es", "s0001")
    assert not ledger.take_back_correction("t", "es", "s0001")
    assert [row.segment for row in ledger.corrections("t", "es")] == ["s0002"]  # and the older one does not come back
    assert [row.language for row in ledger.corrections("t")] == ["es", "fr"]


def test_approved_lines_are_of_a_pair_newest_first(ledger):
    ledger.approve([ApprovedLine("en", "es", "Hello.", "Hola.", "t", "s0001"), ApprovedLine("en", "fr", "Hello.", "Salut.", "t", "s0001")])
    ledger.approve([ApprovedLine("en", "es", "Hello.", "Buenas.", "u", "s0009", who="Eva")])
    assert [row.target for row in ledger.approved("en", "es")] == ["Buenas.", "Hola."]
    assert ledger.take_back_approved("t", "es", ["s0001"]) == 1
    assert [row.target for row in ledger.approved("en", "es")] == ["Buenas."]
    assert [row.target for row in ledger.approved("en", "fr")] == ["Salut."]
