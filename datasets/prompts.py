"""The recorded-prompts corpus: telephone prompts spoken by people, one name in several languages, from Debian's packages.

`asterisk-core-sounds-{en,es,fr,it,ru}-g722` hold the recordings (16 kHz), `asterisk-core-sounds-{en,es,fr,it,ru}` the transcripts
(CC BY-SA; the Russian ones CC BY).
The same name is the same prompt in every language, so that the transcripts are human translations of each other.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import MachineLacks
from nightdub.tasks.rows import Language

SOUNDS = Path("/usr/share/asterisk/sounds")
TRANSCRIPTS = Path("/usr/share/doc")
VOICES: dict[Language, str] = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
_LINE = re.compile(r"([a-z0-9][a-z0-9_/-]*): *(.+)")
_NOT_SPEECH = re.compile(r"[\[\]()<>{}]|\.\.\.")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One recording with what is said in it."""

    name: str
    language: Language
    text: str
    path: Path  # headerless G.722


def recorded_prompts(language: Language) -> dict[str, Prompt]:
    """Return the prompts of a language by name, without tones, silences and lines that have no recording.

    Raises: MachineLacks where the packages are not installed.
    """
    folder = SOUNDS / VOICES[language]
    if not folder.exists():
        raise _not_installed(language, folder)
    prompts = {}
    for line in transcript_of(language)[1]:
        if (found := _LINE.fullmatch(line.strip())) and not _NOT_SPEECH.search(found[2]):
            path = folder / f"{found[1]}.g722"
            if path.exists():
                prompts[found[1]] = Prompt(found[1], language, found[2].strip(), path)
    return prompts


def transcript_of(language: Language) -> tuple[str, list[str]]:
    """Return the name of a language's transcript, and its lines: `name: text`, remarks that begin with a semicolon, and blank ones.

    Raises: MachineLacks where the package is not installed.
    """
    path = TRANSCRIPTS / f"asterisk-core-sounds-{language}" / f"core-sounds-{language}.txt.gz"
    if not path.exists():
        raise _not_installed(language, path)
    return path.name, gzip.decompress(path.read_bytes()).decode("utf-8-sig").splitlines()


def _not_installed(language: Language, where: Path) -> MachineLacks:
    packages = f"asterisk-core-sounds-{language} asterisk-core-sounds-{language}-g722"
    return MachineLacks("recorded prompts not found", where=str(where), fix=f"apt-get install {packages}, or make setup")
