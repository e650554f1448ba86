from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import EngineCrashed, EngineError, MachineLacks
from nightdub.tasks.engines.apertium import Apertium, Mode, find_modes, find_path, prepare
from nightdub.tasks.glossary import Found, Term
from nightdub.tasks.rows import Segment
from nightdub.tasks.translate import Hint, translate_hinted

LINES = ["the weather is nice today", "Titular", "He paid for the book.", "Are you sure?", "I live near the Xyzzyville of old", "yes"]


@pytest.fixture(scope="module")
def apertium() -> Apertium:
    return Apertium()


def fake_pair(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> Apertium:
    """Return an engine whose only pair is one stage: this shell script."""
    (folder / "modes").mkdir()
    (folder / "modes" / "eng-spa.mode").write_text("broken-stage $1\n")
    (folder / "broken-stage").write_text(f"#!/bin/sh\n{program}\n")
    (folder / "broken-stage").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Apertium(str(folder))


@pytest.mark.parametrize("target", ["es", "it"])
def test_a_line_is_translated_alike_alone_and_in_any_company(apertium: Apertium, target: str) -> None:
    together = apertium.translate(LINES, "en", target)
    assert apertium.translate(LINES, "en", target) == together
    assert apertium.translate(LINES[::-1], "en", target)[::-1] == together
    assert [apertium.translate([line], "en", target)[0] for line in LINES[1:4]] == together[1:4]


def test_the_tagger_of_spanish_to_italian_learns_nothing_from_a_neighbour(apertium: Apertium) -> None:
    alone = apertium.translate(["El coste para el libro."], "es", "it")
    assert apertium.translate(["Titular", "El coste para el libro."], "es", "it")[1:] == alone


def test_lines_are_sentences_and_do_not_bleed_into_each_other(apertium: Apertium) -> None:
    made = apertium.translate(["turn off the machine", "of the office"], "en", "es")
    assert [line.text.endswith(".") and line.text[0].isupper() for line in made] == [True, True]
    assert "oficina" not in made[0].text


def test_unknown_words_stay_and_are_noted(apertium: Apertium) -> None:
    for target in ("es", "fr"):
        (made,) = apertium.translate(["John went to Xyzzyville."], "en", target)
        assert "Xyzzyville" in made.text
        assert "*" not in made.text
        assert made.notes == ("untranslated-word:Xyzzyville",)


def test_signs_of_the_stream_format_pass_through(apertium: Apertium) -> None:
    (made,) = apertium.translate(["It costs $5 [five] at <home> ^now$ {x} a/b \\ *"], "en", "es")
    assert all(sign in made.text for sign in ("$5", "[", "<", "^", "{", "/", "\\", "*"))


def test_a_protected_term_survives_every_pivot(apertium: Apertium) -> None:
    text = "Press the pound key now."
    hint = Hint(terms=(Found(Term("pound key", "touche dièse"), 10, 19),))
    (made,) = translate_hinted([Segment("a", 0, 1, text)], [hint], "en", "fr", apertium)
    assert "touche dièse" in made.text
    assert made.notes == ("glossary",)


def test_a_line_without_words_fails_and_keeps_its_place(apertium: Apertium) -> None:
    made = apertium.translate(["Hello.", "  ", "Goodbye."], "en", "es")
    assert [bool(line.failed) for line in made] == [False, True, False]


def test_the_shortest_way_is_taken() -> None:
    modes = {(a, b): Mode(f"{a}-{b}", a, b, ()) for a, b in [("en", "es"), ("es", "ca"), ("ca", "fr"), ("es", "fr"), ("fr", "en")]}
    assert [mode.name for mode in find_path(modes, "en", "fr")] == ["en-es", "es-fr"]
    assert find_path(modes, "en", "en") == []


def test_a_missing_pair_names_what_is_there_and_what_to_install(apertium: Apertium) -> None:
    with pytest.raises(MachineLacks, match=r"en to ko.*en-es.*apt-get install apertium-"):
        apertium.translate(["Hello."], "en", "ko")


def test_variants_do_not_shadow_a_pair(tmp_path: Path) -> None:
    (tmp_path / "modes").mkdir()
    for name in ("spa-cat", "spa-cat_valencia", "es-pt", "es-pt_BR", "eco-es-fr", "oci-fra"):
        (tmp_path / "modes" / f"{name}.mode").write_text("cat")
    assert {pair: mode.name for pair, mode in find_modes(tmp_path).items()} == {("es", "ca"): "spa-cat", ("es", "pt"): "es-pt_BR"}


@pytest.mark.parametrize(
    ("program", "error", "said"),
    [
        ("kill -SEGV $$", EngineCrashed, "signal 11"),
        ("cat >/dev/null; echo out of words >&2; exit 1", EngineError, "out of words"),
        ("cat >/dev/null; echo lost", EngineError, "of 2 lines"),
    ],
)
def test_a_broken_stage_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, error: type[EngineError], said: str
) -> None:
    engine = fake_pair(tmp_path, monkeypatch, program)
    with pytest.raises(error, match=said) as caught:
        engine.translate(["Hello.", "Bye."], "en", "es")
    assert caught.value.transient is (error is EngineCrashed)


def test_empty_output_fails_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fake_pair(tmp_path, monkeypatch, "cat >/dev/null; printf '\\0\\0'")
    assert all(made.failed for made in engine.translate(["Hello.", "Bye."], "en", "es"))


def test_an_absent_program_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fake_pair(tmp_path, monkeypatch, "cat")
    (tmp_path / "broken-stage").unlink()
    with pytest.raises(MachineLacks, match=r"broken-stage not found.*apt-get install"):
        engine.translate(["Hello."], "en", "es")


def test_the_identity_follows_the_language_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Apertium().identity() == Apertium().identity()
    assert fake_pair(tmp_path, monkeypatch, "cat").identity().weights != Apertium().identity().weights


def test_a_line_is_prepared_as_the_rules_expect_it() -> None:
    assert prepare("  and  i think i'm here", "en") == "And I think I'm here."
    assert prepare("¿y tú?", "es") == "¿y tú?"
