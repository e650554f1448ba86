"""From measurements to a decision, and from a decision to the pointer that readers follow."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from nightdub.flows.pointer import carry_out, recall, released_package
from nightdub.flows.publish import take_away
from nightdub.infra.environment import environment
from nightdub.infra.errors import LedgerError, PointerConflict
from nightdub.infra.ledger import RecordedMeasurement, ReleaseAction, TitleState
from nightdub.quality.gate import Override, decide
from nightdub.quality.metrics.cloning import counted_names
from nightdub.quality.policy import Policy
from nightdub.tasks.rows import Language, Measurement, Worst

RACES = 32  # times that a pointer may be moved by others before a move gives up

if TYPE_CHECKING:
    from nightdub.flows.night import Books, Night
    from nightdub.flows.plan import Planned
    from nightdub.flows.recipe import House


def decide_and_release(night: Night, planned: Planned, house: House, outputs: dict[str, str]) -> tuple[TitleState, tuple[str, ...]]:
    """Judge one finished title-language; return its state and the reasons. Released ones get their pointer moved."""
    books, title, language = night.books, planned.title.id, planned.language
    decoder = msgspec.json.Decoder(Measurement)
    tables = [books.store.get_bytes(outputs[name]) for name in ("measure.measurements", "data_gate.measurements")]
    rows = [row for table in tables for row in decoder.decode_lines(table)]
    here = {"environment": books.ledger.record_environment(environment())}
    books.ledger.record_measurements(night.run, title, language, [recorded(row) | here for row in rows])
    found = Evidence(title, language, night.run, planned.recipe.digest, outputs["package.film"], tuple(rows))
    return judge(books, house.policy, found)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision on a title-language rests on beside the policy and the overrides."""

    title: str
    language: Language
    run: str  # that measured it
    recipe: str  # digest
    package: str  # digest of the film
    measurements: tuple[Measurement, ...]


def judge(books: Books, policy: Policy, found: Evidence) -> tuple[TitleState, tuple[str, ...]]:
    """Decide with the overrides that hold now, keep the decision with all that it rests on, and release what passed.

    Return the state and the reasons: why it was held, or the rules that a reviewer set aside for its release.
    """
    title, language, now = found.title, found.language, datetime.now(UTC)
    decision = decide(policy, found.measurements, overrides_at(books, title, language, now), now)
    books.ledger.keep_policy(policy.digest, policy.name, msgspec.to_builtins(policy.rules))
    number = books.ledger.record_decision(
        title,
        language,
        run=found.run,
        recipe=found.recipe,
        policy=decision.policy,
        policy_digest=decision.policy_digest,
        outcome="cannot_tell" if decision.outcome == "cannot tell" else decision.outcome,
        reasons=list(decision.reasons),
        rules=msgspec.to_builtins(decision.verdicts),
    )
    if not decision.released:
        return "held", decision.reasons
    recall(books, title, language)
    if refused := _rolled_back(books, title, language, found.package):
        return "held", (refused,)
    if ended := without_consent(books, title, language, found.run):
        return "held", (ended,)
    why = "; ".join((f"policy {decision.policy}: {decision.says}", *decision.overridden))
    move_pointer(books, title, language, found.package, decision=number, action="release", who="gate", why=why)
    return "released", decision.overridden


def overrides_at(books: Books, title: str, language: Language, moment: datetime) -> list[Override]:
    """Return the overrides that the ledger has for a title-language at a moment, as the gate takes them."""
    rows = books.ledger.overrides(title, language, moment)
    return [Override(row.id, row.metric, row.reviewer, row.reason, row.expires) for row in rows]


def release(books: Books, title: str, language: Language, who: str, why: str) -> str:
    """Release the newest dub of a title-language by a person's word; who and why are kept. Return the package's digest.

    Raises: LedgerError where nothing was built, or where the dub was withdrawn because a consent ended: that is no word of ours.
    """
    recall(books, title, language)
    row = books.ledger.title_languages(title).get((title, language))
    if row is None or not row.package:
        raise LedgerError("nothing was built", where=f"{title}/{language}", fix="nightdub status lists what there is")
    if any(move.action == "withdraw" and move.previous == row.package for move in books.ledger.releases(title, language)):
        raise LedgerError("withdrawn: a consent ended", where=f"{title}/{language}", fix="nightdub run makes it with a neutral voice")
    _refuse_without_consent(books, title, language, row.run)
    decisions = books.ledger.decisions(title, language)
    move_pointer(books, title, language, row.package, decision=decisions[0].id if decisions else None, action="release", who=who, why=why)
    books.ledger.put_title_languages([replace(row, state="released", reasons=[])])
    return row.package


