"""Lines scored by themselves, and a title's measurements made of the scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from nightdub.infra.errors import MediaError
from nightdub.quality.metrics import predicted, speech, voice
from nightdub.quality.metrics.speech import FACTS, LineScore, LineSound, measure_file, score_line, speech_measurements
from nightdub.tasks.duration import count_letters, estimate
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import Measurement, Speaker
from nightdub.tasks.sound import write_sound

RATE = 16_000
TEXTS = (
    "Please open the door and turn off the lights.",
    "The weather is nice today.",
    "I have been waiting here for two hours.",
    "What is your name?",
)


@pytest.fixture
def unpredicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the networks out: what they say is tested beside them."""
    monkeypatch.setattr(predicted, "predict", lambda *_: ({}, {}))
    monkeypatch.setattr(voice, "identity", lambda _: ())


def tone(seconds: float = 1.0, frequency: float = 200, peak: float = 0.2) -> Sound:
    return (peak * np.sign(np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)) * 0.5).astype(np.float32)


def measured(scores: list[LineScore]) -> dict[str, Measurement]:
    return {row.metric: row for row in speech_measurements(scores)}


def test_every_metric_of_the_family_has_one_row_and_a_reason_where_nothing_was_scored() -> None:
    rows = speech_measurements([])
    assert sorted(row.metric for row in rows) == sorted(FACTS)
    assert all(row.value is None and (row.not_measured or row.not_applicable) for row in rows)
    assert {row.metric: row.unit for row in rows} == {name: fact.unit for name, fact in FACTS.items()}
    assert all(fact.source and fact.unmeasured for fact in FACTS.values())


def test_a_score_travels_as_json(unpredicted: None) -> None:
    score = score_line(LineSound("s1", tone(), RATE, "la puerta", "es", "ann"))
    assert msgspec.json.decode(msgspec.json.encode(score), type=LineScore) == score
    assert score == score_line(LineSound("s1", tone(), RATE, "la puerta", "es", "ann"))


def test_a_silent_line_is_counted_and_nothing_else_is_said_of_it() -> None:
    silent = score_line(LineSound("s1", np.zeros(RATE, np.float32), RATE, "hello there", "en"))
    faint = score_line(LineSound("s2", tone(peak=2e-4), RATE, "hello there", "en"))
    empty = score_line(LineSound("s3", np.zeros(0, np.float32), RATE, "hello there", "en"))
    rows = measured([silent, faint, empty])
    assert (rows["speech.silent_lines"].value, rows["speech.silent_lines"].n) == (3, 3)
    assert rows["speech.silence_share"].value == 100
    assert rows["speech.snr"].value is None
    assert rows["speech.snr"].not_measured == "the line is silent"
    assert (silent.level, silent.pitch) == (None, None)


def test_a_line_with_samples_that_are_not_numbers_is_refused() -> None:
    with pytest.raises(MediaError, match="s1"):
        score_line(LineSound("s1", np.full(RATE, np.nan, np.float32), RATE, "hello", "en"))


def test_the_pace_of_a_line_as_long_as_its_estimate_is_normal(unpredicted: None) -> None:
    text = "La puerta está cerrada por la noche"
    seconds = estimate(text, "es")
    normal, quick = (score_line(LineSound("s1", tone(length), RATE, text, "es")) for length in (seconds, seconds / 2))
    assert normal.pace == pytest.approx(100, abs=2)
    assert quick.pace == pytest.approx(200, abs=4)
    assert normal.rate == pytest.approx(count_letters(text) / seconds, rel=0.02)


@pytest.mark.parametrize(
    ("text", "language", "said"), [("Oh", "en", "five letters"), ("some words", "xx", "no pace"), ("in 1984 or so", "en", "digits")]
)
def test_a_rate_that_cannot_be_told_says_why(unpredicted: None, text: str, language: str, said: str) -> None:
    score = score_line(LineSound("s1", tone(), RATE, text, language))
    assert score.rate is None
    assert said in score.unmeasured["rate"]


def test_an_original_a_third_lower_is_four_semitones_away(unpredicted: None) -> None:
    """A major third is 2^(4/12)."""
    score = score_line(LineSound("s1", tone(frequency=200), RATE, "", "en", original=tone(frequency=200 / 2 ** (4 / 12))))
    assert score.pitch_difference == pytest.approx(4, abs=0.1)
    assert score_line(LineSound("s1", tone(), RATE, "", "en")).unmeasured["pitch_difference"] == "no original sound"


