"""LJSpeech 1.1: `metadata.csv` with `id|as written|as spoken`, no header, no quoting, and `wavs/{id}.wav`."""

from __future__ import annotations

from collections.abc import Mapping

from nightdub.datasets.readers.corpus import Corpus, Defect
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import SourceClip

WORDING = Option("the wording: as written, or with numbers and abbreviations as they are spoken", "spoken", ("written", "spoken"))


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of the manifest, then the recordings that none of them names."""
    named: set[str] = set()

    def parse(line: str, where: str) -> SourceClip:
        fields = line.split("|")
        clip = fields[0].strip()
        named.add(f"wavs/{clip}.wav")
        if len(fields) != 3:
            raise Defect("bad-row", f"{len(fields)} fields; a row is id|as written|as spoken", clip)
        written, spoken = fields[1].strip(), fields[2].strip()
        text = spoken if options["text"] == "spoken" else written
        if not text:
            raise Defect("no-text", f"no text as {options['text']}", clip)
        tags = {"written": written} if text != written else {}
        return SourceClip(clip, _audio(corpus, clip), text, options["language"], options["speaker"], tags=tags, where=where)

    yield from corpus.rows("metadata.csv", parse)
    if corpus.has("wavs"):
        yield from corpus.unnamed(named, "wavs")


def _audio(corpus: Corpus, clip: str) -> str:
    try:
        return corpus.file(f"{clip}.wav", "wavs") if clip else corpus.file("")
    except Defect as defect:
        raise Defect(defect.code, defect.what, clip) from None


READER = Reader(
    read,
    "`metadata.csv`, `wavs/*.wav`",
    licence="public domain",
    commercial=True,
    licensor="https://keithito.com/LJ-Speech-Dataset/",
    options={
        "text": WORDING,
        "language": Option("of the corpus, where another one has this layout", "en"),
        "speaker": Option("of the corpus, where another one has this layout", "LJ"),
    },
)
