"""A bad medium fails with its cause in one line, and stops nothing else."""

from __future__ import annotations

import pytest
from bad_media import BAD

from nightdub.flows.report import TitleResult

pytestmark = pytest.mark.slow


def result_of(first_night, title: str) -> TitleResult:
    (result,) = (row for row in first_night.report.results if row.title == title and row.language == "es")
    return result


@pytest.mark.parametrize("name", BAD)
def test_a_bad_medium_fails_with_its_cause_in_one_line(first_night, name: str) -> None:
    result = result_of(first_night, name)
    assert result.state == "failed"
    (reason,) = result.reasons
    assert BAD[name][2].search(reason), reason
    assert reason.startswith(f"{name}/probe: ")
    assert reason.endswith("[MediaError]")
    assert "\n" not in reason
    assert str(first_night.home) not in reason
    assert (result.package, result.digest) == ("", "")


def test_the_good_titles_beside_them_are_released(first_night) -> None:
    for title in ("plain", "face"):
        assert (result_of(first_night, title).state, result_of(first_night, title).reasons) == ("released", ())


def test_the_account_balances(first_night) -> None:
    report = first_night.report
    assert report.balanced
    assert (report.released, report.held, report.failed) == (2, 1, len(BAD))
    assert report.title_languages == report.released + report.held + report.failed + report.unchanged + report.left
