"""Which lines a night would translate anew: those of the last night whose key is another one with today's tables and engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from nightdub.flows.chain.settled import find_lines
from nightdub.flows.chain.translation import TRANSLATE
from nightdub.flows.kept import approved_lines
from nightdub.flows.night import Books
from nightdub.flows.plan import Planned
from nightdub.flows.recipe import FileDigests, House
from nightdub.flows.title import make_ask
from nightdub.infra.build import StoredInputs, read_manifest
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import NightdubError
from nightdub.infra.ledger import Correction
from nightdub.tasks.rows import Language, Segment

TABLES = ("memory", "glossary")  # columns of the catalogue that the step reads


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line that would be translated anew, with what stands for it now."""

    title: str
    language: Language
    segment: str
    text: str
    now: str = ""


@dataclass(frozen=True)
class _Inputs(StoredInputs):
    """Inputs of a step that has not been asked for: tables that the store does not have yet are read where they lie."""

    files: Mapping[str, Path] = field(default_factory=dict)  # digest -> file
    lines: Mapping[str, bytes] = field(default_factory=dict)  # digest -> rows

    def path(self, name: str) -> Path:
        return self.files.get(self.digest(name)) or super().path(name)

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        known = self.lines.get(self.digest(name))
        return super().rows(name, kind) if known is None else msgspec.json.Decoder(kind).decode_lines(known)


def changed_lines(books: Books, houses: Mapping[str, House], plan: Iterable[Planned], digests: FileDigests) -> Iterator[ChangedLine]:
    """Yield the lines of every planned title-language that was translated before; a title whose script changed is seen as it was.

    Those that cannot be looked at (an engine or an object is missing) yield nothing: building them says why.
    """
    heads = books.ledger.all_heads()
    for planned in plan:
        head = heads.get((planned.title.id, planned.language), {}).get(TRANSLATE.name)
        if head and not planned.unchanged:
            try:
                yield from _changed(books, houses[planned.title.profile], planned, head, digests)
            except (NightdubError, OSError):
                continue


def _changed(books: Books, house: House, planned: Planned, head: str, digests: FileDigests) -> list[ChangedLine]:
    title, language = planned.title, planned.language
    job = books.ledger.jobs([head])[head]
    files = {f"in.{name}": Path(path) for name in TABLES if (path := getattr(title, name))}
    outputs = {name: known for name, known in books.ledger.inputs_of(head).items() if not name.startswith("in.")}
    segments = StoredInputs(books.store, outputs, {}).rows("cast.segments", Segment)
    settled, _ = find_lines(segments, msgspec.json.Decoder(Correction).decode_lines(planned.kept.get("corrections", b"")))
    rows = {"cast.corrections": _rows(settled), "in.approved": approved_lines(books.ledger, title.language, language)}
    outputs |= {name: digests(str(path)) for name, path in files.items()}
    outputs |= {name: digest_bytes(lines) for name, lines in rows.items() if lines or not name.startswith("in.")}
    if not job.manifest or (ask := make_ask(house, title, language, TRANSLATE, outputs)) is None:
        return []
    known = read_manifest(books.store, job.manifest).items
    good = {item.key for item in known if not item.failed}
    here = {outputs[name]: path for name, path in files.items()}
    inputs = _Inputs(books.store, ask.inputs, ask.params, here, {digest_bytes(lines): lines for lines in rows.values()})
    changed = [item.id for item in TRANSLATE.split(inputs) if ask.item_key(item) not in good]
    texts = {line.id: line.text for line in segments}
    now = {item.id: str(item.row.get("text", "")) for item in known}
    return [ChangedLine(title.id, language, name, texts[name], now.get(name, "")) for name in changed]


def _rows(settled: Iterable[Correction]) -> bytes:
    """Return corrections as the casting step writes them."""
    return b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in settled)
