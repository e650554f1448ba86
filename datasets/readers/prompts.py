"""The recorded prompts of Debian's packages (`datasets.prompts`): a transcript for each language, and a voice's folder of G.722.

The folder is that of the packages' sounds. Fragments that trail off are spoken and stay; remarks in brackets say what sounds, and are
no words of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nightdub.datasets.prompts import SOUNDS, VOICES, transcript_of
from nightdub.datasets.readers.corpus import Corpus, Defect, parsed
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

_LINE = re.compile(r"([a-zA-Z0-9][a-zA-Z0-9_/-]*): *(.*)")
_REMARK = re.compile(r"[\[\]()<>{}]")


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of each language's transcript, then the recordings that none of them names.

    Raises:
        ConfigError: an unknown language, or a voice that is not below the folder.
        MachineLacks: the transcripts' package is not installed.
    """
    languages = [name.strip() for name in options["languages"].split(",") if name.strip()]
    if unknown := [name for name in languages if name not in VOICES] or ([] if languages else ["none"]):
        raise ConfigError(f"languages {', '.join(unknown)}", where="reader prompts", allowed=",".join(VOICES))
    for language in languages:
        if not corpus.has(VOICES[language]):
            fix = f"apt-get install asterisk-core-sounds-{language}-g722, and name {SOUNDS}"
            raise ConfigError(f"no {VOICES[language]}", where=str(corpus.folder), fix=fix)
        yield from _of_language(corpus, language)


def _of_language(corpus: Corpus, language: str) -> Rows:
    voice = VOICES[language]
    named: set[str] = set()

    def parse(line: str, where: str) -> SourceClip:
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise Defect("bad-row", "no name: text")
        path = f"{found[1]}.g722"
        named.add(f"{voice}/{path}")
        clip = f"{language}/{found[1]}"
        if _REMARK.search(found[2]):
            raise Defect("no-text", f"a remark, not what is said: {found[2]}", clip)
        try:
            audio = corpus.file(path, voice)
        except Defect as defect:
            raise Defect(defect.code, defect.what, clip) from None
        _, _, gender, speaker = voice.split("_")
        tags = {"voice": voice, "gender": {"f": "female", "m": "male"}[gender]}
        return SourceClip(clip, audio, found[2], language, speaker, tags=tags, where=where)

    yield from parsed(_lines(language), parse)
    yield from corpus.unnamed(named, voice)


def _lines(language: str) -> Iterator[tuple[str, str] | Excused]:
    name, lines = transcript_of(language)
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith(";"):
            yield f"{name}:{number}", line


READER = Reader(
    read,
    f"`{SOUNDS}/en_US_f_Allison/*.g722`; the transcripts in `/usr/share/doc/asterisk-core-sounds-en/`",
    licence="CC-BY-SA-3.0",
    commercial=True,
    licensor="/usr/share/doc/asterisk-core-sounds-en/copyright; the Russian ones CC-BY-3.0",
    home=SOUNDS,
    options={"languages": Option(f"with commas: {','.join(VOICES)}", ",".join(VOICES))},
)
