"""What an output is: a layout of files that training reads, made in parts that workers write side by side.

Which part a row is in depends on the split and on the hash of its recording. A part that grows beyond `LONGEST` falls in two by the next
bit of that hash: new rows change the parts that they are in, and no other.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from nightdub.datasets.rows import RATE, Sample
from nightdub.infra.errors import NightdubError
from nightdub.tasks.rows import Seconds

SPLITS = ("train", "validation", "test")
LONGEST: Seconds = 1800.0  # of sound in one part: 79 MB in the standard form
DEEPEST = 32  # bits: what shares them all stays together however long it is
ALWAYS = ("id", "audio_path", "text", "language", "speaker", "emotion")  # the exchange format's fields: there even where they are empty

Fetch = Callable[[str], Path]  # digest -> local, read-only file
_Hashed = tuple[int, Sample]
Parts = dict[str, list[Sample]]  # name of a part -> its rows in the order of their ids


@dataclass(frozen=True, slots=True)
class Options:
    """What a dataset says of itself, for layouts that repeat it."""

    name: str = "dataset"
    licence: str = "unknown"
    features: tuple[str, ...] = ()  # arrays that the rows' features hold


def _nothing_there(_rows: Iterable[Sample]) -> dict[str, str]:
    return {}


def _nothing_more(_parts: Parts, _sizes: Mapping[str, int], _digests: Mapping[str, str], _out: Path) -> dict[str, Path]:
    return {}


@dataclass(frozen=True)
class Output:
    """One layout. The same rows give the same bytes, whoever writes which part when.

    - `parts(rows, options)`: into which parts the rows go.
    - `write_part(name, rows, sound, features, out, options)`: write one of them below `out`; relative names -> files.
    - `objects(rows)`: relative names -> digests of what the layout takes as it is, clips and features: nobody need copy them.
    - `finish(parts, sizes, digests, out)`: write the index over all files of the parts, whose bytes and sha256 are given by name.
    """

    describes: str
    parts: Callable[[Iterable[Sample], Options], Parts]
    write_part: Callable[[str, Sequence[Sample], Fetch, Fetch, Path, Options], dict[str, Path]]
    objects: Callable[[Iterable[Sample]], dict[str, str]] = _nothing_there
    finish: Callable[[Parts, Mapping[str, int], Mapping[str, str], Path], dict[str, Path]] = _nothing_more


def buckets(rows: Iterable[Sample]) -> Parts:
    """Return rows by split and hash of their recording, at most `LONGEST` of sound in each: "train", or "train-0" and "train-1"."""
    found: Parts = {}
    by_split: dict[str, list[_Hashed]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        by_split.setdefault(row.split, []).append((_bits(row), row))
    for split in sorted(by_split):
        _divide(split, by_split[split], 0, found)
    return found


def _divide(name: str, rows: list[_Hashed], depth: int, found: Parts) -> None:
    if sum(row.seconds for _, row in rows) <= LONGEST or depth == DEEPEST or len(rows) == 1:
        found[name] = [row for _, row in rows]
        return
    for bit in (0, 1):
        if half := [pair for pair in rows if pair[0] >> (DEEPEST - 1 - depth) & 1 == bit]:
            _divide(f"{name}{bit}" if depth else f"{name}-{bit}", half, depth + 1, found)


def _bits(row: Sample) -> int:
    return int.from_bytes(hashlib.sha256((row.recording or row.id).encode()).digest()[: DEEPEST // 8], "big")


def clip_path(row: Sample) -> str:
    """Return the clip's path below the dataset's folder. Raises: NightdubError where it may not be one."""
    path = row.audio_path
    pieces = path.split("/")
    if not path or "\\" in path or not path.isprintable() or any(piece in ("", ".", "..") for piece in pieces):
        raise NightdubError(f"path {path!r}", where=row.id, allowed="a path below the dataset's folder", fix="rename the clip")
    return path


def features_path(row: Sample) -> str:
    """Return the path of the clip's features, beside the clips."""
    return f"features/{clip_path(row).removesuffix('.wav')}.npz"


def clips(rows: Iterable[Sample]) -> dict[str, str]:
    """Return path -> digest of clips and features as they are. Raises: NightdubError where two clips have one path."""
    rows = list(rows)
    pairs = [(clip_path(row), row.sound) for row in rows] + [(features_path(row), row.features) for row in rows if row.features]
    if twice := sorted(path for path, count in Counter(path for path, _ in pairs).items() if count > 1):
        raise NightdubError(f"two clips with the path {twice[0]!r}", allowed="each path once", fix="rename one of them")
    return dict(sorted(pairs))


def record(row: Sample) -> dict[str, Any]:
    """Return a row as its line of a manifest: the exchange format's fields, then what is known beside them; no fingerprint."""
    line = msgspec.to_builtins(row)
    if line["measured"]:
        del line["measured"]["fingerprint"]
        line["measured"] = {name: value for name, value in line["measured"].items() if value is not None}
    line["features"] = features_path(row) if row.features else ""
    line["tags"] = dict(sorted(row.tags.items()))
    return {name: value for name, value in line.items() if name in ALWAYS or value not in (None, "", {})}


def samples_of(row: Sample) -> int:
    """Return how many samples the clip's standard form has."""
    return round(row.seconds * RATE)


def json_lines(lines: Iterable[Any]) -> bytes:
    """Return JSON lines."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def write_gzip(path: Path, data: bytes) -> Path:
    """Write a gzip file that knows neither its name nor the time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 6, mtime=0))
    return path


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def lay_out(output: Output, rows: Iterable[Sample], sound: Fetch, features: Fetch, out: Path, options: Options) -> list[str]:
    """Write a whole layout below a folder, part after part; return the relative names of its files."""
    from nightdub.infra.digests import digest_file

    rows = list(rows)
    parts = output.parts(rows, options)
    written: dict[str, Path] = {}
    for name, members in parts.items():
        written |= output.write_part(name, members, sound, features, out, options)
    sizes = {name: path.stat().st_size for name, path in written.items()}
    written |= output.finish(parts, sizes, {name: digest_file(path) for name, path in written.items()}, out)
    there = output.objects(rows)
    held = {digest for row in rows if (digest := row.features)}
    for name, digest in there.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(features(digest) if digest in held else sound(digest), out / name)
    return sorted([*written, *there])
