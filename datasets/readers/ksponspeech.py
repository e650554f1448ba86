"""KsponSpeech: `train.trn` with `path :: text` on each line, and headerless PCM of 16 kHz and 16 bits.

The text has words in two wordings, `(70%)/(칠십 프로)`, marks of noise (`b/ l/ o/ n/ u/`), a slash behind fillers, `+` behind what is said
again, `*` behind what is hard to hear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nightdub.datasets.readers.corpus import Corpus, Defect, stem
from nightdub.datasets.readers.ljspeech import WORDING
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import SourceClip

RATE = 16_000  # Hz
PARTS = ("train", "dev", "eval_clean", "eval_other")
_BOTH = re.compile(r"\(([^()/]*)\)\s*/\s*\(([^()/]*)\)")
_NOISE = re.compile(r"(?<![^\s/])[blonu]/")
_MARKS = re.compile(r"[/+*]")


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of one part's manifest."""
    part = options["part"]

    def parse(line: str, where: str) -> SourceClip:
        path, found, text = line.partition("::")
        clip = stem(path.strip().replace("\\", "/"))
        if not found:
            raise Defect("bad-row", "no path :: text", clip)
        try:
            audio, said = _audio(corpus, path.strip(), part), wording(text, options["text"])
        except Defect as defect:
            raise Defect(defect.code, defect.what, clip) from None
        tags = {"part": part} | ({"unclear": "yes"} if "*" in text or "u/" in text else {})
        return SourceClip(clip, audio, said, "ko", raw_rate=RATE, tags=tags, where=where)

    yield from corpus.rows(corpus.manifest(f"{part}.trn", f"KsponSpeech_scripts/{part}.trn"), parse)


def wording(text: str, which: str) -> str:
    """Return the text in one of its wordings, without its marks. Raises: Defect where the two wordings cannot be told apart."""
    one = _BOTH.sub(r"\1" if which == "written" else r"\2", _NOISE.sub(" ", text))
    if "(" in one or ")" in one:
        raise Defect("bad-row", "brackets that are not (as written)/(as spoken)")
    return " ".join(_MARKS.sub("", one).split())


def _audio(corpus: Corpus, path: str, part: str) -> str:
    """Return the recording; those of the evaluation parts lie one folder higher than their manifests say."""
    _, slash, shorter = path.partition("/")
    try:
        return corpus.file(path)
    except Defect as defect:
        if defect.code != "no-audio" or not slash or not part.startswith("eval"):
            raise
        return corpus.file(shorter)


READER = Reader(
    read,
    "`train.trn`, `dev.trn`, `eval_clean.trn`, `eval_other.trn`, also below `KsponSpeech_scripts/`; `KsponSpeech_01/*/*.pcm`",
    licence="the terms of AI Hub, which names those it gives the corpus to",
    commercial=None,
    licensor="https://aihub.or.kr/",
    options={"part": Option("the part", "train", PARTS), "text": WORDING},
)
