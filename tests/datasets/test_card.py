"""The card: every number was counted or handed in, rows add up, and no value of the data writes markup."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.datasets.card import CardFacts, Verdict, count, describe, page
from nightdub.datasets.composition import QUANTILES, gaps, spread
from nightdub.datasets.rows import Measured, Sample
from nightdub.infra.errors import NightdubError

ROW = Sample("a", "clips/a.wav", "text", "en", "s", "calm", "train", 2.0, "0" * 64, "1" * 64)


def rows(count: int = 60) -> list[Sample]:
    made = []
    for n in range(count):
        split = ("train", "train", "validation", "test")[n % 4]
        measured = Measured(2.0 + n / 10, 48_000.0, 1, 0.0, 0.0, loudness=-30.0 + n / 4, snr=None if n % 7 == 0 else 20 + n / 3)
        made.append(
            replace(
                ROW,
                id=f"c{n:03}",
                language="es" if n % 5 == 0 else "en",
                speaker=f"s{n % 6}",
                emotion="" if n % 10 == 0 else "calm",
                split=split,
                seconds=2.0 + n / 10,
                measured=measured,
            )
        )
    return made


def facts(made: list[Sample] | None = None, **more: Any) -> CardFacts:
    made = rows() if made is None else made
    given = {
        "name": "prompts",
        "version": "ab" * 32,
        "composition": count(made),
        "rows_in": len([row for row in made if not row.parent]) + 5,
        "excused": {"too-short": 3, "silent": 2, "noisy": 0},
        "recipe": "name: prompts\nreader: prompts\n",
        "recipe_digest": "cd" * 32,
        "reader": "prompts",
        "source": "Asterisk core sounds, from Debian",
        "licence": "CC-BY-SA-3.0",
        "use": "research and products",
        "consent": "none needed",
        "lineage": "Every clip names the sha256 of its recording.",
        "rebuild": ("nightdub dataset build prompts",),
    }
    return CardFacts(**(given | more))


# ---------------------------------------------------------------- counting


def test_clips_hours_and_labels_are_counted() -> None:
    found = count(rows())
    assert found.total.clips == 60
    assert found.total.hours == pytest.approx(sum(row.seconds for row in rows()) / 3600, abs=1e-6)
    assert {label: tally.clips for label, tally in found.by["split"].items()} == {"train": 30, "validation": 15, "test": 15}
    assert {label: tally.clips for label, tally in found.by["language"].items()} == {"en": 48, "es": 12}
    for kind in found.by.values():
        assert sum(tally.samples for tally in kind.values()) == found.total.samples


def test_the_order_of_the_rows_changes_nothing() -> None:
    made = rows()
    assert describe(facts(random.Random(4).sample(made, len(made)))) == describe(facts(made))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=80))
def test_quantiles_are_those_of_the_sorted_values(steps: list[int]) -> None:
    found = spread(count(replace(ROW, id=str(n), seconds=step / 100) for n, step in enumerate(steps)), "duration")
    assert found
    expected = np.percentile(np.array(steps) / 100, [100 * share for share in QUANTILES], method="inverted_cdf")
    assert found.quantiles == pytest.approx(expected)
    assert (found.n, found.lowest, found.highest) == (len(steps), min(steps) / 100, max(steps) / 100)
    assert found.mean == pytest.approx(sum(steps) / 100 / len(steps), abs=6e-4)


def test_what_was_not_measured_is_not_counted() -> None:
    found = count([replace(ROW, measured=Measured(2.0, 48_000.0, 1, 0.0, 0.0, snr=float("nan"))), replace(ROW, id="b")])
    assert spread(found, "snr") is None
    assert "snr" not in {row["name"] for row in json.loads(describe(facts([ROW]))[1])["measures"]}


def test_pitch_is_counted_where_it_is_handed_in() -> None:
    found = spread(count(rows(), lambda row: 100.0 + int(row.id[1:])), "pitch")
    assert found
    assert (found.n, found.lowest, found.highest) == (60, 100.0, 159.0)


def test_memory_does_not_grow_with_the_clips() -> None:
    def sizes(times: int) -> int:
        found = count(replace(row, id=f"{n}-{row.id}") for n in range(times) for row in rows(40))
        return sum(len(histogram) for there in found.values.values() for histogram in there.values())

    assert sizes(5) == sizes(1)


# ---------------------------------------------------------------- what is missing


def test_gaps_are_what_the_counts_show() -> None:
    whole = [
        replace(ROW, id=f"{split}{n}", speaker=f"{split}{n}", split=split) for split in ("train", "validation", "test") for n in (0, 1)
    ]
    assert gaps(count(whole)) == []
    assert gaps(count([])) == ["There is no clip."]
    assert gaps(count(whole[:4])) == ["Split test is empty."]
    assert gaps(count([replace(row, emotion="") for row in whole])) == ["No clip has a label of emotion."]
    assert gaps(count([replace(whole[0], emotion=""), *whole[1:]])) == ["1 of 6 clips have no label of emotion."]
    assert gaps(count([replace(row, speaker="one") for row in whole])) == ["Language en has one speaker."]
    rare = [
        replace(ROW, id=f"{split}-{n}", speaker=f"{split}-{n}", split=split, language="fr", seconds=0.1)
        for split in ("train",)
        for n in (1, 2)
    ]
    assert gaps(count([*whole, *rare])) == [
        "Language fr has 1.6 % of the hours that have a label of language.",
        "Split validation has no clip of language fr.",
        "Split test has no clip of language fr.",
    ]
    part = [replace(row, measured=Measured(2.0, 48_000.0, 1, 0.0, 0.0, snr=30.0)) if n else row for n, row in enumerate(whole)]
    assert "snr could not be told of 1 of 6 clips." in gaps(count(part))


# ---------------------------------------------------------------- the account


@pytest.mark.parametrize("wrong", [{"rows_in": 66}, {"rows_in": 64}, {"excused": {"too-short": -1, "silent": 6}}, {"excused": {}}])
def test_rows_that_do_not_add_up_make_no_card(wrong: dict[str, Any]) -> None:
    with pytest.raises(NightdubError, match="rows in"):
        describe(facts(**wrong))


def test_a_reason_without_a_name_makes_no_card() -> None:
    with pytest.raises(NightdubError, match="no reason odd"):
        describe(facts(excused={"odd": 5}))


@pytest.mark.parametrize("source", ["/data/corpus", "~/corpus", "file:///corpus", "C:\\corpus"])
def test_a_path_of_this_machine_makes_no_card(source: str) -> None:
    with pytest.raises(NightdubError, match="source"):
        describe(facts(source=source))


def test_augmented_copies_are_no_rows_of_the_corpus() -> None:
    made = [*rows(), *(replace(row, id=f"{row.id}+pitch", parent=row.id, variant="pitch=2") for row in rows()[:7])]
    markdown, data = describe(facts(made))
    plain = json.loads(describe(facts(rows()))[1])
    assert {name: json.loads(data)[name] for name in ("composition", "measures", "gaps")} == {
        name: plain[name] for name in ("composition", "measures", "gaps")
    }
    assert json.loads(data)["account"] == {"rows": 65, "kept": 60, "copies": 7, "excused": {"silent": 2, "too-short": 3}}
    assert "65 rows in = 60 clips kept + 5 excused. 7 augmented copies are made of them, which no figure below counts." in markdown.decode()


# ---------------------------------------------------------------- what is written


def numbers(data: Any) -> set[str]:
    """Return every number of the JSON card as the Markdown may spell it."""
    if isinstance(data, dict):
        return set().union(*map(numbers, data.values())) if data else set()
    if isinstance(data, list):
        return set().union(*map(numbers, data)) if data else set()
    if isinstance(data, str):
        return set(re.findall(r"\d+(?:\.\d+)?", data))
    return {f"{data}".lstrip("-"), f"{data:.2f}", f"{data:.3f}", f"{data:.1f}", f"{data:.6g}"} if isinstance(data, int | float) else set()


def test_no_number_of_the_card_comes_from_elsewhere() -> None:
    given = facts(
        verdicts=(Verdict("snr is at least 20", "fail", 19.5, "dB", 60, "two clips"),), previous="ef" * 32, drift="PSI 0.03", diff="12 new"
    )
    markdown, data = describe(given)
    told = numbers(json.loads(data)) | {"5", "25", "75", "95"}  # the names of the quantiles
    excused = {"5"}  # the sum
    assert set(re.findall(r"\d+(?:\.\d+)?", markdown.decode())) <= told | excused


def test_markdown_is_tables_without_gaps() -> None:
    lines = describe(facts(limits={"snr": "sees no reverberation"}, notes=("40 clips are of one recording",)))[0].decode().splitlines()
    heads = [n for n, line in enumerate(lines) if re.fullmatch(r"\|(---\|)+", line)]
    assert len(heads) == 7
    for head in heads:
        columns = lines[head].count("|")
        assert lines[head - 1].count("|") == columns
        n = head + 1
        while n < len(lines) and lines[n].startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", lines[n])) == columns, lines[n]
            n += 1
        assert n > head + 1
        assert lines[n] == ""


def test_a_label_writes_no_markup() -> None:
    hostile = "x|y <script>alert(1)</script> [a](http://b) `c`\n# d"
    made = [replace(row, speaker=hostile) for row in rows()]
    given = facts(made, licence=hostile, notes=(hostile,), recipe=f"name: x\n```\n# {hostile}\n")
    markdown = describe(given)[0].decode()
    before = markdown.split("## How to rebuild it")[0]
    assert "<script" not in before
    assert "](http" not in before.replace("\\]", "")
    assert "\n# d" not in before
    assert "````yaml" in markdown
    assert "<script" not in page(given, {}).decode()


def test_a_zero_that_was_measured_is_told() -> None:
    markdown, data = describe(facts(verdicts=(Verdict("no speaker is in two splits", "pass", 0.0, "speakers", 60),)))
    assert json.loads(data)["gate"][0]["value"] == 0.0
    assert "| no speaker is in two splits | pass | 0 speakers | 60 |" in markdown.decode()


def test_many_speakers_are_listed_by_size_and_the_rest_is_added_up() -> None:
    made = [replace(row, speaker=f"speaker{n % 45:02}") for n, row in enumerate(rows(90))]
    markdown, data = describe(facts(made))
    assert "| 25 more | 50 |" in markdown.decode()
    assert len(json.loads(data)["composition"]["by"]["speaker"]) == 45


def test_the_page_loads_nothing_and_holds_its_pictures(tmp_path: Path) -> None:
    from nightdub.datasets import plots

    found = facts()
    pictures = plots.pictures(found.composition, tmp_path)
    body = page(found, pictures).decode()
    assert body.count("data:image/png;base64,") == len(pictures) == 3
    assert not re.findall(r"""(?:src|href)=(?!"data:image/png)""", body)
    assert "default-src 'none'" in body
    assert str(tmp_path) not in body
