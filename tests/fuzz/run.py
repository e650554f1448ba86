"""Coverage-guided fuzzing of one reader, or of each in turn: `python tests/fuzz/run.py TARGET --seconds 60`; `all` divides the seconds.

Prints how often each was called and what it found. An input that breaks a promise is kept in `tests/fuzz/found/TARGET/`, where the tests
read it again; nothing else is kept. Needs atheris (extra `dev`).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import targets as registry

MEMORY = 2048  # MiB
LONGEST = 20  # seconds for one input
STARTING = 600  # seconds until all that a target uses is imported and instrumented, on a machine that does other things as well
BROKE = "broke-"  # begins the names of inputs that broke a promise
LARGEST = 16_384  # bytes of an input


def main() -> int:
    """Fuzz, print, and return 1 where something was found."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("target", choices=["all", *registry.targets()])
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--inside", type=Path, help=argparse.SUPPRESS)  # the child's corpus
    given = asked.parse_args()
    if given.inside:
        fuzz(given.target, given.seconds, given.inside)
        return 0
    names = list(registry.targets()) if given.target == "all" else [given.target]
    found = 0
    for name in names:
        calls, said = run(name, max(1, given.seconds // len(names)))
        found += bool(said)
        print(f"{name}: {calls} calls, {said or 'nothing found'}", flush=True)  # noqa: T201
    return int(found > 0)


def run(name: str, seconds: int) -> tuple[int, str]:
    """Fuzz a target in a child, which a finding ends; return its calls and what was found."""
    with tempfile.TemporaryDirectory(prefix="nightdub-fuzz-") as folder:
        corpus = Path(folder)
        for index, example in enumerate(registry.targets()[name].examples):
            (corpus / f"example-{index}").write_bytes(example)
        command = [sys.executable, __file__, name, "--seconds", str(seconds), "--inside", folder]
        child = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + STARTING, check=False)
        for path in corpus.glob(f"{BROKE}*"):
            kept = registry.FOUND / name / hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(path.read_bytes())
    counted = re.findall(r"^#(\d+)", child.stderr, re.MULTILINE)
    calls = int(counted[-1]) if counted else 0
    said = re.findall(r"^FOUND (.*)$", child.stderr, re.MULTILINE)
    if child.returncode and not said:
        said = [line for line in child.stderr.splitlines() if "ERROR" in line or "Error" in line][-1:] or [child.stderr[-300:]]
    return calls, "; ".join(said)


def fuzz(name: str, seconds: int, corpus: Path) -> None:
    """Call a target until the time is over or it breaks its promise; does not return."""
    import atheris

    with atheris.instrument_imports(include=["nightdub"]):
        target = registry.targets()[name]
        for example in target.examples:
            registry.check(target, example)  # imports all that it uses

    def once(data: bytes) -> None:
        if wrong := registry.check(target, data):
            (corpus / f"{BROKE}us").write_bytes(data)
            print(f"FOUND {wrong}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(77)

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY}", f"-timeout={LONGEST}", f"-max_len={LARGEST}", "-len_control=10"]
    options += [f"-artifact_prefix={corpus / BROKE}", "-print_final_stats=1"]
    if words := [token for token in target.tokens if len(token) < 60]:
        dictionary = corpus / "words"
        dictionary.write_text("".join(f'"{_escaped(token)}"\n' for token in words))
        options.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


def _escaped(token: str) -> str:
    """Return a word as libFuzzer's dictionaries spell it."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\x{byte:02x}" for byte in token.encode("utf-8", "replace")
    )


if __name__ == "__main__":
    sys.exit(main())
