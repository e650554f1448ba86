"""Lines that were not translated, and numbers and terms that were lost, found in the two texts alone."""

from __future__ import annotations

import pytest

from nightdub.quality.metrics.fidelity import checked_lines
from nightdub.quality.metrics.numbers import lost_numbers
from nightdub.tasks.glossary import NO_GLOSSARY, Glossary, Term
from nightdub.tasks.rows import Measurement, Translation

TERMS = Glossary(
    {
        "es": (
            Term("conference room", "sala de conferencias"),
            Term("developer", "desarrollador"),
            Term("Nightdub", "Nightdub", keep=True),
        ),
        "ko": (Term("developer", "개발자"), Term("Nightdub", "Nightdub", keep=True)),
    }
)


def checked(source: str, text: str, target: str = "es", glossary: Glossary = NO_GLOSSARY, language: str = "en") -> dict[str, Measurement]:
    rows = checked_lines([Translation("s1", text, "engine", source=source)], glossary, language, target)
    return {row.metric.partition(".")[2]: row for row in rows}


@pytest.mark.parametrize(
    ("source", "text", "target"),
    [
        ("Where is the door?", "Where is the door?", "es"),
        ("Hello!", "Hello!", "es"),
        ("Thank you.", "thank you", "fr"),
        ("Bright stars shine tonight", "Bright stars shine tonight", "it"),
        ("Please leave your message at the desk", "please leave your mensaje at the desk", "es"),
        ("Open the door", "Open the door", "ko"),
        ("Hello.", "Hello.", "ja"),
    ],
)
def test_a_line_left_in_the_source_language_is_found(source: str, text: str, target: str) -> None:
    row = checked(source, text, target)["untranslated_lines"]
    assert (row.value, row.n, row.worst[0].segment) == (1.0, 1, "s1")


@pytest.mark.parametrize(
    ("source", "text", "target"),
    [
        ("No.", "No.", "es"),
        ("Radio!", "¡Radio!", "es"),
        ("Taxi, hotel.", "Taxi, hotel.", "fr"),
        ("Maria Lopez Garcia", "Maria Lopez Garcia", "es"),
        ("New York", "New York", "fr"),
        ("M I S D N", "M I S D N", "es"),
        ("1984", "1984", "es"),
        ("OK", "OK", "ko"),
        ("Nightdub", "Nightdub", "ko"),
        ("Where is the door?", "¿Dónde está la puerta?", "es"),
        ("Nightdub is here", "Nightdub está aquí", "es"),
        ("Open the door, John", "문을 열어, John", "ko"),
    ],
)
def test_names_cognates_numbers_and_terms_that_stay_are_no_alarm(source: str, text: str, target: str) -> None:
    assert checked(source, text, target, TERMS)["untranslated_lines"].value == 0


@pytest.mark.parametrize(
    ("source", "text", "target", "lost"),
    [
        ("Press 4 to go on", "Pulse 5 para seguir", "es", ["4", "5"]),
        ("It costs 3,000 dollars", "Cuesta dólares", "es", ["3000"]),
        ("Twenty people came", "Vino la gente", "es", ["20"]),
        ("He came", "Vino a las 7", "es", ["7"]),
        ("2.5 litres", "25 litros", "es", ["2.5", "25"]),
    ],
)
def test_a_number_that_was_lost_added_or_changed_is_named(source: str, text: str, target: str, lost: list[str]) -> None:
    assert lost_numbers(source, text, "en", target) == lost
    assert checked(source, text, target)["number_changes"].value == 1


@pytest.mark.parametrize(
    ("source", "text", "language", "target"),
    [
        ("Press 4", "Pulse cuatro", "en", "es"),
        ("Twenty-one people", "Veintiuna personas", "en", "es"),
        ("It costs $3,000", "Cuesta 3.000 $", "en", "es"),
        ("3 million people", "3 millones de personas", "en", "es"),
        ("3 million people", "300만 명", "en", "ko"),
        ("3,000 won", "삼천 원", "en", "ko"),
        ("two thousand twenty six", "2026年", "en", "ja"),
        ("in 1990", "一九九〇年に", "en", "ja"),
        ("at 8:30 p.m.", "um 20:30 Uhr", "en", "de"),
        ("the 2nd door", "la segunda puerta", "en", "es"),
        ("1.500 Euro", "1,500 euros", "de", "en"),
        ("one of us", "alguno de nosotros", "en", "es"),
        ("Wait a second", "Espera un segundo", "en", "es"),
        ("1 door", "une porte", "en", "fr"),
        ("a million thanks", "mil gracias", "en", "es"),
        ("veinte", "20", "es", "en"),
        ("quatre-vingts", "80", "fr", "it"),
        ("3時", "3 o'clock", "ja", "en"),
    ],
)
def test_a_number_in_another_form_is_the_same_number(source: str, text: str, language: str, target: str) -> None:
    assert lost_numbers(source, text, language, target) == []


@pytest.mark.parametrize(
    ("text", "target", "missed", "broken"),
    [
        ("Los desarrolladores de Nightdub", "es", 0, 0),
        ("Los programadores de Nightdub's", "es", 1, 0),
        ("El desarrollador de Doblaje nocturno", "es", 0, 1),
        ("Nightdub 개발자들은", "ko", 0, 0),
        ("나이트더브 프로그래머", "ko", 1, 1),
    ],
)
def test_terms_are_looked_for_in_the_line_itself(text: str, target: str, missed: int, broken: int) -> None:
    rows = checked("The Nightdub developer", text, target, TERMS)
    assert (rows["glossary_misses"].value, rows["glossary_misses"].n) == (missed, 1)
    assert (rows["do_not_translate_broken"].value, rows["do_not_translate_broken"].n) == (broken, 1)


def test_a_term_of_several_words_is_found_with_other_endings() -> None:
    assert checked("The conference room", "Las salas de conferencias", glossary=TERMS)["glossary_misses"].value == 0
    assert checked("The conference room", "La sala grande", glossary=TERMS)["glossary_misses"].value == 1


def test_notes_of_the_translator_do_not_count_and_nothing_passes_on_nothing() -> None:
    noted = Translation("s1", "Hola", "engine", source="Hello", notes=("number-changed:4",))
    assert checked_lines([noted], NO_GLOSSARY, "en", "es")[1].value == 0
    rows = checked_lines([Translation("s1", "", "engine", source="Hello", failed="no engine")], NO_GLOSSARY, "en", "es")
    assert all(row.value is None for row in rows)
    assert rows[0].not_measured
    assert rows[2].not_applicable
