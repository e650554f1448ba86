"""VCTK 0.92 (`wav48_silence_trimmed/p225/p225_001_mic1.flac`) and 0.80 (`wav48/p225/p225_001.wav`), with `txt/p225/p225_001.txt`.

The recordings and texts are the rows: one without the other is told. The table of speakers adds what it knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nightdub.datasets.readers.corpus import Corpus, Defect, excused, stem
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

NEW, OLD = "wav48_silence_trimmed", "wav48"
TABLE = "speaker-info.txt"
_UTTERANCE = re.compile(r"((?:p|s)[0-9]+)_[0-9]+")
_RECORDING = re.compile(rf"({_UTTERANCE.pattern})_(mic[12])")


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield every utterance that has a recording, by the microphone asked for, or a text, speaker by speaker."""
    folder = next((name for name in (NEW, OLD) if corpus.has(name)), "")
    if not folder or not corpus.has("txt"):
        raise ConfigError(f"no {NEW} or {OLD}, or no txt", where=str(corpus.folder), fix="is this the corpus' own folder, and all of it?")
    if folder == OLD and options["mic"] != "mic1":
        raise ConfigError(f"mic {options['mic']!r}", where=str(corpus.folder), allowed="mic1: version 0.80 has one microphone")
    speakers: dict[str, dict[str, str]] = {}
    yield from _speakers(corpus, speakers)
    recordings: dict[str, str] = {}
    texts: dict[str, str] = {}
    yield from _found(corpus, folder, options["mic"], recordings)
    for path in corpus.walk("txt", (".txt",)):
        if isinstance(path, Excused):
            yield path
        else:
            texts[stem(path)] = path
    for clip in sorted(recordings.keys() | texts.keys(), key=lambda clip: (clip.partition("_")[0], clip)):
        where = texts.get(clip, "") or recordings[clip]
        try:
            yield _utterance(corpus, clip, recordings.get(clip, ""), texts.get(clip, ""), speakers)
        except Defect as defect:
            yield defect.row(where, clip)


def _utterance(corpus: Corpus, clip: str, recording: str, text: str, speakers: Mapping[str, dict[str, str]]) -> SourceClip:
    speaker = clip.partition("_")[0]
    if not text:
        raise Defect("no-text", f"no txt/{speaker}/{clip}.txt")
    if not recording:
        raise Defect("no-audio", "no recording by this microphone")
    return SourceClip(clip, corpus.file(recording), corpus.text(text), "en", speaker, tags=speakers.get(speaker, {}), where=text)


def _found(corpus: Corpus, folder: str, mic: str, recordings: dict[str, str]) -> Iterator[Excused]:
    """Fill in the path of each utterance's recording by one microphone; yield the files whose names say nothing."""
    for path in corpus.walk(folder):
        if isinstance(path, Excused):
            yield path
            continue
        match = (_RECORDING if folder == NEW else _UTTERANCE).fullmatch(stem(path))
        if not match or path.split("/")[-2] != stem(path).partition("_")[0]:
            yield excused(stem(path), "bad-row", path, "no name of a recording, or another speaker's folder")
        elif folder == OLD or match[3] == mic:
            recordings[match[0] if folder == OLD else match[1]] = path


def _speakers(corpus: Corpus, speakers: dict[str, dict[str, str]]) -> Iterator[Excused]:
    """Fill in what the table says of each speaker, in its own words; yield the rows that cannot be read.

    `ID AGE GENDER ACCENTS REGION COMMENTS`, between spaces. The region may be empty or several words, the comment is in brackets, and
    0.80 writes `225` for p225.
    """
    for number, line in enumerate(corpus.lines(TABLE)):
        if isinstance(line, Excused):
            yield line
            continue
        where, text = line
        if number == 0 and text.split()[0].upper() == "ID":
            continue
        text, _, comment = text.partition("(")
        words = text.split()
        name = f"p{words[0]}" if words and words[0].isdecimal() else words[0] if words else ""
        if len(words) < 4 or words[2] not in ("F", "M") or name in speakers:
            yield excused("", "bad-row", where, "no row of a speaker: ID AGE GENDER ACCENTS REGION COMMENTS, or one more of the same")
            continue
        speakers[name] = {
            "age": words[1],
            "gender": {"F": "female", "M": "male"}[words[2]],
            "accent": words[3],
            "region": " ".join(words[4:]),
            "comment": comment.rstrip(") "),
        }


READER = Reader(
    read,
    "0.92: `wav48_silence_trimmed/p225/p225_001_mic1.flac`; 0.80: `wav48/p225/p225_001.wav`; `txt/p225/p225_001.txt`, `speaker-info.txt`",
    licence="CC-BY-4.0",
    commercial=True,
    licensor="https://datashare.ed.ac.uk/handle/10283/3443",
    options={"mic": Option("the microphone", "mic1", ("mic1", "mic2"))},
)
