"""A program that forks nights for tests: reads where the servers are, then requests, each a line of JSON, and answers each with one."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

import histories
import nights
import publishing
from histories import Servers, Workshop


def answer(workshop: Workshop, name: str, **asked: Any) -> Any:
    """Do what is asked for by name."""
    if name == "calls":
        return workshop.calls
    room = next(room for room in (histories, nights, publishing) if name in vars(room))
    return vars(room)[name](workshop, **asked)


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    workshop = Workshop(Servers(**json.loads(sys.stdin.readline())))
    try:
        for line in sys.stdin:
            try:
                answers.write(json.dumps({"answer": answer(workshop, **json.loads(line))}) + "\n")
            except Exception:
                answers.write(json.dumps({"raised": traceback.format_exc()}) + "\n")
    finally:
        workshop.close()


if __name__ == "__main__":
    main()
