"""What a worker does with an order: one result per item, engines in turn, nothing left behind."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import EngineCrashed, MachineLacks, ObjectMissing, StoreUnavailable
from nightdub.infra.store import open_store
from nightdub.infra.work import Bench, Done, EngineLink, Item, Order, Work, fill


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put scratch folders where the test can see them."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def load(verb: str, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    if name == "absent":
        raise MachineLacks("no such program", fix="install it")
    return {"verb": verb, "name": name, **settings}


def order_for(store: Path, work: Work, payloads: Sequence[dict[str, Any]], chain: Sequence[str] = (), **params: Any) -> Order:
    items = tuple(Item(f"i{index}", dict(payload), cost=index) for index, payload in enumerate(payloads))
    links = tuple(EngineLink("speak", name) for name in chain)
    return Order(work, items, tuple(f"k{item.id}" for item in items), params, links, load, str(store))


def write(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Write each item's text; items named as unfit for an engine fail, break or are skipped."""
    return [_write(item, bench) for item in items]


def _write(item: Item, bench: Bench) -> Done:
    if item.payload.get("breaks") in ("every", bench.engine_name):
        raise ValueError(f"{item.id} cannot be read")
    if item.payload.get("unfit") in ("every", bench.engine_name):
        return Done(failed="no sound")
    if reason := item.payload.get("skip"):
        return Done(skipped=reason)
    path = bench.nested(item.id).new("line.txt")
    path.write_text(f"{bench.params.get('greeting', '')}{item.id}")
    return Done({"text": path}, {"engine": bench.engine_name})


def test_every_item_gets_one_result_in_order_and_its_file_is_stored(tmp_path: Path, scratch: Path) -> None:
    results = fill(order_for(tmp_path / "store", write, [{}, {"skip": "no-speech"}, {}], greeting="hola "))
    assert [(result.id, result.key, result.skipped) for result in results] == [
        ("i0", "ki0", ""),
        ("i1", "ki1", "no-speech"),
        ("i2", "ki2", ""),
    ]
    assert results[0].files == {"text": digest_bytes(b"hola i0")}
    assert results[0].sizes == {"text": 7}
    assert open_store(str(tmp_path / "store")).get_bytes(results[2].files["text"]) == b"hola i2"
    assert list(scratch.iterdir()) == []


def test_inputs_are_read_from_the_store(tmp_path: Path) -> None:
    digest = open_store(str(tmp_path / "store")).put_bytes(b"sound")

    def read(items: Sequence[Item], bench: Bench) -> list[Done]:
        return [Done(row={"text": bench.file(item.payload["sound"]).read_text()}) for item in items]

    assert fill(order_for(tmp_path / "store", read, [{"sound": digest}]))[0].row == {"text": "sound"}


def test_only_what_an_engine_cannot_do_goes_to_the_next(tmp_path: Path) -> None:
    payloads: list[dict[str, Any]] = [{}, {"unfit": "first"}, {"breaks": "first"}, {"skip": "song", "unfit": "second"}, {"unfit": "every"}]
    results = fill(order_for(tmp_path, write, payloads, ["first", "second"]))
    assert [result.engine for result in results] == ["first", "second", "second", "first", "second"]
    assert [result.skipped for result in results] == ["", "", "", "song", ""]
    assert results[4].failed == {"code": "EngineError", "what": "no sound", "transient": False}
    assert not any(result.failed for result in results[:4])


def test_a_result_says_which_engines_were_tried_before_and_why_they_did_not_do(tmp_path: Path) -> None:
    payloads: list[dict[str, Any]] = [{}, {"unfit": "first"}, {"breaks": "first"}, {"unfit": "every"}]
    results = fill(order_for(tmp_path, write, payloads, ["first", "second"]))
    assert [result.tried for result in results] == [
        (),
        ("first: no sound",),
        ("first: i2 cannot be read",),
        ("first: no sound",),
    ]
    assert results[3].failed["what"] == "no sound"


def test_at_most_two_further_engines_are_asked(tmp_path: Path) -> None:
    (result,) = fill(order_for(tmp_path, write, [{"unfit": "every"}], ["first", "second", "third", "fourth"]))
    assert (result.engine, result.tried) == ("third", ("first: no sound", "second: no sound"))
    assert result.failed["what"] == "no sound"


def test_an_engine_that_this_machine_lacks_was_not_asked(tmp_path: Path) -> None:
    payloads = [{"unfit": name} for name in ("first", "every")]
    good, bad = fill(order_for(tmp_path, write, payloads, ["absent", "first", "second", "third", "fourth"]))
    assert (good.engine, good.tried) == ("second", ("absent: no such program", "first: no sound"))
    assert bad.engine == "third"


def test_an_engine_that_does_not_load_is_passed_over(tmp_path: Path) -> None:
    results = fill(order_for(tmp_path, write, [{}, {}], ["absent", "second"]))
    assert [result.engine for result in results] == ["second", "second"]
    (alone,) = fill(order_for(tmp_path, write, [{}], ["absent"]))
    assert alone.failed == {"code": "MachineLacks", "what": "no such program", "fix": "install it", "transient": False}


def test_one_item_that_breaks_costs_no_other(tmp_path: Path, scratch: Path) -> None:
    results = fill(order_for(tmp_path, write, [{}, {"breaks": "every"}, {}]))
    assert [result.failed.get("what") for result in results] == [None, "i1 cannot be read", None]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("error", [StoreUnavailable("no answer"), EngineCrashed("killed"), ObjectMissing("no object")])
def test_what_no_item_is_to_blame_for_is_raised(tmp_path: Path, scratch: Path, error: Exception) -> None:
    def fail(items: Sequence[Item], bench: Bench) -> list[Done]:
        raise error

    with pytest.raises(type(error)):
        fill(order_for(tmp_path, fail, [{}, {}], ["first", "second"]))
    assert list(scratch.iterdir()) == []


def test_a_work_function_that_loses_items_is_found_out(tmp_path: Path) -> None:
    def lose(items: Sequence[Item], bench: Bench) -> list[Done]:
        return []

    results = fill(order_for(tmp_path, lose, [{}, {}]))
    assert [result.failed["what"] for result in results] == ["0 results for 1 items"] * 2


def test_time_is_shared_out_and_summed_over_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr("nightdub.infra.work.time.perf_counter", lambda: float(next(ticks)))
    results = fill(order_for(tmp_path, write, [{}, {"unfit": "first"}], ["first", "second"]))
    assert [result.wall for result in results] == [0.5, 1.5]


def test_an_order_travels_and_says_what_it_costs(tmp_path: Path) -> None:
    order = order_for(tmp_path, write, [{"text": "hola"}, {}], ["first"], rate=1.2)
    assert pickle.loads(pickle.dumps(order)) == order
    assert order.cost == 1.0


@given(st.integers(0, 12), st.integers(0, 12))
def test_an_order_splits_without_loss(items: int, cut: int) -> None:
    order = order_for(Path("unused"), write, [{}] * items)
    singles = order.split()
    assert all(len(single.items) == len(single.keys) == 1 for single in singles)
    assert tuple(single.items[0] for single in singles) == order.items
    assert order.part(0, cut).items + order.part(cut, items).items == order.items
