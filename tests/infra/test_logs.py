"""Every event says where it belongs, in threads and on workers too; no secret is ever written."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from nightdub.infra import logs
from nightdub.infra.build import Ask, Builder, Inputs, Step
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import ConfigError, EngineError, StepFailed
from nightdub.infra.ledger import Ledger
from nightdub.infra.logs import about, carried, note, resumed, start, warn
from nightdub.infra.settings import load_settings
from nightdub.infra.store import open_store
from nightdub.infra.work import Bench, Done, Item, fill

CANARY = "canary-7f3a9c"


class Written:
    """What this test wrote to standard error, as text and as rows."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._text = capsys, ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    def rows(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [row for row in found if event in ("", row["event"])]


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """A log of its own, and none after the test."""
    monkeypatch.setattr(logs, "_secrets", set())
    log = logging.getLogger("nightdub")
    before, level = list(log.handlers), log.level
    log.handlers = [handler for handler in before if isinstance(handler, logging.NullHandler)]
    yield Written(capsys)
    log.handlers, log.level = before, level
    log.setLevel(level)


def begin(home: Path, **more: Any) -> None:
    start(load_settings(home=home, **({"log_format": "json", "log_level": "INFO"} | more)))


def test_one_json_object_a_line_with_place_and_facts(tmp_path: Path, written: Written) -> None:
    begin(tmp_path)
    with about(title="pilot", run="r1"), about(language="es", step="speak"):
        note("job made", made=3, seconds=1.5, item="l1")
    (row,) = written.rows()
    assert row.pop("time").endswith("Z")
    place = {"title": "pilot", "language": "es", "step": "speak", "run": "r1", "item": "l1"}
    assert row == {"level": "INFO", "event": "job made", "made": 3, "seconds": 1.5} | place


def test_plain_text_stays_on_one_line(tmp_path: Path, written: Written) -> None:
    begin(tmp_path, log_format="plain")
    with about(title="pilot"):
        warn("job failed", what="no\nsound = none", tried=["a", "b"])
    (line,) = written.getvalue().splitlines()
    assert line.split(" ", 1)[1] == r'WARNING job failed title=pilot what="no\nsound = none" tried="[\"a\",\"b\"]"'


def test_below_the_level_nothing_is_written_and_starting_again_doubles_nothing(tmp_path: Path, written: Written) -> None:
    begin(tmp_path, log_level="WARNING")
    begin(tmp_path, log_level="WARNING")
    note("job made")
    warn("job failed")
    assert [row["event"] for row in written.rows()] == ["job failed"]
    begin(tmp_path, log_format="plain", log_level="ERROR")
    warn("job failed")
    assert len(written.rows()) == 1


def test_secrets_of_settings_environment_and_urls_are_masked_also_in_tracebacks(
    tmp_path: Path, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{CANARY}-token")
    ledger, keys = f"postgresql+psycopg://user:{CANARY}@db/nightdub", {"store_access_key": "AKIA123", "store_secret_key": f'{CANARY}"s'}
    for form in ("json", "plain"):
        begin(tmp_path, ledger=ledger, log_format=form, **keys)
        warn("store asked again", what=f'the key is {CANARY}"s, {CANARY}-token', where={"url": [f"s3://a:{CANARY}@b/c?token={CANARY}"]})
        try:
            open_store(f"ftp://user:{CANARY}@host/x?secret={CANARY}")
        except ConfigError:
            logging.getLogger("nightdub").exception("unexpected: %s", f"https://x:{CANARY}@y/")
    assert CANARY not in written.getvalue()
    assert "AKIA123" not in written.getvalue()
    assert written.getvalue().count("Traceback") == 2


def test_threads_that_copy_their_context_know_the_place_and_others_do_not(tmp_path: Path, written: Written) -> None:
    begin(tmp_path)
    with about(title="pilot"):
        for thread in (
            threading.Thread(target=copy_context().run, args=(note, "inside")),
            threading.Thread(target=note, args=("outside",)),
        ):
            thread.start()
            thread.join()
    assert [(row["event"], row.get("title")) for row in written.rows()] == [("inside", "pilot"), ("outside", None)]


def test_another_process_goes_on_in_the_place_and_the_form_of_the_sender(tmp_path: Path, written: Written) -> None:
    begin(tmp_path)
    with about(title="pilot", language="es"):
        context = carried()
    log = logging.getLogger("nightdub")
    log.handlers = []  # as in a process that has just started
    with resumed(context):
        note("item failed", item="l3")
    (row,) = written.rows()
    assert (row["title"], row["language"], row["item"]) == ("pilot", "es", "l3")


# ---------------------------------------------------------------- a job's life


def split(inputs: Inputs) -> list[Item]:
    return [Item(name, {"name": name}) for name in inputs.params["names"]]


def work(items: Sequence[Item], bench: Bench) -> list[Done]:
    for item in items:
        if item.id == "bad" and bench.engine_name != "second":
            raise EngineError("cannot say it")
    return [Done(row={"name": item.id}) for item in items]


def join(_inputs: Inputs, _results: Any, folder: Path) -> dict[str, Path]:
    (folder / "out").write_text("made")
    return {"out": folder / "out"}


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    begin(tmp_path)
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    with open_compute("threads", 1) as compute:
        store = open_store(str(tmp_path / "store"))
        yield Builder(store, ledger, compute, lambda *_: None, {}, "r1", 1)
    ledger.close()


def ask(*names: str, chain: Sequence[str] = ()) -> Ask:
    from nightdub.infra.work import EngineLink

    links = tuple(EngineLink("speak", name) for name in chain)
    return Ask(Step("speak", 1, "language", (), split, work, join), "pilot", "es", {}, {"names": list(names), "chain": list(chain)}, links)


def test_a_job_is_claimed_and_made_and_its_failed_items_are_named(builder: Builder, written: Written) -> None:
    builder.build(ask("good", "bad"))
    events = [(row["event"], row.get("item")) for row in written.rows()]
    assert events == [("job claimed", None), ("item failed", "bad"), ("job made", None)]
    for row in written.rows():
        assert (row["title"], row["language"], row["step"], row["run"]) == ("pilot", "es", "speak", "r1")
    assert (written.rows("job made")[0]["made"], written.rows("item failed")[0]["what"]) == (2, "cannot say it")


def test_a_fallback_engine_and_a_failed_job_are_named(builder: Builder, written: Written) -> None:
    builder.build(ask("bad", chain=("first", "second")))
    (used,) = written.rows("fallback engine used")
    assert (used["engine"], used["tried"], used["item"]) == ("second", ["first: cannot say it"], "bad")
    with pytest.raises(StepFailed):
        builder.build(ask("bad"))
    (failed,) = written.rows("job failed")
    assert (failed["level"], failed["code"], failed["step"]) == ("WARNING", "EngineError", "speak")


def test_a_worker_process_of_a_cluster_says_the_same(tmp_path: Path, written: Written) -> None:
    """What an order carries is enough for a process that has never seen the settings."""
    import pickle

    from nightdub.infra.work import Order

    begin(tmp_path)
    with about(title="pilot", language="es", step="speak", run="r1"):
        order = Order(work, (Item("bad"),), ("k",), {}, (), str, str(tmp_path / "store"), {"secret_key": CANARY}, context=carried())
    sent = pickle.dumps(order)
    logging.getLogger("nightdub").handlers = []
    fill(pickle.loads(sent))
    warn("anything", what=CANARY)
    (row,) = written.rows("item failed")
    assert (row["title"], row["step"], row["run"], row["item"]) == ("pilot", "speak", "r1", "bad")
    assert CANARY not in written.getvalue()
