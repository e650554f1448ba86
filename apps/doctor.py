"""`nightdub doctor`: what this machine lacks, and the command that mends it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from nightdub.apps.screen import print_json, print_rows
from nightdub.infra.errors import NightdubError
from nightdub.infra.ledger import Ledger
from nightdub.infra.media.walls import missing
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
    "py3langid",
    "G722",
    "pyarrow",
    "pyroomacoustics",
    "pystoi",
    "speechmos",
    "great_expectations",
)
GUARDED_FFMPEG = (7, 1, 1)  # the first that itself refuses segments of other kinds and in other places (commits 91d96dc8, b753bac0)
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
    why = missing()
    detail = why or "ffmpeg sees only the files it is given: no network, no other process, no rights"
    yield Finding("walls around ffmpeg", not why, detail, why and "docs/security.md says what is left without them", needed=False)


def _ffmpeg_version() -> Finding:
    """Return whether ffmpeg answers, and as a warning that it lacks its own guards against playlists, so that ours alone stand."""
    try:
        line = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg answers", fine=False, detail=str(error), fix="make setup")
    if is_guarded(line):
        return Finding("ffmpeg answers", fine=True, detail=line[:60])
    lacks = f"{line[:60].rstrip()}: it follows what a hostile playlist names, so that our checks of every file stand alone"
    return Finding("ffmpeg answers", fine=False, detail=lacks, fix="put 7.1.1 or later in front in PATH", needed=False)


def is_guarded(line: str) -> bool:
    """Return whether an ffmpeg that says this of itself has its own guards; one without a number was built from its newest source."""
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)(?:\.(\d+))?", line)
    return not found or tuple(int(part or 0) for part in found.groups()) >= GUARDED_FFMPEG


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
    """Write, read and delete one small object; keys that may not delete are as they should be where housekeeping has its own."""
    detail = f"answers at {settings.store_url}"
    try:
        store = open_store(settings.store_url, **settings.store_options())
        digest = store.put_bytes(b"nightdub doctor")
        store.get_bytes(digest)
    except NightdubError as error:
        return Finding("store", fine=False, detail=str(error), fix=error.fix or "see docs/operators-guide.md")
    try:
        store.delete(digest)
    except NightdubError:
        detail += "; these keys may not delete: only housekeeping has to (docs/deploy.md)"
    return Finding("store", fine=True, detail=detail)


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
