"""Where a film comes from: every step that had a part in it, followed from the film's bytes back to the delivered files.

What was built later, and is not in the film, is not found: the way goes by digests, not by what is newest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nightdub.flows.chain import CHAIN
from nightdub.flows.chain.gather import Shelf
from nightdub.flows.night import Books
from nightdub.infra.build import read_manifest
from nightdub.infra.errors import LedgerError
from nightdub.tasks.rows import Language

FILM = "package.film"
_STEPS = {step.name: step for step in CHAIN}
_INSTEAD = {want.split("|")[0]: tuple(want.rstrip("?").split("|")) for step in CHAIN for want in step.inputs if "|" in want}
_Wanted = defaultdict[str, dict[str, str]]  # step -> output -> digest


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
    """Return the lineage of a film. Raises: LedgerError where the ledger does not know who made it.

    The chain is walked backwards, so that all that is wanted of a step is known when its job is looked for: two jobs may share one
    output (an empty one, say), and only one made them all. A job that is younger than the film's own is taken where there is no other:
    an edit may leave an output as it was.
    """
    found, wanted = Lineage(digests={FILM: film}), _Wanted(dict)
    until: datetime | None = None
    _want(books, (title, language), {FILM: film}, wanted)
    for step in reversed(CHAIN):
        if outputs := wanted.get(step.name):
            key = _maker(books, (title, language), step.name, outputs, until)
            if not key:
                names = ", ".join(f"{step.name}.{name} {digest[:12]}" for name, digest in outputs.items())
                raise LedgerError(f"no job made {names}", where=f"{title}/{language}", fix="run the title again")
            until = until or books.ledger.jobs([key])[key].created
            found.parts[step.name] = Part(step.name, key, tuple(sorted(set(_engines(books, key)))))
            read = books.ledger.inputs_of(key)
            found.digests.update(read | {f"{step.name}.{made.name}": made.digest for made in books.ledger.artifacts_of(key)})
            _want(books, (title, language), read, wanted)
    return found


def _want(books: Books, place: tuple[str, Language], read: Mapping[str, str], wanted: _Wanted) -> None:
    """Note what was read of earlier steps; a step may stand in for the one that the input is named after."""
    for name, digest in read.items():
        if not name.startswith("in."):
            options = [option.split(".", 1) for option in _INSTEAD.get(name, (name,))]
            made = (option for option in options[:-1] if _maker(books, place, option[0], {option[1]: digest}))
            step, output = next(made, options[-1])
            wanted[step][output] = digest


def _maker(books: Books, place: tuple[str, Language], step: str, outputs: Mapping[str, str], until: datetime | None = None) -> str:
    """Return the key of the newest job of a step that made all of these; "" where there is none.

    It may have been made for another title that asked for the very same.
    """
    title, language = place
    scope = language if _STEPS[step].scope == "language" else ""
    if key := books.ledger.maker_of(title, scope, step, outputs, until):
        return key
    key = books.ledger.heads(title, scope).get(step, "")
    made = {row.name: row.digest for row in books.ledger.artifacts_of(key)} if key else {}
    return key if outputs.items() <= made.items() else ""


def _engines(books: Books, key: str) -> Iterator[str]:
    job = books.ledger.jobs([key])[key]
    for item in read_manifest(books.store, job.manifest).items:
        if item.engine:
            yield item.engine
