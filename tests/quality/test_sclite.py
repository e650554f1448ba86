"""NIST's files: totals that were worked out by hand at sclite's costs of 4, 3 and 3."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import PairsError
from nightdub.quality.metrics.alignment import Alignment
from nightdub.quality.metrics.sclite import align_nist, score_files
from nightdub.quality.metrics.words import measure_file


def counts(line: Alignment) -> tuple[int, int, int, int]:
    return line.hits, line.substitutions, line.deletions, line.insertions


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_three_of_each_are_cheaper_than_five_substitutions() -> None:
    """5 * 4 = 20 against 3 * 3 + 3 * 3 = 18: six errors, where the least number is five."""
    found = align_nist("u", ["p", "q", "r", "a", "b"], ["a", "b", "s", "t", "u"])
    assert counts(found) == (2, 0, 3, 3)


@pytest.mark.parametrize(
    ("reference", "heard", "want"),
    [
        ("i've { um / uh / @ } as far", "i've as far", (3, 0, 0, 0)),
        ("i've { um / uh / @ } as far", "i've uh as far", (4, 0, 0, 0)),
        ("a { b c / d { e / f } } g", "a d f g", (4, 0, 0, 0)),
        ("a { b / c } d", "a x d", (2, 1, 0, 0)),
        ("", "a b", (0, 0, 0, 2)),
        ("a b", "", (0, 0, 2, 0)),
    ],
)
def test_the_best_alternative_counts(reference: str, heard: str, want: tuple[int, int, int, int]) -> None:
    assert counts(align_nist("u", reference.split(), heard.split())) == want


def test_transcripts_are_matched_by_utterance_whatever_their_case(tmp_path: Path) -> None:
    reference = write(tmp_path, "a.ref", "She had your dark suit (CMH_sa01)", "never heard (cmh_sa02)", "(cmh_sa03)")
    heard = write(tmp_path, "a.hyp", "she had a dark suit on (cmh_sa01)", "uh huh (cmh_sa03)")
    rows = {row.metric: row for row in measure_file(heard, reference, "en")}
    assert rows["words.wer"].value == pytest.approx(80)  # a substitution, an insertion and two in silence, over five words
    assert rows["words.mer"].value == pytest.approx(100 * 2 / 6)
    assert rows["words.inserted_words"].value == 2
    assert rows["words.cer"].not_measured


def test_timed_words_go_to_segments_by_their_middles(tmp_path: Path) -> None:
    stm = write(
        tmp_path,
        "a.stm",
        ";; comment",
        "2345 A 2345-a 0.10 2.03 uh huh yes i thought",
        "",
        "2345 A 2345-b 2.10 3.04 <o,f0> dog walking is a very",
        "2345 A 2345-a 3.50 4.59 IGNORE_TIME_SEGMENT_IN_SCORING",
        "2345 A 2345-a 5.00 6.00 hello { big / large } world",
    )
    spoken = (
        "0.00:early 0.20:uh 0.40:huh 0.70:yes 1.00:i 2.03:gap 2.20:dog 2.40:walking 2.70:is 3.10:gapb 3.60:ignored 4.80:gapc 5.10:hello"
    )
    words = [cell.split(":") for cell in (spoken + " 5.40:large 5.70:world 7.00:late").split()]
    ctm = write(tmp_path, "a.ctm", ";; comment", *(f"2345 A {start} 0.10 {word} 0.9" for start, word in words))
    found = score_files(stm, ctm)
    # "gap" stands before dog, "gapb" goes with the ignored segment, "gapc" and "late" with the last: sclite 2.10 says the same
    assert [counts(line) for line in found] == [(4, 0, 1, 1), (3, 0, 2, 1), (3, 0, 0, 2)]
    assert measure_file(ctm, stm, "")[0].value == pytest.approx(100 * 7 / 13)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("no name here",), "line 1: no utterance name"),
        (("a (u1)", ";; fine", "b (U1)"), "line 3: utterance U1 again"),
        (("a (u9)",), "utterance u9 is not in"),
        ((";; nothing",), "no utterance to score"),
    ],
)
def test_a_faulty_transcript_names_file_and_line(lines: tuple[str, ...], what: str, tmp_path: Path) -> None:
    reference = write(tmp_path, "a.ref", "a (u1)")
    with pytest.raises(PairsError, match=what):
        score_files(reference, write(tmp_path, "a.hyp", *lines))


@pytest.mark.parametrize(
    ("stm", "ctm", "what"),
    [
        ("f A s 0 1 a", "f A 0 1", "a.ctm: line 1: 4 fields"),
        ("f A s 0 1 a", "f B 0 1 a", "no channel f b"),
        ("f A s 0", "f A 0 1 a", "a.stm: line 1: 4 fields"),
        ("f A s zero 1 a", "f A 0 1 a", "'zero' is no time"),
        ("f A s 2 1 a", "f A 0 1 a", "begins at 2 and ends at 1"),
        ("f A s 0 1 { a", "f A 0 1 a", "'{' without '}'"),
        ("f A s 0 1 a }", "f A 0 1 a", "'}' without '{'"),
    ],
)
def test_a_faulty_timed_file_names_file_and_line(stm: str, ctm: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(PairsError) as caught:
        score_files(write(tmp_path, "a.stm", stm), write(tmp_path, "a.ctm", ctm))
    assert what in str(caught.value)


def test_formats_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=r"allowed: \.ctm against \.stm"):
        score_files(write(tmp_path, "a.stm", "f A s 0 1 a"), write(tmp_path, "a.hyp", "a (u1)"))
