"""Runs the benchmarks: one of them printing its JSON line, or all, which rewrites the table in benchmarks/README.md.

python benchmarks/run.py [NAME]
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = (
    "plan",
    "fanout",
    "mix",
    "separation",
    "edit",
    "night",
    "measure",
    "bootstrap",
    "words",
    "align",
    "lips",
    "cut",
    "memory",
    "timing",
    "voices",
    "upkeep",
    "ledger",
    "store",
    "start",
    "recovery",
    "model",
    "thousand",
    "duplicates",
    "manifest",
    "shards",
    "features",
    "preprocess",
)
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def run(name: str) -> dict[str, Any]:
    """Run one benchmark in a process of its own; what it says beside its line goes to standard error."""
    made = subprocess.run([sys.executable, "-W", "ignore", HERE / f"{name}.py"], stdout=subprocess.PIPE, text=True, check=False)
    lines = made.stdout.splitlines()
    if made.returncode or not lines:
        raise SystemExit(f"{name} ended with {made.returncode}; its own words are above")
    print(lines[-1], flush=True)
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as Markdown, under the date and the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"
    rows = [f"{datetime.now(UTC):%Y-%m-%d}, {machine}.", "", "| benchmark | ratio | aim | met | figures |", "|---|---|---|---|---|"]
    for result in results:
        figures = "; ".join(f"{name} {value}" for name, value in result["figures"].items())
        rows.append(f"| `{result['name']}` | {result['ratio']} | {result['aim']} | {'yes' if result['met'] else 'no'} | {figures} |")
    return "\n".join(rows)


def rewrite(results: list[dict[str, Any]]) -> None:
    """Put the results between the marks of README.md."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(names: list[str]) -> None:
    if unknown := sorted(set(names) - set(NAMES)):
        raise SystemExit(f"no benchmark {', '.join(unknown)}; allowed: {', '.join(NAMES)}")
    results = [run(name) for name in names or NAMES]
    if not names:
        rewrite(results)


if __name__ == "__main__":
    main(sys.argv[1:])
