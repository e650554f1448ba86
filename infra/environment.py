"""What this machine is made of, as far as it can change a measured number; no name of a host and no path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

LIBRARIES = (
    "nightdub", "numpy", "scipy", "librosa", "soxr", "soundfile", "opencv-python-headless", "scikit-image", "scikit-learn", "pyloudnorm",
    "pyworld", "jiwer", "sacrebleu", "pocketsphinx", "faster-whisper", "onnxruntime", "openai-whisper", "torch", "great-expectations",
    "pesq", "pystoi", "torch-fidelity", "unbabel-comet", "speechmos",
)  # fmt: skip
PROGRAMS = {"ffmpeg": ("ffmpeg", "-version"), "apertium": ("apertium", "-V"), "espeak-ng": ("espeak-ng", "--version")}


@cache
def environment() -> dict[str, Any]:
    """Return hardware, system, Python, and the versions of the libraries and programs that are here; asked once per process."""
    found = {name: _version(name) for name in LIBRARIES}
    return {
        "processor": _processor(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gib": _memory_gib(),
        "accelerator": _first_line(("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")),
        "system": _system(),
        "python": platform.python_version(),
        "libraries": {name: version for name, version in found.items() if version},
        "programs": {name: said for name, command in PROGRAMS.items() if (said := _first_line(command))},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def _memory_gib() -> int:
    """Return the memory in whole GiB: what the system keeps for itself differs from boot to boot."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _first_line(command: tuple[str, ...]) -> str:
    """Return the first line that a program says of itself; empty where it is absent or says nothing."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (made.stdout or made.stderr).partition("\n")[0].strip()
