from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.memory import NO_MEMORY, normalise, read_memory


def memory_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "memory.csv"
    path.write_text(text)
    return path


def test_a_line_is_found_whatever_its_case_spaces_and_punctuation(tmp_path: Path) -> None:
    memory = read_memory(memory_of(tmp_path, "en,es,fr\nAll circuits are busy now.,Todas las líneas están ocupadas.,Toutes occupées.\n"))
    assert memory.find("  all circuits -- are BUSY now!", "en", "es") == "Todas las líneas están ocupadas."
    assert memory.find("Toutes occupées", "fr", "en") == "All circuits are busy now."
    assert memory.find("All circuits were busy now.", "en", "es") == ""
    assert memory.find("All circuits are busy now.", "en", "it") == ""


def test_of_two_rows_for_one_source_the_first_counts_and_empty_cells_deliver_nothing(tmp_path: Path) -> None:
    memory = read_memory(memory_of(tmp_path, "en,es,fr\nHello,,Bonjour\nHello,Hola,Salut\n...,x,y\n"))
    assert memory.find("Hello", "en", "es") == "Hola"
    assert memory.find("Hello", "en", "fr") == "Bonjour"
    assert memory.find("!!", "en", "es") == ""


@pytest.mark.parametrize("header", ["en,klingon", "en", "source,es"])
def test_columns_are_named_by_two_known_languages_or_more(tmp_path: Path, header: str) -> None:
    with pytest.raises(ScriptError, match="line 1"):
        read_memory(memory_of(tmp_path, f"{header}\nHello\n"))


def test_no_memory_knows_nothing() -> None:
    assert NO_MEMORY.find("Hello", "en", "es") == ""


def test_normalising_keeps_accents_and_digits() -> None:
    assert normalise("«Él» pagó 3,50 €.") == "él pagó 3 50 €"
