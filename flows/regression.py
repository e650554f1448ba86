"""The regression test: what is stable or a candidate is evaluated again where the engine, its set or its surroundings have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from prefect import flow

from nightdub.datasets.evaluation import EvaluationSet, read_set
from nightdub.flows.evaluate import ALIASES, STEPS, compare, evaluate, present_identity
from nightdub.flows.night import Books, open_books
from nightdub.infra.digests import digest_bytes
from nightdub.infra.environment import environment
from nightdub.infra.errors import NightdubError, Regressed
from nightdub.infra.ledger import RecordedEvaluation
from nightdub.infra.settings import load_settings


@dataclass(frozen=True, slots=True)
class Rerun:
    """One evaluation that was looked at: why it was made again (empty = nothing changed), and how it ended."""

    verb: str
    engine: str
    dataset: str
    because: str
    outcome: str = ""  # "pass", "fail", "cannot_tell" against what it was before; "not compared: why"; "failed: why"
    evaluation: int = 0


@flow(name="regression-test", persist_result=False)
def regression_test() -> list[dict[str, Any]]:
    """Run again what has changed; ends as failed where an engine does worse than before, or could not be run."""
    with open_books(load_settings()) as books:
        done = rerun_stale(books)
    bad = [f"{row.verb} {row.engine} on {row.dataset}: {row.outcome}" for row in done if row.outcome.startswith("fail")]
    if bad:
        raise Regressed("; ".join(bad), fix="nightdub aliases; nightdub demote VERB takes the stable engine back")
    return [msgspec.to_builtins(row) for row in done]


def rerun_stale(books: Books) -> list[Rerun]:
    """Evaluate again every aliased engine whose last evaluation is of another identity, set or environment; compare with that one."""
    return [_rerun(books, row) for row in _last_evaluations(books)]


def _last_evaluations(books: Books) -> list[RecordedEvaluation]:
    """Return the newest evaluation of each set by each engine that an alias names."""
    named = {(verb, moves[0].target) for verb in STEPS for alias in ALIASES if (moves := books.ledger.alias_moves(verb, alias))}
    newest: dict[tuple[str, str, str], RecordedEvaluation] = {}
    for row in books.ledger.evaluations():
        if (row.verb, row.engine) in named:
            newest.setdefault((row.verb, row.engine, row.dataset), row)
    return list(newest.values())


def _rerun(books: Books, last: RecordedEvaluation) -> Rerun:
    place = (last.verb, last.engine, last.dataset)
    try:
        found = read_set(last.dataset)
        because = _changes(books, last, found)
        if not because:
            return Rerun(*place, "")
        (done,) = evaluate(books, last.verb, last.engine, [found], fresh=True)
        return Rerun(*place, because, _outcome(books, done.row, last), done.row.id)
    except NightdubError as error:
        return Rerun(*place, "it could not be looked at", f"failed: {error}")


def _changes(books: Books, last: RecordedEvaluation, found: EvaluationSet) -> str:
    """Return what differs from the last evaluation, in words; empty where nothing does."""
    same = {
        "engine": present_identity(books, last.verb, last.engine, found) == last.identity,
        "set": digest_bytes(found.manifest()) == last.dataset_digest,
        "environment": books.ledger.record_environment(environment()) == last.environment,
    }
    return ", ".join(f"{name} changed" for name, is_same in same.items() if not is_same)


def _outcome(books: Books, now: RecordedEvaluation, before: RecordedEvaluation) -> str:
    if now.dataset_digest != before.dataset_digest:
        return "not compared: another set"
    if now.identities[1:] != before.identities[1:]:
        return "not compared: another listener"
    return compare(books, [now], [before]).outcome
