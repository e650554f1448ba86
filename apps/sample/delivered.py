"""What is delivered with a film of the sample: script or dialogue list, cast list, memory, references, glossary."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nightdub.apps.sample.sound import FRAME_RATE, SIGN, Line
from nightdub.datasets.prompts import Prompt
from nightdub.tasks.rows import Language, Seconds

LANGUAGES_OF_MEMORY: tuple[Language, ...] = ("en", "es", "fr", "it")
GENDERS = {"Alice": "female", "Bruno": "male", "Clara": "female"}


def write_vtt(path: Path, lines: Sequence[Line], sign: str) -> Path:
    """Write a script as WebVTT with the speakers' names."""
    del sign  # films with one come with a dialogue list
    blocks = [f"{_stamp(line.start)} --> {_stamp(line.end)}\n<v {line.speaker}>{line.prompt.text}" for line in lines]
    path.write_text("WEBVTT\n\n" + "\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def write_list(path: Path, lines: Sequence[Line], sign: str) -> Path:
    """Write a dialogue list as CSV with time codes."""
    rows: list[Iterable[str]] = [("start", "end", "speaker", "text", "kind", "notes")]
    if sign:
        rows.append((_code(0.5), _code(SIGN + 0.5), "", sign, "on-screen", "on the door"))
    rows += [(_code(line.start), _code(line.end), line.speaker, line.prompt.text, "", "") for line in lines]
    return _write_csv(path, rows)


def write_cast(path: Path, names: Sequence[str]) -> Path:
    """Write a cast list."""
    return _write_csv(path, [("speaker", "voice", "gender"), *((name, "", GENDERS[name]) for name in names)])


def write_texts(path: Path, lines: Sequence[Line], prompts: Mapping[Language, Mapping[str, Prompt]]) -> Path:
    """Write the lines in every language of the prompts."""
    texts = [[prompts[language][line.prompt.name].text for language in LANGUAGES_OF_MEMORY] for line in lines]
    return _write_csv(path, [LANGUAGES_OF_MEMORY, *texts])


def write_glossary(path: Path) -> Path:
    """Write one agreed term."""
    return _write_csv(path, [("source", "es"), ("conference", "conferencia")])


def _write_csv(path: Path, rows: Iterable[Iterable[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    return path


def _stamp(seconds: Seconds) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"


def _code(seconds: Seconds) -> str:
    """Return a time code of 25 frames a second."""
    frames = round(seconds * FRAME_RATE)
    minutes, rest = divmod(frames, 60 * FRAME_RATE)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // FRAME_RATE:02d}:{rest % FRAME_RATE:02d}"
