"""RAVDESS, spoken: `Actor_12/03-01-06-01-02-01-12.wav`, where the file's name is all there is to read.

Modality, channel, emotion, intensity, statement, repetition, actor. The facts are those of Livingstone and Russo, 2018.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nightdub.datasets.readers.corpus import Corpus, Defect, stem
from nightdub.datasets.readers.reader import Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError
from nightdub.tasks.emotions import EMOTIONS

STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
INTENSITIES = ("normal", "strong")
_NAME = re.compile(r"[0-9]{2}(?:-[0-9]{2}){6}", re.ASCII)
_FOLDER = re.compile(r"(?:.*/)?Actor_([0-9]{2})/[^/]+", re.ASCII)


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:  # noqa: ARG001 - a reader's form
    """Yield every recording, actor by actor; names that the corpus' design excludes are bad labels."""
    found = False
    for path in corpus.walk():
        if isinstance(path, Excused):
            yield path
            continue
        found = True
        try:
            yield _clip(corpus, path)
        except Defect as defect:
            yield defect.row(path, stem(path))
    if not found:
        raise ConfigError("no recording", where=str(corpus.folder), allowed="Actor_01/03-01-...-01.wav", fix="unpack the corpus there")


def _clip(corpus: Corpus, path: str) -> SourceClip:
    if not _NAME.fullmatch(name := stem(path)):
        raise Defect("bad-row", "no name of seven numbers")
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, name.split("-"))
    folder = _FOLDER.fullmatch(path)
    rules = {
        "modality: 03 is sound alone": modality == 3,
        "channel: 02 is sung": channel == 1,
        "emotion: 01 to 08": 1 <= emotion <= 8,
        "intensity: 01 or 02, and no strong neutral": intensity in (1, 2) and (emotion, intensity) != (1, 2),
        "statement: 01 or 02": statement in (1, 2),
        "repetition: 01 or 02": repetition in (1, 2),
        "actor: 01 to 24": 1 <= actor <= 24,
        "actor: another one's folder": folder is None or int(folder[1]) == actor,
    }
    if broken := [rule for rule, kept in rules.items() if not kept]:
        raise Defect("bad-label", "; ".join(broken))
    tags = {
        "gender": "male" if actor % 2 else "female",
        "intensity": INTENSITIES[intensity - 1],
        "statement": str(statement),
        "repetition": str(repetition),
    }
    text, emotion_name = STATEMENTS[statement - 1], EMOTIONS[emotion - 1]
    return SourceClip(name, corpus.file(path), text, "en", f"Actor_{actor:02}", emotion_name, tags=tags, where=path)


READER = Reader(
    read,
    "`Actor_12/03-01-06-01-02-01-12.wav`, at any depth",
    licence="CC-BY-NC-SA-4.0",
    commercial=False,
    licensor="https://zenodo.org/records/1188976",
)
