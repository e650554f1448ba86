"""Every named boundary of the commit protocol: the calls between two of which a killed night leaves something half done.

A night can be killed before and after each of its calls to these. `tests/chaos/test_boundaries.py` fails when the ledger or the store
gets a method that writes and is neither here nor among those that no night calls.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

from nightdub.flows import nightly, report
from nightdub.infra import build, disk
from nightdub.infra.lease import Draft
from nightdub.infra.ledger import Ledger
from nightdub.infra.ledger.engine import Database
from nightdub.infra.s3 import S3Store
from nightdub.infra.store import LocalStore

LEDGER = (
    "migrate",
    "reap",
    "start_run",
    "remember_sources",
    "put_title_languages",
    "claim",
    "extend",
    "commit",
    "fail",
    "set_heads",
    "add_voices",
    "record_environment",
    "record_measurements",
    "keep_policy",
    "record_decision",
    "record_release",
    "finish_run",
)
STORE = ("put_bytes", "put_file", "write_pointer", "delete_pointer")
# Writers that a night does not call: people's commands, evaluations, housekeeping and repair, each proven where it lives.
NOT_IN_A_NIGHT = {
    "forget": "housekeeping, in one transaction",
    "restore": "of a backup: tests/flows/test_restore.py",
    "recall_release": "after a restore: tests/flows/test_restore.py",
    "reopen": "an object is gone: tests/flows/test_calamities.py",
    "delete": "housekeeping, which may stop after any object: tests/flows/test_housekeeping.py",
    "put_voices": "a person's",
    "put_consent": "a person's",
    "withdraw_consent": "a person's",
    "correct": "a person's",
    "take_back_correction": "a person's",
    "approve": "a person's",
    "take_back_approved": "a person's",
    "add_override": "a person's",
    "revoke_override": "a person's",
    "move_alias": "a person's: tests/chaos/test_publishers.py",
    "erase_title": "a person's, on a dataset: tests/flows/test_dataset_erase.py",
    "forget_sources": "a person's, on a dataset: tests/flows/test_dataset_erase.py",
    "record_evaluation": "an evaluation's",
    "record_comparison": "an evaluation's",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One place to be killed at: before or after the `nth` call (from 1) of a boundary."""

    name: str
    side: str  # "before" or "after"
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.side} {self.name} {self.nth}"


def places() -> dict[str, list[tuple[Any, str]]]:
    """Return boundary -> the attributes that are its calls."""
    found: dict[str, list[tuple[Any, str]]] = {f"ledger.{name}": [(Ledger, name)] for name in LEDGER}
    found |= {f"store.{name}": [(LocalStore, name), (S3Store, name)] for name in STORE}
    return found | {
        "draft.add": [(Draft, "add")],
        "job.split": [(build, "StoredInputs")],
        "job.fill": [(build.Builder, "_fill")],
        "job.join": [(build.Builder, "_join")],
        "disk.write": [(disk, "_write_through")],  # bytes are in `incoming`, not yet under their name
        "disk.sync": [(disk, "_sync_folder")],  # moved, and not yet safe from a power cut
        "report.export": [(report, "export_package")],
        "report.write": [(nightly, "write_report")],
    }


TRANSACTION = "transaction"  # the moment before the database is told to commit, of any transaction at all
POINTS = (
    *(Point(name, side) for name in places() for side in ("before", "after")),
    Point(TRANSACTION, "before"),
)


class Watch:
    """Counts the calls of every boundary in this process, and sends it a signal at one of them."""

    def __init__(self, target: Point | None = None, how: int = signal.SIGKILL) -> None:
        self.target, self.how, self.calls, self._lock = target, how, Counter[str](), threading.Lock()
        self._writing = threading.Lock()
        for name, owners in places().items():
            for owner, attribute in owners:
                setattr(owner, attribute, self._watched(name, getattr(owner, attribute)))
        event.listen(Engine, "commit", lambda _: self._passes(TRANSACTION, "before"))
        if how == signal.SIGSTOP:
            Database._begin = self._one_by_one(Database._begin)  # type: ignore[method-assign]

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            nth = self._passes(name, "before")
            result = call(*arguments, **named)
            self._passes(name, "after", nth)
            return result

        return watched

    def _passes(self, name: str, side: str, nth: int = 0) -> int:
        if side == "before":
            with self._lock:
                self.calls[name] += 1
                nth = self.calls[name]
        if self.target and (name, side, nth) == (self.target.name, self.target.side, self.target.nth):
            with self._writing:
                os.kill(os.getpid(), self.how)
                time.sleep(0.05)  # a stop reaches the other threads a moment later
        return nth

    def _one_by_one(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        """Let no other thread be inside a transaction when the process is stopped: it would hold SQLite's lock for as long."""

        @contextmanager
        def one(ledger: Database, mode: str) -> Iterator[Any]:
            with self._writing, begin(ledger, mode) as connection:
                yield connection

        return one
