"""A dub measured as a whole: every metric that a policy can name has its row, and nothing passes for being absent."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from nightdub.quality.gate import decide
from nightdub.quality.measure import Dub, measure_dub, spoken_words
from nightdub.quality.metrics.table import METRICS
from nightdub.quality.policy import read_policy
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Clip, Cue, Measurement, Placement, Segment, ShotClip, Translation, Word

LINES = [Segment(f"s{index}", 3.0 * index + 1, 3.0 * index + 3, f"line {index} of the film", origin="script") for index in range(12)]
HEARD = [
    replace(line, words=tuple(Word(word, line.start + 0.1, line.start + 0.2) for word in line.text.split()), engine="pocketsphinx")
    for line in LINES
]
DUB = Dub(
    source="en",
    target="es",
    segments=LINES,
    dropped=[],
    translations=[Translation(line.id, "la línea de la película", "memory") for line in LINES],
    clips=[Clip(line.id, sound="1" * 64) for line in LINES],
    placements=[Placement(line.id, line.start, line.end, line.start, line.end) for line in LINES],
    cues=[Cue(index + 1, line.start, line.end, ("la línea de la película",), (line.id,)) for index, line in enumerate(LINES)],
    frame_rate=Fraction(25),
    frames=1000,
    source_frames=1000,
    sound_length=40.0,
    picture_length=40.0,
    subtitles=SubtitleFigures(),
    leakage=Measurement("leakage.original", -50.0, "dB", 12),
    loudness=-27.0,
    true_peak=-6.0,
    recognised=HEARD,
    stand_ins=("pocketsphinx",),
    shots=[ShotClip("s0000", 0, 1000, picture="2" * 64)],
)


def by_metric(dub: Dub) -> dict[str, Measurement]:
    return {row.metric: row for row in measure_dub(dub)}


def test_every_metric_of_the_table_is_measured_or_says_why_not() -> None:
    rows = by_metric(DUB)
    assert set(rows) == set(METRICS)
    for name, row in rows.items():
        assert row.unit == METRICS[name].unit, name
        assert row.value is not None or row.not_measured or row.not_applicable, name


def test_a_good_dub_by_people_is_released_under_preview() -> None:
    assert decide(read_policy("preview"), measure_dub(DUB)).reasons == ()


def test_broadcast_releases_nothing_on_a_stand_ins_word_or_on_silence() -> None:
    decision = decide(read_policy("broadcast"), measure_dub(DUB))
    assert decision.outcome == "cannot tell"
    said = "\n".join(decision.reasons)
    assert "recognition.wer: cannot tell: measured by a stand-in (pocketsphinx)" in said
    assert "speech.mos: cannot tell: not measured" in said
    assert "roundtrip.wer: cannot tell: not measured" in said


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({"clips": DUB.clips[:-1]}, "account.missing_lines"),
        ({"clips": [*DUB.clips[:-1], Clip("s11", failed="engine died")]}, "account.failed_lines"),
        ({"loudness": -31.0}, "loudness.dialogue"),
        ({"loudness": None}, "loudness.dialogue"),
        ({"true_peak": -1.0}, "loudness.true_peak"),
        ({"frames": 999}, "picture.frame_difference"),
        ({"sound_length": 40.1}, "picture.length_difference"),
        ({"leakage": Measurement("leakage.original", -12.0, "dB", 12)}, "leakage.original"),
        ({"translations": [*DUB.translations[:-1], Translation("s11", "x", "apertium")]}, "translation.unchecked_lines"),
        (
            {"translations": [*DUB.translations[:-1], Translation("s11", "x", "memory", notes=("number-changed:7",))]},
            "translation.flagged_lines",
        ),
        ({"shots": [ShotClip("s0000", 0, 9, failed="died")]}, "picture.failed_shots"),
        ({"stem_warnings": ["delivered M&E not used"]}, "sound.stem_warnings"),
        ({"placements": [replace(DUB.placements[0], cut=0.2, held="does-not-fit"), *DUB.placements[1:]]}, "timing.cut"),
        ({"cues": [replace(DUB.cues[0], end=DUB.cues[0].start + 0.2), *DUB.cues[1:]]}, "subtitles.violations"),
    ],
)
def test_one_fault_keeps_it_back_by_name(change: dict[str, Any], metric: str) -> None:
    decision = decide(read_policy("preview"), measure_dub(replace(DUB, **change)))
    assert not decision.released
    assert any(reason.startswith(metric) for reason in decision.reasons), decision.reasons


def test_recognised_words_go_to_the_line_in_whose_time_they_lie() -> None:
    found = spoken_words(LINES[:2], [replace(HEARD[0], words=(Word("one", 1.2, 1.4), Word("two", 3.2, 3.3), Word("three", 5.0, 5.2)))])
    assert found == {"s0": "one two", "s1": "three"}
