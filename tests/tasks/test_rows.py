from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightdub.tasks import rows
from nightdub.tasks.rows import Account, Utterance, Word, read_rows, write_rows

KINDS = [kind for _, kind in inspect.getmembers(rows, is_dataclass) if kind.__module__.startswith(rows.__name__)]

# JSON has no infinity and no not-a-number, and whole numbers are held in 64 bits: rows keep to these.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_comes_back_as_it_was_written(kind: type[Any], data: st.DataObject, tmp_path: Path) -> None:
    written = data.draw(st.lists(st.from_type(kind), max_size=3))
    assert read_rows(write_rows(tmp_path / "rows.jsonl", written), kind) == written


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_rows_are_frozen_slotted_and_typed(kind: type[Any]) -> None:
    assert hasattr(kind, "__slots__")
    assert get_type_hints(kind)
    name = next(iter(get_type_hints(kind)))
    row = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(row, name, None)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(0, 1e6), length=st.floats(1e-9, 1e3))
def test_times_come_back_to_the_last_bit_and_equal_rows_are_equal_bytes(start: float, length: float, tmp_path: Path) -> None:
    row = Utterance("u0000", start, start + length)
    first = write_rows(tmp_path / "first", [row]).read_bytes()
    (again,) = read_rows(tmp_path / "first", Utterance)
    assert (again.start.hex(), again.end.hex()) == (row.start.hex(), row.end.hex())
    assert write_rows(tmp_path / "second", [again]).read_bytes() == first


def test_a_time_is_written_as_it_reads(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows", [Word("now", 0.1, 12.345)])
    assert path.read_bytes() == b'{"end":12.345,"estimated":false,"start":0.1,"text":"now"}\n'


def test_a_row_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows", [Word("now", 0.0, 1.0)])
    with pytest.raises(msgspec.ValidationError, match="id"):
        read_rows(path, Utterance)


def test_the_account_balances_only_when_every_line_is_counted_once() -> None:
    assert Account(segments=5, spoken=3, excused=1, failed=1).balanced
    assert not Account(segments=5, spoken=3, excused=1, failed=0).balanced
