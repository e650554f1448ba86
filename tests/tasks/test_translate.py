from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nightdub.tasks.duration import estimate
from nightdub.tasks.glossary import Glossary, read_glossary
from nightdub.tasks.memory import Memory, normalise
from nightdub.tasks.protocols import Identity, Translated
from nightdub.tasks.rows import Segment, Translation
from nightdub.tasks.translate import Hint, changed_numbers, find_hint, translate_lines


class Upper:
    """Translate into capitals, and remember what was asked."""

    def __init__(self, change: Callable[[str], str] = lambda text: text) -> None:
        self.asked: list[list[str]] = []
        self._change = change

    def identity(self) -> Identity:
        return Identity("upper", "1")

    def translate(self, lines: Sequence[str], source: str, target: str) -> list[Translated]:
        self.asked.append(list(lines))
        return [Translated(self._change(line), ("untranslated-word:Xqbv",) if "Xqbv" in line else ()) for line in lines]


MEMORY = Memory({("en", "es", normalise("Good morning.")): "Buenos días."})


@pytest.fixture
def glossary(tmp_path: Path) -> Glossary:
    path = tmp_path / "glossary.csv"
    path.write_text("source,es\nNightdub,*\npound key,tecla numeral\n")
    return read_glossary(path)


def lines_of(*texts: str) -> list[Segment]:
    return [Segment(f"line-{index}", index * 3.0, index * 3.0 + 2.0, text) for index, text in enumerate(texts)]


def test_memory_comes_first_then_the_glossary_then_the_engine(glossary: Glossary) -> None:
    engine = Upper()
    lines = lines_of("good morning", "Nightdub!", "pound key", "Press the pound key.", "Hello.")
    made = translate_lines(lines, "en", "es", engine, memory=MEMORY, glossary=glossary)
    assert [line.segment for line in made] == [line.id for line in lines]
    assert [line.origin for line in made] == ["memory", "do-not-translate", "glossary", "upper", "upper"]
    assert [line.text for line in made] == ["Buenos días.", "Nightdub!", "tecla numeral", "Press the tecla numeral.", "Hello."]
    assert made[3].notes == ("glossary",)
    assert engine.asked == [["Press the Xqbv.", "Hello."]]


def test_each_line_knows_its_source_its_slot_and_its_estimate() -> None:
    (made,) = translate_lines(lines_of("Good morning."), "en", "es", Upper(), memory=MEMORY)
    assert (made.source, made.slot, made.estimate) == ("Good morning.", 2.0, estimate("Buenos días.", "es"))


def test_an_engine_that_mangles_a_terms_place_is_asked_again_without(glossary: Glossary) -> None:
    engine = Upper(lambda text: text.replace("Xqbv", "xq bv"))
    (made,) = translate_lines(lines_of("Press the pound key."), "en", "es", engine, glossary=glossary)
    assert made.text == "Press the pound key."
    assert made.notes == ("glossary-not-applied:pound key",)
    assert len(engine.asked) == 2


def test_an_empty_answer_is_a_failure_of_its_line_alone() -> None:
    made = translate_lines(lines_of("Go.", "Stay."), "en", "es", Upper(lambda text: "..." if text == "Go." else text))
    assert made[0].failed
    assert (made[0].text, made[1]) == ("", Translation("line-1", "Stay.", "upper", "Stay.", estimate("Stay.", "es"), 2.0))


def test_the_engine_is_not_asked_for_nothing() -> None:
    engine = Upper()
    translate_lines(lines_of("Good morning."), "en", "es", engine, memory=MEMORY)
    assert translate_lines([], "en", "es", engine) == []
    assert engine.asked == []


def test_a_hint_speaks_of_its_line_alone(glossary: Glossary) -> None:
    assert find_hint("Hello.", "en", "es", MEMORY, glossary) == Hint()
    assert find_hint("Good morning.", "en", "es", MEMORY, glossary) == Hint("Buenos días.")
    assert [place.term.source for place in find_hint("Ask Nightdub.", "en", "es", MEMORY, glossary).terms] == ["Nightdub"]


@pytest.mark.parametrize(
    ("source", "target", "notes"),
    [
        ("Room 12", "Sala 12", []),
        ("3.5 miles and 1,000 men", "3,5 millas y 1.000 hombres", []),
        ("at 9", "a las 10", ["number-changed:10", "number-changed:9"]),
        ("5 and 5", "5", ["number-changed:5"]),
    ],
)
def test_changed_numbers_are_noted(source: str, target: str, notes: list[str]) -> None:
    assert changed_numbers(source, target) == notes
