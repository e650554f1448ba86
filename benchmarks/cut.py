"""Ten minutes of film with one minute redrawn: what its picture costs, against encoding all of it again.

The film is 1280 x 720 with a key frame every two seconds, as delivered for streaming; 20 shots of 3 s, evenly spread, stand for the redrawn
ones. Ours is the whole of it: looking for the places to cut, encoding the 20 shots and the frames up to the next key frames, putting the
picture together, and holding every kept packet against the source's. Drawing mouths is not in it: that costs the same either way.

    python benchmarks/cut.py [minutes]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from report import emit

from nightdub.infra.media.ffmpeg import Piece, encode_range, picture_digests, read_groups
from nightdub.tasks.picture import encode_shot, film_picture, plan_pieces
from nightdub.tasks.probe import probe_source
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import Shot, ShotClip

RATE, SIZE, GROUP = 25, "1280x720", 50
SHOT = 3  # seconds
SHARE = 0.1  # of the film that is redrawn
AIM = 0.3
FIGURES = PictureFigures()


@dataclass(frozen=True, slots=True)
class Cut:
    """What the picture of a dub took."""

    seconds: float
    kept: int
    encoded: int
    stored: int  # bytes


def write_film(path: Path, minutes: float) -> Path:
    """Write a film of moving shapes and grain."""
    picture = f"testsrc2=s={SIZE}:r={RATE}:d={60 * minutes},noise=alls=6:allf=t,format=yuv420p"
    coding = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "23",
        "-bf",
        "2",
        "-g",
        str(GROUP),
        "-keyint_min",
        str(GROUP),
        "-c:a",
        "aac",
    ]
    sound = ["-f", "lavfi", "-i", f"sine=440:r=48000:d={60 * minutes}"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, *sound, *coding, str(path)], check=True)
    return path


def lay_out(frames: int) -> list[ShotClip]:
    """Return the film's shots, as the lips step leaves them: every tenth of them is to have a picture of its own."""
    length = SHOT * RATE
    firsts = [*range(0, frames, length)]
    every = round(1 / SHARE)
    return [
        ShotClip(f"s{number:04d}", first, min(first + length, frames), "redrawn" if number % every == every // 2 else "")
        for number, first in enumerate(firsts)
    ]


def cut(source: Path, folder: Path) -> Cut:
    """Make the picture of a dub as the chain does."""
    facts = probe_source(source)
    started = time.perf_counter()
    pieces, stored = [], 0
    for piece in plan_pieces(lay_out(facts.frames), read_groups(source)):
        made = None if piece.kept else folder / f"{piece.first}.mp4"
        if made:
            encode_shot(source, Shot(piece.shot, piece.first, piece.last), FIGURES, made)
            stored += made.stat().st_size
        pieces.append(Piece(piece.first, piece.last, made))
    kept = film_picture(source, pieces, facts, folder / "dub.mp4")
    ours, theirs = picture_digests(source), picture_digests(folder / "dub.mp4")
    same = sum(one == other for one, other in zip(ours, theirs, strict=True))
    if same != kept:
        raise SystemExit(f"{same} packets are the source's, not {kept}")
    return Cut(time.perf_counter() - started, kept, facts.frames - kept, stored)


def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = write_film(folder / "film.mp4", minutes)
        ours = cut(source, folder)
        started = time.perf_counter()
        whole = encode_range(source, folder / "whole.mp4", 0, ours.kept + ours.encoded, FIGURES.crf, FIGURES.preset)
        seconds = time.perf_counter() - started
        figures: dict[str, float | int | str] = {"minutes": minutes, "cut_s": ours.seconds, "whole_s": seconds}
        figures |= {"redrawn_frames": round(SHARE * (ours.kept + ours.encoded)), "encoded_frames": ours.encoded, "kept_frames": ours.kept}
        figures |= {"stored_mb": ours.stored / 1e6, "whole_mb": whole.stat().st_size / 1e6}
    emit("cut", figures, ours.seconds / seconds, f"at most {AIM:g} of encoding the whole film", met=ours.seconds <= AIM * seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) == 2 else 10)
