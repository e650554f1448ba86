"""The corpus that is acted by rule: what it holds is known, the same every time, and acted as its table says."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from nightdub.datasets.acted import LOUDEST, PLANTED, Corpus, Manner, act, no_speech, synthesise
from nightdub.datasets.prompts import SOUNDS
from nightdub.datasets.rows import RATE
from nightdub.infra.digests import digest_file
from nightdub.tasks.emotions import EMOTIONS
from nightdub.tasks.features import describe_voice, level
from nightdub.tasks.sound import read_sound


def small(folder: Path) -> Corpus:
    prompts = 1 if (SOUNDS / "en_US_f_Allison").exists() else 0
    return synthesise(folder, voices=("m3",), emotions=("sad", "angry"), sentences=1, prompts=prompts, planted=5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus]:
    folder = tmp_path_factory.mktemp("acted")
    return folder, small(folder)


def test_rows_manifest_and_files_say_the_same(made: tuple[Path, Corpus]) -> None:
    folder, corpus = made
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert [list(line) for line in lines] == [["id", "audio_path", "text", "language", "speaker", "emotion"]] * len(lines)
    assert [line["id"] for line in lines] == [row.id for row in corpus.rows] == sorted({row.id for row in corpus.rows})
    assert {row.emotion for row in corpus.rows} <= set(EMOTIONS)
    for line, row in zip(lines, corpus.rows, strict=True):
        sound, rate = read_sound(folder / line["audio_path"])
        assert Path(row.audio) == folder / line["audio_path"]
        assert (rate, sound.ndim) == (RATE, 1)
        assert 0.5 < len(sound) / rate < 4
        assert np.abs(sound).max() <= LOUDEST + 1e-3


def test_planted_clips_are_known_and_wear_the_labels_of_speech(made: tuple[Path, Corpus]) -> None:
    folder, corpus = made
    assert sorted(corpus.planted.values()) == sorted(PLANTED)
    assert msgspec.json.decode((folder / "planted.json").read_bytes()) == corpus.planted
    rows = {row.id: row for row in corpus.rows}
    speech = {(row.speaker, row.emotion) for row in corpus.rows if row.id not in corpus.planted}
    assert {(rows[name].speaker, rows[name].emotion) for name in corpus.planted} <= speech
    silent = [name for name, kind in corpus.planted.items() if kind == "silence"]
    assert not any(read_sound(Path(rows[name].audio))[0].any() for name in silent)


def test_the_same_arguments_give_the_same_bytes(made: tuple[Path, Corpus], tmp_path: Path) -> None:
    folder, _ = made
    small(tmp_path)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert [digest_file(folder / path) for path in files] == [digest_file(tmp_path / path) for path in files]


def test_pitch_and_level_move_by_the_figures_of_a_manner(made: tuple[Path, Corpus]) -> None:
    _, corpus = made
    sound = next(read_sound(Path(row.audio))[0] for row in corpus.rows if row.speaker == "m3" and row.id not in corpus.planted)
    plain, moved = (act(sound, RATE, manner) for manner in (Manner(), Manner(pitch=1.3, span=1.5, level=-6.0)))
    was, now = describe_voice(plain, RATE), describe_voice(moved, RATE)
    assert len(plain) == len(moved) == len(sound)
    assert now.pitch_median / was.pitch_median == pytest.approx(1.3, rel=0.06)
    assert now.pitch_high / now.pitch_low > was.pitch_high / was.pitch_low
    assert level(moved) - level(plain) == pytest.approx(-6.0, abs=0.1)


def test_every_kind_of_no_speech_is_what_it_is_called() -> None:
    found = {kind: no_speech(kind, np.random.default_rng(1)) for kind in PLANTED}
    power = {kind: np.abs(np.fft.rfft(sound)) ** 2 for kind, sound in found.items()}
    middle = {kind: np.searchsorted(np.cumsum(one), one.sum() / 2) / len(one) * RATE / 2 for kind, one in power.items() if one.any()}
    assert middle["white noise"] == pytest.approx(RATE / 4, rel=0.05)
    assert middle["low noise"] < 50
    assert middle["hum"] == pytest.approx(50, abs=2)
    assert not found["silence"].any()
    assert level(found["faint noise"]) == pytest.approx(-78, abs=0.1)
