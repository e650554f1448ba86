"""Every kind of medium that a night must refuse, as titles beside the good ones."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

from films import cut, film, flip_bits, lavfi

FAST = ("-c:v", "libx264", "-preset", "ultrafast")


def no_sound(path: Path) -> Path:
    return lavfi(path, *FAST, video="testsrc2=s=64x64:d=1")


def no_picture(path: Path) -> Path:
    return lavfi(path, "-f", "mp4", audio="sine=440:d=1")


def nothing(path: Path) -> Path:
    path.touch()
    return path


def truncated(path: Path) -> Path:
    return cut(film(path.with_suffix(".whole.mp4")), path)


def damaged(path: Path) -> Path:
    return flip_bits(film(path.with_suffix(".whole.mp4")), path)


def renamed(path: Path) -> Path:
    return film(path.with_suffix(".mkv"), *FAST, seconds=1).rename(path)


def playlist(path: Path) -> Path:
    path.write_text("#EXTM3U\n#EXTINF:2,\n../plain/film.mp4\n#EXT-X-ENDLIST\n")
    return path


def too_wide(path: Path) -> Path:
    words = ("-c:v", "mjpeg", "-f", "mov")
    return lavfi(path, *words, video="color=gray:s=16000x64:r=25:d=0.04,format=yuvj420p", audio="anullsrc=d=1")


def too_long(path: Path) -> Path:
    """Write 55 hours of sound in 198 kB: one sample a second, of 8 bits."""
    samples = 55 * 3600
    head = b"RIFF" + struct.pack("<I", 36 + samples) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 1, 1, 1, 8)
    path.write_bytes(head + b"data" + struct.pack("<I", samples) + bytes(samples))
    return path


# id of the title -> who makes it, its file's name, and what the report must say of it
BAD: dict[str, tuple[Callable[[Path], Path], str, re.Pattern[str]]] = {
    "no-sound": (no_sound, "film.mp4", re.compile("no audio stream")),
    "no-picture": (no_picture, "film.mp4", re.compile("no video stream")),
    "nothing": (nothing, "film.mp4", re.compile(r"the file is empty \(0 bytes\)")),
    "truncated": (truncated, "film.mp4", re.compile("truncated|moov atom not found")),
    "damaged": (damaged, "film.mp4", re.compile("damaged|truncated|failed")),
    "renamed": (renamed, "film.mp4", re.compile("wrong extension: the content is Matroska/WebM, the name ends in '.mp4'")),
    "playlist": (playlist, "film.mp4", re.compile("this is an HLS playlist, not media")),
    "too-wide": (too_wide, "film.mov", re.compile("a picture of 16000x64 pixels; allowed: up to 8192 pixels a side")),
    "too-long": (too_long, "film.wav", re.compile("55 hours long; allowed: up to 12 hours")),
}


def build_bad_titles(folder: Path, good: dict[str, str]) -> list[dict[str, str]]:
    """Make each bad medium below `folder` and return its row of the catalogue: all but the source is the good title's."""
    rows = []
    for name, (make, file, _) in BAD.items():
        (folder / name).mkdir()
        make(folder / name / file)
        rows.append(good | {"id": name, "source": f"{name}/{file}", "priority": "-1"})
    return rows
