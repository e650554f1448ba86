"""A corpus preprocessed by two processes: a whole build of ours, a plain librosa loop and lhotse's own pipeline over the same clips.

The clips are the recorded prompts of Debian's packages without silence/, decoded beforehand to WAV at 16 kHz. Everything runs as a whole
process: start-up is included, and whatever it starts. Ours brings each clip to the standard form, measures and fingerprints it, writes
MFCC and F0, looks for duplicates, splits, judges, draws the card and releases; then the same again with nothing new and with one clip in a
hundred new. The loop loads, resamples, trims and writes WAV, MFCC and F0. lhotse resamples, normalises the loudness, writes WAV and Kaldi
MFCC; it has no F0.

    python benchmarks/preprocess.py [clips] [runs]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import emit

WORKERS = 2
RUNS = 2  # of each, in turns; the fastest counts
AIM = 1.3  # times the faster of the two others
AIM_MB = 500  # of ours, with all that it starts
AIM_EDIT = 0.03  # of a full build's time
NEW = 100  # one clip in so many is new
RATE = 22_050  # Hz
PULSE = 0.15  # seconds between two looks at the memory
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Cost:
    """What a process took, with all that it started, and what it said."""

    wall: float
    cpu: float
    megabytes: float
    said: dict[str, Any]


# ---------------------------------------------------------------- the corpus


def write_corpus(folder: Path, most: int) -> float:
    """Write the prompts as WAV with their manifest and recipe; return their seconds."""
    import soundfile

    from nightdub.datasets.prompts import SOUNDS, VOICES, transcript_of
    from nightdub.infra.media.raw import G722_RATE, g722_samples

    texts: dict[str, str] = {}
    for language in VOICES:
        for line in transcript_of(language)[1]:
            name, _, text = line.partition(": ")
            texts[f"{language}/{name.strip()}"] = text.strip()
    paths = [
        (f"{language}/{path.relative_to(SOUNDS / voice).with_suffix('')}", path)
        for language, voice in VOICES.items()
        for path in sorted((SOUNDS / voice).rglob("*.g722"))
        if "silence" not in path.relative_to(SOUNDS / voice).parts and path.stat().st_size  # lhotse ends at one that is empty
    ]
    random.Random(1).shuffle(paths)  # noqa: S311 - so that the new ones are of every kind
    rows, seconds = [], 0.0
    for name, path in paths[:most]:
        file = folder / "wavs" / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        samples = g722_samples(path.read_bytes())
        soundfile.write(file, samples, G722_RATE, subtype="PCM_16")
        seconds += len(samples) / G722_RATE
        language = name.partition("/")[0]
        text = texts.get(name) or path.stem.replace("-", " ")
        rows.append({"id": name, "audio_path": f"wavs/{name}.wav", "text": text, "language": language, "speaker": language, "emotion": ""})
    recipe = {
        "name": "prompts", "reader": "jsonl", "source": ".", "policy": "dataset", "licence": "CC-BY-SA-3.0", "commercial": True,
        "features": ["mfcc", "f0_yin"], "outputs": ["jsonl"], "splits": {"by": ["recording"]},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    (folder / "rows.json").write_text(json.dumps(rows))
    return seconds


def choose(folder: Path, *, new: bool) -> None:
    """Let the manifest hold all clips, or all but the one in a hundred that is to be new."""
    rows = json.loads((folder / "rows.json").read_text())
    kept = rows if new else rows[: len(rows) - max(1, len(rows) // NEW)]
    (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in kept))


def waves(folder: Path) -> list[tuple[str, Path]]:
    return [(row["id"].replace("/", "_"), folder / row["audio_path"]) for row in json.loads((folder / "rows.json").read_text())]


# ---------------------------------------------------------------- what is compared, each in a process of its own


def ours(folder: Path, home: str) -> dict[str, Any]:
    """Build the dataset; say how long that took without the start of the process, and which step took what."""
    from nightdub.flows.dataset_build import build_dataset
    from nightdub.flows.night import open_books
    from nightdub.infra.settings import load_settings

    with open_books(load_settings(home=folder / home, compute="local", workers=WORKERS)) as books:
        started = time.perf_counter()
        found = build_dataset(books, str(folder / "recipe.yaml"))
    took = time.perf_counter() - started
    return {"seconds": took, "samples": found.samples, "excused": found.excused, "made": found.made, "version": found.version}


def loop(folder: Path, out: str) -> dict[str, Any]:
    """Run the plain loop, by librosa's own YIN."""
    (folder / out).mkdir()
    with ProcessPoolExecutor(WORKERS) as pool:
        done = sum(pool.map(_one, ((name, str(path), str(folder / out)) for name, path in waves(folder)), chunksize=16))
    return {"samples": done}


def _one(clip: tuple[str, str, str]) -> int:
    import librosa
    import numpy as np
    import soundfile

    name, path, out = clip
    sound, _ = librosa.load(path, sr=None)
    sound = librosa.resample(sound, orig_sr=16_000, target_sr=RATE, res_type="soxr_hq")
    sound, _ = librosa.effects.trim(sound, top_db=40)
    mfcc = librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=13)
    pitch = librosa.yin(sound, fmin=65, fmax=500, sr=RATE)
    soundfile.write(f"{out}/{name}.wav", sound, RATE, subtype="PCM_16")
    np.savez(f"{out}/{name}.npz", mfcc=mfcc, f0=pitch)
    return 1


