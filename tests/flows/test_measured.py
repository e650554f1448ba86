"""A finished dub measured as a whole: every metric has its row, a good dub is released, and one fault keeps it back by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from nightdub.flows.faults import load_dub
from nightdub.flows.night import open_books
from nightdub.quality.dub import Dub
from nightdub.quality.gate import Decision, decide
from nightdub.quality.measure import Findings, measure_dub, measure_programme, score_lines, score_shots
from nightdub.quality.metrics import data, dataset, line, words
from nightdub.quality.metrics.table import METRICS
from nightdub.quality.policy import read_policy
from nightdub.tasks.rows import Clip, Measurement

pytestmark = pytest.mark.slow

ALONE = {name for name in METRICS if name.startswith(("words.", "line."))}  # of one file, or of one line while it is made


@pytest.fixture(scope="module")
def dub(undisturbed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dub]:
    home = tmp_path_factory.mktemp("measured") / "home"
    undisturbed.copied(home)
    with open_books(tiny.settings_for(home)) as books:
        yield load_dub(books, "face", "es")


@pytest.fixture(scope="module")
def found(dub: Dub) -> Findings:
    return Findings(score_lines(dub), score_shots(dub), measure_programme(dub))


@pytest.fixture
def ruling(undisturbed: Any, found: Findings) -> Callable[[Dub], Decision]:
    policy = read_policy("tiny", Path(undisturbed.home) / "policies")
    gates = [Measurement("data.failed_expectations", 0.0, "expectations", 1)]

    def rule(dub: Dub) -> Decision:
        return decide(policy, [*measure_dub(dub, found), *gates])

    return rule


def test_every_metric_of_the_table_is_measured_or_says_why_not(dub: Dub, found: Findings) -> None:
    rows = {row.metric: row for row in measure_dub(dub, found)}
    assert set(rows) == set(METRICS) - ALONE - set(data.FACTS) - set(dataset.FACTS)
    for name, row in rows.items():
        assert row.unit == METRICS[name].unit, name
        assert (row.value is None) == bool(row.not_measured or row.not_applicable), name
        assert row.value is None or METRICS[name].lowest <= row.value <= METRICS[name].highest, name
    assert set(words.FACTS | line.FACTS) >= ALONE


def test_a_good_dub_is_released(dub: Dub, ruling: Callable[[Dub], Decision]) -> None:
    assert ruling(dub).reasons == ()


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        (lambda dub: {"clips": dub.clips[:-1]}, "account.missing_lines"),
        (lambda dub: {"clips": [*dub.clips[:-1], Clip(dub.clips[-1].segment, failed="engine died")]}, "account.failed_lines"),
        (lambda dub: {"facts": replace(dub.facts, frames=dub.facts.frames - 1)}, "picture.frame_difference"),
        (lambda dub: {"facts": replace(dub.facts, audio_duration=dub.facts.duration + 0.1)}, "picture.length_difference"),
        (
            lambda dub: {"references": {}, "translations": [*dub.translations[:-1], replace(dub.translations[-1], origin="apertium")]},
            "translation.unchecked_lines",
        ),
        (
            lambda dub: {"translations": [*dub.translations[:-1], replace(dub.translations[-1], notes=("number-changed:7",))]},
            "translation.flagged_lines",
        ),
        (lambda dub: {"shot_clips": [replace(dub.shot_clips[0], failed="died"), *dub.shot_clips[1:]]}, "picture.failed_shots"),
        (lambda dub: {"stem_warnings": ["delivered M&E not used"]}, "sound.stem_warnings"),
        (lambda dub: {"placements": [replace(dub.placements[0], cut=0.2, held="does-not-fit"), *dub.placements[1:]]}, "timing.cut"),
        (lambda dub: {"placements": dub.placements[1:]}, "timing.missing_lines"),
        (
            lambda dub: {"translations": [replace(line, text="otra cosa muy distinta aquí") for line in dub.translations]},
            "subtitles.text_difference",
        ),
    ],
)
def test_one_fault_keeps_it_back_by_name(
    dub: Dub, ruling: Callable[[Dub], Decision], change: Callable[[Dub], dict[str, Any]], metric: str
) -> None:
    decision = ruling(replace(dub, **change(dub)))
    assert not decision.released
    assert any(reason.startswith(metric) for reason in decision.reasons), decision.reasons


def test_broadcast_releases_nothing_on_silence_about_a_metric(dub: Dub, found: Findings) -> None:
    decision = decide(read_policy("broadcast"), measure_dub(dub, found))
    assert not decision.released
    assert any(reason.startswith("speech.mos: cannot tell: not measured") for reason in decision.reasons)
