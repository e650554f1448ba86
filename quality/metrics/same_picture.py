"""Whether the film that goes out shows the very frames that were judged shot by shot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice
from math import inf
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import picture_digests, read_frames
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.shot_score import ShotScore
from nightdub.tasks.rows import Measurement, ShotClip, Worst

FACTS: dict[str, MetricFact] = {
    "package.picture_difference": MetricFact(
        "frames",
        0,
        inf,
        "frames of shots that the film shows otherwise than they were judged",
        "sha256 of each shot's decoded frames; md5 of each packet where the source's own were kept",
        "no shot was judged",
    )
}


def picture_difference(source: Path, film: Path, clips: Sequence[ShotClip], scores: Sequence[ShotScore]) -> Measurement:
    """Return the number of frames in shots that the film shows otherwise than they were judged; 0 is the only good value.

    Shots that were judged by their pictures are decoded, one frame in memory at a time; those that kept the source's packets are held
    against them byte by byte. A film with fewer frames differs from where it ends.
    """
    metric, engine = "package.picture_difference", "ffmpeg, sha256"
    judged = {score.shot: score for score in scores if score.seen or score.kept}
    clips = sorted((clip for clip in clips if clip.shot in judged), key=lambda clip: clip.first)
    if not clips:
        return Measurement(metric, None, "frames", engine=engine, not_measured=FACTS[metric].unmeasured)
    others = _other_packets(source, film, [clip for clip in clips if judged[clip.shot].kept])
    for run in _runs([clip for clip in clips if not judged[clip.shot].kept]):
        others += [clip for clip, seen in zip(run, _digests(film, run), strict=True) if seen != judged[clip.shot].seen]
    worst = tuple(Worst(clip.shot, float(clip.last - clip.first)) for clip in sorted(others, key=lambda clip: clip.first)[:WORST])
    return Measurement(metric, float(sum(row.last - row.first for row in others)), "frames", clips[-1].last, engine, worst=worst)


def _other_packets(source: Path, film: Path, clips: Sequence[ShotClip]) -> list[ShotClip]:
    """Return the shots of which a packet is not the source's; all of them where the film cannot be read."""
    if not clips:
        return []
    try:
        ours, theirs = picture_digests(source), picture_digests(film)
    except MediaError:
        return list(clips)
    whole = len(ours) == len(theirs)
    return [clip for clip in clips if not whole or ours[clip.first : clip.last] != theirs[clip.first : clip.last]]


def _runs(clips: Sequence[ShotClip]) -> list[list[ShotClip]]:
    """Return shots that follow each other without a gap together: each run is decoded in one go."""
    runs: list[list[ShotClip]] = []
    for clip in clips:
        if runs and runs[-1][-1].last == clip.first:
            runs[-1].append(clip)
        else:
            runs.append([clip])
    return runs


def _digests(film: Path, clips: Sequence[ShotClip]) -> list[str]:
    """Return the digest of the frames of each of a run of shots in the film; empty from the frame on at which it cannot be read."""
    found: list[str] = []
    frames = read_frames(film, clips[0].first, clips[-1].last)
    try:
        for clip in clips:
            digest = hashlib.sha256()
            for frame in islice(frames, clip.last - clip.first):
                digest.update(frame.data)
            found.append(digest.hexdigest())
        next(frames, None)  # the reader counts its frames when it ends
    except MediaError:
        found = found[:-1] if len(found) == len(clips) else found
    return found + [""] * (len(clips) - len(found))
