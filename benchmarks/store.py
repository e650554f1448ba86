"""The store on S3 against bare boto3, on the same two servers: MB/s of a large object, small objects a second.

moto keeps everything in memory, rclone on disk. Bare means `put_object` with the client's defaults and `get_object` written to a file:
no digest, no condition, no cache. Both sides take turns. How many objects a title has is counted by the
benchmark `edit`.

    python benchmarks/store.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from report import emit

from nightdub.apps.cluster.servers import S3_SERVERS, s3_server
from nightdub.infra.store import Store, open_store

LARGE, SMALL = 32 << 20, 4 << 10  # bytes
SMALLS = 150  # small objects in a turn
THREADS = 8
TURNS = 5
AIM = 0.9
KEYS = {"access_key": "test", "secret_key": "testtest", "region": "us-east-1"}

_fresh = count()


def content(size: int) -> bytes:
    """Return bytes that were not there before."""
    return next(_fresh).to_bytes(8, "big") + os.urandom(1024) * (size // 1024)


# ---------------------------------------------------------------- the two sides


class Bare:
    """boto3 as it comes, with as many connections as the store has."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest", "region_name": "us-east-1"}
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, max_pool_connections=32)
        self.client = boto3.session.Session().client("s3", endpoint_url=endpoint, config=config, **keys)
        self.folder, self.names = folder, count()

    def put(self, data: bytes) -> str:
        name = f"bare/{next(self.names)}"
        self.client.put_object(Bucket="nightdub", Key=name, Body=data)
        return name

    def get(self, name: str) -> None:
        body = self.client.get_object(Bucket="nightdub", Key=name)["Body"]
        with (self.folder / name.replace("/", "-")).open("wb") as stream:
            for block in body.iter_chunks(1 << 20):
                stream.write(block)


class Ours:
    """The store, with a cache that has none of the objects."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.store: Store = open_store("s3://nightdub/ours", endpoint=endpoint, cache_dir=str(folder / "cache"), **KEYS)

    def put(self, data: bytes) -> str:
        return self.store.put_bytes(data)

    def get(self, name: str) -> None:
        self.store.fetch(name)


def seconds(call: Callable[[Any], Any], arguments: list[Any], threads: int = 1) -> tuple[float, list[Any]]:
    """Return how long the calls take, and what they return."""
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        answers = list(pool.map(call, arguments))
        return time.perf_counter() - started, answers


def turn(side: Bare | Ours) -> dict[str, float]:
    """Return the seconds of each kind of work."""
    put_large, large = seconds(side.put, [content(LARGE)])
    get_large, _ = seconds(side.get, large)
    put_small, small = seconds(side.put, [content(SMALL) for _ in range(SMALLS)], THREADS)
    get_small, _ = seconds(side.get, small, THREADS)
    return {"put_large": put_large, "get_large": get_large, "put_small": put_small, "get_small": get_small}


def compare(endpoint: str) -> dict[str, tuple[float, float]]:
    """Return the best of our turns and of the bare ones for each kind of work, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = Ours(endpoint, Path(folder)), Bare(endpoint, Path(folder))
        sides = (ours, bare)
        turns = [{side: turn(side) for side in (sides if number % 2 else reversed(sides))} for number in range(TURNS + 1)][1:]
    return {kind: tuple(min(found[side][kind] for found in turns) for side in sides) for kind in turns[0][ours]}  # type: ignore[misc]


# ---------------------------------------------------------------- the figures


def main() -> None:
    figures: dict[str, float | int | str] = {"large_mb": LARGE >> 20, "small_kb": SMALL >> 10, "threads": THREADS}
    ratios = []
    for name, start in S3_SERVERS.items():
        with s3_server(start) as endpoint:
            found = compare(endpoint)
        for kind, (ours, bare) in found.items():
            amount, unit = (LARGE / 1e6, "mb_s") if "large" in kind else (SMALLS, "per_s")
            figures |= {f"{name}_{kind}_{unit}": amount / ours, f"{name}_{kind}_bare": amount / bare}
            ratios.append(bare / ours)
    emit("store", figures, min(ratios), f"at least {AIM} of bare boto3's speed, in every row", met=min(ratios) >= AIM)


if __name__ == "__main__":
    main()
