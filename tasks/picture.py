"""One shot as it was filmed, encoded so that it joins with the shots whose mouths were moved."""

from __future__ import annotations

from pathlib import Path

from nightdub.infra.media.ffmpeg import encode_range
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import Shot, ShotClip


def encode_shot(source: Path, shot: Shot, figures: PictureFigures, out: Path) -> ShotClip:
    """Encode a shot's original frames into `out`. Raises: MediaError, as where the source has fewer frames."""
    encode_range(source, out, shot.first, shot.last, crf=figures.crf, preset=figures.preset)
    return ShotClip(shot.id, shot.first, shot.last, frames=shot.last - shot.first)
