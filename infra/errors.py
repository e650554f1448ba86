"""The one family of errors: each says what was wrong, where, what is allowed and what to do next."""

from __future__ import annotations

from typing import Any, ClassVar


class NightdubError(Exception):
    """Root of every error that Nightdub raises on purpose.

    Args:
        what: The actual value or event that was wrong.
        where: The place: a row's id, a path, a line number, a step.
        allowed: What would have been accepted.
        fix: The next step for the person who reads it.

    `transient` alone decides whether a retry can help; nothing looks at the text.
    """

    transient: ClassVar[bool] = False

    def __init__(self, what: str, *, where: str = "", allowed: str = "", fix: str = "") -> None:
        self.what, self.where, self.allowed, self.fix = what, where, allowed, fix
        super().__init__(what)

    @property
    def code(self) -> str:
        """Return the error's stable name, as ledger and reports store it."""
        return type(self).__name__

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.fix:
            parts.append(f"next: {self.fix}")
        return "; ".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)

    def to_row(self) -> dict[str, Any]:
        """Return the error as plain JSON values, for the ledger and the report."""
        row = {"code": self.code, "what": self.what, "where": self.where, "allowed": self.allowed, "fix": self.fix}
        return {name: value for name, value in row.items() if value} | {"transient": self.transient}


def _rebuild(kind: type[NightdubError], state: dict[str, Any]) -> NightdubError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    Exception.__init__(error, state["what"])
    return error


def error_row(error: BaseException) -> dict[str, Any]:
    """Return any exception as the row that `NightdubError.to_row` gives; foreign ones count as terminal."""
    if isinstance(error, NightdubError):
        return error.to_row()
    return {"code": type(error).__name__, "what": str(error) or type(error).__name__, "transient": False}


class ConfigError(NightdubError):
    """A setting, profile or policy that cannot be used."""


class CatalogueError(NightdubError):
    """A catalogue that cannot be used; `problems` lists every fault found, each with its row number."""

    def __init__(self, what: str, *, problems: list[str] | None = None, **place: str) -> None:
        super().__init__(what, **place)
        self.problems = problems or []

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *self.problems])


class ScriptError(NightdubError):
    """A delivered script, subtitle, cast list, memory or glossary that cannot be used."""


class PairsError(NightdubError):
    """A file of pairs to be measured that cannot be read as one."""


class MediaError(NightdubError):
    """Media that cannot be trusted, decoded or written."""


class EngineError(NightdubError):
    """An engine that failed on its input; the same input will fail again."""


class EngineCrashed(EngineError):
    """An engine process that died in the middle of its work."""

    transient = True


class EngineUnavailable(EngineError):
    """An engine's server that does not answer, or has no room; it may have tomorrow."""

    transient = True


class MachineLacks(NightdubError):
    """A program, package, model file or language pair that this machine does not have."""


class StoreError(NightdubError):
    """A store that refused for good: full, forbidden or misconfigured."""


class StoreUnavailable(StoreError):
    """A store that did not answer in time."""

    transient = True


class ObjectMissing(StoreError):
    """An object that the ledger names and the store does not have."""


class DigestMismatch(StoreError):
    """Bytes that do not have the digest they are named by."""


class PointerConflict(StoreError):
    """A pointer that somebody else moved first."""


class LedgerError(NightdubError):
    """A ledger that cannot be used: an older or newer schema, a broken file."""


class LedgerUnavailable(LedgerError):
    """A ledger that is locked or does not answer."""

    transient = True


class AliasConflict(LedgerError):
    """An alias that somebody else moved first."""


class NotPromoted(NightdubError):
    """An engine or profile that the evidence does not carry to where it should go."""


class Regressed(NightdubError):
    """An engine that does worse on an evaluation set than it did before."""


class LeaseLost(NightdubError):
    """A job whose lease was taken over: this worker's result is refused by the fencing token."""


class JobBusy(NightdubError):
    """A job that another worker holds and did not finish within the time allowed."""

    transient = True


class StepFailed(NightdubError):
    """A step that could not produce its outputs; `cause` is the code of the error beneath it."""

    def __init__(self, what: str, *, cause: str = "", **place: str) -> None:
        super().__init__(what, **place)
        self.cause = cause


class WorkerLost(NightdubError):
    """A worker process that died under one item more often than is allowed."""


class ComputeUnavailable(NightdubError):
    """A compute pool that went away: its scheduler is lost, no worker joined, or it was closed in the middle of work."""

    transient = True


class OtherCode(NightdubError):
    """A worker, or files on the disk, of another version than the night's: what it makes must not stand under the night's keys."""

    transient = True
