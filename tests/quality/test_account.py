"""Lines that are counted twice do not balance."""

from __future__ import annotations

import pytest

from nightdub.quality.metrics.account import account_measurements, make_account
from nightdub.tasks.rows import Clip, Dropped, Segment

LINES = [Segment(name, 0, 1, "words") for name in ("a", "b")]
CLIPS = [Clip("a", sound="one"), Clip("b", sound="two")]


@pytest.mark.parametrize(
    ("dropped", "clips", "double"),
    [
        ([], CLIPS, ()),
        ([Dropped("c", "la la", "music")], CLIPS, ()),
        ([], [*CLIPS, CLIPS[1]], ("b",)),
        ([Dropped("a", "", "music")], CLIPS, ("a",)),
        ([], [*CLIPS, Clip("x", sound="three")], ("x",)),
    ],
    ids=["balanced", "one dropped", "two rows", "spoken and dropped", "in no script"],
)
def test_a_line_that_is_counted_twice_is_named_and_the_account_does_not_balance(
    dropped: list[Dropped], clips: list[Clip], double: tuple[str, ...]
) -> None:
    account = make_account(LINES, dropped, clips)
    row = next(row for row in account_measurements(account, clips) if row.metric == "account.double_lines")
    assert account.double == double
    assert account.balanced == (not double)
    assert (row.value, row.unit, tuple(worst.segment for worst in row.worst)) == (len(double), "lines", double)
