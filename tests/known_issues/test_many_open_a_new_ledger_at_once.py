"""Several processes that open the same new ledger at once wait for each other.

SQLite calls no busy handler while a database is switched to WAL: two nights that started together on a new home found it "locked".
"""

from __future__ import annotations

import threading
from pathlib import Path

from nightdub.infra.ledger import Ledger

RACES, AT_ONCE = 25, 6


def test_nobody_finds_it_locked(tmp_path: Path) -> None:
    errors: list[Exception] = []
    for race in range(RACES):
        start = threading.Barrier(AT_ONCE)

        def open_it(url: str = f"sqlite:///{tmp_path}/{race}.db", start: threading.Barrier = start) -> None:
            ledger = Ledger(url)
            start.wait()
            try:
                ledger.migrate()
            except Exception as error:
                errors.append(error)
            finally:
                ledger.close()

        threads = [threading.Thread(target=open_it) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
