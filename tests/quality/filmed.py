"""A small film of a real face that sways, its dub by the embedded lip-sync, and what can go wrong with it. All made in code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))

from pictures import portrait

from nightdub.infra.media.ffmpeg import FrameWriter, read_frames
from nightdub.quality.metrics.shot_score import ShotScore, score_shot
from nightdub.tasks import faces
from nightdub.tasks.engines.haar import Haar
from nightdub.tasks.engines.mouth_warp import MouthWarp
from nightdub.tasks.faces import box_at
from nightdub.tasks.lips import mouth_region
from nightdub.tasks.rows import FaceTrack, Shot, ShotClip, SpokenSound

Frame = np.ndarray
RATE = Fraction(25)
SAMPLES = 16_000  # a second
FRAMES, WIDTH, HEIGHT = 60, 320, 180


def swaying() -> list[Frame]:
    """Return the film: a face of 100 pixels that moves by about a pixel a frame, with a little grain."""
    grain = np.random.default_rng(5)
    frames = [portrait(1.0, 14 * np.sin(index / 8), WIDTH, HEIGHT) for index in range(FRAMES)]
    return [np.clip(frame + grain.normal(0, 1.5, frame.shape), 0, 255).astype(np.uint8) for frame in frames]


def spoken() -> tuple[list[SpokenSound], np.ndarray]:
    """Return two seconds of open and closed sounds, and noise that is loud where the mouth opens."""
    rng = np.random.default_rng(1)
    sounds, loud, moment = [], np.zeros(FRAMES * SAMPLES // 25), 0.16
    while moment < 2.1:
        for shape, length, level in (("m", rng.uniform(0.08, 0.24), 0.15), ("a", 0.16, 1.0)):
            sounds.append(SpokenSound(shape, moment, moment + length))
            first, last = round(moment * SAMPLES), min(round((moment + length) * SAMPLES), len(loud))
            loud[first:last] = np.hanning(last - first) * level
            moment += length
    return sounds, (rng.standard_normal(len(loud)) * loud * 0.1).astype(np.float32)


@dataclass(frozen=True)
class Filmed:
    """The source as a file, and its dub as frames, so that faults are planted before it is encoded once."""

    folder: Path
    source: Path
    face: FaceTrack
    speech: np.ndarray
    original: list[Frame]
    dubbed: list[Frame]

    def region(self, index: int) -> tuple[slice, slice]:
        left, top, right, bottom = mouth_region(box_at(self.face, index), WIDTH, HEIGHT)
        return slice(top, bottom), slice(left, right)

    def with_mouths(self, change: Callable[[int, Frame], Frame]) -> list[Frame]:
        """Return the dub with every mouth's region changed, its edge blended in."""
        frames = []
        for index, frame in enumerate(self.dubbed):
            place = self.region(index)
            frames.append(blended(frame, place, change(index, frame[place])))
        return frames

    def score(self, frames: Sequence[Frame], name: str, crf: int = 20) -> ShotScore:
        """Encode frames as the delivered film and score them."""
        film = self.folder / f"{name}.mp4"
        with FrameWriter(film, WIDTH, HEIGHT, "25/1", crf=crf) as writer:
            for frame in frames:
                writer.write(frame)
        clip = ShotClip("s0000", 0, FRAMES, moved=50)
        return score_shot(self.source, film, clip, self.face, self.speech, SAMPLES, RATE)


def blended(frame: Frame, place: tuple[slice, slice], patch: Frame) -> Frame:
    """Return a frame with a patch laid on it, soft at its edge."""
    height, width = frame[place].shape[:2]
    mask = np.zeros((height, width), np.float32)
    mask[3:-3, 3:-3] = 1
    mask = cv2.GaussianBlur(mask, (5, 5), 1)[..., None]
    laid = frame.copy()
    patch = cv2.resize(patch, (width, height))
    laid[place] = np.rint(frame[place] * (1 - mask) + patch * mask).astype(np.uint8)
    return laid


def film(folder: Path) -> Filmed:
    """Shoot the film and dub it."""
    source = folder / "source.mp4"
    with FrameWriter(source, WIDTH, HEIGHT, "25/1", crf=14) as writer:
        for frame in swaying():
            writer.write(frame)
    original = list(read_frames(source, 0, FRAMES))
    face = faces.find(original, Shot("s0000", 0, FRAMES), Haar(), 48, every=10)[0]
    sounds, speech = spoken()
    dubbed = MouthWarp().animate(np.stack(original), 25.0, face, speech, SAMPLES, sounds)
    return Filmed(folder, source, face, speech, original, list(dubbed.frames))
