"""Writing WebDataset shards: MB/s of ours against GNU tar over the same files, and against webdataset's own writer.

2,000 clips of 1 to 6 s, each with its line; half of them with log-mel bands. All files are in the page cache, every writer writes to
the same disk, and all take turns. Ours also renders the lines; the others find them as files, or are given them.

    python benchmarks/shards.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from report import emit

from nightdub.datasets.outputs.form import Options, record
from nightdub.datasets.outputs.webdataset import WEBDATASET, key_of
from nightdub.datasets.rows import RATE, Sample
from nightdub.datasets.sound.features import BANDS, write_features
from nightdub.datasets.sound.pitch import HOP
from nightdub.tasks.sound import write_sound

CLIPS, TURNS, AIM = 2000, 5, 0.8


def corpus(folder: Path) -> list[Sample]:
    """Write clips of noise, and return their rows, whose digests are names of files."""
    draw, rows = np.random.default_rng(1), []
    noise = (draw.standard_normal(6 * RATE) * 0.1).astype(np.float32)
    for number in range(CLIPS):
        samples = int(draw.integers(RATE, 6 * RATE))
        row = Sample(
            f"s{number % 40}/c{number:05}",
            f"clips/{number}.wav",
            f"line {number}",
            "en",
            f"s{number % 40}",
            "",
            "train",
            samples / RATE,
            "",
            "",
        )
        stem = key_of(row.id)
        write_sound(folder / f"{stem}.wav", noise[:samples], RATE)
        if number % 2:
            write_features(folder / f"{stem}.npz", {"log_mel": np.zeros((1 + samples // HOP, BANDS), np.float32)})
        row = Sample(
            *[getattr(row, name) for name in Sample.__slots__[:8]], f"{stem}.wav", "", features=f"{stem}.npz" if number % 2 else ""
        )
        (folder / f"{stem}.json").write_text(json.dumps(record(row)))
        rows.append(row)
    return rows


def ours(rows: list[Sample], folder: Path, out: Path) -> None:
    for name, members in WEBDATASET.parts(rows, Options()).items():
        WEBDATASET.write_part(name, members, folder.joinpath, folder.joinpath, out, Options())


def tar(_rows: list[Sample], folder: Path, out: Path) -> None:
    subprocess.run(["tar", "--create", "--file", out / "bare.tar", "--sort=name", "--format=ustar", "-C", folder, "."], check=True)


def webdataset(rows: list[Sample], folder: Path, out: Path) -> None:
    import webdataset as wds

    with wds.TarWriter(str(out / "theirs.tar")) as writer:
        for row in rows:
            stem = key_of(row.id)
            sample = {"__key__": stem, "wav": (folder / row.sound).read_bytes(), "json": record(row)}
            writer.write(sample | ({"npz": (folder / row.features).read_bytes()} if row.features else {}))


def best(writers: list[Callable[[list[Sample], Path, Path], None]], rows: list[Sample], folder: Path) -> list[float]:
    """Return the least seconds of each writer, which take turns; the first turn warms up."""
    found: list[list[float]] = [[] for _ in writers]
    for turn in range(TURNS + 1):
        for place, writer in enumerate(writers):
            with tempfile.TemporaryDirectory(dir=folder.parent) as out:
                started = time.perf_counter()
                writer(rows, folder, Path(out))
                if turn:
                    found[place].append(time.perf_counter() - started)
    return [min(seconds) for seconds in found]


def main() -> None:
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given) / "clips"
        folder.mkdir()
        rows = corpus(folder)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with tempfile.TemporaryDirectory(dir=given) as out:
            ours(rows, folder, Path(out))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        ours_s, tar_s, theirs_s = best([ours, tar, webdataset], rows, folder)
    figures: dict[str, float | int | str] = {"clips": CLIPS, "mb": size, "ours_mb_s": size / ours_s, "tar_mb_s": size / tar_s}
    figures |= {"webdataset_mb_s": size / theirs_s, "memory_grown_mb": grown}
    emit("shards", figures, tar_s / ours_s, f"at least {AIM} of GNU tar's speed", met=tar_s / ours_s >= AIM)


if __name__ == "__main__":
    main()
