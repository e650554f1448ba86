from __future__ import annotations

from nightdub.tasks.duration import PACES, letters_within
from nightdub.tasks.profile import TranslationFigures
from nightdub.tasks.rows import Segment
from nightdub.tasks.scenes import line_contexts, scenes

LINES = [
    Segment("a", 0.0, 1.0, "Hello.", "Ana"),
    Segment("b", 1.5, 9.0, "A long answer.", "S2"),  # a voice that nobody named
    Segment("c", 3.0, 4.0, "Yes?", "Ana", notes="whispers"),
    Segment("d", 12.9, 14.0, "Still there?", "Ana"),
    Segment("e", 18.0, 19.0, "A new day.", "Ben"),
]
FIGURES = TranslationFigures(scene_pause=4.0, before=2, after=1)


def test_a_scene_ends_where_nobody_speaks_for_long() -> None:
    assert [[line.id for line in scene] for scene in scenes(LINES, 4.0)] == [["a", "b", "c", "d"], ["e"]]  # 3.9 s after b, 4 s after d
    assert [[line.id for line in scene] for scene in scenes(LINES[::-1], 3.9)] == [["a", "b", "c"], ["d"], ["e"]]
    assert scenes([], 4.0) == []


def test_a_line_is_read_with_its_neighbours_its_time_and_what_is_noted() -> None:
    found = line_contexts(LINES, "es", FIGURES)
    assert found["c"].before == ("Ana: Hello.", "A long answer.")
    assert found["c"].after == ("Ana: Still there?",)
    assert (found["c"].speaker, found["c"].notes, found["c"].slot) == ("Ana", "whispers", 1.0)
    assert (found["b"].speaker, found["e"].before, found["d"].after) == ("", (), ())


def test_an_edited_line_changes_the_context_of_its_neighbours_alone() -> None:
    before = line_contexts(LINES, "es", FIGURES)
    after = line_contexts([Segment("a", 0.0, 1.0, "Hi.", "Ana"), *LINES[1:]], "es", FIGURES)
    assert {name for name in before if before[name] != after[name]} == {"b", "c"}


def test_letters_that_fit_a_time() -> None:
    pace = PACES["es"]
    assert letters_within(pace.end + 30 * pace.letter, "es") == 30
    assert letters_within(0.01, "es") == 0
    assert letters_within(2.0, "tlh") == 0
