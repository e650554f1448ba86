"""Where a film comes from: every step that had a part in it, followed from the film's bytes back to the delivered files.

What was built later, and is not in the film, is not found: the way goes by digests, not by what is newest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nightdub.flows.chain import CHAIN
from nightdub.flows.chain.gather import Shelf
from nightdub.flows.night import Books
from nightdub.infra.build import read_manifest
from nightdub.infra.errors import LedgerError
from nightdub.tasks.rows import Language

FILM = "package.film"
_SCOPES = {step.name: step.scope for step in CHAIN}
_INSTEAD = {want.split("|")[0]: tuple(want.rstrip("?").split("|")) for step in CHAIN for want in step.inputs if "|" in want}


@dataclass(frozen=True, slots=True)
class Part:
    """One step that had a part in a film."""

    step: str
    key: str  # of the job
    engines: tuple[str, ...]  # that made its items


@dataclass(frozen=True)
class Lineage:
    """Steps by name, and all that they read and made: names -> digests."""

    parts: dict[str, Part] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def shelf(self, books: Books) -> Shelf:
        """Return what the steps read and made, as files and rows."""
        return Shelf(self.digests, books.store.fetch)


def lineage(books: Books, title: str, language: Language, film: str) -> Lineage:
    """Return the lineage of a film. Raises: LedgerError where the ledger does not know who made it."""
    found, waiting = Lineage(), [(FILM, film)]
    while waiting:
        name, digest = waiting.pop()
        if name in found.digests:
            continue
        found.digests[name] = digest
        if name.startswith("in.") or name.partition(".")[0] in found.parts:
            continue
        step, key = _maker(books, title, language, name, digest)
        found.parts[step] = Part(step, key, tuple(sorted(set(_engines(books, key)))))
        found.digests.update({f"{step}.{made.name}": made.digest for made in books.ledger.artifacts_of(key)})
        waiting += books.ledger.inputs_of(key).items()
    return found


def _maker(books: Books, title: str, language: Language, name: str, digest: str) -> tuple[str, str]:
    """Return the step that made an input and its job's key; a step may stand in for the one that the input is named after."""
    for option in _INSTEAD.get(name, (name,)):
        step = option.partition(".")[0]
        scope = language if _SCOPES[step] == "language" else ""
        if key := books.ledger.maker_of(title, scope, step, digest) or _shared(books, title, scope, step, digest):
            return step, key
    raise LedgerError(f"no job made {name} {digest[:12]}", where=f"{title}/{language}", fix="run the title again")


def _shared(books: Books, title: str, scope: Language, step: str, digest: str) -> str:
    """Return the key of the newest job of a step, where it made this; another title that asked for the very same had it made."""
    key = books.ledger.heads(title, scope).get(step, "")
    return key if key and any(made.digest == digest for made in books.ledger.artifacts_of(key)) else ""


def _engines(books: Books, key: str) -> Iterator[str]:
    job = books.ledger.jobs([key])[key]
    for item in read_manifest(books.store, job.manifest).items:
        if item.engine:
            yield item.engine
