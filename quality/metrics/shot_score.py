"""One shot of the delivered film against the same frames of its source: everything that picture measures are made of, in one pass."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.quality.metrics import pixels
from nightdub.quality.metrics.mouth import MouthScore, MouthWatch
from nightdub.quality.metrics.pixels import Grey, Mask
from nightdub.tasks.face_pixels import Picture
from nightdub.tasks.faces import box_at, speaks_at
from nightdub.tasks.lips import Box, mouth_region
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, FaceTrack, ShotClip
from nightdub.tasks.visemes import speech_levels

_MARGIN = 0.2  # of the face's box: what lies further out is outside the face; `tasks.lips.mouth_region` reaches this far below it


@dataclass(frozen=True, slots=True)
class ShotScore:
    """What became of one shot. Frame numbers count from the film's first frame."""

    shot: str
    frames: int
    moved: int = 0  # frames in which a mouth is said to have been redrawn
    identical: int = 0  # frames that equal the source's in every pixel
    psnr: Decibel = 0.0  # mean over the other frames, outside the mouth
    ssim: float = 0.0  # the same
    frozen: tuple[int, ...] = ()
    black: tuple[int, ...] = ()
    misplaced: tuple[int, ...] = ()
    outside: tuple[int, ...] = ()  # something changed outside the face
    mouth: MouthScore | None = None  # None = no face, or hardly a word
    seen: str = ""  # digest of the dub's frames, as they were decoded
    kept: bool = False  # all its packets are the source's own: nothing was decoded to know that it is the same
    unread: str = ""  # why the shot could not be compared; nothing else is set then


def score_shot(
    source: Path,
    dub: Path,
    clip: ShotClip,
    face: FaceTrack,
    speech: Sound,
    sample_rate: int,
    frame_rate: Fraction,
) -> ShotScore:
    """Compare frames `clip.first` up to, not including, `clip.last` of two films.

    Args:
        source: The film as delivered to us; one frame of each film is in memory at a time, at full size.
        dub: The film as delivered by us.
        clip: The shot as the picture step left it: how many frames it says it redrew.
        face: Where the source's face is; its reason where there is none.
        speech: The dubbed dialogue alone, mono, from the shot's first frame on; empty = nobody speaks.
        sample_rate: Hz of `speech`.
        frame_rate: Frames a second of both films.

    A film that has not these frames, or another size, gives a score that says so in `unread`.
    """
    return score_frames(source, read_frames(dub, clip.first, clip.last), clip, face, speech, sample_rate, frame_rate)


def score_frames(
    source: Path, dub: Iterable[Picture], clip: ShotClip, face: FaceTrack, speech: Sound, sample_rate: int, frame_rate: Fraction
) -> ShotScore:
    """Compare a shot's frames, BGR, from wherever they are read, with the source's; all else as `score_shot`."""
    try:
        seen, frames = _Comparison(clip, face), hashlib.sha256()
        for original, frame in _both(source, dub, clip):
            seen.look(pixels.grey(original), pixels.grey(frame), frame)
            frames.update(frame.data)
        score = seen.score(speech_levels(speech, sample_rate, clip.last - clip.first, float(frame_rate)))
        return replace(score, seen=frames.hexdigest())
    except MediaError as error:
        return ShotScore(clip.shot, clip.last - clip.first, clip.moved, unread=str(error))


def _both(source: Path, dub: Iterable[Picture], clip: ShotClip) -> Iterator[tuple[Picture, Picture]]:
    """Yield the frames of both side by side, BGR. Raises: MediaError where frames lack or the sizes differ."""
    count = 0
    for one, other in zip(read_frames(source, clip.first, clip.last), dub, strict=False):
        if one.shape != other.shape:
            sizes = [f"{frame.shape[1]}x{frame.shape[0]}" for frame in (one, other)]
            raise MediaError(f"a picture of {sizes[1]}", where=clip.shot, allowed=sizes[0], fix="deliver the source's size")
        count += 1
        yield one, other
    if count != clip.last - clip.first:
        raise MediaError(f"{count} frames", where=clip.shot, allowed=str(clip.last - clip.first), fix="deliver every frame")