def lhotse(folder: Path, out: str) -> dict[str, Any]:
    """Run lhotse's pipeline; a frame every 20 ms, since it refuses 10 ms at this rate."""
    from lhotse import CutSet, LilcomChunkyWriter, Mfcc, MfccConfig, Recording

    (folder / out).mkdir()
    cuts = CutSet.from_cuts(Recording.from_file(path, recording_id=name).to_cut() for name, path in waves(folder))
    cuts = cuts.resample(RATE).normalize_loudness(-23.0).save_audios(folder / out / "audio", num_jobs=WORKERS, progress_bar=False)
    extractor = Mfcc(MfccConfig(sampling_rate=RATE, frame_shift=0.02))
    cuts = cuts.compute_and_store_features(
        extractor, folder / out / "mfcc", num_jobs=WORKERS, storage_type=LilcomChunkyWriter, progress_bar=False
    )
    cuts.to_file(folder / out / "cuts.jsonl.gz")
    return {"samples": len(cuts)}


RIVALS: dict[str, Callable[[Path, str], dict[str, Any]]] = {"ours": ours, "librosa": loop, "lhotse": lhotse}


# ---------------------------------------------------------------- measuring


def measure(what: str, folder: Path, out: str) -> Cost:
    """Run one of them as a process of its own."""
    started = time.perf_counter()
    environment = os.environ | ALONE | {"PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen([sys.executable, __file__, what, folder, out], stdout=subprocess.PIPE, text=True, env=environment)
    peaks = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks), daemon=True)
    watcher.start()
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{what} ended with {process.returncode}; its own words are above")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peaks[0], json.loads(said.splitlines()[-1]))


def _watch(process: int, peaks: list[float]) -> None:
    """Keep the most megabytes (proportional set size) that a process and all below it have at once."""
    while sizes := list(_sizes(process)):
        peaks[0] = max(peaks[0], sum(sizes) / 1e6)
        time.sleep(PULSE)


def _sizes(process: int) -> Iterator[int]:
    import psutil

    try:
        top = psutil.Process(process)
        if top.status() == psutil.STATUS_ZOMBIE:
            return
        for one in (top, *top.children(recursive=True)):
            try:
                yield one.memory_full_info().pss
            except psutil.Error:  # it ended just now
                yield 0
    except psutil.Error:
        return


def best(costs: list[Cost]) -> Cost:
    """Return the fastest of several runs, with the most memory that any took."""
    first = min(costs, key=lambda cost: cost.wall)
    return Cost(first.wall, first.cpu, max(cost.megabytes for cost in costs), first.said)


def main(most: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hours = write_corpus(folder, most) / 3600
        costs: dict[str, list[Cost]] = {"ours": [], "librosa": [], "lhotse": [], "edit": [], "again": []}
        for turn in range(runs):
            for what in ("librosa", "lhotse"):
                costs[what].append(measure(what, folder, f"{what}-{turn}"))
            choose(folder, new=True)
            costs["ours"].append(measure("ours", folder, f"home-{turn}"))
            costs["again"].append(measure("ours", folder, f"home-{turn}"))
            choose(folder, new=False)
            measure("ours", folder, f"edit-{turn}")
            choose(folder, new=True)
            costs["edit"].append(measure("ours", folder, f"edit-{turn}"))
            if costs["edit"][-1].said["version"] != costs["ours"][-1].said["version"]:
                raise SystemExit("the incremental build made another version than the full one")
    report(hours, {what: best(found) for what, found in costs.items()})


def report(hours: float, costs: dict[str, Cost]) -> None:
    full, others = costs["ours"], {name: costs[name] for name in ("librosa", "lhotse")}
    figures: dict[str, float | int | str] = {
        "hours": hours, "clips": others["librosa"].said["samples"], "samples": full.said["samples"],
        "excused": ", ".join(f"{code} {count}" for code, count in full.said["excused"].items()),
    }  # fmt: skip
    for name, cost in ({"ours": full} | others).items():
        figures |= {f"{name}_s": cost.wall, f"{name}_cpu_s": cost.cpu, f"{name}_mb": cost.megabytes}
        figures[f"{name}_hours_per_minute"] = 60 * hours / cost.wall
    ratios = {name: cost.wall / full.wall for name, cost in others.items()}
    figures |= {f"{name}_to_ours": ratio for name, ratio in ratios.items()}
    figures |= {f"{name}_to_ours_cpu": cost.cpu / full.cpu for name, cost in others.items()}
    for name in ("edit", "again"):
        cost = costs[name]
        figures |= {f"{name}_s": cost.wall, f"{name}_without_start_s": cost.said["seconds"], f"{name}_made": cost.said["made"]}
        figures |= {f"{name}_cpu_s": cost.cpu, f"{name}_share": cost.wall / full.wall, f"{name}_share_cpu": cost.cpu / full.cpu}
        figures[f"{name}_share_without_start"] = cost.said["seconds"] / full.said["seconds"]
    met = min(ratios.values()) >= AIM and full.megabytes < AIM_MB and float(figures["edit_share"]) < AIM_EDIT
    aim = f"{AIM} times the faster, under {AIM_MB} MB, and {AIM_EDIT:.0%} of it for one new clip in {NEW}"
    emit("preprocess", figures, min(ratios.values()), aim, met=met)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in RIVALS:
        print(json.dumps(RIVALS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
    else:
        numbers = [int(word) for word in sys.argv[1:]]
        main(numbers[0] if numbers else 1_000_000, numbers[1] if len(numbers) > 1 else RUNS)
