"""Finding who speaks and moving that mouth, against only decoding and encoding the same shots.

A film of a talking face, a still face, and things, a third each, in shots of four seconds; the face is scikit-image's. Frames a second of
one core count the processor time of this process and of ffmpeg. Sides take turns; the best turn of each counts.

    python benchmarks/lips.py [seconds]
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from report import emit

from nightdub.infra.media.ffmpeg import FrameWriter, read_frames
from nightdub.tasks.engines.facemesh import FaceMesh
from nightdub.tasks.engines.mouth_warp import MouthWarp
from nightdub.tasks.faces import find
from nightdub.tasks.mouth import animate_shot
from nightdub.tasks.picture import encode_shot
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import FaceTrack, Shot, ShotClip, SpokenSound
from nightdub.tasks.shots import detect
from nightdub.tasks.speaking import SpokenLine, who_speaks

SECONDS, TURNS, AIM = 36, 2, 5.0
WIDTH, HEIGHT, RATE, SAMPLES = 1280, 720, 25, 16_000
SHOT = 4  # seconds
EVERY = 10  # frames between two looks for faces, as in the chain
FIGURES = PictureFigures()


def material(folder: Path, seconds: int) -> tuple[Path, np.ndarray]:
    """Write the film and return it with its dialogue, which is heard throughout."""
    time = np.arange(seconds * SAMPLES) / SAMPLES
    syllables = np.clip(np.sin(2 * np.pi * 4.3 * time), 0, None)
    speech = (np.random.default_rng(1).standard_normal(len(time)) * 0.1 * syllables).astype(np.float32)
    pictures = [large(name) for name in ("astronaut", "astronaut", "coffee")]
    grain = np.random.default_rng(2).integers(-2, 3, (HEIGHT, WIDTH, 3))
    film = folder / "film.mp4"
    with FrameWriter(film, WIDTH, HEIGHT, f"{RATE}/1", crf=14, preset="veryfast") as writer:
        for frame in range(seconds * RATE):
            kind = frame // (SHOT * RATE) % 3
            shown = talking(pictures[kind], float(syllables[int((frame + 0.5) / RATE * SAMPLES)])) if kind == 0 else pictures[kind]
            drift = frame % (SHOT * RATE) // 2
            window = shown[20 : 20 + HEIGHT, drift : drift + WIDTH]
            writer.write(np.clip(window + np.roll(grain, frame, axis=1), 0, 255).astype(np.uint8))
    return film, speech


def large(name: str) -> np.ndarray:
    picture = getattr(skimage.data, name)()[..., 2::-1]
    if name == "astronaut":
        picture = picture[:240, 30:430]
    return cv2.resize(np.ascontiguousarray(picture), (WIDTH + 80, HEIGHT + 40), interpolation=cv2.INTER_CUBIC)


def talking(picture: np.ndarray, opening: float) -> np.ndarray:
    """Return the face with its mouth open."""
    if opening < 0.05:
        return picture
    x, y = round((223 - 30) / 400 * picture.shape[1]), round(149 / 240 * picture.shape[0])
    return cv2.ellipse(picture.copy(), (x, y), (55, max(2, round(40 * opening))), 0, 0, 360, (30, 25, 50), -1, cv2.LINE_AA)


def look(film: Path, shot: Shot, speech: np.ndarray, engine: FaceMesh) -> FaceTrack:
    found = find(read_frames(film, shot.first, shot.last), shot, engine, FIGURES.smallest_face, every=EVERY)
    line = SpokenLine(0.0, (shot.last - shot.first) / RATE)
    return who_speaks(lambda: read_frames(film, shot.first, shot.last), shot, found, [line], heard(speech, shot), SAMPLES, RATE)


def heard(speech: np.ndarray, shot: Shot) -> np.ndarray:
    return speech[shot.first * SAMPLES // RATE : shot.last * SAMPLES // RATE]


def move(film: Path, shot: Shot, track: FaceTrack, speech: np.ndarray, out: Path) -> ShotClip:
    sounds = [SpokenSound("ma"[place % 2], place * 0.116, (place + 1) * 0.116) for place in range(SHOT * 8)]
    own, rate = heard(speech, shot), f"{RATE}/1"
    return animate_shot(film, shot, track, own, SAMPLES, sounds=sounds, engine=MouthWarp(), out=out, figures=FIGURES, frame_rate=rate)


def cpu(side: Callable[[], object]) -> float:
    """Return the processor seconds of this process and its children for one call."""

    def spent() -> float:
        uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(use.ru_utime + use.ru_stime for use in uses)

    before = spent()
    side()
    return spent() - before


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        film, speech = material(folder, seconds)
        frames = seconds * RATE
        cutting = cpu(lambda: detect(read_frames(film, 0, frames), Fraction(RATE)))
        shots, engine = detect(read_frames(film, 0, frames), Fraction(RATE)), FaceMesh()
        look(film, shots[0], speech, engine)  # networks are loaded
        tracks: dict[str, FaceTrack] = {}
        finding = min(cpu(lambda: tracks.update({shot.id: look(film, shot, speech, engine) for shot in shots})) for _ in range(TURNS))
        speaking = [shot for shot in shots if not tracks[shot.id].skipped]
        own = sum(shot.last - shot.first for shot in speaking)
        clips: list[ShotClip] = []
        sides = {
            "moving": lambda: clips.extend(move(film, shot, tracks[shot.id], speech, folder / "moved.mp4") for shot in speaking),
            "reference": lambda: [encode_shot(film, shot, FIGURES, folder / "plain.mp4") for shot in speaking],
        }
        best = {
            side: min(times)
            for side, times in zip(sides, zip(*[[cpu(run) for run in sides.values()] for _ in range(TURNS)], strict=True), strict=True)
        }
    ratio = best["moving"] / best["reference"]
    figures: dict[str, float | int | str] = {"frames": frames, "width": WIDTH, "height": HEIGHT, "shots": len(shots)}
    figures |= {"shots_moved": len(speaking), "share_of_frames_touched": sum(clip.moved for clip in clips) / TURNS / frames}
    figures |= {"cutting_fps": frames / cutting, "finding_fps": frames / finding, "moving_fps": own / best["moving"]}
    figures |= {
        "reference_fps": own / best["reference"],
        "skipped": ", ".join(sorted({track.skipped for track in tracks.values() if track.skipped})),
    }
    emit("lips", figures, ratio, f"moving at most {AIM} times decoding and encoding", met=ratio <= AIM)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else SECONDS)
