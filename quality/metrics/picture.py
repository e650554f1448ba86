"""What became of the picture: frames, shots, faces, put together from the scores of all shots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib.metadata import version
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.mouth import LAGS, STILL, MouthScore, pooled
from nightdub.quality.metrics.shot_score import ShotScore
from nightdub.quality.statistics import ratio_interval
from nightdub.tasks.rows import Measurement, Worst

NOTHING = "identical input: nothing was generated"
_ALONE = "nightdub.quality.metrics.films:measure_file"
_LOST = "frames lack or the pictures differ in size"
_HELD = "no redrawn mouth has half a second of speech in one shot"
_PIXELS = "pixels of both films"

FACTS: dict[str, MetricFact] = {
    "picture.length_difference": MetricFact(
        "ms", 0, inf, "length of the dub's sound against its picture, absolute", "ffprobe", "the file has no sound or no picture"
    ),
    "picture.frame_difference": MetricFact(
        "frames", 0, inf, "frames of the dub against the original, absolute", "ffprobe, frames counted", "the file has no picture"
    ),
    "picture.failed_shots": MetricFact(
        "shots", 0, inf, "shots whose mouths should have been redrawn and could not be", "the lip-sync step's own account", "never"
    ),
    "picture.redrawn_frames": MetricFact(
        "%",
        0,
        100,
        "frames in which a mouth was redrawn; the detail counts the shots that kept all of theirs, by reason",
        "the lip-sync step's own account",
        "never",
    ),
    "picture.psnr": MetricFact(
        "dB",
        0,
        60,
        "peak signal-to-noise ratio of luma outside the redrawn mouth, of each frame that is not identical, at most 60 dB, then their mean",
        "ITU-T J.340; cap as in libvmaf",
        f"{NOTHING}; or {_LOST}",
        _ALONE,
        interval=True,
    ),
    "picture.ssim": MetricFact(
        "SSIM",
        -1,
        1,
        "mean structural similarity of luma outside the redrawn mouth, of each frame not identical, shorter side at about 256 pixels",
        "Wang et al. 2004, data range 255",
        f"{NOTHING}; or {_LOST}",
        _ALONE,
        interval=True,
    ),
    "picture.identical_frames": MetricFact("%", 0, 100, "frames that equal the original's in every pixel of luma", _PIXELS, _LOST, _ALONE),
    "picture.frozen_frames": MetricFact(
        "frames", 0, inf, "frames as good as equal to the one before, where the original moves outside the mouth", _PIXELS, _LOST, _ALONE
    ),
    "picture.black_frames": MetricFact(
        "frames",
        0,
        inf,
        "frames with 98 % of their pixels at a tenth of white or less, and the original's are not",
        "ffmpeg's blackdetect",
        _LOST,
        _ALONE,
    ),
    "picture.misplaced_frames": MetricFact(
        "frames",
        0,
        inf,
        "frames clearly more like another frame of the original, up to three away in the shot, than like their own; a dropped frame moves "
        "all up to the doubled one; where nothing moves nothing is counted",
        _PIXELS,
        _LOST,
        _ALONE,
    ),
    "picture.changed_outside_face": MetricFact(
        "%",
        0,
        100,
        "frames in which 8 x 8 pixels, at a width of 320, changed by more than coding explains, outside the face followed",
        _PIXELS,
        _LOST,
    ),
    "picture.ungenerated_shots": MetricFact(
        "shots",
        0,
        inf,
        "shots said to have a redrawn mouth, whose mouth differs from the original's no more than the upper face",
        _PIXELS,
        _HELD,
    ),
    "picture.frozen_mouth_shots": MetricFact(
        "shots",
        0,
        inf,
        "shots with a redrawn mouth and a second of speech, in which it neither opens and closes nor moves more than the upper face, "
        "or stands still on the screen while the face moves",
        _PIXELS,
        _HELD,
    ),
    "picture.mouth_sharpness": MetricFact(
        "ratio",
        0,
        inf,
        "variance of the Laplacian in the redrawn mouth (or, where less, the skin around it), dub over original, over the same of the "
        "upper face, in the worst shot; 1 = as sharp",
        "Pech-Pacheco et al. 2000",
        _HELD,
    ),
    "picture.mouth_flicker": MetricFact(
        "levels",
        -255,
        255,
        "mean absolute difference of the skin around the redrawn lips from the mean of the frames before and after, dub less original, "
        "of 255, in the worst shot",
        _PIXELS,
        _HELD,
    ),
}

_ABOVE_NOISE, _LEVELS = 1.25, 0.75  # a mouth changed or moved: by this much more than the upper face, and these levels
_NAILED = 0.6  # of the upper face's steps on the screen: a mouth that goes along makes at least as large ones
_SECOND = 25  # frames with speech below which a mouth may well keep still
_BELIEVED, _ENOUGH = 0.3, 250  # correlation, and frames with speech, below which no lag is read: syllables repeat, and chance finds a fit


def picture_measurements(scores: Sequence[ShotScore], frame_rate: Fraction) -> list[Measurement]:
    """Return all measures that need both films' frames; `frame_rate` turns frames of lag into milliseconds.

    One shot that could not be compared leaves everything unmeasured: what is not seen is not good.
    """
    if why := _unseen(scores):
        return [Measurement(metric, None, unit, not_measured=why) for metric, unit in _UNITS.items()]
    return [
        _quality("picture.psnr", "dB", scores, lambda score: score.psnr),
        _quality("picture.ssim", "SSIM", scores, lambda score: score.ssim),
        _share("picture.identical_frames", scores, lambda score: score.identical),
        _share("picture.changed_outside_face", scores, lambda score: len(score.outside)),
        _count("picture.frozen_frames", scores, lambda score: score.frozen),
        _count("picture.black_frames", scores, lambda score: score.black),
        _count("picture.misplaced_frames", scores, lambda score: score.misplaced),
        *_mouths([score for score in scores if score.moved], frame_rate),
    ]


_MOUTHS = {
    "picture.ungenerated_shots": "shots",
    "picture.frozen_mouth_shots": "shots",
    "picture.mouth_sharpness": "ratio",
    "picture.mouth_flicker": "levels",
    "lips.correlation": "r",
    "lips.lag": "ms",
    "lips.dtw": "deviations",
}
_FRAMES = ("psnr", "ssim", "identical_frames", "changed_outside_face", "frozen_frames", "black_frames", "misplaced_frames")
_UNITS = {f"picture.{name}": FACTS[f"picture.{name}"].unit for name in _FRAMES} | _MOUTHS


def _unseen(scores: Sequence[ShotScore]) -> str:
    lost = [score for score in scores if score.unread]
    if lost:
        return f"{len(lost)} of {len(scores)} shots could not be compared: {lost[0].shot}: {lost[0].unread}"
    return "" if any(score.frames for score in scores) else "no shots"


def _quality(metric: str, unit: str, scores: Sequence[ShotScore], value: Callable[[ShotScore], float]) -> Measurement:
    """Return the mean over all frames that are not identical, with an interval over shots."""
    rows = [(value(score), score.frames - score.identical, score.shot) for score in scores if score.frames > score.identical]
    if not rows:
        if all(score.kept for score in scores):
            return Measurement(metric, None, unit, engine=_engine(), not_applicable="every packet is the original's own")
        return Measurement(metric, None, unit, engine=_engine(), not_measured=NOTHING)
    worst = tuple(Worst(shot, round(number, 3)) for number, _, shot in sorted(rows, key=lambda row: (row[0], row[2]))[:WORST])
    interval = ratio_interval([number * frames for number, frames, _ in rows], [frames for _, frames, _ in rows])
    mean = pooled([row[:2] for row in rows])
    return Measurement(metric, mean, unit, sum(row[1] for row in rows), _engine(), worst=worst, interval=interval)


def _share(metric: str, scores: Sequence[ShotScore], hits: Callable[[ShotScore], int]) -> Measurement:
    frames = sum(score.frames for score in scores)
    worst = _most([(score.shot, 100 * hits(score) / score.frames, "") for score in scores if score.frames])
    return Measurement(metric, 100 * sum(map(hits, scores)) / frames, "%", frames, _engine(), worst=worst)


def _count(metric: str, scores: Sequence[ShotScore], found: Callable[[ShotScore], tuple[int, ...]]) -> Measurement:
    worst = _most([(score.shot, float(len(found(score))), f"first at frame {found(score)[0]}") for score in scores if found(score)])
    frames = sum(score.frames for score in scores)
    return Measurement(metric, float(sum(len(found(score)) for score in scores)), "frames", frames, _engine(), worst=worst)


def _most(rows: list[tuple[str, float, str]]) -> tuple[Worst, ...]:
    ordered = sorted((row for row in rows if row[1] > 0), key=lambda row: (-row[1], row[0]))
    return tuple(Worst(shot, round(value, 3), detail) for shot, value, detail in ordered[:WORST])


def _mouths(moved: Sequence[ShotScore], frame_rate: Fraction) -> list[Measurement]:
    """Return the measures of redrawn mouths, over the shots in which one is said to be."""
    seen = [(score.shot, score.mouth) for score in moved if score.mouth]
    copies = [score.shot for score in moved if score.identical == score.frames and not score.mouth]
    if not moved or not (seen or copies):
        held, none = (_HELD, "") if moved else ("", "no mouth was redrawn")
        return [Measurement(metric, None, unit, not_measured=held, not_applicable=none) for metric, unit in _MOUTHS.items()]
    still = [shot for shot, mouth in seen if mouth.change <= _ABOVE_NOISE * mouth.noise + _LEVELS]
    ungenerated = _shots("picture.ungenerated_shots", [*copies, *still], len(seen) + len(copies))
    if not seen:
        return [ungenerated, *(Measurement(metric, None, unit, not_measured=_HELD) for metric, unit in list(_MOUTHS.items())[1:])]
    speaking = [(shot, mouth) for shot, mouth in seen if mouth.frames >= _SECOND]
    sharp = sorted((round(mouth.sharpness, 3), shot) for shot, mouth in seen)
    calm = sorted(((round(mouth.flicker, 3), shot) for shot, mouth in seen), reverse=True)
    return [
        ungenerated,
        _shots("picture.frozen_mouth_shots", [shot for shot, mouth in speaking if _frozen(mouth)], len(speaking)),
        _extreme("picture.mouth_sharpness", "ratio", sharp),
        _extreme("picture.mouth_flicker", "levels", calm),
        *_lips([(shot, mouth) for shot, mouth in seen if mouth.correlations], frame_rate),
    ]


def _frozen(mouth: MouthScore) -> bool:
    """Return whether a mouth keeps its shape on its face, or its place on the screen while the face moves."""
    shut = mouth.opening < STILL and mouth.motion <= _ABOVE_NOISE * mouth.steady + _LEVELS
    return shut or mouth.on_screen < _NAILED


def _shots(metric: str, found: Sequence[str], judged: int) -> Measurement:
    if not judged:
        return Measurement(metric, None, "shots", not_measured="no redrawn mouth has a second of speech in one shot")
    return Measurement(metric, float(len(found)), "shots", judged, _engine(), worst=tuple(Worst(shot, 1.0) for shot in found[:WORST]))


def _extreme(metric: str, unit: str, rows: Sequence[tuple[float, str]]) -> Measurement:
    return Measurement(metric, rows[0][0], unit, len(rows), _engine(), worst=tuple(Worst(shot, value) for value, shot in rows[:WORST]))


def _lips(rows: Sequence[tuple[str, MouthScore]], frame_rate: Fraction) -> list[Measurement]:
    """Return how the mouths follow the voice, shots weighted by their frames with speech."""
    if not rows:
        why = "no redrawn mouth opens and closes while somebody speaks"
        return [Measurement(metric, None, unit, not_measured=why) for metric, unit in _MOUTHS.items() if metric.startswith("lips.")]
    frames = [mouth.frames for _, mouth in rows]
    curve = [pooled([(mouth.correlations[lag], mouth.frames) for _, mouth in rows]) for lag in range(2 * LAGS + 1)]
    best = max(range(len(curve)), key=lambda lag: (curve[lag], -abs(lag - LAGS)))
    found = f"highest, {curve[best]:.2f}, with the mouth {best - LAGS} frames late"
    now = [mouth.correlations[LAGS] for _, mouth in rows]
    least = tuple(Worst(shot, round(value, 3)) for value, (shot, _) in sorted(zip(now, rows, strict=True), key=lambda row: row[0])[:WORST])
    why = f"the mouth does not follow the voice: {found}" if sum(frames) >= _ENOUGH else f"{sum(frames)} frames with speech: {_ENOUGH} tell"
    lag = Measurement("lips.lag", None, "ms", engine=_engine(), not_measured=why)
    if curve[best] >= _BELIEVED and sum(frames) >= _ENOUGH:
        lag = Measurement("lips.lag", float(1000 * (best - LAGS) / frame_rate), "ms", sum(frames), _engine(), detail=found)
    paths = [(mouth.dtw, mouth.frames) for _, mouth in rows if mouth.dtw is not None]
    return [
        Measurement(
            "lips.correlation", curve[LAGS], "r", sum(frames), _engine(), worst=least, detail=found, interval=_interval(now, frames)
        ),
        lag,
        Measurement(
            "lips.dtw",
            pooled(paths),
            "deviations",
            sum(count for _, count in paths),
            f"librosa {version('librosa')}",
            interval=_interval(*zip(*paths, strict=True)),
        ),
    ]


def _interval(values: Sequence[float], frames: Sequence[int]) -> tuple[float, float] | None:
    return ratio_interval([value * count for value, count in zip(values, frames, strict=True)], [float(count) for count in frames])


def _engine() -> str:
    return f"nightdub, OpenCV {version('opencv-python-headless')}"
