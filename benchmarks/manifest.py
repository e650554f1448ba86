"""A dataset's manifest of 10,000 and of 100,000 made-up clips: plan, validate, split, leaks, diff and drift, each size in its own process.

`plan` reads the corpus (6,000 recordings, of which the clips are stretches), digests every recording and works out every clip's key;
`validate` is the suite of Great Expectations over all lines, its import left out.

python benchmarks/manifest.py
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from report import emit

from nightdub.datasets.rows import Measured, Sample
from nightdub.datasets.splits import leaks, split_rows
from nightdub.datasets.versions import diff, drift
from nightdub.flows.dataset_build import plan_dataset
from nightdub.flows.night import open_books
from nightdub.infra.settings import load_settings
from nightdub.quality.data.gate import check_rows

FEWER, CLIPS = 10_000, 100_000
MOST_SECONDS = 5.0  # of each stage, at the larger size
FLAT = 1.2  # growth of what the process has at most while `diff` runs, for ten times the clips
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SPEAKERS, RECORDINGS, WORDS = 2000, 6000, 4000
LANGUAGES = ("de", "en", "es", "fr", "ko")


def clips(count: int) -> Iterator[Sample]:
    """Yield clips in the order of their ids, each split by its speaker's number."""
    rng = np.random.default_rng(6)
    for number in range(count):
        recording = int(rng.integers(RECORDINGS))
        speaker, seconds = recording % SPEAKERS, float(rng.gamma(4, 1))
        text = " ".join(f"word{word}" for word in rng.integers(WORDS, size=8))
        measured = Measured(seconds, 48_000, 1, 0.1, 0.1, -23.0, 0.0, -3.0, 0.0, 12_000.0, float(rng.normal(25, 5)), None, "A" * 250)
        yield Sample(
            f"clip-{number:07}", f"clips/clip-{number:07}.wav", text, LANGUAGES[speaker % 5], f"speaker-{speaker:05}", "neutral",
            ("train", "validation", "test")[speaker % 3], seconds, f"{number:064x}", f"{recording:064x}", recording=f"tape-{recording:05}",
            measured=measured, tags={"accent": "none"},
        )  # fmt: skip


def write(folder: Path, count: int) -> None:
    """Write two versions: in the second, one clip in a hundred has another text and one in a hundred is gone."""
    encode = msgspec.json.Encoder().encode
    with (folder / "old.jsonl").open("wb") as old, (folder / "new.jsonl").open("wb") as new:
        for number, row in enumerate(clips(count)):
            old.write(encode(row) + b"\n")
            if number % 100:
                new.write(encode(replace(row, text="other words") if number % 100 == 1 else row) + b"\n")


def write_corpus(folder: Path, count: int) -> None:
    """Write a corpus in the exchange format: stretches of recordings, which hold nothing, since a plan decodes none."""
    (folder / "corpus").mkdir()
    for recording in range(RECORDINGS):
        (folder / f"corpus/tape-{recording:05}.wav").write_bytes(f"{recording}".encode())
    with (folder / "corpus/manifest.jsonl").open("wb") as out:
        for number, row in enumerate(clips(count)):
            line = {"id": row.id, "audio_path": f"{row.recording}.wav", "text": row.text, "language": row.language, "speaker": row.speaker}
            out.write(msgspec.json.encode(line | {"start": number / 10, "end": number / 10 + row.seconds}) + b"\n")
    recipe = {"name": "big", "reader": "jsonl", "source": ".", "policy": "dataset", "licence": "CC0-1.0", "commercial": True}
    (folder / "corpus/big.yaml").write_text(json.dumps(recipe))


def plan(folder: Path) -> object:
    with open_books(load_settings(home=folder / "home")) as books:
        found = plan_dataset(books, str(folder / "corpus/big.yaml"))
    if found.missing != found.clips or found.excused:
        raise SystemExit(f"a plan of {found}")
    return found.missing


def validate(folder: Path) -> object:
    verdict = check_rows("samples", list(rows(folder / "old.jsonl")))
    if verdict.failed:
        raise SystemExit(verdict.reason)
    return verdict.n


def rows(path: Path) -> Iterator[Sample]:
    decoder = msgspec.json.Decoder(Sample)
    with path.open("rb") as stream:
        for line in stream:
            yield decoder.decode(line)


def split(folder: Path) -> object:
    return split_rows(rows(folder / "old.jsonl"), SHARES, ("speaker", "recording"), "salt")


def find_leaks(folder: Path) -> object:
    return leaks(rows(folder / "old.jsonl"), ("speaker", "recording", "sentence"))


def compare(folder: Path) -> object:
    return diff(folder / "old.jsonl", folder / "new.jsonl").changed


def distributions(folder: Path) -> object:
    return drift(rows(folder / "old.jsonl"), rows(folder / "new.jsonl"))


STAGES: dict[str, Callable[[Path], object]] = {
    "diff": compare,
    "split": split,
    "leaks": find_leaks,
    "drift": distributions,
    "plan": plan,
    "validate": validate,
}


def resident(line: str) -> float:
    """Return the megabytes of the process: "VmRSS" now, "VmHWM" the most since they were last forgotten."""
    return int(re.findall(rf"{line}:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


def measure(folder: Path) -> dict[str, float]:
    """Return each stage's seconds, the megabytes that it took beside what the process had, and the most that the process had."""
    found: dict[str, float] = {}
    check_rows("samples", [])  # loads Great Expectations
    for name, stage in STAGES.items():
        Path("/proc/self/clear_refs").write_text("5")  # forgets the most there was
        before, began = resident("VmRSS"), time.perf_counter()
        if not stage(folder) and name != "leaks":
            raise SystemExit(f"{name} found nothing")
        found |= {f"{name}_s": time.perf_counter() - began, f"{name}_mb": resident("VmHWM") - before, f"{name}_peak_mb": resident("VmHWM")}
    return found


def main() -> None:
    figures: dict[str, float | int | str] = {"clips": CLIPS}
    with tempfile.TemporaryDirectory() as folder:
        for count in (FEWER, CLIPS):
            place = Path(folder) / str(count)
            place.mkdir()
            write(place, count)
            write_corpus(place, count)
            made = subprocess.run([sys.executable, __file__, place], stdout=subprocess.PIPE, check=True)
            figures |= {f"{name}_{count // 1000}k": value for name, value in json.loads(made.stdout).items()}
    slowest = max(float(figures[f"{name}_s_{CLIPS // 1000}k"]) for name in STAGES)
    growth = float(figures[f"diff_peak_mb_{CLIPS // 1000}k"]) / float(figures[f"diff_peak_mb_{FEWER // 1000}k"])
    figures["diff_growth"] = growth
    aim = f"each stage under {MOST_SECONDS:g} s for {CLIPS} clips, memory of diff growing less than {FLAT}-fold from {FEWER}"
    emit("manifest", figures, slowest, aim, met=slowest < MOST_SECONDS and growth < FLAT)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main()