@dataclass(slots=True)
class _Comparison:
    """Sums up one shot, frame by frame; what it keeps is small pictures: 110 kB for a frame of 640 x 360."""

    clip: ShotClip
    face: FaceTrack
    _psnr: list[Decibel] = field(default_factory=list)
    _ssim: list[float] = field(default_factory=list)
    _black: list[int] = field(default_factory=list)
    _outside: list[int] = field(default_factory=list)
    _identical: int = 0
    _tiny: tuple[list[Grey], list[Grey], list[Mask]] = field(default_factory=lambda: ([], [], []))
    _watch: MouthWatch = field(default_factory=MouthWatch)

    def look(self, source: Grey, dub: Grey, colour: Picture) -> None:
        """Take the next frame of both films, the dub's in colour as well."""
        number = self.clip.first + len(self._tiny[0])
        box = None if self.face.skipped or not self.face.boxes else box_at(self.face, number)
        height, width = source.shape
        mouth = mouth_region(box, width, height) if box and speaks_at(self.face, number) else None
        black = pixels.is_black(dub) and not pixels.is_black(source)
        if black:
            self._black.append(number)
        if np.array_equal(source, dub):
            self._identical += 1
        else:
            self._compare(source, dub, pixels.without(source.shape, mouth) if mouth else None)
            self._look_outside(source, dub, box if mouth else None, number)
        if box:
            self._watch.look(source, dub, colour, box)
        small = pixels.shrunk(source, pixels.TINY)
        self._tiny[0].append(small)
        self._tiny[1].append(pixels.shrunk(dub, pixels.TINY))
        kept = pixels.without(small.shape, mouth, small.shape[1] / width)
        self._tiny[2].append(np.zeros_like(kept) if black else kept)

    def score(self, levels: npt.NDArray[np.float64]) -> ShotScore:
        """Return the shot's score, given the loudness of its speech per frame."""
        order = pixels.judge_order(np.stack(self._tiny[0]), np.stack(self._tiny[1]), np.stack(self._tiny[2]))
        first = self.clip.first
        ours = np.array([speaks_at(self.face, first + place) for place in range(len(self._tiny[0]))])
        levels = levels[: len(ours)] * ours[: len(levels)]  # what others say, or somebody unseen, moves no mouth
        return ShotScore(
            self.clip.shot,
            len(self._tiny[0]),
            self.clip.moved,
            self._identical,
            math.fsum(self._psnr) / len(self._psnr) if self._psnr else 0.0,
            math.fsum(self._ssim) / len(self._ssim) if self._ssim else 0.0,
            frozen=tuple(first + place for place in order.frozen),
            black=tuple(self._black),
            misplaced=tuple(first + place for place in order.misplaced),
            outside=tuple(self._outside),
            mouth=self._watch.score(levels) if self.face.boxes and not self.face.skipped else None,
        )

    def _compare(self, source: Grey, dub: Grey, mask: Mask | None) -> None:
        self._psnr.append(min(pixels.CAP, pixels.psnr(source, dub, mask)))
        self._ssim.append(pixels.ssim(source, dub, mask))

    def _look_outside(self, source: Grey, dub: Grey, box: Box | None, number: int) -> None:
        one, other = pixels.shrunk(source, pixels.SMALL), pixels.shrunk(dub, pixels.SMALL)
        around = None
        if box:
            x, y, width, height = box
            across, down = _MARGIN * width, _MARGIN * height
            around = (x - across, y - down, x + width + across, y + height + down)
        mask = pixels.without(one.shape, around, one.shape[1] / source.shape[1])
        if pixels.changed_blocks(one, other, mask):
            self._outside.append(number)
