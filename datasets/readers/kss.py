"""KSS 1.3 and 1.4: `transcript.v.1.4.txt` and `{1,2,3,4}/*.wav`.

A line is `path|as written|as spoken|its letters taken apart|seconds|in English`.
"""

from __future__ import annotations

from collections.abc import Mapping

from nightdub.datasets.readers.checks import number
from nightdub.datasets.readers.corpus import Corpus, Defect, stem
from nightdub.datasets.readers.ljspeech import WORDING
from nightdub.datasets.readers.reader import Reader, Rows
from nightdub.datasets.rows import SourceClip

FOLDERS = ("1", "2", "3", "4")


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of the transcript, then the recordings that none of them names; the stated seconds go on as `length`."""
    named: set[str] = set()
    root = "kss" if corpus.has("kss") else ""

    def parse(line: str, where: str) -> SourceClip:
        fields = [field.strip() for field in line.split("|")]
        path = fields[0].replace("\\", "/")
        clip = stem(path)
        named.add(f"{root}/{path}" if root else path)
        if len(fields) != 6:
            raise Defect("bad-row", f"{len(fields)} fields of 6", clip)
        _, written, spoken, _, seconds, english = fields
        text = spoken if options["text"] == "spoken" else written
        if not text:
            raise Defect("no-text", f"no text as {options['text']}", clip)
        tags = {"english": english} | ({"written": written} if text != written else {})
        try:
            length, audio = number(seconds, "length"), corpus.file(path, root)
        except Defect as defect:
            raise Defect(defect.code, defect.what, clip) from None
        return SourceClip(clip, audio, text, "ko", "KSS", length=length, tags=tags, where=where)

    yield from corpus.rows(corpus.manifest("transcript.v.1.4.txt", "transcript.v.1.3.txt"), parse)
    for folder in FOLDERS:
        if corpus.has(under := f"{root}/{folder}" if root else folder):
            yield from corpus.unnamed(named, under)


READER = Reader(
    read,
    "`transcript.v.1.4.txt`, `{1,2,3,4}/*.wav`, also below `kss/`",
    licence="CC-BY-NC-SA-4.0",
    commercial=False,
    licensor="https://huggingface.co/datasets/Bingsu/KSS_Dataset",
    options={"text": WORDING},
)
