"""Whole films against each other, without a dub's rows: `nightdub measure picture.psnr` and its like, VMAF among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import ffmpeg
import numpy as np

from nightdub.infra.digests import digest_file
from nightdub.infra.media.probe import probe
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, media_input
from nightdub.infra.scratch import Scratch
from nightdub.quality.metrics.fact import MetricFact
from nightdub.quality.metrics.pairs import FilePair, read_file_pairs
from nightdub.quality.metrics.picture import FACTS as PICTURE
from nightdub.quality.metrics.picture import NOTHING, picture_measurements
from nightdub.quality.metrics.shot_score import ShotScore, score_shot
from nightdub.tasks.rows import FaceTrack, Measurement, ShotClip

_NO_FILTER = "this machine's ffmpeg has no libvmaf"
_NO_REFERENCE = "no reference is given to compare with"

FACTS: dict[str, MetricFact] = {
    "picture.vmaf": MetricFact(
        "VMAF",
        0,
        100,
        "mean of Netflix's predicted quality over every fifth frame of the whole picture, mouths included, at its own size",
        "libvmaf, model vmaf_v0.6.1, through ffmpeg",
        f"{_NO_FILTER}; {NOTHING}; or the pictures differ in size or number",
        "nightdub.quality.metrics.films:measure_vmaf",
    ),
}

_PIECE = 10  # seconds compared at a time
_EVERY = 5  # frames between two that VMAF looks at: it costs more than all else together


def measure_file(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Compare a film with a reference, or all pairs of a JSON list (`ref`, `gen`); the language is not used.

    Without a dub's rows no face is known: the whole picture counts, and neither mouths nor what lies outside a face are judged.

    Raises: PairsError, MediaError where a file cannot be read.
    """
    pairs = _pairs(path, reference)
    facts = [(pair, probe(pair.generated)) for pair in pairs]
    scores = [
        score for pair, film in facts for score in film_scores(pair.reference, pair.generated, film.frames, Fraction(film.frame_rate))
    ]
    rows = picture_measurements(scores, Fraction(facts[0][1].frame_rate) if facts else Fraction(25))
    rows = [row for row in rows if row.metric in PICTURE and PICTURE[row.metric].alone]
    return rows if pairs else [Measurement(row.metric, None, row.unit, not_measured=_NO_REFERENCE) for row in rows]


def film_scores(reference: Path, film: Path, frames: int, frame_rate: Fraction) -> list[ShotScore]:
    """Return the scores of a film in pieces of ten seconds, named by file and second.

    One piece that says why where the two have not the same number of frames.
    """
    if (wanted := probe(reference).frames) != frames:
        return [ShotScore(film.name, frames, unread=f"{frames} frames against {wanted}")]
    piece = max(1, round(_PIECE * frame_rate))
    clips = [
        ShotClip(f"{film.name} {float(first / frame_rate):.0f} s", first, min(first + piece, frames)) for first in range(0, frames, piece)
    ]
    silence = np.zeros(0, np.float32)
    return [score_shot(reference, film, clip, FaceTrack(clip.shot, skipped="no-face"), silence, 48_000, frame_rate) for clip in clips]


def measure_vmaf(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Return VMAF of a film against a reference, or the mean over the pairs of a JSON list. Raises: PairsError, MediaError."""
    pairs = _pairs(path, reference)
    rows = [vmaf(pair.reference, pair.generated) for pair in pairs]
    if not rows:
        return [Measurement("picture.vmaf", None, "VMAF", not_measured=_NO_REFERENCE)]
    for pair, row in zip(pairs, rows, strict=True):
        if row.value is None:
            return [Measurement("picture.vmaf", None, "VMAF", not_measured=f"{pair.generated.name}: {row.not_measured}")]
    frames = sum(row.n for row in rows)
    return [Measurement("picture.vmaf", sum((row.value or 0) * row.n for row in rows) / frames, "VMAF", frames, rows[0].engine)]


def vmaf(reference: Path, film: Path) -> Measurement:
    """Return VMAF of every fifth frame of one film. Raises: MediaError where a file cannot be read."""
    if not _has_libvmaf():
        return Measurement("picture.vmaf", None, "VMAF", not_measured=_NO_FILTER)
    one, other = probe(reference), probe(film)
    if (one.width, one.height, one.frames) != (other.width, other.height, other.frames):
        sizes = [f"{facts.frames} frames of {facts.width}x{facts.height}" for facts in (other, one)]
        return Measurement("picture.vmaf", None, "VMAF", not_measured=f"{sizes[0]} against {sizes[1]}")
    if digest_file(reference) == digest_file(film):
        return Measurement("picture.vmaf", None, "VMAF", not_measured=NOTHING)
    with Scratch("vmaf") as folder:
        log = Path(folder) / "log.json"
        distorted, original = (
            media_input(path)["v:0"].filter("setpts", "PTS-STARTPTS").filter("format", "yuv420p") for path in (film, reference)
        )
        options = {"log_fmt": "json", "log_path": str(log), "n_subsample": _EVERY}
        graph = ffmpeg.filter([distorted, original], "libvmaf", **options).output("pipe:", f="null")
        run(ffmpeg_command(graph, LIMITS), LIMITS, str(film), writes=(log,))
        return read_vmaf_log(log.read_bytes())


def read_vmaf_log(log: bytes) -> Measurement:
    """Return the mean VMAF of libvmaf's JSON log: one entry of `frames` for each frame that was looked at."""
    found = json.loads(log)
    values = [float(frame["metrics"]["vmaf"]) for frame in found["frames"]]
    if not values:
        return Measurement("picture.vmaf", None, "VMAF", not_measured="no frame was looked at")
    return Measurement("picture.vmaf", sum(values) / len(values), "VMAF", len(values), f"libvmaf {found.get('version', '')}".strip())


def _pairs(path: Path, reference: Path | None) -> Sequence[FilePair]:
    if reference is not None:
        return [FilePair(reference, path)]
    return read_file_pairs(path) if path.suffix.lower() == ".json" else []


@lru_cache(maxsize=1)
def _has_libvmaf() -> bool:
    return b" libvmaf " in run(["ffmpeg", "-hide_banner", "-filters"], LIMITS, "ffmpeg")
