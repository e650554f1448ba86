"""Scores from counts per line, against counts by hand and against sacreBLEU over the whole set."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from nightdub.quality.metrics.pairs import TextPair
from nightdub.quality.metrics.words import word_measurements
from nightdub.quality.score import mean_score, translation_scores, word_scores

SPANISH = [
    ("la puerta está cerrada por la noche", "la puerta está cerrada de noche"),
    ("el tren llega a las ocho de la mañana", "el tren viene a las ocho de la mañana"),
    ("Gracias.", "Muchas gracias."),
]


def test_word_and_character_errors_are_summed_over_the_set() -> None:
    """One deletion of three words, two substitutions and an insertion of three: 100 * 4 / 6."""
    words, letters = word_scores([("The cat sat.", "the cat"), ("on the mat", "in a mat now")], "en")
    assert (words.metric, words.value, words.unit) == ("wer", pytest.approx(100 * 4 / 6), "%")
    assert words.counts.tolist() == [[100, 3], [300, 3]]
    # with the spaces, as in the measures: " sat" is 4 of 11; of the other ten o/i (1), "the" to "a" (3) and " now" (4) make 8
    assert (letters.metric, letters.value) == ("cer", pytest.approx(100 * (4 + 8) / 21))


@pytest.mark.parametrize(("language", "pairs"), [
    ("en", [("The cat sat on it.", "the cat sat"), ("Uh...", "well"), ("twenty one", "21 men")]),
    ("zh", [("你好，世界", "你好世"), ("再见", "在见了")]),
    ("ko", [("한국어 음성 합성", "한국어 음성 함성")]),
])  # fmt: skip
def test_the_rates_are_those_of_the_measures(language: str, pairs: list[tuple[str, str]]) -> None:
    rows = word_measurements("words", [TextPair(str(at), *pair) for at, pair in enumerate(pairs)], language)
    measured = {row.metric: row.value for row in rows}
    for score in word_scores(pairs, language):
        assert score.value == pytest.approx(measured[f"words.{score.metric}"])


def test_a_line_without_an_answer_is_all_errors() -> None:
    assert [score.value for score in word_scores([("thank you", "")], "en")] == [100.0, 100.0]


def test_words_are_not_counted_where_a_script_has_no_spaces() -> None:
    (letters,) = word_scores([("你好，世界", "你好世")], "zh")
    assert (letters.metric, letters.value) == ("cer", 25.0)


def test_bleu_chrf_and_ter_are_sacrebleus_own() -> None:
    scores = {score.metric: score for score in translation_scores(SPANISH, "es")}
    texts, wanted = [text for _, text in SPANISH], [[reference for reference, _ in SPANISH]]
    assert scores["bleu"].value == pytest.approx(sacrebleu.BLEU().corpus_score(texts, wanted).score)
    assert scores["chrf"].value == pytest.approx(sacrebleu.CHRF().corpus_score(texts, wanted).score)
    assert scores["ter"].value == pytest.approx(sacrebleu.TER().corpus_score(texts, wanted).score)
    assert [scores[name].higher_is_better for name in ("bleu", "chrf", "ter")] == [True, True, False]
    assert "tok:13a" in scores["bleu"].engine


def test_the_same_text_scores_best() -> None:
    same = {score.metric: score.value for score in translation_scores([(text, text) for text, _ in SPANISH[:2]], "es")}
    assert same == {"bleu": pytest.approx(100), "chrf": pytest.approx(100), "ter": 0.0}


def test_intervals_resample_whole_clusters() -> None:
    score = mean_score("dnsmos", "", np.repeat([3.0, 4.0], 50), "test")
    assert score.value == 3.5
    low, high = score.interval([])
    assert 3.3 < low < 3.5 < high < 3.7
    assert score.interval(["a"] * 50 + ["b"] * 50) == pytest.approx((3.0, 4.0))
    assert score.interval(["a"] * 100) is None
