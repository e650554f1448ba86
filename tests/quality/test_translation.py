"""BLEU, chrF, TER, COMET and lengths against answers worked out by hand, and against sacreBLEU itself."""

from __future__ import annotations

import hashlib
import json
import random
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nightdub.quality.metrics import comet
from nightdub.quality.metrics.pairs import TextPair
from nightdub.quality.metrics.translation import (
    bleu_of,
    chrf_of,
    corpus_scores,
    length_compliance,
    measure_file,
    ter_of,
    tokeniser,
    translation_scores,
)
from nightdub.tasks.rows import Measurement, Translation


def scores(*pairs: tuple[str, str], language: str = "en") -> dict[str, Measurement]:
    rows = corpus_scores([TextPair(str(at), reference, made) for at, (reference, made) in enumerate(pairs)], language)
    return {row.metric: row for row in rows}


def test_bleu_of_seven_times_the() -> None:
    """Papineni et al. 2002: two of seven words count; no longer sequence is right, and each halves the smoothed one before."""
    row = scores(("the cat is on the mat", "the the the the the the the"))["translation.bleu"]
    assert row.value == pytest.approx(100 * (2 / 7 * 1 / (2 * 6) * 1 / (4 * 5) * 1 / (8 * 4)) ** 0.25)
    assert "tok:13a" in row.engine
    assert "version:" in row.engine


def test_bleu_pays_for_shortness() -> None:
    row = scores(("a b c d e f g h", "a b c d"))["translation.bleu"]
    assert row.value == pytest.approx(100 * np.exp(1 - 8 / 4))  # every sequence right, half the length


def test_chrf_of_one_right_letter_of_two() -> None:
    assert scores(("ac", "ab"))["translation.chrf"].value == pytest.approx(25)  # (1/2 + 0/1) / 2, precision and recall alike


def test_ter_counts_a_shift_as_one_edit_over_all_words() -> None:
    row = scores(("a b c d", "a c b d"), ("a b c d", "a b"))["translation.ter"]
    assert row.value == pytest.approx(100 * (1 + 2) / 8)


def test_japanese_is_scored_by_characters_where_no_mecab_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    rows = scores(("猫が座った", "猫が座る"), language="ja")
    assert "tok:char" in rows["translation.bleu"].engine
    assert rows["translation.bleu"].detail == "ja-mecab is not installed"
    assert rows["translation.ter"].value == pytest.approx(100 * 2 / 5)  # one character replaced, one missing
    assert [tokeniser(language) for language in ("ko", "zh", "th", "es")] == ["char", "zh", "char", "13a"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleSpec(name, None))
    assert [tokeniser(language) for language in ("ja", "ko")] == ["ja-mecab", "ko-mecab"]


def test_the_formulas_are_sacrebleus_on_any_sum_of_lines() -> None:
    import sacrebleu

    rng = random.Random(0)
    vocabulary = ["the", "cat", "sat", "on", "a", "mat"]
    made, wanted = ([" ".join(rng.choices(vocabulary, k=rng.randint(low, 9))) for _ in range(60)] for low in (0, 1))
    drawn = [rng.sample(range(60), many) for many in (1, 1, 1, 2, 2, 5, 20, 60) for _ in range(5)]
    for scorer, formula in ((sacrebleu.BLEU(), bleu_of), (sacrebleu.CHRF(), chrf_of), (sacrebleu.TER(), ter_of)):
        counts: Any = scorer._extract_corpus_statistics(made, [wanted])
        ours = formula(np.stack([np.asarray(counts, float)[lines].sum(axis=0) for lines in drawn]))
        theirs = [scorer.corpus_score([made[line] for line in lines], [[wanted[line] for line in lines]]).score for lines in drawn]
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_intervals_hold_the_value_and_are_none_for_one_line() -> None:
    rows = scores(("a b c d e", "a b c d e"), ("a b c d e", "a b x d y"), ("f g h i j", "f g h i j"))
    for row in rows.values():
        assert row.interval is not None
        assert row.value is not None
        assert row.interval[0] <= row.value <= row.interval[1]
    assert scores(("a b", "a b"))["translation.chrf"].interval is None
    assert scores(("a b c d", "a b c d"), ("e f g h", "e f g h"))["translation.bleu"].interval == pytest.approx((100, 100))


