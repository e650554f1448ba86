"""Word and character errors against answers that were published or worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightdub.quality.metrics.alignment import align, listing
from nightdub.quality.metrics.pairs import TextPair
from nightdub.quality.metrics.words import measure_file, word_measurements
from nightdub.tasks.rows import Measurement


def measured(*pairs: tuple[str, str], language: str = "") -> dict[str, Measurement]:
    rows = word_measurements("words", [TextPair(str(at), *pair) for at, pair in enumerate(pairs)], language)
    return {row.metric: row for row in rows}


@pytest.mark.parametrize(
    ("reference", "heard", "wer", "mer", "cer"),
    [
        ("X", "X", 0, 0, 0),  # Morris, Maier and Green 2004; cer from jiwer's tests
        ("X", "X X Y Y", 3, 0.75, 6),
        ("X Y X", "X Z", 2 / 3, 2 / 3, 3 / 5),
        ("X", "Y", 1, 1, 1),
        ("X", "Y Z", 2, 1, 3),
        ("This is a test", "This test", 0.5, 0.5, 5 / 14),
        ("This is a test", "", 1, 1, 1),
        ("i am a short ground truth", "i am a considerably longer and very much incorrect hypothesis", 7 / 6, 0.7, None),
    ],
)
def test_published_values(reference: str, heard: str, wer: float, mer: float, cer: float | None) -> None:
    rows = measured((reference, heard))
    assert rows["words.wer"].value == pytest.approx(100 * wer)
    assert rows["words.mer"].value == pytest.approx(100 * mer)
    assert cer is None or rows["words.cer"].value == pytest.approx(100 * cer)


def test_published_value_of_characters_over_two_lines() -> None:
    rows = measured(("i", "i am"), ("am i good", "y good"))
    assert rows["words.cer"].value == pytest.approx(70)  # jiwer: 6 right, 1 substituted, 3 deleted, 3 inserted
    assert rows["words.cer"].detail == "6 right, 1 substituted, 3 deleted, 3 inserted"


def test_lines_weigh_by_their_words_and_carry_an_interval() -> None:
    row = measured(("a b c d e f g h i", "a b c d e f g h i"), ("x", "y"))["words.wer"]
    assert row.value == pytest.approx(10)  # 1 of 10, not the mean of 0 and 100
    assert row.n == 10
    assert row.interval == pytest.approx((0, 100))  # a quarter of the resamples holds one line only
    assert [worst.segment for worst in row.worst] == ["1"]


def test_words_in_silence_are_a_measure_of_their_own() -> None:
    rows = measured(("a b", "a b"), ("", "uh huh"), ("...", ""))
    assert rows["words.wer"].value == 0
    assert rows["words.wer"].detail.endswith("2 lines without a reference left out")
    silence = rows["words.inserted_words"]
    assert (silence.value, silence.n, silence.worst[0].segment) == (2.0, 2, "1")
    assert measured(("a", "b"))["words.inserted_words"].not_applicable


def test_without_a_reference_word_no_rate_is_measured() -> None:
    rows = measured(("", "x"))
    assert all(rows[f"words.{measure}"].value is None and rows[f"words.{measure}"].not_measured for measure in ("wer", "mer", "cer"))


def test_where_words_are_not_spaced_characters_are_the_figure() -> None:
    rows = measured(("がぎぐ", "かぎぐ"), language="ja")
    assert rows["words.cer"].value == pytest.approx(100 / 3)
    assert rows["words.wer"].value is None
    assert "character" in rows["words.wer"].not_applicable


def test_the_listing_shows_each_error_under_its_word() -> None:
    found = align(["u1"], [["on", "the", "mat", "today"]], [["on", "a", "mat", "right", "now"]])[0]
    assert listing(found) == "\n".join(
        [
            "u1: 2 right, 2 S, 0 D, 1 I",
            "REF  on the mat ***** today",
            "HYP  on a   mat right now",
            "        S       I     S",
        ]
    )


def test_a_file_of_pairs_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [{"id": "a", "ref": "3,000원", "hyp": "삼천 원"}, {"id": "b", "ref": "안녕하세요", "hyp": "안녕"}]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    values = {row.metric: row.value for row in measure_file(path, None, "ko")}
    assert values == {
        "words.wer": pytest.approx(100 / 3),
        "words.mer": pytest.approx(100 / 3),
        "words.cer": pytest.approx(300 / 9),
        "words.inserted_words": None,
    }
