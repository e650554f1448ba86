"""The comparison of a selection with a random drop: arms of equal size, other speakers, paired intervals, an honest table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nightdub.datasets.emotion.network import train
from nightdub.datasets.emotion.trained import Trained
from nightdub.datasets.rows import SourceClip
from nightdub.datasets.selection import Spectrogram
from nightdub.flows import selection
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import ConfigError
from nightdub.tasks.sound import write_sound

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[SourceClip]:
    """Return low murmurs with a tone that is high where people are angry, of five speakers, and two clips of white noise."""
    folder, rows = tmp_path_factory.mktemp("tones"), []
    for index in range(30):
        label, draw = ("angry", "sad")[index % 2], np.random.default_rng(index)
        tone = np.sin(2 * np.pi * {"angry": 3000, "sad": 400}[label] * np.arange(8_000) / 16_000) * 0.02
        murmur = np.cumsum(draw.normal(0, 0.005, 8_000))
        path = write_sound(
            folder / f"{index}.wav", draw.normal(0, 0.2, 8_000) if index in {7, 12} else murmur - murmur.mean() + tone, 16_000
        )
        rows.append(SourceClip(f"c{index:02d}", str(path), "", "en", f"s{index % 5}", label))
    return rows


def test_arms_have_the_sizes_and_the_report_counts_what_was_planted(corpus: Sequence[SourceClip]) -> None:
    found = selection.compare(corpus, seeds=2, share=0.15, planted={"c07", "c12"}, epochs=4)
    full, selected, random = found.arms
    assert [arm.name for arm in found.arms] == list(selection.ARMS)
    assert full.clips > selected.clips == random.clips
    assert full.planted > selected.planted
    assert selected.planted == 0
    assert (found.planted, found.found) == (2, {"correlation": 2, "Bhattacharyya distance": 2})
    assert {"c07", "c12"} < found.selection.dropped.keys()
    assert found.baselines["chance"] == 0.5
    for arm in found.arms:
        assert arm.spread[0] <= arm.values["accuracy"][0] <= arm.spread[1]
        for value, (low, high) in arm.values.values():
            assert 0 <= low <= value + 0.2
            assert low <= high <= 1
        assert arm.seconds[0] > 0
    text = found.as_text()
    for words in ("full", "selected - random", "means of 2 seeds", "by chance 50.0%", "dropped 4 of 30 clips"):
        assert words in text


def test_where_nothing_is_dropped_the_arms_are_equal_and_the_paired_differences_nothing(corpus: Sequence[SourceClip]) -> None:
    found = selection.compare(corpus, seeds=3, share=0.0, epochs=3)
    assert len({arm.values["accuracy"] for arm in found.arms}) == 1
    low, high = found.arms[0].values["accuracy"][1]
    assert low < high  # the resamples do differ
    assert {value for gap in found.differences.values() for value in gap.values()} == {(0.0, (0.0, 0.0))}


def test_too_few_speakers_or_seeds_are_refused(corpus: Sequence[SourceClip]) -> None:
    with pytest.raises(ConfigError, match="1 speakers"):
        selection.compare([replace(row, speaker="one") for row in corpus])
    with pytest.raises(ConfigError, match="0 seeds"):
        selection.compare(corpus, seeds=0)
    with pytest.raises(ConfigError, match="one speaker to test on"):
        selection.compare([replace(row, speaker="ab"[index % 3 > 0]) for index, row in enumerate(corpus)], seeds=1, epochs=1)


def test_the_same_comes_out_every_time_but_for_the_seconds_and_each_seed_drops_others_by_chance(
    corpus: Sequence[SourceClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[str] = []

    def spy(examples: Sequence[Spectrogram], *rest: Any, **more: Any) -> Trained:
        learned.append(digest_bytes(b"".join(one.tobytes() for one in examples)))
        return train(examples, *rest, **more)

    monkeypatch.setattr(selection, "train", spy)
    one, other = (selection.compare(rows, seeds=2, share=0.15, epochs=1) for rows in (corpus, corpus[::-1]))
    assert learned[:6] == learned[6:]
    assert len(set(learned)) == 6
    assert [arm.values for arm in one.arms] == [arm.values for arm in other.arms]
    assert one.differences == other.differences
    assert one.selection == other.selection
