"""The regression test: what was evaluated is evaluated again where the engine, its set or its surroundings have changed.

On schedule for what is stable or a candidate; after a night for the engines that it worked with, where they are no longer what they were.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from prefect import flow

from nightdub.datasets.evaluation import EvaluationSet, read_set
from nightdub.flows.evaluate import ALIASES, STEPS, compare, evaluate, present_identity
from nightdub.flows.night import Books, open_books
from nightdub.flows.recipe import House, identity
from nightdub.infra.digests import digest_bytes
from nightdub.infra.environment import environment
from nightdub.infra.errors import MachineLacks, NightdubError, Regressed
from nightdub.infra.ledger import RecordedEvaluation
from nightdub.infra.settings import load_settings
from nightdub.infra.work import EngineLink
from nightdub.tasks.engines.spelling import spell_engine

Named = Collection[tuple[str, str]]  # verb and spelling of engines


@dataclass(frozen=True, slots=True)
class Rerun:
    """One evaluation that was looked at: why it was made again (empty = nothing changed), and how it ended."""

    verb: str
    engine: str
    dataset: str
    because: str
    outcome: str = ""  # "pass", "fail", "cannot_tell" against what it was before; "not compared: why"; "failed: why"
    evaluation: int = 0

    def __str__(self) -> str:
        return f"{self.verb} {self.engine} on {self.dataset}: {self.because}; against what it was: {self.outcome.replace('_', ' ')}"


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
    named = {(verb, moves[0].target) for verb in STEPS for alias in ALIASES if (moves := books.ledger.alias_moves(verb, alias))}
    return [_rerun(books, row) for row in _newest(books.ledger.evaluations(), named)]


def rerun_changed(books: Books, houses: Iterable[House]) -> list[Rerun]:
    """Evaluate again every engine of these profiles that is no longer what it was at its last evaluation; compare with that one.

    Where nothing was evaluated it costs a query. An engine that this machine lacks is left to the scheduled test.
    """
    if not (rows := books.ledger.evaluations()):
        return []
    chosen = [(verb, choice) for house in houses for verb, choices in house.profile.engines.items() for choice in choices]
    links = {(verb, spell_engine(choice.name, choice.settings)): EngineLink(verb, choice.name, choice.settings) for verb, choice in chosen}
    return [_rerun(books, row) for row in _newest(rows, links) if _is_another(row, links[row.verb, row.engine])]


def _newest(rows: Iterable[RecordedEvaluation], named: Named) -> list[RecordedEvaluation]:
    """Return of rows, newest first, the newest of each set by each engine that is named."""
    newest: dict[tuple[str, str, str], RecordedEvaluation] = {}
    for row in rows:
        if (row.verb, row.engine) in named:
            newest.setdefault((row.verb, row.engine, row.dataset), row)
    return list(newest.values())


def _is_another(row: RecordedEvaluation, link: EngineLink) -> bool:
    """Return whether an engine differs from the one that was evaluated; one that is not here does not count."""
    try:
        return bool(identity(link) != row.identities[0])
    except MachineLacks:
        return False


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
