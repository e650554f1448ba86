from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.likeness import Likeness
from nightdub.tasks.memory import NO_MEMORY, Match, Memory, normalise, read_memory


def memory_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "memory.csv"
    path.write_text(text)
    return path


def memory(*pairs: tuple[str, str], source: str = "en", target: str = "es") -> Memory:
    return Memory([{source: said, target: made} for said, made in pairs])


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


def test_a_tmx_is_known_by_its_bytes_and_its_regions_count_as_their_language(tmp_path: Path) -> None:
    path = tmp_path / "0123abcd"  # as the store names files
    path.write_text(
        '<?xml version="1.0"?><tmx version="1.4"><header creationtool="t" creationtoolversion="1" datatype="plaintext" segtype="sentence" '
        'adminlang="en" srclang="en-US" o-tmf="t"/><body><tu><tuv xml:lang="en-US"><seg>Good <bpt i="1">{b}</bpt>morning<ept i="1">{/b}'
        '</ept>.</seg></tuv><tuv xml:lang="es-MX"><seg>Buenos días.</seg></tuv></tu></body></tmx>'
    )
    assert read_memory(path).find("good morning", "en", "es") == "Buenos días."
    path.write_text('<?xml version="1.0"?><tmx version="1.4">')
    with pytest.raises(ScriptError):
        read_memory(path)


def test_no_memory_knows_nothing() -> None:
    assert NO_MEMORY.find("Hello", "en", "es") == ""
    assert NO_MEMORY.search("Hello", "en", "es", 0.5) is None


def test_normalising_keeps_accents_and_digits() -> None:
    assert normalise("«Él» pagó 3,50 €.") == "él pagó 3 50 €"


def test_what_comes_first_counts_when_memories_are_joined() -> None:
    joined = memory(("Hello", "¡Hola!")).joined(memory(("Hello", "Buenas"), ("Bye", "Adiós")))
    assert [joined.find(text, "en", "es") for text in ("Hello", "Bye")] == ["¡Hola!", "Adiós"]


# ---------------------------------------------------------------- similar lines


def test_the_score_is_the_share_of_words_that_need_no_edit() -> None:
    known = memory(("One two red four five six seven eight.", "A"))  # eight words, of which one differs: 1 - 1/8
    assert known.search("One two blue four five six seven eight", "en", "es", 0.85) == Match(
        "A", 0.875, "One two red four five six seven eight."
    )
    assert known.search("One two blue four five six seven eight", "en", "es", 0.88) is None
    assert known.search("One two RED four five six seven, eight", "en", "es", 0.85).score == 1


def test_the_most_similar_line_is_taken_and_of_equals_the_first() -> None:
    known = memory(("a b c d e f g x", "far"), ("a b c d e f y h", "near"), ("a b c d e z g h", "also"))
    assert known.search("a b c d e f g h", "en", "es", 0.5).text == "far"
    assert known.search("a b c d e f w h", "en", "es", 0.5).text == "near"


def test_lines_without_spaces_and_korean_are_compared_by_characters() -> None:
    known = memory(("我今天早上在公园里看见他了", "I saw him"), source="zh", target="en")  # 13 characters
    assert known.search("我今天早上在公园里看见她了", "zh", "en", 0.85).score == pytest.approx(1 - 1 / 13, abs=1e-4)
    known = memory(("개발자가 회의실에서 기다린다", "waits"), source="ko", target="en")  # 13 syllables
    assert known.search("개발자는 회의실에서 기다린다", "ko", "en", 0.85).score == pytest.approx(1 - 1 / 13, abs=1e-4)


def test_a_number_is_written_into_the_translation() -> None:
    known = memory(("Press 1 to enter room 20.", "Pulse 1 para entrar en la sala 20."))
    found = known.search("Press 7 to enter room 20!", "en", "es", 0.85)
    assert (found.text, found.score) == ("Pulse 7 para entrar en la sala 20.", 0.99)
    assert known.search("Press 20 to enter room 1.", "en", "es", 0.85).text == "Pulse 20 para entrar en la sala 1."


@pytest.mark.parametrize(
    ("said", "made", "line"),
    [
        ("Room 5 on floor 5.", "Sala 5 del piso 5.", "Room 6 on floor 5."),  # which 5?
        ("Press 1 to go on.", "Pulse uno para seguir.", "Press 2 to go on."),  # the number is a word there
        ("It costs 20 euros.", "Cuesta 20 euros.", "It costs 3.5 euros."),  # a fraction is written otherwise
        ("Press 1 or 2 to go on now.", "Pulse 1 o 2.", "Press 1 or go on now, please."),
        ("Please press three to go back to the main menu.", "A", "Please press four to go back to the main menu."),
        ("The line you have called is busy now.", "A", "The line you have called is not busy."),
        ("You can leave the room now my friend.", "A", "You can't leave the room now my friend."),
    ],
)
def test_a_similar_line_that_says_something_else_is_passed_over(said: str, made: str, line: str) -> None:
    known = memory((said, made))
    assert known.search(said, "en", "es", 0.5).score == 1
    assert known.search(line, "en", "es", 0.5) is None


def test_a_line_that_is_passed_over_makes_room_for_the_next() -> None:
    known = memory(("you can not go in there now", "no"), ("you can go into there now", "sí"))
    assert known.search("you can go in there now", "en", "es", 0.8).text == "sí"


def test_no_line_that_is_alike_enough_is_missed() -> None:
    """The index looks at a few lines; comparing with every one gives the same scores."""
    import random

    from rapidfuzz.distance import Levenshtein

    rng = random.Random(3)
    lines = [[rng.choice("abcdefgh") for _ in range(rng.randint(1, 9))] for _ in range(300)]
    index = Likeness(lines)
    for line in lines[::7]:
        asked = [rng.choice("abcdefghz") if rng.random() < 0.2 else word for word in line]
        best = max(Levenshtein.normalized_similarity(asked, other) for other in lines)
        for threshold in (0.5, 0.7, 0.85):
            found = index.find(asked, threshold)
            assert (found[0][0] if found else 0) == pytest.approx(best if best >= threshold else 0)