def test_lines_by_people_are_not_scored() -> None:
    rows = translation_scores([Translation("a", "hola", "memory", source="hello")], {"a": "hola"}, "es")
    assert [row.metric for row in rows] == ["translation.bleu", "translation.chrf", "translation.ter"]
    assert all(row.value is None and row.not_applicable for row in rows)


def test_lengths_within_a_tenth_of_the_source_comply() -> None:
    sources = ["x" * 20, "x" * 20, "x" * 20, "x" * 20, "x" * 10]
    row = length_compliance("abcde", sources, ["y" * 22, "y" * 18, "y" * 23, "y" * 17, "y" * 40])
    assert (row.value, row.n) == (50.0, 4)  # the last is too short to be compared
    assert [worst.segment for worst in row.worst] == ["c", "d"]
    assert row.interval is not None
    assert length_compliance("a", ["a long English line"], ["긴 한국어 문장입니다"]).not_applicable
    assert length_compliance("a", ["short"], ["corto"]).not_applicable


def test_a_file_of_pairs_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(comet.VARIABLE, raising=False)
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"id": "a", "ref": "uno dos tres cuatro", "hyp": "uno dos tres cuatro", "src": "one two three four"},
        {"id": "b", "ref": "", "hyp": "x"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = {row.metric: row for row in measure_file(path, None, "es")}
    assert found["translation.bleu"].value == pytest.approx(100)
    assert (found["translation.ter"].value, found["translation.ter"].n) == (0, 1)
    assert found["translation.length_compliant"].value == 100
    assert "COMET_CHECKPOINT" in found["translation.comet"].not_measured
    path.write_text(json.dumps(rows[1]))
    assert all(row.value is None and row.not_measured for row in measure_file(path, None, "es"))


# ---------------------------------------------------------------- COMET

PAIRS = [TextPair("a", "ref", "good", "src"), TextPair("b", "ref", "bad", "src")]


def checkpoint(folder: Path, name: str, kind: str = "regression_metric", content: Any = "weights") -> Path:
    (folder / name / "checkpoints").mkdir(parents=True)
    (folder / name / "hparams.yaml").write_text(f"batch_size: 4\nclass_identifier: {kind}\n")
    pytest.importorskip("torch").save({"state_dict": content}, folder / name / "checkpoints" / "model.ckpt")
    return folder / name


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a library in comet's place whose model finds good lines good."""

    class Model:
        def predict(self, rows: list[dict[str, str]], **_: object) -> SimpleNamespace:
            return SimpleNamespace(scores=[0.9 if row["mt"] == "good" else 0.4 for row in rows])

    module = ModuleType("comet")
    module.__spec__ = ModuleSpec("comet", None)
    module.load_from_checkpoint = lambda path, **_: Model()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "comet", module)
    monkeypatch.setattr(comet, "version", lambda name: "2.2.7")


@pytest.mark.usefixtures("library")
def test_comet_scores_come_with_the_models_digest(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, "wmt22-comet-da")
    row = comet.comet_score(PAIRS, folder)
    assert row.value == pytest.approx(0.65)
    assert row.weights == hashlib.sha256((folder / comet.CHECKPOINT).read_bytes()).hexdigest()
    assert (row.engine, row.worst[0].segment) == ("unbabel-comet 2.2.7, wmt22-comet-da", "b")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("wmt22-cometkiwi-da", "unified_metric", "may not be used commercially"),
        ("XCOMET-XL", "xcomet_metric", "may not be used commercially"),
        ("renamed", "xcomet_metric", "is a xcomet_metric, not a regression_metric"),
    ],
)
def test_comet_models_of_another_licence_or_kind_are_refused(name: str, kind: str, why: str, tmp_path: Path) -> None:
    row = comet.comet_score(PAIRS, checkpoint(tmp_path, name, kind))
    assert row.value is None
    assert why in row.not_measured


def test_comet_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkpoint(tmp_path, "wmt22-comet-da")
    monkeypatch.setenv(comet.VARIABLE, str(folder))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert comet.comet_score(PAIRS).not_measured == "unbabel-comet is not installed"
    (folder / "hparams.yaml").unlink()
    assert "holds no hparams.yaml" in comet.comet_score(PAIRS).not_measured
