"""Structured logs: what happened, and to which title, language, step, run and item; as text for people or JSON lines for machines.

The place travels in a context variable: threads that copy their context have it, and orders carry it to other processes. Everything is
masked before it is written: secrets of the settings and of the environment, passwords and keys inside URLs, also in tracebacks.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
from pydantic import SecretStr

from nightdub.infra.settings import MASK, Settings, mask_url

PLACE = ("title", "language", "step", "run", "item")  # the names that a place may have
SHORTEST = 3  # characters of a secret; a shorter one would mask half of every line
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|API_KEY|AUTH_STRING", re.IGNORECASE)
_NO_SECRET = re.compile(r"[\d.]*|true|false|yes|no|on|off|none", re.IGNORECASE)

_log = logging.getLogger("nightdub")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # Prefect and Dask put handlers of their own on the root
_place: ContextVar[Mapping[str, str]] = ContextVar("place", default={})  # noqa: B039 - never changed, only replaced
_secrets: set[str] = set()


@dataclass(frozen=True, slots=True)
class LogContext:
    """What an order takes along: its place, and how the process that sent it writes its log (empty: it writes none)."""

    place: dict[str, str] = field(default_factory=dict)
    format: str = ""
    level: str = ""


def note(event: str, level: int = logging.INFO, **facts: Any) -> None:
    """Log an event under the present place; facts are plain JSON values, and one named as a part of the place stands in for it."""
    if _log.isEnabledFor(level):
        place = dict(_place.get()) | {name: facts.pop(name) for name in PLACE if name in facts}
        _log.log(level, event, extra={"place": {name: place[name] for name in PLACE if place.get(name)}, "facts": facts})


def warn(event: str, **facts: Any) -> None:
    """Log an event that a person may want to look at."""
    note(event, logging.WARNING, **facts)


@contextmanager
def about(**place: str) -> Iterator[None]:
    """Add to the place of every event of this block, and of the threads that copy its context."""
    token = _place.set({**_place.get(), **place})
    try:
        yield
    finally:
        _place.reset(token)


def start(settings: Settings) -> None:
    """Write this process's events to standard error as the settings say; the same settings again change nothing."""
    hide(*(value.get_secret_value() for value in vars(settings).values() if isinstance(value, SecretStr)))
    _write(settings.log_format, settings.log_level)


def hide(*secrets: str) -> None:
    """Mask these words wherever they would be written."""
    _secrets.update(secret for secret in secrets if len(secret) >= SHORTEST)


def carried() -> LogContext:
    """Return the present place and the log's format and level, for another process."""
    ours = _ours()
    return LogContext(dict(_place.get()), ours.form, logging.getLevelName(_log.level)) if ours else LogContext(dict(_place.get()))


@contextmanager
def resumed(context: LogContext) -> Iterator[None]:
    """Go on in the place that an order came from; a process that writes no log yet writes it as the sender does."""
    if context.format and _ours() is None:
        _write(context.format, context.level)
    with about(**context.place):
        yield


def masked(value: Any) -> Any:
    """Return a plain value with every known secret, and passwords inside URLs, replaced."""
    if isinstance(value, str):
        for secret in sorted(_secrets, key=len, reverse=True):  # one may begin with another
            value = value.replace(secret, MASK)
        return mask_url(value)
    if isinstance(value, Mapping):
        return {name: masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [masked(part) for part in value]
    return value if value is None or isinstance(value, int | float) else masked(str(value))


class _Json(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, the place, the facts, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"time": _moment(record), "level": record.levelname, "event": record.getMessage()}
        row |= getattr(record, "place", {}) | getattr(record, "facts", {})
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(masked(row)).decode()


class _Plain(logging.Formatter):
    """Time, level, event, then name=value; one line, but for tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = masked(getattr(record, "place", {}) | getattr(record, "facts", {}))
        words = [masked(record.getMessage()), *(f"{name}={_word(value)}" for name, value in pairs.items())]
        if record.exc_info:
            words.append("\n" + masked(self.formatException(record.exc_info)))
        return " ".join([_moment(record), record.levelname, *words])


class _Stderr(logging.StreamHandler[TextIO]):
    """Standard error as it is when the event happens: a progress bar may have taken its place."""

    def __init__(self, form: str) -> None:
        logging.Handler.__init__(self)
        self.form = form
        self.setFormatter(_Json() if form == "json" else _Plain())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def _hide_environment() -> None:
    """Mask what variables named as secrets hold; what is only a number or a switch is none."""
    hide(*(value for name, value in os.environ.items() if _SECRET_NAME.search(name) and not _NO_SECRET.fullmatch(value)))


def _write(form: str, level: str) -> None:
    _hide_environment()
    _log.setLevel(level)
    ours = _ours()
    if ours is None or ours.form != form:
        _log.handlers = [handler for handler in _log.handlers if handler is not ours]
        _log.addHandler(_Stderr(form))


def _ours() -> _Stderr | None:
    return next((handler for handler in _log.handlers if isinstance(handler, _Stderr)), None)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return text if re.fullmatch(r"[^\s\"=]+", text) else msgspec.json.encode(text).decode()
