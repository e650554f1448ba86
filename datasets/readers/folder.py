"""A plain folder of recordings, each with its text beside it: `a.wav` and `a.txt`, or `a.lab`."""

from __future__ import annotations

from collections.abc import Mapping

from nightdub.datasets.readers.corpus import AUDIO, Corpus, Defect, excused
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

TEXTS = (".txt", ".lab")  # the first that is there


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield every recording and every text without one, folder by folder; an id is a path without its ending."""
    recordings: dict[str, str] = {}
    texts: dict[str, str] = {}
    for path in corpus.walk("", (*AUDIO, *TEXTS)):
        if isinstance(path, Excused):
            yield path
            continue
        clip, _, ending = path.rpartition(".")
        kind = texts if f".{ending.lower()}" in TEXTS else recordings
        if kind is recordings and clip in recordings:
            yield excused(clip, "duplicate-id", path, f"{recordings[clip]} has the same name")
        elif clip not in kind or f".{ending.lower()}" == TEXTS[0]:
            kind[clip] = path
    if not recordings:
        raise ConfigError("no recording", where=str(corpus.folder), allowed=" ".join(AUDIO), fix="name the folder of the recordings")
    for clip in sorted(recordings.keys() | texts.keys()):
        path = recordings.get(clip) or texts[clip]
        try:
            yield _clip(corpus, clip, recordings.get(clip, ""), texts.get(clip, ""), options)
        except Defect as defect:
            yield defect.row(path, clip)


def _clip(corpus: Corpus, clip: str, recording: str, text: str, options: Mapping[str, str]) -> SourceClip:
    if not recording:
        raise Defect("no-audio", "a text without its recording")
    if not text:
        raise Defect("no-text", f"no {' or '.join(TEXTS)} beside it")
    speaker = clip.partition("/")[0] if options["speaker"] == "folder" and "/" in clip else ""
    return SourceClip(clip, corpus.file(recording), corpus.text(text), options["language"], speaker, where=recording)


READER = Reader(
    read,
    "`a.wav` with `a.txt` or `a.lab`, at any depth",
    options={
        "language": Option("of every text", None),
        "speaker": Option("folder = the first folder's name is the speaker's", "none", ("none", "folder")),
    },
)
