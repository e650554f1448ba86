"""Whether the film that goes out shows the very frames that were judged shot by shot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice
from math import inf
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.shot_score import ShotScore
from nightdub.tasks.rows import Measurement, ShotClip, Worst

FACTS: dict[str, MetricFact] = {
    "package.picture_difference": MetricFact(
        "frames",
        0,
        inf,
        "frames of shots that the film shows otherwise than they were judged",
        "sha256 of each shot's decoded frames",
        "no shot was judged",
    )
}


def picture_difference(film: Path, clips: Sequence[ShotClip], scores: Sequence[ShotScore]) -> Measurement:
    """Return the number of frames in shots whose decoded frames in the film are not those that were judged; 0 is the only good value.

    The film is decoded once, one frame in memory at a time. A film with fewer frames differs from where it ends.
    """
    metric, engine, judged = "package.picture_difference", "ffmpeg, sha256", {score.shot: score.seen for score in scores if score.seen}
    clips = sorted((clip for clip in clips if clip.shot in judged), key=lambda clip: clip.first)
    if not clips:
        return Measurement(metric, None, "frames", engine=engine, not_measured=FACTS[metric].unmeasured)
    others = [clip for clip, seen in zip(clips, _digests(film, clips), strict=True) if seen != judged[clip.shot]]
    worst = tuple(Worst(clip.shot, float(clip.last - clip.first)) for clip in others[:WORST])
    return Measurement(metric, float(sum(row.last - row.first for row in others)), "frames", clips[-1].last, engine, worst=worst)


def _digests(film: Path, clips: Sequence[ShotClip]) -> list[str]:
    """Return the digest of each shot's frames in the film; empty from the frame on at which it cannot be read."""
    found: list[str] = []
    frames, at = read_frames(film, 0, clips[-1].last), 0
    try:
        for clip in clips:
            digest = hashlib.sha256()
            for frame in islice(frames, clip.first - at, clip.last - at):
                digest.update(frame.data)
            found, at = [*found, digest.hexdigest()], clip.last
        next(frames, None)  # the reader counts its frames when it ends
    except MediaError:
        found = found[:-1] if len(found) == len(clips) else found
    return found + [""] * (len(clips) - len(found))
