"""Splits: nothing is in two of them, growing corpora stay where they are, and the check finds every planted leak."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.datasets.rows import Sample
from nightdub.datasets.splits import By, assign, gaps, leaks, moved, split_rows
from nightdub.infra.errors import ConfigError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
EVEN = {"train": 0.34, "validation": 0.33, "test": 0.33}  # so that what is apart soon falls apart
ALL: tuple[By, ...] = ("speaker", "recording", "sentence")


def sample(
    name: str, speaker: str = "", recording: str = "", text: str = "", parent: str = "", split: str = "", source: str = ""
) -> Sample:
    return Sample(
        name, f"{name}.wav", text, "en", speaker, "", split, 1.0, name, source or recording or name, recording=recording, parent=parent
    )


def placed(rows: list[Sample], found: dict[str, str]) -> list[Sample]:
    return [replace(row, split=found[row.id]) for row in rows]


SPEAKERS = st.sampled_from(["", *(f"speaker {number}" for number in range(8))])
RECORDINGS = st.sampled_from(["", *(f"recording {number}" for number in range(12))])
WORDS = st.sampled_from(["", "Good day.", "good day", "Good night!", "Yes", "No", *(f"line {chr(97 + number)}" for number in range(12))])


@st.composite
def corpora(draw: st.DrawFn) -> list[Sample]:
    """Draw rows whose speakers, recordings and sentences repeat at random, some with copies; a recording has one speaker or several."""
    rows = [sample(f"{number:03}", draw(SPEAKERS), draw(RECORDINGS), draw(WORDS)) for number in range(draw(st.integers(1, 24)))]
    parents = draw(st.lists(st.sampled_from(rows), max_size=6))
    return rows + [replace(row, id=f"{row.id}+{number}", parent=row.id) for number, row in enumerate(parents)]


BYS = st.lists(st.sampled_from(ALL), min_size=1, unique=True)


@given(corpora(), BYS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_nothing_is_in_two_splits_and_the_order_makes_no_difference(rows: list[Sample], by: list[By], rng: random.Random) -> None:
    pairs = [(rng.choice(rows).id, rng.choice(rows).id, 0.9) for _ in range(3)]
    found = split_rows(rows, EVEN, by, "salt", pairs)
    assert leaks(placed(rows, found), by, pairs) == []
    assert found.keys() == {row.id for row in rows}
    rng.shuffle(rows)
    assert split_rows(rows, dict(reversed(EVEN.items())), by, "salt", reversed(pairs)) == found


def groups(rows: list[Sample], by: list[By]) -> dict[str, frozenset[str]]:
    """Return id -> ids that may not be apart, the slow way: by walking from each row to all that share something."""

    def shared(one: Sample, other: Sample) -> bool:
        family = (one.parent or one.id) == (other.parent or other.id)
        speaker = "speaker" in by and one.speaker == other.speaker
        recording = "recording" in by and (one.source == other.source or (one.recording != "" and one.recording == other.recording))
        words = [row.text.casefold().strip(".!") for row in (one, other)]
        return family or speaker or recording or ("sentence" in by and words[0] == words[1] != "")

    found = {}
    for row in rows:
        seen, edge = {row.id}, [row]
        while edge:
            near = [other for other in rows if other.id not in seen and any(shared(one, other) for one in edge)]
            seen |= {other.id for other in near}
            edge = near
        found[row.id] = frozenset(seen)
    return found


@given(corpora(), BYS, st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_new_data_moves_no_group_that_it_does_not_join(rows: list[Sample], by: list[By], new: int) -> None:
    old = [row for row in rows[: max(1, len(rows) - new)] if not row.parent]
    known = {row.id for row in old}
    before, now = split_rows(old, EVEN, by, "salt"), split_rows(rows, EVEN, by, "salt")
    were, are = groups(old, by), groups(rows, by)
    originals = {row.id for row in rows if not row.parent}
    unchanged = {id_ for id_ in known if are[id_] & originals == were[id_]}
    assert all(before[id_] == now[id_] for id_ in unchanged)
    assert moved(before, now).keys() <= known - unchanged


def test_a_speaker_stays_where_it_is_however_much_is_added() -> None:
    rows = [sample(f"{number:04}", f"speaker {number % 40}") for number in range(400)]
    before, now = split_rows(rows[:200], SHARES, ("speaker",), "s"), split_rows(rows, SHARES, ("speaker",), "s")
    assert moved(before, now) == {}
    assert all(now[row.id] == assign(row.speaker, "", "", SHARES, ("speaker",), "s") for row in rows)


def test_what_moves_when_a_new_clip_joins_two_groups_is_named() -> None:
    rows = [sample(f"{number:02}", f"speaker {number}", text=f"line {number}") for number in range(40)]
    before = split_rows(rows, EVEN, ("speaker", "sentence"))
    one, other = next((one, other) for one in rows for other in rows if before[one.id] != before[other.id] and one.speaker < other.speaker)
    bridge = sample("new", one.speaker, text=other.text)
    now = split_rows([*rows, bridge], EVEN, ("speaker", "sentence"))
    assert moved(before, now) == {other.id: (before[other.id], before[one.id])}


def test_the_shares_come_out_and_the_salt_draws_anew() -> None:
    rows = [sample(f"{number}", f"speaker {number}") for number in range(5000)]
    found = split_rows(rows, SHARES)
    counts = Counter(found.values())
    assert all(abs(counts[name] / 5000 - share) < 0.02 for name, share in SHARES.items())
    again = split_rows(rows, SHARES, salt="other")
    assert 0.2 < sum(found[row.id] != again[row.id] for row in rows) / 5000 < 0.5


def test_more_for_validation_takes_nothing_from_it() -> None:
    rows = [sample(f"{number}", f"speaker {number}") for number in range(500)]
    few, many = ({"train": 1 - share, "validation": share} for share in (0.1, 0.2))
    before, now = split_rows(rows, few), split_rows(rows, many)
    assert set(moved(before, now).values()) == {("train", "validation")}


def test_a_copy_is_where_its_parent_is_and_moves_nothing() -> None:
    rows = [sample(f"{number:02}") for number in range(50)]
    copies = [sample(f"! copy of {row.id}", parent=row.id) for row in rows]
    alone, together = split_rows(rows, EVEN, ("recording",)), split_rows([*copies, *rows], EVEN, ("recording",))
    assert moved(alone, together) == {}
    assert all(together[f"! copy of {row.id}"] == together[row.id] for row in rows)


def test_clips_without_a_speaker_stay_together() -> None:
    assert len(set(split_rows([sample(f"{number}") for number in range(50)], EVEN).values())) == 1


def test_one_speaker_leaves_splits_empty_and_that_is_said() -> None:
    rows = [sample(f"{number:02}", "ljs", text=f"line {number}") for number in range(60)]
    alone = placed(rows, split_rows(rows, SHARES))
    where = alone[0].split
    assert [line.split(":")[0] for line in gaps(alone, SHARES)] == [f"split {name} is empty" for name in sorted(SHARES) if name != where]
    assert gaps(placed(rows, split_rows(rows, SHARES, ("recording",))), SHARES) == []


def test_a_class_that_a_split_lacks_is_named() -> None:
    rows = [replace(sample(name, split=split), emotion=emotion) for name, split, emotion in (("a", "train", "sad"), ("b", "test", "happy"))]
    assert gaps(rows, {"train": 0.5, "test": 0.5, "none": 0.0}) == ["split train has no emotion happy", "split test has no emotion sad"]


LEAKS = {
    "speaker": (sample("a", "x", split="train"), sample("b", "x", split="test")),
    "recording": (sample("a", "x", "tape", split="train", source="1"), sample("b", "y", "tape", split="test", source="2")),
    "the same bytes": (sample("a", "x", "one", split="train", source="same"), sample("b", "y", "two", split="test", source="same")),
    "sentence": (sample("a", "x", text="Good day!", split="train"), sample("b", "y", text="good  DAY", split="test")),
    "copy": (sample("a", "x", split="train"), sample("a+pitch", "y", parent="a", split="test")),
    "no-parent": (sample("a+pitch", "y", parent="a", split="test"),),
    "near-duplicate": (sample("a", "x", split="train"), sample("b", "y", split="test")),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_every_planted_leak_is_found_and_said(kind: str) -> None:
    clean = [sample(f"clean {number}", f"speaker {number}", text=f"line {number}", split="train") for number in range(5)]
    found = leaks([*clean, *LEAKS[kind]], ALL, [("a", "b", 0.93)] if kind == "near-duplicate" else [])
    assert [leak.kind for leak in found] == ["recording" if kind == "the same bytes" else kind]
    assert all(clip in str(found[0]) for clip in found[0].clips)
    assert leaks(clean, ALL, [("clean 1", "clean 2", 0.9), ("clean 1", "gone", 0.9)]) == []


def test_what_may_be_apart_is_no_leak() -> None:
    assert leaks([sample("a", "x", text="Yes", split="train"), sample("b", "y", text="yes", split="test")], ("speaker",)) == []
    silent = [sample("a", "x", text="...", split="train"), sample("b", "y", text="!", split="test")]
    assert leaks(silent, ("sentence",)) == []


@pytest.mark.parametrize("shares", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}, {"train": float("nan")}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="shares"):
        split_rows([sample("a")], shares)


def test_splitting_by_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="name one"):
        split_rows([sample("a")], SHARES, ())
