"""From measurements to a decision, and from a decision to the pointer that readers follow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import ReleaseAction, TitleState
from nightdub.quality.gate import Decision, decide
from nightdub.tasks.rows import Language, Measurement

if TYPE_CHECKING:
    from nightdub.flows.night import Books, Night
    from nightdub.flows.plan import Planned
    from nightdub.flows.recipe import House


def decide_and_release(night: Night, planned: Planned, house: House, outputs: dict[str, str]) -> tuple[TitleState, tuple[str, ...]]:
    """Judge one finished title-language; return its state and the reasons. Released ones get their pointer moved."""
    books, title, language = night.books, planned.title.id, planned.language
    rows = msgspec.json.Decoder(Measurement).decode_lines(books.store.get_bytes(outputs["measure.measurements"]))
    books.ledger.record_measurements(night.run, title, language, [_recorded(row) for row in rows])
    decision = decide(house.policy, rows)
    number = books.ledger.record_decision(
        title,
        language,
        run=night.run,
        recipe=planned.recipe.digest,
        policy=decision.policy,
        policy_digest=decision.policy_digest,
        outcome="cannot_tell" if decision.outcome == "cannot tell" else decision.outcome,
        reasons=list(decision.reasons),
        rules=_rules(decision),
    )
    if not decision.released:
        return "held", decision.reasons
    if refused := _rolled_back(books, title, language, outputs["package.film"]):
        return "held", (refused,)
    move_pointer(
        books,
        title,
        language,
        outputs["package.film"],
        decision=number,
        action="release",
        who="gate",
        why=f"policy {decision.policy}: pass",
    )
    return "released", ()


def release(books: Books, title: str, language: Language, who: str, why: str) -> str:
    """Release the newest dub of a title-language by a person's word; who and why are kept. Return the package's digest."""
    row = books.ledger.title_languages().get((title, language))
    if row is None or not row.package:
        raise LedgerError("nothing was built", where=f"{title}/{language}", fix="nightdub status lists what there is")
    decisions = books.ledger.decisions(title, language)
    move_pointer(books, title, language, row.package, decision=decisions[0].id if decisions else None, action="release", who=who, why=why)
    books.ledger.put_title_languages([replace(row, state="released", reasons=[])])
    return row.package


def rollback(books: Books, title: str, language: Language, who: str, why: str) -> str:
    """Point a title-language back to the version that was released before. Return its digest."""
    moves = books.ledger.releases(title, language)
    undone = {row.previous for row in moves if row.action == "rollback"} | {row.package for row in moves[:1]}
    earlier = [row.package for row in moves if row.package and row.package not in undone]
    if not earlier:
        raise LedgerError("no earlier release to go back to", where=f"{title}/{language}", fix="nightdub status lists what there is")
    move_pointer(books, title, language, earlier[0], decision=None, action="rollback", who=who, why=why)
    return earlier[0]


def _rolled_back(books: Books, title: str, language: Language, package: str) -> str:
    """Return why the gate may not release a package: a person took this very film back; else nothing."""
    for row in books.ledger.releases(title, language):
        if row.action == "rollback" and row.previous == package:
            return f"rolled back by {row.who}: {row.why}; only a person releases it again"
        if row.action == "release" and row.package == package:
            return ""
    return ""


def released_package(books: Books, title: str, language: Language) -> str:
    """Return the digest that readers get, or an empty string."""
    pointer = books.store.read_pointer(f"releases/{title}/{language}")
    return str(msgspec.json.decode(pointer.value)["package"]) if pointer else ""


def move_pointer(
    books: Books, title: str, language: Language, package: str, *, decision: int | None, action: ReleaseAction, who: str, why: str
) -> None:
    """Write the release to the ledger, then move the pointer; what is out already is not released again.

    The ledger says what is out. A flow that is killed between the two leaves a ledger row that housekeeping, and the start of every
    night, carries out.
    """
    moves = books.ledger.releases(title, language)
    if not moves or moves[0].package != package:
        books.ledger.record_release(title, language, action=action, package=package, decision=decision, who=who, why=why)
    point_to(books, title, language, package)


def point_to(books: Books, title: str, language: Language, package: str) -> bool:
    """Move the release pointer by compare-and-swap where it points elsewhere; return whether it was moved.

    Raises: PointerConflict where somebody else moved it in between.
    """
    name = f"releases/{title}/{language}"
    pointer = books.store.read_pointer(name)
    value = msgspec.json.encode({"title": title, "language": language, "package": package, "synthetic": True}, order="sorted")
    if pointer and pointer.value == value:
        return False
    books.store.write_pointer(name, value, pointer.version if pointer else None)
    return True


def _recorded(row: Measurement) -> dict[str, Any]:
    """Return a measurement as the ledger keeps it: one column says why there is no value."""
    values: dict[str, Any] = msgspec.to_builtins(row)
    values["not_measured"] = values.pop("not_applicable") or values["not_measured"]
    return values


def _rules(decision: Decision) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(verdict) for verdict in decision.verdicts]
