from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.glossary import Glossary, Term, has_term, read_glossary
from nightdub.tasks.inflection import same_word


def glossary_of(tmp_path: Path, text: str) -> Glossary:
    path = tmp_path / "glossary.csv"
    path.write_text(text)
    return read_glossary(path)


def test_the_longest_term_wins_and_only_whole_words_count(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,es\npound key,tecla numeral\nkey,clave\n")
    found = glossary.find("Press the POUND key, not a keyboard or key.", "en", "es")
    assert [(place.term.target, place.start) for place in found] == [("tecla numeral", 10), ("clave", 39)]


def test_a_kept_term_stays_as_the_line_writes_it(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,es,fr\nNightdub,*\nApollo,*,Apollon\n")
    assert glossary.find("NIGHTDUB runs.", "en", "it")[0].term == Term("NIGHTDUB", "NIGHTDUB", keep=True)
    assert glossary.find("Apollo 11", "en", "es")[0].term.keep
    assert glossary.find("Apollo 11", "en", "fr")[0].term == Term("Apollo", "Apollon")
    assert glossary.find("Apollo 11", "en", "it") == ()


def test_a_language_without_spaces_has_no_word_edges(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,en\n北京,Beijing\n")
    assert [place.start for place in glossary.find("我在北京住", "zh", "en")] == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source\nx\n", "line 1"),
        ("source,xx\na,b\n", "line 1"),
        ("source,es\nkey,clave\nKey!,llave\n,x\n", "line 3.*first on line 2.*line 4: no term"),
    ],
)
def test_a_bad_glossary_is_refused_with_its_lines(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        glossary_of(tmp_path, text)


# ---------------------------------------------------------------- forms of a word

FORMS = [
    ("en", "room", "rooms"),
    ("en", "city", "Cities"),
    ("en", "stop", "stopped"),
    ("en", "key", "keys"),
    ("es", "línea", "líneas"),
    ("es", "lápiz", "lápices"),
    ("es", "sesión", "sesiones"),
    ("es", "desarrollador", "desarrolladores"),
    ("fr", "cheval", "chevaux"),
    ("fr", "occupé", "occupée"),
    ("it", "messaggio", "messaggi"),
    ("it", "conferenza", "conferenze"),
    ("pt", "avião", "aviões"),
    ("pt", "mensagem", "mensagens"),
    ("de", "Haus", "Häuser"),
    ("de", "Nachricht", "Nachrichten"),
    ("ru", "комната", "комнату"),
    ("ko", "개발자", "개발자들은"),
    ("ko", "회의", "회의에서"),
]
OTHERS = [
    ("en", "universal", "university"),
    ("en", "organ", "organization"),
    ("en", "key", "keyboard"),
    ("en", "book", "boot"),
    ("en", "plan", "plane"),
    ("en", "mark", "market"),
    ("es", "clave", "clavel"),
    ("fr", "port", "portail"),
    ("ko", "회의", "회의실"),
]


@pytest.mark.parametrize(("language", "word", "form"), FORMS)
def test_a_form_of_a_word_is_that_word(language: str, word: str, form: str) -> None:
    assert same_word(word, form, language)
    other = "en" if language != "en" else "es"
    glossary = Glossary({other: (Term(word, "x"),)})
    text = f"— {form} —"
    (found,) = glossary.find(text, language, other)
    assert text[found.start : found.end] == (word if language == "ko" else form)
    assert has_term(f"— {form}!", word, language)


@pytest.mark.parametrize(("language", "word", "other"), OTHERS)
def test_another_word_is_none(language: str, word: str, other: str) -> None:
    assert not same_word(word, other, language)


def test_terms_of_several_words_are_found_in_any_form_and_not_across_a_sentence(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,es\nconference room,sala de conferencias\n")
    assert [place.start for place in glossary.find("Two conference rooms. The conference. Room 2.", "en", "es")] == [4]
    assert has_term("dos salas de conferencias", "sala de conferencias", "es")
    assert not has_term("una sala de las conferencias", "sala de conferencias", "es")


def test_a_term_in_capitals_is_found_in_capitals_alone(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,es\nIT,informática\nCD,disco\n")
    assert [place.start for place in glossary.find("Give it to IT, with the CDs.", "en", "es")] == [11, 24]


def test_a_term_with_signs_is_found_as_it_is_written(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,es\nC++,C++\nDr. Who,Doctor Who\n")
    assert [place.term.source for place in glossary.find("Vitamin C, c++ and Dr. Who.", "en", "es")] == ["C++", "Dr. Who"]


def test_a_katakana_word_is_no_part_of_another(tmp_path: Path) -> None:
    glossary = glossary_of(tmp_path, "source,en\nライン,line\n")
    assert glossary.find("オンラインです", "ja", "en") == ()
    assert [place.start for place in glossary.find("そのラインで", "ja", "en")] == [2]


def test_a_thousand_terms_are_looked_up_by_their_first_letters() -> None:
    terms = tuple(Term(f"word{number} thing", f"cosa {number}") for number in range(1000))
    (found,) = Glossary({"es": terms}).find("here is word512 things", "en", "es")
    assert found.term.target == "cosa 512"