def test_the_worst_line_speaks_for_a_fault_and_the_mean_for_an_opinion() -> None:
    facts = [(-20.0, 0.0, 3.0), (-21.0, 4.0, 2.0), (-19.0, 0.5, 4.0), (-26.0, 0.0, 3.5)]
    lines = [
        LineScore(f"s{index}", level=level, clipping=clipping, snr=30.0 + index, dnsmos_ovrl=mos)
        for index, (level, clipping, mos) in enumerate(facts)
    ]
    rows = measured([*lines, LineScore("s9", unmeasured={"snr": "too short", "level": "too short"})])
    assert (rows["speech.clipping"].value, [worst.segment for worst in rows["speech.clipping"].worst]) == (4.0, ["s1", "s2"])
    assert (rows["speech.snr"].value, rows["speech.snr"].n, rows["speech.snr"].detail) == (30.0, 4, "1 lines: too short")
    assert rows["speech.snr"].worst[0].segment == "s0"
    assert rows["speech.dnsmos_ovrl"].value == pytest.approx(3.125)
    assert rows["speech.dnsmos_ovrl"].interval is not None
    assert rows["speech.dnsmos_ovrl"].worst[0].segment == "s1"
    assert len(rows["speech.dnsmos_ovrl"].weights) == 64
    # levels -19, -20, -21, -26: median -20.5
    assert rows["speech.level_difference"].value == pytest.approx(5.5)
    assert rows["speech.level_difference"].worst[0].segment == "s3"
    assert rows["speech.mos"].not_measured == "no listeners' scores"


@pytest.fixture(scope="module")
def spoken() -> list[LineSound]:
    requests = [Request(text, "en", speaker=Speaker("ann", (), voice="f2")) for text in (*TEXTS, *TEXTS)]
    return [
        LineSound(f"s{index}", made.sound, made.sample_rate, request.text, "en", "ann", original=made.sound)
        for index, (made, request) in enumerate(zip(Espeak().speak(requests), requests, strict=True))
    ]


def test_each_planted_fault_names_its_line_and_good_lines_stay_below(spoken: list[LineSound], unpredicted: None) -> None:
    rate, sound = spoken[0].rate, spoken[0].sound
    man = Espeak().speak([Request(TEXTS[0], "en", speaker=Speaker("bob", (), voice="m1"))])[0].sound
    noise = np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    hum = np.sin(2 * np.pi * 50 * np.arange(len(sound)) / rate)
    spectrum = np.fft.rfft(sound)
    spectrum[round(4000 * len(sound) / rate) :] = 0
    half = len(sound) // 2
    piece = sound[half - round(0.4 * rate) : half]
    planted: dict[str, tuple[Sound, float]] = {
        "speech.clipping": (np.clip(3 * sound, -0.3, 0.3), 0.1),
        "speech.offset": (sound + np.float32(0.02), 1.0),
        "speech.hum": (sound + (0.02 * hum).astype(np.float32), 20.0),
        "speech.snr": (sound + np.float32(0.05) * noise, 15.0),
        "speech.bandwidth": (np.fft.irfft(spectrum, len(sound)).astype(np.float32), 6000.0),
        "speech.loop": (np.concatenate([sound[:half], piece, sound[half:]]), 0.3),
        "speech.level_difference": (sound * np.float32(0.5), 4.0),
        "speech.pitch_outlier": (man, 5.0),
        "speech.timbre_distance": (man, 5.0),
    }
    good = [score_line(line) for line in spoken]
    before = measured(good)
    for metric, (faulty, limit) in planted.items():
        row = measured([score_line(replace(spoken[0], sound=faulty)), *good[1:]])[metric]
        clean = before[metric].value
        assert clean is not None
        assert row.value is not None
        assert row.worst[0].segment == "s0", metric
        lower = metric in ("speech.snr", "speech.bandwidth")
        assert (row.value < limit < clean) if lower else (clean < limit < row.value), (metric, clean, row.value)


def test_lines_that_keep_melody_and_stress_agree(spoken: list[LineSound], unpredicted: None) -> None:
    rows = measured([score_line(line) for line in spoken[:2]])
    assert rows["speech.pitch_agreement"].value == pytest.approx(1)
    assert rows["speech.energy_agreement"].value == pytest.approx(1)
    assert rows["speech.pitch_difference"].value == 0


def test_a_file_is_measured_alone_and_beside_a_reference(tmp_path: Path, spoken: list[LineSound], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_sound(tmp_path / "clip.wav", spoken[0].sound, spoken[0].rate)
    rows = {row.metric: row for row in measure_file(path, None, "en")}
    assert set(rows) == {name for name, fact in FACTS.items() if fact.alone}
    assert rows["speech.snr"].value is not None
    assert rows["speech.dnsmos_ovrl"].value is not None
    assert rows["speech.stoi"].not_measured == "no clean recording of the line"
    beside = {row.metric: row for row in measure_file(path, path, "en")}
    assert beside["speech.stoi"].value == pytest.approx(1)
    assert beside["speech.pitch_agreement"].value == pytest.approx(1)


def test_every_metric_that_can_be_measured_alone_names_the_function() -> None:
    assert {fact.alone for fact in FACTS.values() if fact.alone} == {f"{speech.__name__}:{measure_file.__name__}"}


def test_listeners_scores_are_measured_alone(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("segment,listener,score\n" + "".join(f"s1,listener{index},{score}\n" for index, score in enumerate((5, 4, 4, 5, 4))))
    (row,) = measure_file(scores, None, "en")
    assert (row.metric, row.value, row.n) == ("speech.mos", pytest.approx(4.4), 5)
