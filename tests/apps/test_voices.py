"""The voice book and the consents on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from nightdub.flows.night import open_books
from nightdub.infra.digests import digest_bytes
from nightdub.infra.ledger import Artifact, Cost
from nightdub.infra.settings import load_settings
from nightdub.tasks.rows import Speaker, VoiceClip
from nightdub.tasks.sound import write_sound

Run = Callable[..., tuple[int, str, str]]
SIGNED = ("--who", "Eva", "--why", "the casting")


def book(run: Run) -> dict[tuple[str, str], dict[str, object]]:
    code, out, _ = run("voices", "--json")
    assert code == 0
    return {(row["character"], row["language"]): row for row in json.loads(out)}


def test_what_is_given_is_set_and_the_rest_stays(run: Run) -> None:
    assert run("voices", "set", "saga", "Ana", "--voice", "f2", "--gender", "female", *SIGNED)[0] == 0
    assert run("voices", "set", "saga", "ana", "--voice", "", *SIGNED)[0] == 0
    assert run("voices", "set", "saga", "Ana", "--language", "fr", "--voice", "f4", *SIGNED)[0] == 0
    found = book(run)
    assert set(found) == {("Ana", "*"), ("Ana", "fr")}
    assert [found["Ana", "*"][name] for name in ("voice", "gender", "who")] == ["", "female", "Eva"]
    assert "f4" in run("voices", "--series", "saga")[1]
    assert "f4" not in run("voices", "--series", "other")[1]


def test_a_clip_of_ones_own_is_kept_with_its_sound_and_a_bad_one_refused(run: Run, tmp_path: Path) -> None:
    time = np.arange(4 * 16_000) / 16_000
    voice = 0.1 * sum(np.sin(2 * np.pi * 150 * part * time) / part for part in range(1, 20)) * (np.sin(4 * np.pi * time) > 0)
    write_sound(tmp_path / "ana.wav", voice.astype(np.float32), 16_000)
    write_sound(tmp_path / "short.wav", voice[:16_000].astype(np.float32), 16_000)
    (tmp_path / "ana.pth").write_bytes(b"model")
    assert run("voices", "set", "saga", "Ana", "--reference", "ana.wav", "--model", "ana.pth", *SIGNED)[0] == 0
    row = book(run)["Ana", "*"]
    assert row["model"] == digest_bytes(b"model")
    assert row["acoustics"]["pitch_median"] == pytest.approx(150, rel=0.02)  # type: ignore[index]
    with open_books(load_settings()) as books:
        assert books.store.exists(str(row["reference"]))
    assert run("voices", "set", "saga", "Ana", "--reference", "short.wav", *SIGNED)[0] == 2
    assert run("voices", "set", "saga", "Ana", "--language", "xx", "--voice", "f1", *SIGNED)[0] == 2


def test_a_title_gives_its_characters_and_overwrites_none_unasked(run: Run) -> None:
    speakers = [Speaker("Ana", ("s1",), 200.0, named=True), Speaker("S1", ("s2",), 100.0)]
    clips = [VoiceClip(row.id, str(number) * 64, 1.0, 5.0, 0.7) for number, row in enumerate(speakers)]
    with open_books(load_settings()) as books:
        for step, name, rows in (("speakers", "speakers", speakers), ("voices", "clips", clips)):
            digest = books.store.put_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
            night = books.ledger.start_run("test", {})
            claim = books.ledger.claim(step, step, 1, "e01", "", "me", night, 60)
            books.ledger.commit(step, "me", claim.fence, digest, [Artifact(name, digest, 1)], {}, Cost(), partial=False)
            books.ledger.set_heads("e01", "", {step: step})
    assert run("voices", "take", "e02", *SIGNED)[0] == 1
    assert run("voices", "take", "e01", "--series", "saga", *SIGNED)[1] == "Ana: taken from e01 1.00-5.00 s (score 0.70)\n"
    assert list(book(run)) == [("Ana", "")]
    assert run("voices", "take", "e01", "--series", "saga", *SIGNED)[1] == "Ana: kept as it is\n"
    assert run("voices", "take", "e01", "--series", "saga", "--replace", *SIGNED)[1].startswith("Ana: taken from")


def test_a_consent_is_recorded_named_and_withdrawn(run: Run, tmp_path: Path) -> None:
    assert run("voices", "set", "saga", "Ana", "--consent", "c1", *SIGNED)[0] == 1
    (tmp_path / "paper.pdf").write_bytes(b"signed")
    paper = ("--language", "es", "--language", "fr", "--expires", "2099-01-01", "--document", "paper.pdf", "--who", "Eva")
    assert run("consents", "add", "c1", "--speaker", "A. Ruiz", "--scope", "series:saga", *paper)[0] == 0
    assert run("voices", "set", "saga", "Ana", "--consent", "c1", *SIGNED)[0] == 0
    (row,) = json.loads(run("consents", "--json")[1])
    assert [row[name] for name in ("id", "scope", "languages", "document")] == ["c1", "series:saga", ["es", "fr"], digest_bytes(b"signed")]
    assert row["expires"].startswith("2099-01-01T00:00:00")
    assert run("consents", "add", "c1", "--speaker", "B", "--scope", "*", "--who", "Eva")[0] == 1
    assert run("consents", "add", "c 2", "--speaker", "B", "--scope", "*", "--who", "Eva")[0] == 2
    assert run("consents", "add", "c2", "--speaker", "B", "--scope", "saga", "--who", "Eva")[0] == 2
    assert run("consents", "withdraw", "c1", "--who", "Eva")[0] == 0
    assert "\tno\t" in run("consents")[1]
    assert run("consents", "withdraw", "c9", "--who", "Eva")[0] == 1
