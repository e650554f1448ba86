"""`nightdub doctor`: what this machine lacks, and the command that mends it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from nightdub.apps.screen import print_json, print_rows
from nightdub.infra.errors import NightdubError
from nightdub.infra.ledger import Ledger
from nightdub.infra.settings import Settings
from nightdub.infra.store import open_store
from nightdub.tasks.engines import TABLE, EngineSpec, load_engine

PROGRAMS = {  # program -> what it is for
    "ffmpeg": "decoding and encoding",
    "ffprobe": "probing",
    "rubberband": "fitting lines to their time",
    "espeak-ng": "embedded speech",
    "apertium": "embedded translation",
    "setpriv": "tying servers to their night",
}
MODULES = (
    "prefect",
    "distributed",
    "boto3",
    "sqlalchemy",
    "cv2",
    "ffmpeg",
    "pocketsphinx",
    "pyworld",
    "librosa",
    "faster_whisper",
    "sacrebleu",
    "jiwer",
    "num2words",
    "pystoi",
    "speechmos",
    "great_expectations",
)
LEAST_FREE = 5 << 30  # bytes below which a night is likely to fill the disk


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` is the command that mends it."""

    name: str
    fine: bool
    detail: str
    fix: str = ""
    needed: bool = True  # False: only some profiles need it


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine said: its version, or what it lacks and what mends that."""

    version: str
    lacks: str = ""
    fix: str = ""


def examine(settings: Settings, *, as_json: bool) -> int:
    """Print every finding; return 3 where something needed is lacking."""
    findings = [*_programs(), *_modules(), *_engines(), *_house(settings)]
    if as_json:
        print_json(findings)
    else:
        _print(findings)
    return 3 if any(finding.needed and not finding.fine for finding in findings) else 0


def _programs() -> Iterator[Finding]:
    fine = sys.version_info[:2] == (3, 11)
    yield Finding("python", fine, sys.version.split()[0], "" if fine else "use Python 3.11: every bound of pyproject.toml was run on it")
    for name, use in PROGRAMS.items():
        found = shutil.which(name)
        yield Finding(name, bool(found), f"{use}: {found or 'not found'}", "" if found else "make setup")
    yield _ffmpeg_version()


def _ffmpeg_version() -> Finding:
    """Return whether ffmpeg answers; before 7.1.1 it lacks its own guards against playlists, so ours alone stand."""
    try:
        line = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg answers", fine=False, detail=str(error), fix="make setup")
    return Finding("ffmpeg answers", fine=True, detail=line[:60])


def _modules() -> Iterator[Finding]:
    for name in MODULES:
        found = importlib.util.find_spec(name) is not None
        yield Finding(f"module {name}", found, "installed" if found else "not found", "" if found else "make setup")


def _engines() -> Iterator[Finding]:
    for spec in TABLE:
        answer = ask_engine(spec)
        embedded = spec.install == "make setup"
        yield Finding(f"engine {spec.verb}: {spec.name}", not answer.lacks, answer.lacks or answer.version, answer.fix, needed=embedded)


def ask_engine(spec: EngineSpec) -> Answer:
    """Load an engine and ask who it is: programs, libraries and weights must be there for that."""
    try:
        identity = load_engine(spec.verb, spec.name).identity()
    except NightdubError as error:
        return Answer("", error.what, error.fix or spec.install)
    except (ImportError, OSError) as error:
        return Answer("", f"does not load: {error}", spec.install)
    return Answer(identity.version)


def _house(settings: Settings) -> Iterator[Finding]:
    root = next(folder for folder in (settings.home.absolute(), *settings.home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(root).free
    yield Finding(
        "disk",
        free > LEAST_FREE,
        f"{free / (1 << 30):.0f} GiB free at {root}",
        "" if free > LEAST_FREE else "free some space, or set NIGHTDUB_HOME",
    )
    yield _store(settings)
    yield _ledger(settings)


def _store(settings: Settings) -> Finding:
    """Write, read and delete one small object."""
    try:
        store = open_store(settings.store_url, **settings.store_options())
        digest = store.put_bytes(b"nightdub doctor")
        store.get_bytes(digest)
        store.delete(digest)
    except NightdubError as error:
        return Finding("store", fine=False, detail=str(error), fix=error.fix or "see docs/operators-guide.md")
    return Finding("store", fine=True, detail=f"answers at {settings.store_url}")


def _ledger(settings: Settings) -> Finding:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(settings.ledger_url)
        ledger.migrate()
        ledger.close()
    except NightdubError as error:
        return Finding("ledger", fine=False, detail=str(error), fix=error.fix or "see docs/operators-guide.md")
    return Finding("ledger", fine=True, detail="answers, schema up to date")


def _print(findings: list[Finding]) -> None:
    print_rows(("", "what", "found", "mend with"), [(_mark(finding), finding.name, finding.detail, finding.fix) for finding in findings])


def _mark(finding: Finding) -> Text:
    if finding.fine:
        return Text("ok", style="green")
    return Text("lacks", style="red") if finding.needed else Text("-", style="yellow")
