"""Cold start: `nightdub --help` and a plan of one title, each in a process of its own, against bare Python.

The best of some turns, the sides in turns. A plan may load none of the libraries that only building, gating or serving need.

    python benchmarks/start.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import emit

TURNS = 9
AIM = 0.3  # seconds
HEAVY = ("prefect", "distributed", "torch", "cv2", "great_expectations", "boto3", "pandas", "fastapi")
CLI = "from nightdub.apps.cli import main; main()"
CATALOGUE = "id,source,language,targets\nfilm,film.mp4,en,es\n"


def alone(code: str, *arguments: str) -> float:
    """Return the seconds that a process with this code takes from start to end."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def dearest(*arguments: str) -> str:
    """Return the three imports of our own that take longest, with all that they import, in milliseconds."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", CLI, *arguments], capture_output=True, text=True, check=False)
    rows = [
        line.removeprefix("import time:").split("|") for line in done.stderr.splitlines() if line.count("|") == 2 and "[us]" not in line
    ]
    found = sorted(((int(total), name.strip()) for _, total, name in rows if not name.strip().startswith("nightdub.apps")), reverse=True)
    return ", ".join(f"{name} {total / 1000:.0f}" for total, name in found[:3])


def loaded(*arguments: str) -> str:
    """Return the heavy libraries that a command loads."""
    told = f"import sys, atexit; atexit.register(lambda: print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)); {CLI}"
    done = subprocess.run([sys.executable, "-c", told, *arguments], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[-1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue.csv"
        catalogue.write_text(CATALOGUE)
        (Path(folder) / "film.mp4").touch()
        plan = ("--home", f"{folder}/home", "plan", str(catalogue))
        sides = {"python": ("pass",), "help": (CLI, "--help"), "plan": (CLI, *plan)}
        turns = [{name: alone(*side) for name, side in sides.items()} for _ in range(TURNS)]
        best = {name: min(turn[name] for turn in turns) for name in sides}
        figures: dict[str, float | int | str] = {f"{name}_s": seconds for name, seconds in best.items()}
        heavy = {name: loaded(*arguments) for name, arguments in (("help", ("--help",)), ("plan", plan))}
        figures |= {f"{name}_loads": found for name, found in heavy.items()}
        figures |= {"help_dearest_ms": dearest("--help"), "plan_dearest_ms": dearest(*plan)}
    met = best["help"] < AIM and set(heavy.values()) == {"[]"}
    emit("start", figures, best["help"] / best["python"], f"--help under {AIM} s; neither loads a heavy library", met=met)


if __name__ == "__main__":
    main()
