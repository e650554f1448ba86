"""The tables that a plan reads whole: title-languages, heads, sources."""

from __future__ import annotations

from dataclasses import replace

from nightdub.infra.ledger.rows import Source, TitleLanguage


def row(title: str, language: str, clock) -> TitleLanguage:
    inputs = {"source": "a" * 64, "script": "b" * 64}
    reasons = [{"code": "few-samples", "metric": "bleu"}, "müde"]
    return TitleLanguage(title, language, "preview", "c" * 64, inputs, "held", reasons, "d" * 64, "r1", clock.now)


def test_title_languages_come_back_as_they_were_put(ledger, clock):
    rows = [row(title, language, clock) for title in ("t2", "t1") for language in ("fr", "es")]
    ledger.put_title_languages(rows)
    assert ledger.title_languages() == {(row.title, row.language): row for row in rows}


def test_putting_again_overwrites_and_adds_no_row(ledger, clock):
    first = row("t1", "es", clock)
    ledger.put_title_languages([first, row("t1", "fr", clock)])
    clock.pass_seconds(1)
    released = replace(first, state="released", reasons=[])
    ledger.put_title_languages([released])
    ledger.put_title_languages([])
    assert ledger.title_languages()["t1", "es"] == replace(released, updated=clock.now)
    assert len(ledger.title_languages()) == 2


def test_thousands_of_title_languages_are_put_and_read_in_one_call_each(ledger, clock):
    ledger.put_title_languages(
        row(f"t{number:05}", language, clock) for number in range(1000) for language in ("de", "es", "fr", "ja", "ko")
    )
    found = ledger.title_languages()
    assert len(found) == 5000
    assert found["t00999", "ko"] == row("t00999", "ko", clock)
    assert ledger.title_languages("t00999") == {place: row for place, row in found.items() if place[0] == "t00999"}
    assert ledger.title_languages("t9") == {}


def test_heads_are_kept_by_title_language_and_step(ledger):
    ledger.set_heads("t1", "", {"audio": "k1"})
    ledger.set_heads("t1", "es", {"speak": "k2", "mix": "k3"})
    ledger.set_heads("t1", "es", {"mix": "k4"})
    ledger.set_heads("t2", "es", {})
    assert ledger.heads("t1", "es") == {"speak": "k2", "mix": "k4"}
    assert ledger.heads("t2", "es") == {}
    assert ledger.all_heads() == {("t1", ""): {"audio": "k1"}, ("t1", "es"): {"speak": "k2", "mix": "k4"}}


def test_sources_are_remembered_with_sizes_and_times_beyond_32_bits(ledger):
    known = [Source("/films/ä b.mp4", 5 * 10**10, 1_800_000_000_123_456_789, "e" * 64), Source("/films/c.mp4", 0, 1, "f" * 64)]
    ledger.remember_sources(known)
    ledger.remember_sources([Source("/films/c.mp4", 7, 8, "0" * 64)])
    assert ledger.known_sources() == {"/films/ä b.mp4": (5 * 10**10, 1_800_000_000_123_456_789, "e" * 64), "/films/c.mp4": (7, 8, "0" * 64)}
