"""Evaluation sets: lines with what was said in them, named, ordered, and known by the digest of their content.

A set is either one of the recorded prompts' (`prompts-en`: recognition and speech; `prompts-en-es`: translation), or a file of JSON
lines with the fields of `Example`, in which `audio` is a path beside the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from nightdub.datasets.prompts import VOICES, Prompt, recorded_prompts
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

FORMATS = (".g722", ".wav", ".flac", ".ogg")
FEWEST = 300  # lines of a prompt set: with fewer the packages are not the ones that this recipe was written for
PROMPTS = {f"prompts-{language}": (language, "") for language in VOICES} | {
    f"prompts-{one}-{other}": (one, other) for one in VOICES for other in VOICES if one != other
}
_FAMILY = re.compile(r"[a-z]+")
_SPELLING = "phonetic/"  # every language has its own words for the letters: not translations of each other


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a set, as it is stored: `audio` is the digest of the recording, empty where there is none."""

    id: str
    text: str
    language: Language
    audio: str = ""
    format: str = ""  # of the recording: its file name's ending
    translations: dict[Language, str] = field(default_factory=dict)
    speaker: str = ""
    cluster: str = ""  # lines that err together, drawn as a whole by the bootstrap; empty = the line by itself


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A set's lines in the order of their ids, with the files of their recordings by digest."""

    name: str  # as it is asked for: `read_set` finds it by that
    language: Language
    target: Language  # empty where nothing is translated
    examples: tuple[Example, ...]
    files: dict[str, Path]

    @property
    def whole(self) -> str:
        """Return the name of the set that this is, or is a part of."""
        return self.name.rpartition(":")[0] or self.name

    @property
    def languages(self) -> str:
        """Return the language, or the pair that is translated."""
        return f"{self.language}-{self.target}" if self.target else self.language

    def manifest(self) -> bytes:
        """Return the lines as JSON lines with sorted names: its digest is the set's version."""
        return b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in self.examples)


def read_set(name: str) -> EvaluationSet:
    """Return an evaluation set by its name or by the path of its file; `prompts-en:100` is a hundred lines of `prompts-en`.

    A part has the lines with the lowest digests of their ids: the same lines every time, from all over the set.

    Raises:
        ConfigError: there is no such set, or its file does not hold one.
        MachineLacks: the packages of the recorded prompts are not installed.
    """
    whole, _, number = name.rpartition(":") if re.search(r":[0-9]+$", name) else (name, "", "0")
    if whole in PROMPTS:
        found = _prompts(name, *PROMPTS[whole])
    elif whole.endswith(".jsonl"):
        found = replace(_from_file(Path(whole)), name=name)
    else:
        raise ConfigError(
            f"no evaluation set {whole!r}", allowed=f"{', '.join(PROMPTS)}, or a file *.jsonl", fix="docs/evaluation.md lists them"
        )
    rows, limit = sorted(found.examples, key=lambda row: row.id), int(number)
    if 0 < limit < len(rows):
        chosen = sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())[:limit]
        rows = sorted(chosen, key=lambda row: row.id)
    kept = {row.audio for row in rows}
    return replace(found, examples=tuple(rows), files={digest: path for digest, path in found.files.items() if digest in kept})


def read_manifest(data: bytes) -> list[Example]:
    """Return the lines of a stored set."""
    return msgspec.json.Decoder(Example).decode_lines(data)


def _prompts(name: str, language: Language, target: Language) -> EvaluationSet:
    prompts = recorded_prompts(language)
    if target:
        other = recorded_prompts(target)
        prompts = {name: prompt for name, prompt in prompts.items() if name in other and not name.startswith(_SPELLING)}
        rows = [_example(prompt, translations={target: other[name].text}) for name, prompt in prompts.items()]
        files = {}
    else:
        digests = {name: digest_file(prompt.path) for name, prompt in prompts.items()}
        rows = [_example(prompt, audio=digests[name], format=prompt.path.suffix) for name, prompt in prompts.items()]
        files = {digests[name]: prompt.path for name, prompt in prompts.items()}
    if len(rows) < FEWEST:
        raise ConfigError(f"{len(rows)} lines", where=name, allowed=f"{FEWEST} and more", fix="install the packages anew: make setup")
    return EvaluationSet(name, language, target, tuple(rows), files)


def _example(prompt: Prompt, **more: object) -> Example:
    """Return a prompt as a line; prompts of one family (`conf-`, `digits/`, `vm-`) were written and spoken together."""
    family = _FAMILY.match(prompt.name)
    row = Example(prompt.name, prompt.text, prompt.language, speaker=VOICES[prompt.language], cluster=family[0] if family else prompt.name)
    return replace(row, **more)  # type: ignore[arg-type]


def _from_file(path: Path) -> EvaluationSet:
    rows, files = [], {}
    for number, line in enumerate(_lines(path), 1):
        try:
            row = msgspec.json.decode(line, type=Example)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ConfigError(str(error), where=f"{path}:{number}", fix="docs/evaluation.md has the fields") from None
        if row.audio:
            sound = path.parent / row.audio
            if sound.suffix not in FORMATS or not _is_beside(sound, path.parent):
                raise ConfigError(f"no recording {row.audio!r}", where=f"{path}:{number}", allowed=" ".join(FORMATS), fix="mend the path")
            row = replace(row, audio=digest_file(sound), format=sound.suffix)
            files[row.audio] = sound
        rows.append(replace(row, cluster=row.cluster or row.speaker))
    language, target = _one_pair(path, rows)
    return EvaluationSet(str(path), language, target, tuple(rows), files)


def _is_beside(sound: Path, folder: Path) -> bool:
    """Return whether a recording is there, in the set's own folder or below, also behind its links."""
    try:
        return sound.is_file() and sound.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or a ring of links
        return False


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(error), where=str(path), fix="name a readable file") from None


def _one_pair(path: Path, rows: Iterable[Example]) -> tuple[Language, Language]:
    """Return the one language of a file's lines and of their translations. Raises: ConfigError where that is not so."""
    rows = list(rows)
    ids = [row.id for row in rows]
    if not rows or len(set(ids)) < len(ids) or not all(row.text.strip() for row in rows):
        raise ConfigError("no lines, an id twice, or a line without text", where=str(path), fix="mend the file")
    languages, targets = {row.language for row in rows}, {tuple(sorted(row.translations)) for row in rows}
    if len(languages) > 1 or len(targets) > 1 or len(next(iter(targets))) > 1:
        raise ConfigError("more than one language or pair", where=str(path), fix="one file for each")
    (language,), (target,) = languages, next(iter(targets)) or ("",)
    if unknown := ({language, target} - {""}) - LANGUAGES.keys():
        raise ConfigError(f"unknown language {', '.join(unknown)}", where=str(path), allowed=", ".join(LANGUAGES))
    return language, target
