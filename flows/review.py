"""What people do about decisions: set a rule aside for a time, take that back, and look whether a decision still stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from nightdub.flows.dataset_release import refusal
from nightdub.flows.dataset_versions import MUL
from nightdub.flows.night import Books
from nightdub.flows.pointer import released_package
from nightdub.flows.release import Evidence, judge, measured, overrides_at
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import RecordedDecision, TitleLanguage, TitleState
from nightdub.quality.gate import Decision, decide
from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.rows import Language

ANY = "*"  # every title, or every language


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored decision, the decision that the ledger's numbers lead to now, and where they differ."""

    stored: RecordedDecision
    again: Decision
    differences: tuple[str, ...]


def set_aside(
    books: Books, title: str, language: Language, metric: str, *, who: str, why: str, until: datetime
) -> tuple[int, list[TitleLanguage]]:
    """Set the rules on a metric aside until a moment, and decide again at once on what is held; "*" stands for all.

    Return the override's number and the title-languages that were decided on again. What is being built takes it into account by
    itself; what was released before stays released.

    Raises: LedgerError where nothing was decided, no rule names the metric, or one that does is final.
    """
    decided = list(_decided(books, title, language))
    where = f"{title}/{language}"
    if not decided:
        raise LedgerError("nothing was decided", where=where, fix="nightdub status lists what there is")
    policies = [kept_policy(books, decision) for _, decision in decided]
    rules = [rule for policy in policies for rule in policy.rules if rule.metric == metric and rule.scope == "title-language"]
    if not rules:
        named = sorted({rule.metric for policy in policies for rule in policy.rules if rule.binds and not rule.final})
        raise LedgerError(f"no rule names {metric!r}", where=where, allowed=", ".join(named), fix="nightdub decision shows the rules")
    if final := next((rule.final for rule in rules if rule.final), ""):
        raise LedgerError(f"{metric} cannot be overridden", where=where, allowed=final, fix="mend what it counts, then run again")
    number = books.ledger.add_override(title, language, metric, reviewer=who, reason=why, expires=until)
    return number, [_decide_again(books, *pair) for pair in decided if pair[0].state == "held"]


def take_back(books: Books, number: int) -> list[TitleLanguage]:
    """End an override now, and decide again on what is held; what it let out stays out until a person rolls it back.

    Raises: LedgerError where there is no such override.
    """
    books.ledger.revoke_override(number)
    row = next(row for row in books.ledger.overrides() if row.id == number)
    return [_decide_again(books, *pair) for pair in _decided(books, row.title, row.language) if pair[0].state == "held"]


def last_decision(books: Books, title: str, language: Language) -> RecordedDecision:
    """Return the newest decision on a title-language. Raises: LedgerError where there is none."""
    found = books.ledger.decisions(title, language)
    if not found:
        raise LedgerError("nothing was decided", where=f"{title}/{language}", fix="nightdub status lists what there is")
    return found[0]


def replay(books: Books, title: str, language: Language) -> Replay:
    """Decide again by the stored rules, measurements and overrides, and hold it against the newest decision.

    Raises: LedgerError where there is no decision, or its rules are not in the ledger.
    """
    stored = last_decision(books, title, language)
    rows = [measured(row) for row in books.ledger.measurements(title, language, stored.run)]
    again = decide(kept_policy(books, stored), rows, overrides_at(books, title, language, stored.created), stored.created)
    return Replay(stored, again, tuple(_differences(stored, again)))


def kept_policy(books: Books, decision: RecordedDecision) -> Policy:
    """Return the policy that a decision was made by, from the ledger. Raises: LedgerError where it is not there or is another one."""
    where, fix = f"{decision.title}/{decision.language}", "nightdub run decides anew once anything has changed"
    rules = books.ledger.policy_rules(decision.policy_digest)
    if not rules:
        raise LedgerError(f"the rules of policy {decision.policy!r} were not kept", where=where, fix=fix)
    policy = Policy(decision.policy, msgspec.convert(rules, tuple[Rule, ...]))
    if policy.digest != decision.policy_digest:
        raise LedgerError(f"the kept rules of policy {decision.policy!r} are not those of its digest", where=where, fix=fix)
    return policy


def _decided(books: Books, title: str, language: Language) -> Iterator[tuple[TitleLanguage, RecordedDecision]]:
    """Yield the title-languages that a pattern names and that were decided on, each with its newest decision."""
    for place, row in sorted(books.ledger.title_languages().items()):
        if all(wanted in (ANY, name) for wanted, name in zip((title, language), place, strict=True)):
            for decision in books.ledger.decisions(*place)[:1]:
                yield row, decision
    if language in (ANY, MUL):
        yield from _decided_datasets(books, title)


def _decided_datasets(books: Books, title: str) -> Iterator[tuple[TitleLanguage, RecordedDecision]]:
    """Yield the datasets that a pattern names, each as it stands with its newest decision; they are in no table of title-languages."""
    newest: dict[str, RecordedDecision] = {}
    for decision in books.ledger.decisions(language=MUL):
        newest.setdefault(decision.title, decision)
    for name, decision in sorted(newest.items()):
        if title in (ANY, name):
            state: TitleState = "released" if released_package(books, name, MUL) == decision.recipe else "held"
            row = TitleLanguage(name, MUL, "", decision.recipe, {}, state, decision.reasons, decision.recipe, decision.run)
            yield row, decision


def _decide_again(books: Books, row: TitleLanguage, last: RecordedDecision) -> TitleLanguage:
    """Decide again on what was measured, by the rules of the last decision and the overrides of now."""
    rows = tuple(measured(found) for found in books.ledger.measurements(row.title, row.language, last.run))
    found = Evidence(row.title, row.language, last.run, last.recipe, row.package, rows)
    if row.language == MUL:
        why = refusal(books, row.title, row.package)
        state, reasons = ("held", (why,)) if why else judge(books, kept_policy(books, last), found)
        return replace(row, state=state, reasons=list(reasons))
    state, reasons = judge(books, kept_policy(books, last), found)
    decided = replace(row, state=state, reasons=list(reasons))
    books.ledger.put_title_languages([decided])
    return decided


def _differences(stored: RecordedDecision, again: Decision) -> Iterator[str]:
    """Yield in words where a stored decision is not what its numbers lead to."""
    outcome = stored.outcome.replace("_", " ")
    if outcome != again.outcome:
        yield f"outcome: stored {outcome}, again {again.outcome}"
    if stored.reasons != list(again.reasons):
        yield f"reasons: stored {stored.reasons}, again {list(again.reasons)}"
    rules: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(again.verdicts))
    if len(stored.rules) != len(rules):
        yield f"rules: stored {len(stored.rules)}, again {len(rules)}"
    for one, other in zip(stored.rules, rules, strict=False):
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                yield f"{other['rule']}: {name}: stored {one.get(name)}, again {other.get(name)}"
