"""The translating step in the chain: which lines an edited table, an approved line or a correction makes anew, and what a plan says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from nightdub.flows import recipe
from nightdub.flows.chain.translation import TRANSLATE
from nightdub.flows.kept import approved_lines, as_lines
from nightdub.flows.lines import changed_lines
from nightdub.flows.night import Books
from nightdub.flows.plan import Planned
from nightdub.flows.recipe import House
from nightdub.flows.title import make_ask
from nightdub.infra.build import Builder, Built
from nightdub.infra.compute import open_compute
from nightdub.infra.digests import digest_file
from nightdub.infra.ledger import ApprovedLine, Correction
from nightdub.quality.policy import Policy
from nightdub.tasks import engines
from nightdub.tasks.engines import TABLE, EngineSpec, load_engine
from nightdub.tasks.profile import EngineChoice, Profile
from nightdub.tasks.protocols import Identity, LineContext, Translated
from nightdub.tasks.rows import Segment, Title, Translation, read_rows, write_rows

LINES = ["Good morning.", "The agent waits.", "Two agents wait.", "Good night.", "Where is Nightdub?"]


class Reader:
    """Says each line louder, and remembers what it was told."""

    asked: list[tuple[str, LineContext | None]] = []  # noqa: RUF012
    variants: tuple[str, ...] = ()

    def identity(self) -> Identity:
        return Identity("reader", "1")

    def translate(self, lines: Sequence[str], source: str, target: str, contexts: Sequence[LineContext] = ()) -> list[Translated]:
        Reader.asked += zip(lines, contexts or [None] * len(lines), strict=True)
        return [Translated(f"¡{line}!", variants=Reader.variants) for line in lines]


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    module = ModuleType("nightdub.tasks.engines.reader")
    module.Reader = Reader  # type: ignore[attr-defined]
    specs = (
        EngineSpec("translate", "reader", "reader:Reader", "none", True, "nothing", reads_context=True),
        EngineSpec("translate", "plain", "reader:Reader", "none", True, "nothing"),
    )
    Reader.asked, Reader.variants = [], ()
    with mock.patch.dict("sys.modules", {module.__name__: module}), mock.patch.object(engines, "TABLE", (*specs, *TABLE)):
        recipe._identity.cache_clear()
        engines._loaded.__dict__.clear()
        yield
    recipe._identity.cache_clear()
    engines._loaded.__dict__.clear()


class Desk:
    """One title-language and its tables; every `build` is a night's."""

    def __init__(self, books: Books, folder: Path, engine: str = "plain") -> None:
        self.books, self.folder, self.files = books, folder, {}
        self.house = House(Profile("p", "p", commercial=False, engines={"translate": (EngineChoice(engine),)}), Policy("p", ()))
        self.lines = [Segment(f"s{index}", 3.0 * index, 3.0 * index + 2, text) for index, text in enumerate(LINES)]
        self.texts: list[Correction] = []

    def deliver(self, name: str, text: str) -> None:
        self.files[name] = self.folder / f"{name}.csv"
        self.files[name].write_text(text)

    @property
    def title(self) -> Title:
        return Title("film", "", "en", ("es",), **{name: str(path) for name, path in self.files.items()}, profile="p")

    def build(self) -> tuple[Built, dict[str, Translation]]:
        store, ledger = self.books.store, self.books.ledger
        rows = {"in.approved": approved_lines(ledger, "en", "es"), "cast.corrections": as_lines(self.texts)}
        outputs = {"cast.segments": store.put_file(write_rows(self.folder / "segments", self.lines))}
        outputs |= {f"in.{name}": store.put_file(path) for name, path in self.files.items()}
        outputs |= {name: store.put_bytes(lines) for name, lines in rows.items() if lines or name == "cast.corrections"}
        ask = make_ask(self.house, self.title, "es", TRANSLATE, outputs)
        assert ask
        with open_compute("threads", 1) as compute:
            built = Builder(store, ledger, compute, load_engine, {}, ledger.start_run("test", {}), 1).build(ask)
        ledger.set_heads("film", "es", {"translate": built.key})
        return built, {line.segment: line for line in read_rows(store.fetch(built.outputs["lines"]), Translation)}

    def planned(self) -> list[str]:
        """Return the segments that a plan names."""
        kept = {"corrections": as_lines(self.texts)} if self.texts else {}
        plan = [Planned(self.title, "es", SimpleNamespace(), "released", ("glossary changed",), kept)]  # type: ignore[arg-type]
        return [line.segment for line in changed_lines(self.books, {"p": self.house}, plan, lambda path: digest_file(Path(path)))]


