"""Translate with Apertium's rules: whole batches in one pass through each stage, pivots where no direct pair is installed.

The stages of a `.mode` file are run as they stand there, in null-flush mode, which keeps lines apart. The tagger alone is started anew
for each line: its model grows with what it has seen, so that a line's translation would depend on the lines before it (measured with
apertium 3.8.3 and spa-ita, where "Titular" turns every later "para" from a verb into a preposition).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from nightdub.infra.digests import digest_file, digest_of
from nightdub.infra.errors import EngineCrashed, EngineError, MachineLacks
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.protocols import Identity, LineContext, Translated
from nightdub.tasks.rows import Language

DATA = "/usr/share/apertium"  # where Debian's apertium-* packages put pairs; the constructor's `data` names another place
LONGEST = 120.0  # seconds that one stage may take over a batch

_CODES = {"cat": "ca", "eng": "en", "spa": "es", "fra": "fr", "ita": "it", "por": "pt", "rus": "ru", "hin": "hi", "deu": "de"}
_PREFERRED = {("es", "pt"): "es-pt_BR"}  # variants that are taken where they are installed
_PACKAGES = "apertium-eng-spa apertium-fr-es apertium-spa-ita apertium-es-pt apertium-spa-cat apertium-fra-cat"
_SPECIAL = re.compile(r"([\\^$/<>{}\[\]@*#~])")  # letters that the stream format means something by
_PIECE = re.compile(r"\\(.)|([*#@])(?=\w)([\w'\u2019-]*)", re.DOTALL)
_END = "[][\n]"  # an empty blank and a line break that no stage may touch
_PRONOUN = re.compile(r"\bi\b(?!\.)")


@dataclass(frozen=True, slots=True)
class Mode:
    """One installed direction: the stages of its pipeline as argument lists."""

    name: str
    source: Language
    target: Language
    stages: tuple[tuple[str, ...], ...]

    def files(self) -> list[Path]:
        """Return the data files that the stages read."""
        return sorted({Path(word) for stage in self.stages for word in stage if word.startswith("/")})


@dataclass(frozen=True, slots=True)
class _Draft:
    """A line on its way through the pivots."""

    text: str
    notes: tuple[str, ...] = field(default=())


class Apertium:
    """Translate along the shortest path of installed pairs. `data` is the folder that holds `modes/`."""

    def __init__(self, data: str = DATA) -> None:
        self.modes = find_modes(Path(data))

    def identity(self) -> Identity:
        """Return Apertium's version, and one digest over the data of all directions."""
        directions = {mode.name: [_digest(path) for path in mode.files() if path.is_file()] for mode in self.modes.values()}
        return Identity("apertium", _version(), digest_of(directions))

    def translate(
        self,
        lines: Sequence[str],
        source: Language,
        target: Language,
        contexts: Sequence[LineContext] = (),  # noqa: ARG002 - rules see one line
    ) -> list[Translated]:
        """Return each line in the target language; unknown words stay, and are noted.

        Raises:
            MachineLacks: no installed pairs lead from source to target, or a program of a pair is absent.
            EngineCrashed: a stage died of a signal or ran too long.
            EngineError: a stage refused its input, or lost lines.
        """
        drafts = [_Draft(prepare(line, source)) for line in lines]
        for mode in find_path(self.modes, source, target):
            drafts = _through(mode, drafts)
        return [
            Translated(tidy(draft.text), draft.notes, "" if draft.text.strip() else f"empty output for {line!r}")
            for draft, line in zip(drafts, lines, strict=True)
        ]


def find_modes(data: Path) -> dict[tuple[Language, Language], Mode]:
    """Return the installed directions between our languages, plain ones before variants such as `_valencia`."""
    found: dict[tuple[Language, Language], Mode] = {}
    for path in sorted(data.glob("modes/*.mode"), key=lambda path: (len(path.stem), path.stem)):
        source, _, target = path.stem.partition("-")
        pair = _CODES.get(source, source), _CODES.get(target.partition("_")[0], target.partition("_")[0])
        if LANGUAGES.keys() >= set(pair) and (pair not in found or _PREFERRED.get(pair) == path.stem):
            found[pair] = Mode(path.stem, *pair, _stages(path.read_text()))
    return found


