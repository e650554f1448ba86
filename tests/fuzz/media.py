"""Spoilt media, by seed: what intake makes of them must be an answer or an error of ours, whatever was flipped, cut or lied about.

python tests/fuzz/media.py --count 5000 --seed 1            # a table, and every finding with its number
python tests/fuzz/media.py --seed 1 --only 1234             # one file again
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import MediaError, NightdubError
from nightdub.infra.media.boxes import read_samples, read_segment
from nightdub.infra.media.check import check_decodes
from nightdub.infra.media.groups import read_groups
from nightdub.infra.media.probe import probe
from nightdub.infra.media.safety import Limits

CAP = 20.0  # seconds that one process may take, of the clock and of the CPU
LIMITS = Limits(wall=CAP, cpu=int(CAP))
_PICTURE = "testsrc2=s=64x48:r=25:d=0.6"
_SOUND = "sine=440:r=48000:d=0.6"
_FILM = ("-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND)
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-threads", "1")
SEEDS: dict[str, tuple[str, ...]] = {
    "mp4": (*_FILM, *_H264, "-c:a", "aac"),
    "mkv": (*_FILM, *_H264, "-c:a", "libopus"),
    "ts": (*_FILM, *_H264, "-c:a", "mp2"),
    "mxf": (*_FILM, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "wav": ("-f", "lavfi", "-i", _SOUND, "-metadata", "title=a"),
    "flac": ("-f", "lavfi", "-i", _SOUND, "-metadata", "title=a"),
    "mp3": ("-f", "lavfi", "-i", _SOUND, "-metadata", "title=a"),
    "ogg": ("-f", "lavfi", "-i", _SOUND, "-c:a", "libvorbis", "-metadata", "title=a"),
}
_LIES = (0, 1, 7, 8, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
_NAMES = re.compile(rb"[a-zA-Z][a-zA-Z0-9 ]{3}")  # what may be the name of a box or chunk
_CRASHED = re.compile(r"failed \(-\d+\)")
_SLOW = re.compile(r"took more than|of CPU")

Spoil = Callable[[bytearray, random.Random, dict[str, bytes]], bytearray]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `kind`: accepted, refused, "decoder crashed" (contained, so refused), or a finding."""

    number: int
    family: str
    kind: str
    detail: str
    seconds: float

    @property
    def is_finding(self) -> bool:
        """Return whether this must not happen."""
        return self.kind in ("slow", "other error")


def seeds(folder: Path) -> dict[str, bytes]:
    """Return one small file of each family, written by ffmpeg."""
    made = {}
    for family, words in SEEDS.items():
        path = folder / f"seed.{family}"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words, "-fflags", "+bitexact", str(path)], check=True)
        made[family] = path.read_bytes()
    return made


