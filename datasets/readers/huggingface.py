"""A HuggingFace folder of recordings: `metadata.csv` or `metadata.jsonl` with `file_name`, in one folder or in one for each split."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

from nightdub.datasets.readers.checks import emotion_name
from nightdub.datasets.readers.corpus import Corpus, Defect, Where, parsed
from nightdub.datasets.readers.jsonl import decoded
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

NAMES = ("metadata.csv", "metadata.jsonl")
TEXTS = ("text", "transcription", "sentence")
OTHERS = ("file_name", "language", "speaker", "speaker_id", "emotion")


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the rows of every split, then the recordings that none of them names; an id is the path without its ending."""
    manifests = [path for path in corpus.walk("", NAMES) if not isinstance(path, Excused) and path.rpartition("/")[2] in NAMES]
    folders = [path.rpartition("/")[0] for path in manifests]
    if not manifests or len(set(folders)) < len(folders):
        what = "metadata.csv beside metadata.jsonl" if manifests else "no metadata.csv or metadata.jsonl"
        raise ConfigError(what, where=str(corpus.folder), fix="one of them in each folder")
    named: set[str] = set()
    for manifest, folder in zip(manifests, folders, strict=True):
        if manifest.endswith(".csv"):
            yield from _of_csv(corpus, manifest, folder, options, named)
        else:
            yield from corpus.rows(manifest, _parser(corpus, folder, options, named))
    yield from corpus.unnamed(named, "")


def _parser(corpus: Corpus, folder: str, options: Mapping[str, str], named: set[str]) -> Any:
    return lambda line, where: _clip(corpus, decoded(line, dict[str, Any]), folder, where, options, named)


def _of_csv(corpus: Corpus, manifest: str, folder: str, options: Mapping[str, str], named: set[str]) -> Rows:
    """Yield one row for each line: a quoted field ends on its own line, so that an open quote takes no other row with it."""
    lines = corpus.lines(manifest)
    first = next(lines, None)
    try:
        header = [] if first is None or isinstance(first, Excused) else _fields(first[1])
    except Defect:
        header = []
    if "file_name" not in header or len(set(header)) < len(header):
        raise ConfigError("no column file_name, or a column twice", where=f"{corpus.folder / manifest}:1", fix="name the columns there")

    def parse(line: str, where: Where) -> SourceClip:
        fields = _fields(line)
        if len(fields) != len(header):
            raise Defect("bad-row", f"{len(fields)} fields of {len(header)}")
        return _clip(corpus, dict(zip(header, fields, strict=True)), folder, where, options, named)

    yield from parsed(lines, parse)


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except (csv.Error, StopIteration) as error:
        raise Defect("bad-row", str(error)) from None


def _clip(corpus: Corpus, row: Mapping[str, Any], folder: str, where: str, options: Mapping[str, str], named: set[str]) -> SourceClip:
    path = row.get("file_name")
    if not isinstance(path, str):
        raise Defect("bad-row", "no file_name")
    below = path.strip().replace("\\", "/").removeprefix("./")
    whole = f"{folder}/{below}" if folder else below
    clip = whole.rpartition(".")[0] or whole
    named.add(whole)
    column = options["text"] or next((name for name in TEXTS if name in row), TEXTS[0])
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    emotion = row.get("emotion")
    try:
        audio = corpus.file(below, folder)
        emotion = emotion_name(emotion if isinstance(emotion, int) else texts.get("emotion", ""))
    except Defect as defect:
        raise Defect(defect.code, defect.what, clip) from None
    speaker = texts.get("speaker") or texts.get("speaker_id") or str(row.get("speaker_id") or "")
    tags = {name: value for name, value in texts.items() if name not in (*OTHERS, column)} | {"split": folder.rpartition("/")[2]}
    language = texts.get("language") or options["language"]
    return SourceClip(clip, audio, texts.get(column, ""), language, speaker, emotion, tags=tags, where=where)


READER = Reader(
    read,
    "`metadata.csv` or `metadata.jsonl` with `file_name`, in one folder or one for each split",
    options={"text": Option("the column, where it is not text, transcription or sentence"), "language": Option("where a row names none")},
)
