"""report.html: one file that opens anywhere, without network: the account, every title-language, its worst lines seen and heard."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import msgspec
import numpy as np
import soundfile

from nightdub.flows.data_gate import show_pages
from nightdub.flows.night import Books
from nightdub.flows.publish import link, put
from nightdub.flows.report import Metric, NightReport, TitleResult
from nightdub.infra.build import Manifest, read_manifest
from nightdub.infra.errors import NightdubError
from nightdub.quality.metrics.table import METRICS

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 24  # title-languages whose worst lines are drawn; all of them are listed
WORST = 3  # lines drawn for each
COLUMNS = 240  # of a waveform picture


@dataclass(frozen=True, slots=True)
class WorstLine:
    """A line that a measurement complains of, as the page shows it."""

    segment: str
    complaints: tuple[str, ...]
    sound: str = ""  # path of the WAV below the working folder
    seconds: float = 0.0
    waveform: str = ""  # points of an SVG polygon, 240 x 40


def write_report(books: Books, report: NightReport) -> None:
    """Write report.json and report.html into the working folder, each whole or not at all."""
    put(books, Path("report.json"), msgspec.json.format(msgspec.json.encode(report), indent=2))
    put(books, Path("report.html"), render_page(books, report).encode())


def render_page(books: Books, report: NightReport) -> str:
    """Return the whole page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    drawn = [result for result in report.results if result.metrics and not result.unchanged] or [
        result for result in report.results if result.metrics
    ]
    worst = {(result.title, result.language): tuple(_worst_lines(books, result)) for result in drawn[:SHOWN]}
    pages = {place: show_pages(books, *place) for place in worst}
    return environment.get_template("report.html").render(report=report, worst=worst, pages=pages, metrics=METRICS)


def _worst_lines(books: Books, result: TitleResult) -> Iterator[WorstLine]:
    """Yield the lines that most measurements complain of, each with its sound."""
    complaints = _complaints(result)
    sounds = _sounds(books, result) if complaints else {}
    for segment in sorted(complaints, key=lambda name: (-len(complaints[name]), name))[:WORST]:
        path = Path("review") / result.title / result.language / f"{segment}.wav"
        try:
            samples, rate = soundfile.read(io.BytesIO(books.store.get_bytes(sounds[segment])), dtype="float32")
            shown = link(books, sounds[segment], path)
            yield WorstLine(segment, tuple(complaints[segment]), shown, len(samples) / rate, _waveform(samples))
        except (KeyError, NightdubError, soundfile.SoundFileError):  # silent, gone or damaged: the line is shown without its sound
            yield WorstLine(segment, tuple(complaints[segment]))


def _complaints(result: TitleResult) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for metric in result.metrics:
        for row in metric.worst if _bad(metric) else ():
            found.setdefault(row.segment, []).append(
                f"{metric.metric} {row.value:g} {metric.unit}{': ' + row.detail if row.detail else ''}"
            )
    return found


def _bad(metric: Metric) -> bool:
    return metric.verdict in ("fail", "cannot tell", "overridden") or metric.metric.endswith(("wer", "chrf"))


def _sounds(books: Books, result: TitleResult) -> Mapping[str, str]:
    """Return segment -> digest of the line as it lies in the dub."""
    key = books.ledger.heads(result.title, result.language).get("stretch")
    job = books.ledger.jobs([key]).get(key) if key else None
    try:
        manifest = read_manifest(books.store, job.manifest) if job and job.manifest else Manifest("", 0, {})
    except (NightdubError, msgspec.DecodeError):
        return {}
    return {item.id: item.files["sound"] for item in manifest.items if "sound" in item.files}


def _waveform(samples: np.ndarray) -> str:
    """Return the outline of a sound as SVG points: the highest and lowest sample of each column."""
    if not len(samples):
        return ""
    parts = np.array_split(samples, min(COLUMNS, len(samples)))
    top = [f"{x},{20 - 19 * float(part.max()):.1f}" for x, part in enumerate(parts)]
    bottom = [f"{x},{20 - 19 * float(part.min()):.1f}" for x, part in reversed(list(enumerate(parts)))]
    return " ".join(top + bottom)
