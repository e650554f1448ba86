"""What is delivered with a film of the sample: script or dialogue list, cast list, memory, references, glossary."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nightdub.apps.sample.sound import FRAME_RATE, SIGN, Line
from nightdub.datasets.prompts import Prompt
from nightdub.tasks.formats.files import written
from nightdub.tasks.formats.line import ON_SCREEN, ScriptFile, ScriptLine
from nightdub.tasks.rows import Language
from nightdub.tasks.timecode import RATES

LANGUAGES_OF_MEMORY: tuple[Language, ...] = ("en", "es", "fr", "it")
GENDERS = {"Alice": "female", "Bruno": "male", "Clara": "female"}


def write_script(path: Path, lines: Sequence[Line], sign: str) -> Path:
    """Write a script in the format of the path's ending; what stands in the picture only where there is a sign."""
    rows = [ScriptLine(line.start, line.end, line.prompt.text, line.speaker) for line in lines]
    if sign:
        rows.insert(0, ScriptLine(0.5, SIGN + 0.5, sign, kind=ON_SCREEN, notes="on the door"))
    form = path.suffix.removeprefix(".")
    path.write_text(written(ScriptFile(tuple(rows), rate=RATES[str(FRAME_RATE)] if form == "csv" else None), form), encoding="utf-8")
    return path


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
