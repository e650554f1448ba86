"""Shards of WebDataset: tar files with each clip's sound, line and features one after the other, and an index for each split."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from nightdub.datasets.outputs.form import SPLITS, Fetch, Options, Output, Parts, buckets, record, write_bytes
from nightdub.datasets.rows import Sample

_PLAIN = re.compile(r"[A-Za-z0-9_-]")
BLOCK = tarfile.BLOCKSIZE
_ZEROS = bytes(BLOCK)
_LARGE = 8**11  # bytes that eleven octal digits cannot count
_SPACES = 7 * ord(" ")  # what the first seven bytes of a checksum count as while it is made


def key_of(name: str) -> str:
    """Return an id as a key: what a tar or WebDataset reads as more than a letter ("/", ".") is written as %XX, as in addresses."""
    return "".join(letter if _PLAIN.match(letter) else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in name)


def _parts(rows: Iterable[Sample], _options: Options) -> Parts:
    return {f"{name}.tar": members for name, members in buckets(rows).items()}


def _write(name: str, rows: Sequence[Sample], sound: Fetch, features: Fetch, out: Path, _options: Options) -> dict[str, Path]:
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for row in rows:
            key = key_of(row.id)
            _add(stream, f"{key}.wav", sound(row.sound).read_bytes())
            _add(stream, f"{key}.json", msgspec.json.encode(record(row)))
            if row.features:
                _add(stream, f"{key}.npz", features(row.features).read_bytes())
        stream.write(bytes(2 * BLOCK))
    return {name: path}


def _add(stream: IO[bytes], name: str, data: bytes) -> None:
    """Write one member: nobody's, of 1970, so that the same clip is the same bytes."""
    stream.write(_header(name, len(data)))
    stream.write(data)
    stream.write(_ZEROS[: -len(data) % BLOCK])


def _header(name: str, size: int) -> bytes:
    """Return a member's header: POSIX ustar, written here because tarfile takes a quarter of a shard's time for it; PAX for long names."""
    letters = name.encode("ascii")
    if len(letters) > tarfile.LENGTH_NAME or size >= _LARGE:
        info = tarfile.TarInfo(name)
        info.size = size
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8")
    head = bytearray(_EMPTY)
    head[: len(letters)] = letters
    head[124:135] = b"%011o" % size
    head[148:154] = b"%06o" % (sum(head) + _SPACES)
    return bytes(head)


def _empty() -> bytes:
    head = bytearray(tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT))
    head[148:156] = b"\0\0\0\0\0\0\0 "
    return bytes(head)


_EMPTY = _empty()


def _finish(parts: Parts, sizes: Mapping[str, int], digests: Mapping[str, str], out: Path) -> dict[str, Path]:
    """Write index-SPLIT.json in the form of wids: shards with their samples and bytes, and beside it hours and sha256."""
    written = {}
    for split in SPLITS:
        shards = [
            {
                "url": name,
                "nsamples": len(rows),
                "filesize": sizes[name],
                "sha256": digests[name],
                "seconds": round(sum(row.seconds for row in rows), 3),
            }
            for name, rows in sorted(parts.items())
            if rows[0].split == split
        ]
        if shards:
            name = f"index-{split}.json"
            index = {"name": split, "__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": shards}
            written[name] = write_bytes(out / name, msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n")
    return written


WEBDATASET = Output("tar shards of WebDataset, with an index for each split", _parts, _write, finish=_finish)
