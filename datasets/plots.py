"""Pictures of a dataset: how long its clips are, who and what is in it, how loud and clean it is, and what single clips look like.

PNG, 900 pixels wide, the same bytes for the same numbers with the same matplotlib. Colours are those of Okabe and Ito (2008), which the
colour-blind tell apart, and a colour map of even lightness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.datasets.composition import SPLITS, Composition, Histogram, Tally, step_of, unit_of
from nightdub.tasks.rows import Seconds

DPI = 100
WIDTH = 9.0  # inches: 900 pixels
COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}
DASHES = {"train": "-", "validation": (0, (5, 1.5)), "test": (0, (1.5, 1.2))}
OTHER, REST, INK, PALE = "#56B4E9", "#c4cad1", "#1b1f24", "#dfe3e8"
BARS = 12  # labels of a kind that have a bar of their own
BINS = 30
LONGEST_LABEL = 24  # characters
FRAME, HOP = 1024, 256  # samples of the spectrogram's windows
RANGE = 65.0  # dB below the brightest colour that a spectrogram shows
LOUD = 0.995  # quantile of its points that has the brightest colour: a few loud harmonics would darken the rest
HIGHEST = 8000.0  # Hz that it shows
NAMES = {"snr": "signal-to-noise ratio", "dnsmos": "predicted opinion (DNSMOS)"}


def pictures(composition: Composition, folder: Path) -> dict[str, Path]:
    """Draw the pictures of a card into a folder; return caption -> PNG file."""
    drawn = {
        "How long the clips are, by split.": durations(composition, folder / "durations.png"),
        "Hours by language, speaker and emotion.": labels(composition, folder / "composition.png"),
    }
    if found := [name for name in ("snr", "loudness", "pitch") if name in composition.values]:
        words = ", ".join(NAMES.get(name, name) for name in found)
        drawn[f"{words[0].upper()}{words[1:]} of the clips, by split."] = levels(composition, found, folder / "levels.png")
    return drawn


def durations(composition: Composition, path: Path) -> Path:
    """Draw how long the clips of each split are."""
    figure = _figure(3.4)
    _histograms(figure.subplots(), composition, "duration", "length of a clip")
    return _save(figure, path)


def levels(composition: Composition, measures: Sequence[str], path: Path) -> Path:
    """Draw how measures are spread, one below the other."""
    figure = _figure(3.0 * len(measures))
    axes = np.atleast_1d(figure.subplots(len(measures), 1))
    for axis, name in zip(axes, measures, strict=True):
        _histograms(axis, composition, name, NAMES.get(name, name))
    return _save(figure, path)


def labels(composition: Composition, path: Path) -> Path:
    """Draw hours by language, speaker and emotion; beyond `BARS` labels the rest is one bar."""
    kinds = {name: _largest(composition.by.get(name, {})) for name in ("language", "speaker", "emotion")}
    heights = [max(1, len(rows)) for rows in kinds.values()]
    figure = _figure(0.26 * sum(heights) + 0.85 * len(kinds))
    axes = figure.subplots(len(kinds), 1, height_ratios=[height + 1.2 for height in heights])
    for axis, (name, rows) in zip(axes, kinds.items(), strict=True):
        _bars(axis, name, rows)
    axes[-1].set_xlabel("hours of sound")
    return _save(figure, path)


def spectrogram(
    samples: npt.NDArray[np.floating[Any]], rate: int, f0: npt.NDArray[np.floating[Any]], path: Path, hop: Seconds = 256 / 22_050
) -> Path:
    """Draw a clip's spectrogram up to 8 kHz with its pitch over it.

    Args:
        samples: Mono sound, shape (samples,).
        rate: Hz.
        f0: Pitch in Hz of frames centred on multiples of `hop` seconds; 0 or NaN where unvoiced.
        path: Where to write the PNG.
        hop: Seconds between frames of `f0`.
    """
    figure = _figure(5.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.3])
    power = _power(np.asarray(samples, np.float64))
    top = max(float(np.quantile(power, LOUD)), -RANGE)
    length = len(samples) / rate
    image = upper.imshow(
        power.T, origin="lower", aspect="auto", cmap="cividis", vmin=top - RANGE, vmax=top, interpolation="nearest",
        extent=(-HOP / 2 / rate, (len(power) - 0.5) * HOP / rate, 0, rate / 2),
    )  # fmt: skip
    upper.set_ylim(0, min(HIGHEST, rate / 2))
    upper.set_ylabel("frequency, Hz")
    figure.colorbar(image, ax=[upper, lower], label="level, dB of full scale", extend="both", pad=0.015, fraction=0.04)
    voiced = np.where(np.isfinite(f0) & (np.asarray(f0) > 0), f0, np.nan)
    times = np.arange(len(voiced)) * hop
    upper.plot(times, voiced, color="white", linewidth=2.6)
    upper.plot(times, voiced, color="#D55E00", linewidth=1.4)
    lower.plot(times, voiced, color="#D55E00", linewidth=1.6, marker=".", markersize=3)
    lower.set_ylabel("pitch (F0), Hz")
    lower.set_xlabel("time, s")
    lower.set_xlim(0, length or 1)
    if np.isnan(voiced).all():
        lower.text(0.5, 0.5, "no voiced frame", transform=lower.transAxes, ha="center", va="center")
        lower.set_yticks([])
    _grid(lower)
    return _save(figure, path)


# ---------------------------------------------------------------- pieces


def _histograms(axis: Any, composition: Composition, measure: str, words: str) -> None:
    """Draw a histogram of each split as an outline, as shares of its clips, so that small splits can be compared with large ones."""
    there = {split: composition.values[measure][split] for split in SPLITS if composition.values.get(measure, {}).get(split)}
    axis.set_xlabel(f"{words}, {unit_of(measure)}")
    axis.set_ylabel("share of the split's clips, %")
    _grid(axis)
    if not there:
        axis.text(0.5, 0.5, "nothing was measured", transform=axis.transAxes, ha="center")
        return
    step = step_of(measure)
    edges = _edges(min(min(found) for found in there.values()), max(max(found) for found in there.values()))
    for split, found in there.items():
        shares = 100 * _binned(found, edges) / sum(found.values())
        if split == "train":
            axis.stairs(shares, edges * step, color=COLOURS[split], fill=True, alpha=0.15)
        n = sum(found.values())
        axis.stairs(shares, edges * step, label=f"{split}, n = {n}", color=COLOURS[split], linewidth=2, linestyle=DASHES[split])
    axis.set_ylim(bottom=0)
    axis.margins(x=0.01)
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(there))


def _edges(lowest: int, highest: int) -> npt.NDArray[np.float64]:
    """Return the edges of at most `BINS` bins of whole steps, each between two steps so that no value lies on one."""
    width = max(1, -(-(highest - lowest + 1) // BINS))
    count = -(-(highest - lowest + 1) // width)
    return np.asarray(lowest - 0.5 + width * np.arange(count + 1), np.float64)


def _binned(found: Histogram, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    counts, _ = np.histogram(list(found), bins=edges, weights=list(found.values()))
    return np.asarray(counts, np.float64)


def _largest(tallies: Mapping[str, Tally]) -> list[tuple[str, Tally]]:
    rows = sorted(tallies.items(), key=lambda row: (-row[1].samples, row[0]))
    shown, rest = rows[:BARS], rows[BARS:]
    if not rest:
        return shown
    return [*shown, (f"{len(rest)} more", Tally(sum(row.clips for _, row in rest), sum(row.samples for _, row in rest)))]


def _bars(axis: Any, name: str, rows: list[tuple[str, Tally]]) -> None:
    hours = [tally.hours for _, tally in rows]
    colours = [OTHER if place < BARS else REST for place in range(len(rows))]
    axis.barh(range(len(rows)), hours, color=colours, edgecolor=INK, linewidth=0.5, height=0.72)
    axis.set_yticks(range(len(rows)), [_label(label) for label, _ in rows])
    axis.invert_yaxis()
    axis.set_title(name, loc="left", fontsize=10, fontweight="bold")
    for place, (_, tally) in enumerate(rows):
        axis.annotate(
            f"{tally.hours:.2f} h, {tally.clips} clips",
            (tally.hours, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axis.set_xlim(0, 1.28 * max(hours, default=1) or 1)
    _grid(axis, "x")


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager, get_data_path

    font = font_manager.get_font(str(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"))
    return frozenset(font.get_charmap())


def _label(text: str) -> str:
    """Return a label as the font can write it: letters that it lacks by their numbers, formulas as text, none too long."""
    shown = "".join(letter if ord(letter) in _glyphs() and letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
    short = shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 1]}…"
    return short.replace("$", r"\$") or "(none)"


def _power(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return levels in dB of full scale, shape (frames, bins): a sine at full scale is at 0."""
    window = np.hanning(FRAME + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, FRAME // 2), FRAME)[::HOP]
    amplitude = np.abs(np.fft.rfft(frames * window)) * 2 / window.sum()
    return np.asarray(20 * np.log10(np.maximum(amplitude, 1e-6)), np.float64)


def _figure(height: float) -> Any:
    """Return a figure of its own: no state of matplotlib's is shared between threads."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _grid(axis: Any, along: str = "both") -> None:
    axis.grid(axis=along, color=PALE, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})
    return path
