"""Run ffmpeg and ffprobe as bounded child processes: argument lists, no shell, no inherited settings, no orphan."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import ffmpeg

from nightdub.infra.errors import MachineLacks, MediaError
from nightdub.infra.media.safety import Limits
from nightdub.infra.media.walls import walls

ANSWER = 64 << 20  # bytes of standard output that `run` accepts
_SIGNALLED = 128  # plus the signal: how a program between us and ffmpeg reports that a signal ended it
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_POINTER = re.compile(r" @ 0x[0-9a-f]+")
_QUIET = ("-hide_banner", "-loglevel", "error")


def ffmpeg_command(graph: Any, limits: Limits, *options: str) -> list[str]:
    """Return the argument list of an ffmpeg-python graph, with `options` among the global ones."""
    threads = ("-filter_threads", "1", "-filter_complex_threads", "1")
    graph_words = ffmpeg.compile(graph, overwrite_output=True)[1:]
    return ["ffmpeg", "-nostdin", *_QUIET, "-max_alloc", str(limits.block), *threads, *options, *graph_words]


def ffprobe_command(limits: Limits, *options: str) -> list[str]:
    """Return the argument list of an ffprobe call."""
    return ["ffprobe", *_QUIET, "-max_alloc", str(limits.block), *options]


def run(command: Sequence[str], limits: Limits, where: str, writes: Sequence[Path] = ()) -> bytes:
    """Run to the end and return standard output. Raises: as `started`."""
    with started(command, limits, where, writes) as process:
        output = _pipe(process.stdout).read(ANSWER + 1)
        if len(output) > ANSWER:
            raise MediaError(f"{command[0]} answered with more than {ANSWER} bytes", where=where, fix="do not trust this file")
    return output


@contextmanager
def started(command: Sequence[str], limits: Limits, where: str, writes: Sequence[Path] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with piped standard input and output; on leaving, wait for it and judge its exit status.

    The child dies with the thread that started it, so a killed worker leaves nothing running. Leaving through an
    exception kills it. `writes` are outputs that the command names without `file:` (see `walls`).

    Raises:
        MachineLacks: ffmpeg is not installed.
        MediaError: it failed or ran into a limit; the message has the end of what it said.
    """
    _require(command[0])
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*_bounded(limits, command, writes), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(),
            close_fds=True,
            process_group=0,
        )
        late = threading.Event()
        timer = threading.Timer(limits.wall, _stop, (process, late))
        timer.daemon = True
        timer.start()
        try:
            yield process
            _close(process)
        except BrokenPipeError:
            process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
            _close(process, quiet=True)
            process.wait()
        if late.is_set():
            raise _failure(f"{command[0]} took more than {limits.wall:g} s", errors, where)
        if process.returncode:
            raise _failure(_reason(command[0], process.returncode, limits), errors, where)


def _bounded(limits: Limits, command: Sequence[str], writes: Sequence[Path]) -> list[str]:
    """Return the wrappers: die with the parent, gain no rights, stay in limits (util-linux), see nothing else (`walls`)."""
    identity, walls_around = walls(command, writes)
    bounds = [f"--as={limits.memory}", f"--cpu={limits.cpu}", f"--fsize={limits.output}", "--core=0"]
    return ["setpriv", *identity, "--pdeathsig", "KILL", "--no-new-privs", "prlimit", *bounds, "--", *walls_around]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "AV_LOG_FORCE_NOCOLOR": "1"}


def _require(program: str) -> None:
    for name, package in ((program, "ffmpeg"), ("setpriv", "util-linux"), ("prlimit", "util-linux")):
        if shutil.which(name) is None:
            raise MachineLacks(f"{name} not found", where="media", fix=f"apt-get install {package}")


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with what stands around it: walls that are not yet up do not see that their parent is gone."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _close(process: subprocess.Popen[bytes], *, quiet: bool = False) -> None:
    for pipe in (process.stdin, process.stdout):
        try:
            _pipe(pipe).close()
        except BrokenPipeError:
            if not quiet:
                raise


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise MediaError("a process without pipes", fix="report this")
    return pipe


def _tail(errors: IO[bytes]) -> str:
    """Return the last distinct lines of what the process said, at most 600 characters, without memory addresses."""
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 8192))
    lines = _POINTER.sub("", errors.read().decode(errors="replace")).splitlines()
    return "; ".join(dict.fromkeys(line.strip() for line in lines if line.strip()))[-600:]


def _reason(program: str, status: int, limits: Limits) -> str:
    reasons = {
        -signal.SIGXFSZ: f"{program} wrote more than {limits.output} bytes",
        -signal.SIGXCPU: f"{program} used more than {limits.cpu} s of CPU",
        -signal.SIGKILL: f"{program} was killed, or used more than {limits.cpu} s of CPU",
    }
    signalled = _SIGNALLED - status if status > _SIGNALLED else status  # as bwrap reports a signal
    return reasons.get(signalled, f"{program} failed ({signalled if -signalled in _CRASHES else status})")


def _failure(reason: str, errors: IO[bytes], where: str) -> MediaError:
    said = _tail(errors).replace(f"file:{where}: ", "")  # the place is told apart, or left out where it is a path of the store
    return MediaError(f"{reason}: {said}" if said else reason, where=where, fix="check the file; deliver it again if it is damaged")