def test_a_changed_term_makes_the_lines_anew_that_contain_it_and_the_plan_names_them(books: Books, tmp_path: Path) -> None:
    desk = Desk(books, tmp_path)
    desk.deliver("glossary", "source,es\nagent,agente\nNightdub,*\n")
    assert desk.planned() == []  # never built
    assert desk.build()[0].made == 5
    assert desk.planned() == []
    desk.deliver("glossary", "source,es\nagent,operador\nNightdub,*\n")
    assert desk.planned() == ["s1", "s2"]
    built, lines = desk.build()
    assert built.made == 2
    assert lines["s1"].text == "¡The operador waits.!"
    assert lines["s2"].notes[0] == "glossary-not-applied:agent"  # in a form that the glossary does not have
    assert desk.planned() == []


def test_a_plan_shows_what_stands_now(books: Books, tmp_path: Path) -> None:
    desk = Desk(books, tmp_path)
    desk.build()
    desk.deliver("memory", "en,es\nGood night.,Buenas noches.\n")
    plan = [Planned(desk.title, "es", SimpleNamespace(), "released", ("memory changed",))]  # type: ignore[arg-type]
    (line,) = changed_lines(books, {"p": desk.house}, plan, lambda path: digest_file(Path(path)))
    assert (line.title, line.language, line.segment, line.text, line.now) == ("film", "es", "s3", "Good night.", "¡Good night.!")
    assert list(changed_lines(books, {"p": desk.house}, [Planned(desk.title, "es", plan[0].recipe, "released", ())], None)) == []


def test_an_approved_line_counts_before_the_delivered_memory_and_touches_no_other(books: Books, tmp_path: Path) -> None:
    desk = Desk(books, tmp_path)
    desk.deliver("memory", "en,es\nGood morning.,Buenas.\n")
    assert desk.build()[1]["s0"].text == "Buenas."
    books.ledger.approve(
        [ApprovedLine("en", "es", "Good morning.", "Buenos días."), ApprovedLine("en", "fr", "Good night.", "Bonne nuit.")]
    )
    assert desk.planned() == ["s0"]
    built, lines = desk.build()
    assert (built.made, lines["s0"].text, lines["s0"].origin, lines["s0"].score) == (1, "Buenos días.", "memory", 1.0)


def test_a_persons_text_stands_for_its_line_alone(books: Books, tmp_path: Path) -> None:
    desk = Desk(books, tmp_path)
    desk.build()
    desk.texts = [Correction("film", "es", "s4", text="¿Y Nightdub?"), Correction("film", "es", "s1", speaker="Ana")]
    assert desk.planned() == ["s4"]
    built, lines = desk.build()
    assert (built.made, lines["s4"].text, lines["s4"].origin) == (1, "¿Y Nightdub?", "person")


def test_only_an_engine_that_reads_the_scene_makes_the_neighbours_of_an_edited_line_anew(books: Books, tmp_path: Path) -> None:
    made: dict[str, Any] = {}
    for engine in ("plain", "reader"):
        desk = Desk(books, tmp_path, engine)
        desk.build()
        desk.lines[0] = Segment("s0", 0.0, 2.0, "Good evening.")
        made[engine] = desk.build()[0].made
    assert made == {"plain": 1, "reader": 4}  # three lines read the one before them
    assert Reader.asked[0] == ("Good morning.", None)
    told = dict(Reader.asked)["Two agents wait."]
    assert told
    assert (told.before[0], told.after, told.slot) == ("Good evening.", ("Good night.", "Where is Nightdub?"), 2.0)


def test_a_variant_that_carries_over_less_than_the_line_is_no_variant(books: Books, tmp_path: Path) -> None:
    Reader.variants = (
        "El agente espera 5 minutos con Ana.",
        "Espera 5 minutos con Ana, el agente.",
        "El agente espera con Ana.",
        "El agente.",
    )
    desk = Desk(books, tmp_path, "reader")
    desk.deliver("glossary", "source,es\nagent,agente\n")
    desk.lines = [Segment("s0", 0.0, 2.0, "The agent waits 5 minutes with Ana."), Segment("s1", 3.0, 5.0, "Sleep.")]
    lines = desk.build()[1]
    assert lines["s0"].variants == ("El agente espera 5 minutos con Ana.", "Espera 5 minutos con Ana, el agente.")
