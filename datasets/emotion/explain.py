"""Why a clip got its label, for an operator to see and to hear: maps drawn over the spectrogram, and the moments they point at as sound."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nightdub.datasets.emotion.maps import MAPS, Map
from nightdub.datasets.emotion.network import predict
from nightdub.datasets.emotion.trained import Trained
from nightdub.datasets.selection import HOP, RATE, WINDOW, Numbers, Spectrogram, band_edges, log_mel
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples, write_sound

ATTENDED = 0.5  # share of a map's highest moment at which a moment counts as attended
SHORTEST: Seconds = 0.1  # stretches are made at least this long, and joined where they are less apart
FADE: Seconds = 0.01  # in and out of each stretch
BETWEEN: Seconds = 0.15  # silence between two stretches
TICKS = (250, 500, 1000, 2000, 4000, 8000, 16000)  # Hz on the picture's axis


@dataclass(frozen=True, slots=True)
class Attended:
    """What one map points at."""

    map: str  # of `MAPS`
    picture: str  # file names in the explanation's folder
    sound: str  # the attended stretches one after the other; empty where there are none
    stretches: tuple[tuple[Seconds, Seconds], ...]  # from the clip's start
    bands: tuple[float, float] | None  # Hz: the narrowest range around the middle with half of the map's mass; None for an empty map


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was written into a folder about one clip."""

    label: str
    probabilities: dict[str, float]
    stand_in: str  # why the label says nothing about people's feelings; empty where that is not known
    attended: tuple[Attended, ...]


def explain(samples: Samples, rate: int, trained: Trained, folder: Path) -> Explanation:
    """Label a clip of mono sound, and write into `folder`, for each map, `<map>.png` and `<map>.wav`; and `explanation.json` of it all.

    Equal clips give equal maps, times and sounds.

    Raises:
        MediaError: a sample is not a finite number.
        MachineLacks: torch is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spectrogram = log_mel(samples, rate)
    found = predict(trained, [spectrogram])[0]
    label = trained.labels[int(found.argmax())]
    length = len(samples) / rate
    attended = []
    for name, make in MAPS.items():
        drawn = make(trained, spectrogram, label)
        times = stretches(drawn, length)
        _draw(folder / f"{name}.png", spectrogram, drawn, f"{label} ({found.max():.0%}), {name}", trained.stand_in, times)
        sound = extract(samples, rate, times)
        if sound.size:
            write_sound(folder / f"{name}.wav", sound, rate)
        attended.append(Attended(name, f"{name}.png", f"{name}.wav" if sound.size else "", times, half_of(drawn)))
    shares = {name: round(float(share), 6) for name, share in zip(trained.labels, found, strict=True)}
    explanation = Explanation(label, shares, trained.stand_in, tuple(attended))
    (folder / "explanation.json").write_text(json.dumps(asdict(explanation), indent=1) + "\n", encoding="utf-8")
    return explanation


def stretches(drawn: Map, length: Seconds) -> tuple[tuple[Seconds, Seconds], ...]:
    """Return the times at which a map, summed over bands, reaches `ATTENDED` of its highest moment; ordered, apart, within the clip."""
    course = drawn.sum(axis=0)
    if not course.max() > 0:
        return ()
    around: list[list[float]] = []
    for frame in np.flatnonzero(course >= ATTENDED * course.max()):
        middle = (int(frame) * HOP + WINDOW / 2) / RATE
        start, end = max(0.0, middle - SHORTEST / 2), min(length, middle + SHORTEST / 2)
        if around and start <= around[-1][1]:
            around[-1][1] = end
        elif end > start:
            around.append([start, end])
    return tuple((round(start, 3), round(end, 3)) for start, end in around)


def extract(samples: Samples, rate: int, times: tuple[tuple[Seconds, Seconds], ...]) -> Samples:
    """Return these stretches of a sound one after the other, faded in and out, with silence between them."""
    pieces: list[Samples] = []
    for start, end in times:
        piece = samples[round(start * rate) : round(end * rate)].astype(np.float32)
        ramp = np.linspace(0, 1, min(round(FADE * rate), len(piece) // 2), dtype=np.float32)
        piece[: len(ramp)] *= ramp
        piece[len(piece) - len(ramp) :] *= ramp[::-1]
        pieces += [piece, np.zeros(round(BETWEEN * rate), np.float32)]
    return np.concatenate(pieces[:-1]) if pieces else np.zeros(0, np.float32)


def half_of(drawn: Map) -> tuple[float, float] | None:
    """Return the range of Hz from which a map's lower quarter of mass lies below and its upper quarter above."""
    mass = np.cumsum(drawn.sum(axis=1))
    if not mass[-1] > 0:
        return None
    edges = band_edges()
    low, high = (int(np.searchsorted(mass, share * mass[-1])) for share in (0.25, 0.75))
    return round(float(edges[low]), 1), round(float(edges[high + 2]), 1)


def _draw(path: Path, spectrogram: Spectrogram, drawn: Map, title: str, note: str, times: tuple[tuple[Seconds, Seconds], ...]) -> None:
    """Draw a spectrogram in grey with a map over it; time in seconds, bands in Hz, attended stretches as bars."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    start = (WINDOW - HOP) / 2 / RATE  # a column is as wide as a hop, around the middle of its window
    end = start + spectrogram.shape[1] * HOP / RATE
    place: dict[str, Any] = {"origin": "lower", "aspect": "auto", "extent": (start, end, -0.5, len(spectrogram) - 0.5)}
    axes.imshow(spectrogram * 10 / np.log(10), cmap="gray", **place)
    strength = drawn / drawn.max() if drawn.max() > 0 else drawn
    shown = axes.imshow(strength, cmap="inferno", alpha=0.15 + 0.6 * strength, vmin=0, vmax=1, **place)
    for one, other in times:
        axes.axvspan(one, other, ymax=0.03, color="cyan")
    centres: Numbers = band_edges()[1:-1]
    axes.set_yticks(np.interp(TICKS, centres, np.arange(len(centres))), [f"{tick:,}" for tick in TICKS])
    axes.set(title=title, xlabel="seconds (cyan: attended, as in the sound)", ylabel="mel band, Hz", xlim=(0, end))
    figure.colorbar(shown, ax=axes, label="share of the map's highest value")
    if note:
        figure.supxlabel(note, fontsize=7)
    figure.savefig(path, metadata={"Software": None})
