"""Films for tests, made by ffmpeg's own generators; `testsrc2` counts its frames in the picture, so each one is another."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np


def lavfi(path: Path, *words: str, video: str = "", audio: str = "") -> Path:
    """Run ffmpeg on generated inputs; `words` are its output options."""
    inputs = [word for source in (video, audio) if source for word in ("-f", "lavfi", "-i", source)]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *words, str(path)], check=True)
    return path


def film(path: Path, *words: str, rate: str = "25", seconds: float = 2.0, size: str = "160x120", sound: str = "sine=440:r=48000") -> Path:
    """Write a film with sound; H.264 with B-frames and AAC where `words` say nothing else."""
    coding = words or ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12", "-threads", "1")
    return lavfi(path, *coding, "-t", str(seconds), video=f"testsrc2=s={size}:r={rate}:d={seconds}", audio=f"{sound}:d={seconds}")


def flip_bits(path: Path, out: Path, count: int = 8, seed: int = 0) -> Path:
    """Copy a file with some bits flipped in its middle half."""
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(len(data) // 4, 3 * len(data) // 4, count):
        data[place] ^= 1 << int(random.integers(8))
    out.write_bytes(data)
    return out


def cut(path: Path, out: Path, share: float = 0.6) -> Path:
    """Copy the first part of a file."""
    data = path.read_bytes()
    out.write_bytes(data[: int(len(data) * share)])
    return out