def earlier_release(books: Books, title: str, language: Language) -> str:
    """Return what was released before what is out now, and is still there. Raises: LedgerError where there is no such version."""
    recall(books, title, language)
    moves = books.ledger.releases(title, language)
    undone = {row.previous for row in moves if row.action in ("rollback", "withdraw")} | {row.package for row in moves[:1]}
    earlier = [row.package for row in moves if row.package and row.package not in undone]
    earlier = [package for package in dict.fromkeys(earlier) if books.store.exists(package)]  # `retention_days` may have passed
    if not earlier:
        raise LedgerError(
            "no earlier release to go back to",
            where=f"{title}/{language}",
            fix="nightdub status and nightdub dataset list show what there is",
        )
    return earlier[0]


def rollback(books: Books, title: str, language: Language, who: str, why: str) -> str:
    """Point a title-language back to the version that was released before. Return its digest."""
    earlier, moves = earlier_release(books, title, language), books.ledger.releases(title, language)
    runs = {decision.id: decision.run for decision in books.ledger.decisions(title, language)}
    for number in {row.decision for row in moves if row.package == earlier and row.decision in runs}:
        _refuse_without_consent(books, title, language, runs[number])
    move_pointer(books, title, language, earlier, decision=None, action="rollback", who=who, why=why)
    return earlier


def without_consent(books: Books, title: str, language: Language, run: str) -> str:
    """Return why what a run measured may not go out: a voice in it was cloned under a record that does not hold now; else nothing."""
    rows = books.ledger.measurements(title, language, run)
    names = {name for row in rows if row.metric == "voice.cloned_lines" and row.value for name in counted_names(row.detail)}
    ended = sorted(names - {row.id for row in books.ledger.consents(datetime.now(UTC))})
    return f"a voice was cloned without a consent that holds: {', '.join(ended)}" if ended else ""


def _refuse_without_consent(books: Books, title: str, language: Language, run: str) -> None:
    if ended := without_consent(books, title, language, run):
        raise LedgerError(ended, where=f"{title}/{language}", fix="run the title again: a neutral voice speaks then")


def _rolled_back(books: Books, title: str, language: Language, package: str) -> str:
    """Return why the gate may not release a package: this very film was taken back or down; else nothing."""
    for row in books.ledger.releases(title, language):
        if row.action == "withdraw" and row.previous == package:
            return f"withdrawn by {row.who}: {row.why}"
        if row.action == "rollback" and row.previous == package:
            return f"rolled back by {row.who}: {row.why}; only a person releases it again"
        if row.action == "release" and row.package == package:
            return ""
    return ""


def move_pointer(
    books: Books, title: str, language: Language, package: str, *, decision: int | None, action: ReleaseAction, who: str, why: str
) -> None:
    """Write the release to the ledger, then move the pointer; what is out already is not released again.

    The ledger says what is out. A flow that is killed between the two leaves a ledger row that housekeeping, and the start of every
    night, carries out.
    """
    moves = books.ledger.releases(title, language)
    explained = decision is None or any(move.package == package and move.decision for move in moves)
    if not moves or moves[0].package != package or not explained:
        books.ledger.record_release(title, language, action=action, package=package, decision=decision, who=who, why=why)
    for _ in range(RACES):
        with suppress(PointerConflict):  # somebody else moved the pointer: what the ledger says by now is for all to carry out
            carry_out(books, title, language)
            break
    else:
        carry_out(books, title, language)
    take_away(books, title, language, released_package(books, title, language))


def recorded(row: Measurement) -> dict[str, Any]:
    """Return a measurement as the ledger keeps it."""
    values: dict[str, Any] = msgspec.to_builtins(row)
    values["interval_low"], values["interval_high"] = values.pop("interval") or (None, None)
    return values


def measured(row: RecordedMeasurement) -> Measurement:
    """Return what the ledger keeps as the measurement that it was."""
    values = {name: getattr(row, name) for name in Measurement.__dataclass_fields__ if name not in ("interval", "worst")}
    interval = None if row.interval_low is None or row.interval_high is None else (row.interval_low, row.interval_high)
    return Measurement(**values, worst=msgspec.convert(row.worst, tuple[Worst, ...]), interval=interval)
