"""How a script fits, as numbers that a policy rules on: computed by hand."""

from __future__ import annotations

import pytest

from nightdub.quality.gate import decide
from nightdub.quality.metrics.script import FACTS, language_share, script_measurements
from nightdub.quality.policy import Policy, Rule, read_policy
from nightdub.tasks.rows import MatchedLine, MatchedStretch, Measurement, ScriptMatch, Segment, Unscripted

REPORT = ScriptMatch(
    rate=0.96,
    trusted=True,
    fit=0.6,
    listener="ear",
    stretches=(MatchedStretch("a", "b", -1.0), MatchedStretch("c", "d", 9.5)),
    lines=(
        MatchedLine("a", "aligned", 10.0, -1.4),
        MatchedLine("b", "aligned", 20.0, -1.8),
        MatchedLine("c", "not-in-sound", 30.0, 8.3),
        MatchedLine("d", "no-speech", 40.0, 7.9),
    ),
    unscripted=(Unscripted(50.0, 52.0), Unscripted(60.0, 63.0)),
    speech=25.0,
)
ENGLISH = ("The door is open and you have not been here for two days.", "What do you want with all of it, then?")
SPANISH = ("La puerta está abierta y no has estado aquí en dos días.", "¿Qué es lo que quieres con todo esto, pero sin ella?")


def rows(report: ScriptMatch | None, segments: list[Segment] | None = None) -> dict[str, Measurement]:
    return {row.metric: row for row in script_measurements(report, segments or [], "en")}


def test_a_report_as_numbers() -> None:
    found = rows(REPORT)
    assert set(found) == set(FACTS)
    assert found["script.aligned"].value == 50
    assert [worst.segment for worst in found["script.aligned"].worst] == ["c", "d"]
    assert found["script.unscripted"].value == 20
    assert [worst.value for worst in found["script.unscripted"].worst] == [3.0, 2.0]
    assert found["script.drift"].value == pytest.approx(4)
    assert found["script.jumps"].value == 1
    assert found["script.correction"].value == 8.3


def test_a_title_without_a_script_has_nothing_to_measure() -> None:
    assert {row.not_applicable for row in rows(None).values()} == {"no script was delivered"}


def test_without_speech_nothing_is_a_share_of_it() -> None:
    silent = ScriptMatch(1.0, trusted=False, fit=0.0, lines=REPORT.lines)
    assert rows(silent)["script.unscripted"].not_measured == "no speech was found"


def test_lines_whose_words_were_not_found_are_counted() -> None:
    lines = [Segment("a", 0, 1, "Yes", origin="script", engine="aligner"), Segment("b", 1, 2, "No", origin="script")]
    found = rows(REPORT, lines)["script.estimated"]
    assert (found.value, found.n, [worst.segment for worst in found.worst]) == (50, 2, ["b"])
    assert rows(REPORT, lines[1:])["script.estimated"].value is None


@pytest.mark.parametrize(
    ("texts", "language", "low", "high"),
    [
        (ENGLISH * 2, "en", 100, 100),
        (SPANISH * 2, "es", 100, 100),
        (SPANISH * 2, "en", 0, 60),
        (ENGLISH * 2, "es", 0, 60),
        (ENGLISH * 2, "ko", 0, 0),
        (("문이 열려 있고 너는 이틀 동안 여기 없었어.",) * 2, "ko", 100, 100),
        (("문이 열려 있고 너는 이틀 동안 여기 없었어.",) * 2, "en", 0, 0),
        (("ドアが開いていて、あなたは二日間ここにいなかった。",), "ja", 99, 100),
        (("ドアが開いていて、あなたは二日間ここにいなかった。",), "zh", 0, 0),
        (("门是开着的，而你已经两天没有来这里了，你到底想要什么。",), "zh", 99, 100),
        (("门是开着的，而你已经两天没有来这里了，你到底想要什么。",), "ja", 0, 0),
    ],
)
def test_the_language_of_a_script_is_told_by_its_words_or_letters(texts: tuple[str, ...], language: str, low: float, high: float) -> None:
    share, _, _ = language_share(texts, language)
    assert share is not None
    assert low <= share <= high


def test_a_script_of_two_words_tells_no_language() -> None:
    assert language_share(["Radio, Kyoto."], "en")[0] is None


def only(policy: Policy, family: str) -> Policy:
    kept: tuple[Rule, ...] = tuple(rule for rule in policy.rules if rule.metric.startswith(family))
    return Policy(policy.name, kept)


@pytest.mark.parametrize("name", ["broadcast", "preview"])
def test_the_shipped_policies_hold_a_script_of_another_film_and_pass_one_that_fits(name: str) -> None:
    policy = only(read_policy(name), "script.")
    lines = [Segment(str(index), index, index + 1, text, origin="script", engine="x") for index, text in enumerate(ENGLISH * 2)]
    good = ScriptMatch(1.0, trusted=True, fit=0.6, lines=tuple(MatchedLine(line.id, "aligned", line.start) for line in lines), speech=4.0)
    other = ScriptMatch(
        1.0, trusted=False, fit=0.0, lines=tuple(MatchedLine(line.id, "unmatched", line.start) for line in lines), speech=4.0
    )
    assert decide(policy, script_measurements(good, lines, "en")).released
    held = decide(policy, script_measurements(other, lines, "en"))
    assert (held.released, [reason.split(" is ")[0] for reason in held.reasons]) == (False, ["script.aligned"])
    foreign = decide(policy, script_measurements(good, lines, "es"))
    assert [reason.split(" is ")[0] for reason in foreign.reasons] == ["script.language"]
    assert decide(policy, script_measurements(None, [], "en")).released
