"""Engines for evaluations, whose errors are known: they stand in the table for the length of a test."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from unittest import mock

import msgspec
import numpy as np

from nightdub.flows import recipe
from nightdub.tasks import engines
from nightdub.tasks.engines import TABLE, EngineSpec
from nightdub.tasks.protocols import Heard, Identity, Request, Spoken, Translated

LINES = 120
TEXT = "the night train leaves at eight and nobody is there to see it go but the old man with his dog"
WORDS = TEXT.split()


class Parrot:
    """Gives each line back, with its first word wrong in a share of the lines; lines that hold `silence` fail."""

    version = "1"
    broken = False
    worked: list[str] = []  # every line that was ever asked of one  # noqa: RUF012

    def __init__(self, wrong: float = 0.0, salt: str = "") -> None:
        self.wrong, self.salt = wrong, salt

    def identity(self) -> Identity:
        return Identity("parrot", self.version, settings={"wrong": self.wrong, "salt": self.salt})

    def translate(self, lines: Sequence[str], source: str, target: str) -> list[Translated]:
        Parrot.worked += lines
        return [Translated("", failed="nothing to say") if "silence" in line else Translated(self._said(line)) for line in lines]

    def _said(self, line: str) -> str:
        if self.broken:
            return "something else altogether"
        first, *rest = line.split()
        chance = int.from_bytes(hashlib.sha256(f"{self.version}{self.salt}{line}".encode()).digest()[:4]) / 2**32
        return " ".join(["wrong" if chance < self.wrong else first, *rest])


class Beeper(Parrot):
    """Speaks each line as as many samples as it has letters; hears that many words."""

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        size = [len(request.text.split()) for request in requests]
        return [
            Spoken(np.zeros(0, np.float32), 0, failed="mute")
            if "silence" in request.text
            else Spoken(np.full(16_000 * words // 10, 0.25, np.float32), 16_000)
            for request, words in zip(requests, size, strict=True)
        ]

    def recognise(self, clips: Sequence[np.ndarray], language: str) -> list[Heard]:
        return [Heard(" ".join(["la"] * round(len(clip) / 1600))) for clip in clips]


def example(number: int, **more: object) -> dict[str, object]:
    """Return a line of 8 words and its number, said by one of 20 speakers."""
    words = [WORDS[(number * 7 + place) % len(WORDS)] for place in range(8)]
    text = f"{' '.join(words)} number {number}"
    return {"id": f"l{number:03}", "text": text, "language": "en", "speaker": f"s{number % 20}", "translations": {"es": text}} | more


def write_set(path, rows=None):
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows or map(example, range(LINES))))
    return str(path)


@contextmanager
def installed() -> Iterator[type[Parrot]]:
    """Put the engines into the table; forget afterwards who they were."""
    module = ModuleType("nightdub.tasks.engines.parrot")
    module.Parrot, module.Beeper = Parrot, Beeper  # type: ignore[attr-defined]
    table = tuple(
        EngineSpec(verb, "parrot", f"parrot:{'Parrot' if verb == 'translate' else 'Beeper'}", "none", True, "nothing")
        for verb in ("translate", "speak", "recognise")
    )
    Parrot.worked, Parrot.version, Parrot.broken = [], "1", False
    with mock.patch.dict(sys.modules, {module.__name__: module}), mock.patch.object(engines, "TABLE", (*table, *TABLE)):
        with mock.patch("nightdub.flows.evaluate.TABLE", (*table, *TABLE)):
            changed()
            yield Parrot
    changed()


def changed() -> None:
    """Forget engines and identities, as a new process would."""
    recipe._identity.cache_clear()
    engines._loaded.__dict__.clear()
