"""Predictors against their own packages, published ends of scales, and a network made here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.errors import MachineLacks, PairsError
from nightdub.quality.metrics.listeners import Rating, mean_opinion, read_ratings
from nightdub.quality.metrics.predicted import Predictors, compare, engines, predict
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.sound import resample

RATE = 16_000
NONE = Predictors()


@pytest.fixture(scope="module")
def speech() -> Sound:
    text = "Please open the door and turn off the lights before you leave the office. The weather is nice today. "
    spoken = Espeak().speak([Request(text * 3, "en")])[0]
    return resample(spoken.sound, spoken.sample_rate, RATE)


def test_dnsmos_is_that_of_speechmos(speech: Sound) -> None:
    """Eleven seconds: the reference hears two windows."""
    from speechmos import dnsmos

    sound = speech[: 11 * RATE]
    assert len(sound) == 11 * RATE
    want = dnsmos.run(sound, RATE)
    values, _ = predict(sound, RATE, NONE)
    for name in ("sig", "bak", "ovrl", "p808"):
        assert values[f"dnsmos_{name}"] == pytest.approx(want[f"{name}_mos"], abs=1e-3)


def test_a_short_line_is_repeated_into_one_window_and_an_empty_one_ends(speech: Sound) -> None:
    piece = speech[: 3 * RATE]
    repeated = np.resize(piece, round(9.01 * RATE))
    assert predict(piece, RATE, NONE)[0] == pytest.approx(predict(repeated, RATE, NONE)[0], abs=1e-6)
    values, reasons = predict(piece[:0], RATE, NONE)
    assert values == {}
    assert set(reasons.values()) == {"shorter than 0.1 s", "no checkpoint given"}


def test_noise_lowers_the_predicted_background(speech: Sound) -> None:
    noisy = speech[: 3 * RATE] + np.float32(0.05) * np.random.default_rng(1).standard_normal(3 * RATE).astype(np.float32)
    assert predict(noisy, RATE, NONE)[0]["dnsmos_bak"] < predict(speech[: 3 * RATE], RATE, NONE)[0]["dnsmos_bak"] - 1


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Return a network whose score is the number of samples in thousands."""
    torch = pytest.importorskip("torch")

    class Length(torch.nn.Module):
        def forward(self, wave: torch.Tensor) -> torch.Tensor:
            return torch.tensor([wave.shape[1] / 1000.0])

    path = tmp_path / "length.pt"
    torch.jit.save(torch.jit.script(Length()), path)
    return path


def test_a_checkpoint_hears_its_own_rate_and_is_named_by_its_digest(checkpoint: Path) -> None:
    predictors = Predictors(str(checkpoint), str(checkpoint), commercial=False)
    values, _ = predict(np.full(22_050, 0.1, np.float32), 22_050, predictors)
    assert values["utmos"] == pytest.approx(16)
    assert values["nisqa"] == pytest.approx(48)
    assert engines(predictors)["utmos"] == ("utmos, TorchScript", hashlib.sha256(checkpoint.read_bytes()).hexdigest())


def test_weights_that_forbid_commercial_use_are_refused(checkpoint: Path) -> None:
    values, reasons = predict(np.full(RATE, 0.1, np.float32), RATE, Predictors(nisqa=str(checkpoint)))
    assert "nisqa" not in values
    assert "not for commercial use" in reasons["nisqa"]


def test_a_file_that_is_no_network_or_not_there(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a network")
    for path in (broken, tmp_path / "absent.pt"):
        with pytest.raises(MachineLacks, match=path.name):
            predict(np.full(RATE, 0.1, np.float32), RATE, Predictors(utmos=str(path)))


def test_a_line_against_itself_reaches_the_ends_of_the_scales(speech: Sound) -> None:
    """STOI of equal sounds is 1; P.862.2 maps the raw score of equal sounds, 4.5, to 0.999 + 4 / (1 + exp(-1.3669 * 4.5 + 3.8224))."""
    pytest.importorskip("pesq")
    values, reasons = compare(speech, speech, RATE)
    assert reasons == {}
    assert values["stoi"] == pytest.approx(1)
    assert values["pesq"] == pytest.approx(0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224)), abs=1e-3)


def test_stoi_falls_with_noise_and_needs_the_same_length(speech: Sound) -> None:
    noise = np.random.default_rng(1).standard_normal(len(speech)).astype(np.float32)
    light, heavy = (compare(speech + np.float32(gain) * noise, speech, RATE)[0]["stoi"] for gain in (0.01, 0.3))
    assert heavy < light < 1
    values, reasons = compare(speech, speech[: len(speech) // 2], RATE)
    assert values == {}
    assert set(reasons) == {"pesq", "stoi"}


def test_stoi_says_that_there_is_too_little_speech(speech: Sound) -> None:
    quiet = np.concatenate([speech[: RATE // 5], np.zeros(RATE // 2, np.float32)])
    values, reasons = compare(quiet, quiet, RATE)
    assert "stoi" not in values
    assert reasons["stoi"] == "STOI: too few frames of speech"


def ratings(scores: dict[str, list[float]]) -> list[Rating]:
    return [Rating(segment, f"listener{index}", score) for segment, row in scores.items() for index, score in enumerate(row)]


def test_the_mean_opinion_is_the_mean_and_names_the_worst_lines() -> None:
    row = mean_opinion(ratings({"a": [4, 4, 5, 5, 4], "b": [2, 3, 2, 3, 2], "c": [5, 5, 5, 5, 5], "d": [3, 3, 3, 3, 3]}))
    assert row.value == pytest.approx((22 + 12 + 25 + 15) / 20)
    assert (row.n, row.engine, row.unit) == (20, "5 listeners", "MOS")
    assert [(worst.segment, worst.value) for worst in row.worst] == [("b", 2.4), ("d", 3.0), ("a", 4.4)]
    assert row.interval is not None
    assert row.interval[0] < 3.7 < row.interval[1]


def test_four_listeners_are_no_panel_and_none_are_no_scores() -> None:
    few, none = mean_opinion(ratings({"a": [4, 4, 5, 5]})), mean_opinion([])
    assert (few.value, few.not_measured) == (None, "4 listeners, 5 wanted")
    assert (none.value, none.not_measured) == (None, "no listeners' scores")


def test_listeners_scores_are_read(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("listener,segment,score,remark\nann,s1,4,fine\nbob,s1,3.5,\n", encoding="utf-8-sig")
    assert read_ratings(path) == [Rating("s1", "ann", 4.0), Rating("s1", "bob", 3.5)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("segment,listener\ns1,ann\n", r"scores.csv:1: no column score"),
        ("segment,listener,score\ns1,ann,4\ns1,bob,6\n", r"scores.csv:3: .*'6'.*from 1 to 5"),
        ("segment,listener,score\ns1,ann,nan\n", r"scores.csv:2: .*'nan'"),
        ("segment,listener,score\ns1,,4\n", r"scores.csv:2: "),
        ("segment,listener,score\ns1,ann\n", r"scores.csv:2: "),
        ("segment,listener,score\ns1,ann,4\ns1,ann,5\n", r"scores.csv:3: listener ann scored s1 already in line 2"),
    ],
)
def test_a_file_of_scores_that_is_wrong_names_its_line(tmp_path: Path, body: str, said: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(body)
    with pytest.raises(PairsError, match=said):
        read_ratings(path)
