"""A program in another environment, asked in JSON lines over its standard input and output."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from nightdub.infra.code import look_again
from nightdub.infra.errors import EngineCrashed
from nightdub.infra.scratch import Scratch

PATIENCE = 600.0  # seconds without an answer after which a host counts as hung: 2 GB from a cold disk, or the longest line on a slow CPU
LAST_WORDS = 500  # bytes of what it said on standard error that go into the message of a crash


class HostProcess:
    """One running program with a scratch folder; one question is under way at a time.

    After an `EngineCrashed` it is closed: a host that lost step with us would answer the wrong question.
    """

    def __init__(self, command: Sequence[str], name: str, environment: Mapping[str, str]) -> None:
        look_again()
        self._name = name
        self._folder = Scratch("host")
        self.scratch = Path(self._folder.name)
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **environment}
            )

    @property
    def ended(self) -> bool:
        """Return whether the program is no longer there."""
        return self._process.poll() is not None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send one line and return the answer. Raises: EngineCrashed."""
        try:
            stream = self._pipe(self._process.stdin)
            stream.write(json.dumps(question).encode() + b"\n")
            stream.flush()
        except BrokenPipeError:
            self._crash("ended")
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Return the next line. Raises: EngineCrashed where the program ended, said nothing for `PATIENCE`, or spoke no JSON."""
        stream = self._pipe(self._process.stdout)
        if not select.select([stream], [], [], PATIENCE)[0]:
            self._crash(f"said nothing for {PATIENCE:g} s")
        line = stream.readline()
        if not line:
            self._crash("ended")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self._crash(f"answered {line[:80]!r}")
        return answer

    def close(self) -> None:
        """End the program and remove its scratch folder."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                _shut(stream)
        self._folder.cleanup()

    @property
    def _errors(self) -> Path:
        return self.scratch / "errors.txt"

    def _crash(self, event: str) -> NoReturn:
        said = self._errors.read_bytes()[-LAST_WORDS:].decode(errors="replace").split() if self.scratch.exists() else []
        self.close()
        raise EngineCrashed(
            f"the host process {event}: {' '.join(said) or 'no last words'}", where=self._name, fix="it is started again; see its message"
        )

    def _pipe(self, stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None or stream.closed:
            self._crash("is closed")
        return stream


def _shut(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:  # what was still to be written has no reader any more
        return
