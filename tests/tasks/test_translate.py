from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nightdub.tasks.duration import estimate
from nightdub.tasks.glossary import Glossary, read_glossary
from nightdub.tasks.memory import Match, Memory
from nightdub.tasks.protocols import Identity, LineContext, Translated
from nightdub.tasks.rows import Segment, Translation
from nightdub.tasks.translate import Delivered, Hint, find_hint, translate_hinted, translate_lines


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


MEMORY = Memory([{"en": "Good morning.", "es": "Buenos días."}])


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
    made = translate_lines(lines, "en", "es", engine, Delivered(MEMORY, glossary))
    assert [line.segment for line in made] == [line.id for line in lines]
    assert [line.origin for line in made] == ["memory", "do-not-translate", "glossary", "upper", "upper"]
    assert [line.text for line in made] == ["Buenos días.", "Nightdub!", "tecla numeral", "Press the tecla numeral.", "Hello."]
    assert made[3].notes == ("glossary",)
    assert engine.asked == [["Press the Xqbv.", "Hello."]]


def test_each_line_knows_its_source_its_slot_and_its_estimate() -> None:
    (made,) = translate_lines(lines_of("Good morning."), "en", "es", Upper(), Delivered(MEMORY))
    assert (made.source, made.slot, made.estimate) == ("Good morning.", 2.0, estimate("Buenos días.", "es"))


def test_an_engine_that_mangles_a_terms_place_is_asked_again_without(glossary: Glossary) -> None:
    engine = Upper(lambda text: text.replace("Xqbv", "xq bv"))
    (made,) = translate_lines(lines_of("Press the pound key."), "en", "es", engine, Delivered(glossary=glossary))
    assert made.text == "Press the pound key."
    assert made.notes == ("glossary-not-applied:pound key",)
    assert len(engine.asked) == 2


def test_an_empty_answer_is_a_failure_of_its_line_alone() -> None:
    made = translate_lines(lines_of("Go.", "Stay."), "en", "es", Upper(lambda text: "..." if text == "Go." else text))
    assert made[0].failed
    assert (made[0].text, made[1]) == ("", Translation("line-1", "Stay.", "upper", "Stay.", estimate("Stay.", "es"), 2.0))


def test_the_engine_is_not_asked_for_nothing() -> None:
    engine = Upper()
    translate_lines(lines_of("Good morning."), "en", "es", engine, Delivered(MEMORY))
    assert translate_lines([], "en", "es", engine) == []
    assert engine.asked == []


def test_a_hint_speaks_of_its_line_alone(glossary: Glossary) -> None:
    def hint(text: str) -> Hint:
        return find_hint(Segment("s1", 0, 2, text), "en", "es", Delivered(MEMORY, glossary, {"s2": "Hola"}))

    assert hint("Hello.") == Hint()
    assert hint("GOOD morning") == Hint(memory=Match("Buenos días."))
    assert [place.term.source for place in hint("Ask Nightdub.").terms] == ["Nightdub"]
    assert find_hint(Segment("s2", 0, 2, "Good morning."), "en", "es", Delivered(MEMORY, glossary, {"s2": "Hola"})) == Hint("Hola")


def test_every_line_says_where_it_is_from(glossary: Glossary) -> None:
    said = "The train to the coast leaves at 9 today."
    memory = Memory([{"en": said, "es": "El tren a la costa sale hoy a las 9."}])
    lines = lines_of(said, said.replace("9", "7"), said.replace("train", "bus"), "Nightdub", "Go.", "Stay.")
    made = translate_lines(lines, "en", "es", Upper(), Delivered(memory, glossary, {"line-4": "Vamos."}, nearly=0.85))
    assert [(line.origin, line.score) for line in made] == [
        ("memory", 1.0),
        ("memory-fuzzy", 0.99),
        ("memory-fuzzy", 0.8889),  # one of nine words
        ("do-not-translate", 0.0),
        ("person", 0.0),
        ("upper", 0.0),
    ]
    assert made[1].text == "El tren a la costa sale hoy a las 7."
    assert [line.notes for line in made] == [(), (f"memory-line:{said}",), (f"memory-line:{said}",), ("glossary",), (), ()]
    assert made[4].text == "Vamos."


def test_a_similar_line_that_breaks_a_term_is_not_taken(glossary: Glossary) -> None:
    memory = Memory([{"en": "Please press the blue key now to go on", "es": "Pulse la tecla azul"}])
    lines = lines_of("Please press the pound key now to go on")
    assert translate_lines(lines, "en", "es", Upper(), Delivered(memory, glossary, nearly=0.85))[0].origin == "upper"
    assert translate_lines(lines, "en", "es", Upper(), Delivered(memory, nearly=0.85))[0].origin == "memory-fuzzy"


def test_a_term_in_another_form_is_left_to_the_engine_and_looked_for(glossary: Glossary) -> None:
    engine = Upper(lambda text: {"Two pound keys.": "Dos teclas numerales."}.get(text, text))
    good, bad = translate_lines(lines_of("Two pound keys.", "No pound keys!"), "en", "es", engine, Delivered(glossary=glossary))
    assert engine.asked == [["Two pound keys.", "No pound keys!"]]
    assert good.notes == ("glossary",)
    assert bad.notes == ("glossary-not-applied:pound key",)


def test_a_term_of_the_memory_is_looked_for_too(glossary: Glossary) -> None:
    memory = Memory([{"en": "Press the pound key.", "es": "Pulse almohadilla."}])
    (made,) = translate_lines(lines_of("Press the pound key."), "en", "es", Upper(), Delivered(memory, glossary))
    assert (made.origin, made.notes) == ("memory", ("glossary-not-applied:pound key",))


def test_a_line_that_a_term_begins_begins_with_a_capital(glossary: Glossary) -> None:
    texts = ["Pound key, then one.", "Nightdub begins.", "Pound key"]
    made = translate_lines(lines_of(*texts), "en", "es", Upper(), Delivered(glossary=glossary))
    assert [line.text for line in made] == ["Tecla numeral, then one.", "Nightdub begins.", "Tecla numeral"]


def test_a_translator_that_reads_context_gets_it_with_the_terms_and_keeps_its_variants(glossary: Glossary) -> None:
    class Reader(Upper):
        def translate(self, lines, source, target, contexts=()):
            self.contexts = list(contexts)
            return [Translated(f"{line} tecla numeral", variants=("corto",)) for line in lines]

    engine, lines = Reader(), lines_of("Good morning.", "Two POUND keys.")
    hints = [find_hint(line, "en", "es", Delivered(MEMORY, glossary)) for line in lines]
    contexts = [LineContext(speaker="Ana"), LineContext(before=("Good morning.",), letters=20)]
    known, made = translate_hinted(lines, hints, "en", "es", engine, contexts)
    assert engine.contexts == [LineContext(before=("Good morning.",), letters=20, terms=(("POUND keys", "tecla numeral"),))]
    assert (known.origin, made.variants, made.notes) == ("memory", ("corto",), ("glossary",))


def test_variants_get_their_terms_back_and_one_that_lost_a_terms_place_is_none(glossary: Glossary) -> None:
    class Offers(Upper):
        def translate(self, lines: Sequence[str], source: str, target: str) -> list[Translated]:
            return [Translated(line, variants=(f"now {line}", "now")) for line in lines]

    (made,) = translate_lines(lines_of("press the pound key"), "en", "es", Offers(), Delivered(glossary=glossary))
    assert made.variants == ("now press the tecla numeral",)
