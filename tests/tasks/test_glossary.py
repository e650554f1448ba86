from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.glossary import Glossary, Term, read_glossary


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