def find_path(modes: Mapping[tuple[Language, Language], Mode], source: Language, target: Language) -> list[Mode]:
    """Return the fewest directions that lead from source to target (breadth first, by name). Raises: MachineLacks."""
    paths: dict[Language, list[Mode]] = {source: []}
    for reached in (queue := [source]):
        for (start, end), mode in sorted(modes.items()):
            if start == reached and end not in paths:
                paths[end] = [*paths[reached], mode]
                queue.append(end)
    if target not in paths:
        pairs = ", ".join("-".join(pair) for pair in sorted(modes)) or "none"
        raise MachineLacks(
            f"no way from {source} to {target}", where="engine apertium", allowed=f"installed: {pairs}", fix=f"apt-get install {_PACKAGES}"
        )
    return paths[target]


def prepare(line: str, source: Language) -> str:
    """Return a line as the rules expect it: single spaces, a capital first, a full stop after a last letter or digit, "I" in English."""
    text = " ".join(line.split())
    if source == "en":
        text = _PRONOUN.sub("I", text)
    return text[:1].upper() + text[1:] + ("." if text[-1:].isalnum() else "")


def tidy(text: str) -> str:
    """Return a translated line with single spaces and a capital first."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


def _stages(mode: str) -> tuple[tuple[str, ...], ...]:
    """Return a mode file's pipeline in null-flush mode; `$1` asks for marks on unknown words, `$2` for nothing."""
    words = [shlex.split(stage.replace("$1", "-g").replace("$2", "")) for stage in mode.strip().split("|")]
    return tuple((program, "-z", *arguments) for program, *arguments in words)


def _through(mode: Mode, drafts: list[_Draft]) -> list[_Draft]:
    texts = [_SPECIAL.sub(r"\\\1", draft.text) + _END for draft in drafts]
    for stage in mode.stages:
        batches = [[text] for text in texts] if stage[0] == "apertium-tagger" else [texts]
        texts = [made for batch in batches for made in _run(mode, stage, batch)]
    return [_read(text.removesuffix(_END), draft) for text, draft in zip(texts, drafts, strict=True)]


def _run(mode: Mode, stage: tuple[str, ...], texts: list[str]) -> list[str]:
    where = f"apertium {mode.name}, {stage[0]}"
    if shutil.which(stage[0]) is None:
        raise MachineLacks(f"{stage[0]} not found", where=where, fix="apt-get install apertium lttoolbox apertium-lex-tools cg3")
    try:
        done = subprocess.run(
            stage,
            input="".join(text + "\0" for text in texts).encode(),
            capture_output=True,
            timeout=LONGEST,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineCrashed(f"no answer within {LONGEST:g} s", where=where, fix="run the night again") from error
    if done.returncode < 0:
        raise EngineCrashed(f"died of signal {-done.returncode}", where=where, fix="run the night again")
    made = done.stdout.decode(errors="replace").split("\0")[: len(texts)]
    if done.returncode or len(made) < len(texts):
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise EngineError(
            f"status {done.returncode}, {len(made)} of {len(texts)} lines: {said}", where=where, fix="reinstall the language pair"
        )
    return made


def _read(stream: str, draft: _Draft) -> _Draft:
    """Take the stream format's escapes and marks away; each marked word becomes a note."""
    marked = [match.group(3) for match in _PIECE.finditer(stream) if match.group(2)]
    text = _PIECE.sub(lambda match: match.group(1) or match.group(3), stream)
    notes = (f"untranslated-word:{word}" for word in marked)
    return _Draft(text, tuple(dict.fromkeys((*draft.notes, *notes))))


@lru_cache(maxsize=512)
def _digest(path: Path) -> str:
    return digest_file(path)


@lru_cache(maxsize=1)
def _version() -> str:
    done = subprocess.run(["apertium", "-V"], capture_output=True, text=True, check=False, env=_environment())
    return (done.stdout + done.stderr).strip().removeprefix("Apertium ")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