def spoilt(number: int, seed: int, good: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the family and the bytes of a spoilt file; the same for the same number, seed and good files."""
    dice = random.Random(f"{seed}/{number}")
    family = list(good)[number % len(good)]
    data = bytearray(good[family])
    for _ in range(dice.choice((1, 1, 2, 3))):
        data = dice.choice(SPOILERS)(data, dice, good) or data
    return family, bytes(data)


def _place(data: bytearray, dice: random.Random) -> int:
    """Return a place, more often than not where headers lie: near the beginning or the end."""
    where = dice.randrange(4)
    near = min(len(data), 2048)
    return max(0, dice.randrange(len(data)) if where < 2 else dice.randrange(near) if where == 2 else len(data) - 1 - dice.randrange(near))


def _flip(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    for _ in range(dice.choice((1, 2, 8, 32))):
        data[_place(data, dice)] ^= 1 << dice.randrange(8)
    return data


def _cut(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    return data[: 1 + _place(data, dice)]


def _drop(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    start = _place(data, dice)
    del data[start : start + dice.choice((1, 4, 188, 1024))]
    return data


def _double(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    start, size = _place(data, dice), dice.choice((4, 188, 1024, 4096))
    data[start:start] = data[start : start + size] * dice.choice((1, 1, 50))
    return data


def _swap(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    size = min(dice.choice((4, 188, 1024)), len(data) // 2)
    one, other = sorted((dice.randrange(max(1, len(data) - 2 * size)), dice.randrange(max(1, len(data) - size))))
    other = max(other, one + size)
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return data


def _lie(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    """Write a number that cannot be true before or after something that looks like the name of a box or chunk."""
    names = [found.start() for found in _NAMES.finditer(data)] or [4]
    at, size = dice.choice(names), dice.choice((4, 4, 8))
    lie = dice.choice((*_LIES, len(data), len(data) + 1)).to_bytes(8, dice.choice(("big", "little")))
    start = max(0, at + dice.choice((-4, 4, 8, 12)))
    data[start : start + size] = lie[:size] if dice.randrange(2) else lie[-size:]
    return data


def _splice(data: bytearray, dice: random.Random, good: dict[str, bytes]) -> bytearray:
    other = good[dice.choice(list(good))]
    return data[: 1 + _place(data, dice)] + other[dice.randrange(len(other)) :]


def _blank(data: bytearray, dice: random.Random, _good: dict[str, bytes]) -> bytearray:
    start, size = _place(data, dice), dice.choice((16, 512))
    data[start : start + size] = bytes([dice.choice((0, 0xFF))]) * len(data[start : start + size])
    return data


SPOILERS: tuple[Spoil, ...] = (_flip, _flip, _cut, _drop, _double, _swap, _lie, _lie, _splice, _blank)


def intake(path: Path, limits: Limits) -> None:
    """Do with a file what intake does: name it by its bytes, count its packets, decode it strictly. Raises: MediaError."""
    probe(path, limits)
    check_decodes(path, limits, every_sound=True)
    if path.suffix == ".mp4":
        read_groups(path, limits)


def take_in(path: Path) -> None:
    """Take a file in within the cap."""
    intake(path, LIMITS)


def judge(path: Path, number: int = 0, family: str = "", act: Callable[[Path], None] = take_in) -> Outcome:
    """Take a file in and say what became of it."""
    start = time.monotonic()
    kind, detail = "accepted", ""
    try:
        act(path)
    except NightdubError as error:
        detail = str(error)
        kind = "slow" if _SLOW.search(detail) else "decoder crashed" if _CRASHED.search(detail) else "refused"
    except Exception as error:
        kind, detail = "other error", f"{type(error).__name__}: {error}"
    return Outcome(number, family, kind, detail.replace(str(path), path.name), time.monotonic() - start)


def as_shot(path: Path) -> None:
    """Read a file with the readers of our own shots, which start no process."""
    for read in (read_segment, read_samples):
        try:
            read(path)
        except MediaError:
            continue


def outcomes(numbers: Iterable[int], seed: int, folder: Path, jobs: int = 2, act: Callable[[Path], None] = take_in) -> Iterator[Outcome]:
    """Yield what became of each file; the files are removed again."""
    good = seeds(folder)

    def one(number: int) -> Outcome:
        family, data = spoilt(number, seed, good)
        path = folder / f"{number}.{family}"
        path.write_bytes(data)
        try:
            return judge(path, number, family, act)
        finally:
            path.unlink()

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, numbers)


def left_running(folder: Path) -> list[str]:
    """Return the command lines of processes that still work on a file of a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:  # it has just ended
            continue
        if f"file:{folder}" in words:
            found.append(words)
    return found


def main() -> int:
    """Print a table of outcomes; return 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one file alone")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    numbers = range(wanted.first, wanted.first + wanted.count) if wanted.only is None else [wanted.only]
    table: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    start, bad = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="nightdub-fuzz-") as scratch:
        for outcome in outcomes(numbers, wanted.seed, Path(scratch), wanted.jobs):
            table[outcome.family, outcome.kind] += 1
            slowest = max(slowest, outcome.seconds)
            if outcome.is_finding or outcome.kind == "decoder crashed" or wanted.only is not None:
                bad += outcome.is_finding
                print(outcome, flush=True)  # noqa: T201
        left = left_running(Path(scratch))
    facts = {"files": sum(table.values()), "findings": bad, "left running": left, "slowest": round(slowest, 1)}
    facts |= {"seconds": round(time.monotonic() - start), "outcomes": {" ".join(key): n for key, n in sorted(table.items())}}
    print(json.dumps(facts, indent=1))  # noqa: T201
    return 1 if bad or left else 0


if __name__ == "__main__":
    sys.exit(main())
