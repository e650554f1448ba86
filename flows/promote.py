"""Aliases: which engine is `stable` for a verb, which is its `candidate`, and which profile is the house's; each move one ledger row."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.flows.evaluate import ALIASES, STEPS, resolve
from nightdub.flows.night import Books, stable_names
from nightdub.flows.recipe import identity, open_house
from nightdub.infra.errors import ConfigError, NotPromoted
from nightdub.infra.ledger import Alias, AliasMove, RecordedComparison
from nightdub.infra.work import EngineLink
from nightdub.tasks.engines.spelling import read_engine

PROFILE = "profile"
SUBJECTS = (*STEPS, PROFILE)
GATE = "gate"  # who promotes where the evidence alone decides


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a promotion, in words and by the ids of comparisons; `carries` = no person is needed."""

    words: str
    comparisons: tuple[int, ...] = ()
    carries: bool = False


CANDIDATE = Evidence("to be evaluated", carries=True)


def promote(books: Books, subject: str, target: str, *, alias: Alias = "stable", who: str = "", why: str = "") -> AliasMove:
    """Let an alias name an engine or profile from now on.

    `stable` moves to an engine that was compared with the present one and passed, or to the first one there is. A person who gives name
    and reason may promote anything; the row says that it was so. `candidate` needs no evidence: it is what is to be evaluated.

    Args:
        books: Ledger and store.
        subject: "recognise", "translate", "speak" or "profile".
        target: An engine's spelling, "candidate", or a profile's name.
        alias: What is moved.
        who: The person who decides; empty = the evidence does.
        why: The reason; needed where a person decides.

    Raises:
        NotPromoted: no comparison of this engine, as it is now, with the present stable one says pass.
        AliasConflict: somebody else moved the alias at the same time.
        ConfigError: there is no such engine, profile or alias, or a person gives no reason.
    """
    if alias not in ALIASES or bool(who.strip()) != bool(why.strip()):
        raise ConfigError("an alias, and a person's name with a reason", where=subject, allowed=", ".join(ALIASES))
    chosen = _profile(books, target) if subject == PROFILE else resolve(books, subject, target)
    last = next(iter(books.ledger.alias_moves(subject, alias)), None)
    if last and last.target == chosen:
        raise NotPromoted(f"{chosen} is {alias} already", where=subject, fix="nightdub aliases lists the moves")
    found = CANDIDATE if alias == "candidate" else _evidence(books, subject, chosen, last.target if last else "")
    if not (found.carries or who):
        advice = f"nightdub evaluate {subject} --engine {chosen} --against stable" if subject in STEPS else "a person decides"
        raise NotPromoted(f"{chosen}: {found.words}", where=subject, fix=f"{advice}; --who and --why overrule")
    said = f"{why}; evidence: {found.words}" if who else found.words
    after = last.id if last else 0
    number = books.ledger.move_alias(
        subject, alias, chosen, after=after, action="promote", who=who or GATE, why=said, evidence=found.comparisons
    )
    return _found(books, subject, alias, number)


def demote(books: Books, subject: str, *, who: str, why: str) -> AliasMove:
    """Point `stable` back to what it named before, and mark what was released since for re-evaluation.

    Raises: NotPromoted where there is nothing to go back to; AliasConflict where somebody else moved it at the same time.
    """
    moves = books.ledger.alias_moves(subject, "stable")
    undone = {row.previous for row in moves if row.action == "rollback"} | {row.target for row in moves[:1]}
    earlier = [row.target for row in moves if row.target and row.target not in undone]
    if not earlier:
        raise NotPromoted("nothing was stable before", where=subject, fix="nightdub aliases lists the moves")
    number = books.ledger.move_alias(subject, "stable", earlier[0], after=moves[0].id, action="rollback", who=who, why=why)
    return _found(books, subject, "stable", number)


def _evidence(books: Books, subject: str, target: str, stable: str) -> Evidence:
    """Return what the ledger knows of a target beside what is stable: of several comparisons the one of most lines, else the newest."""
    if subject == PROFILE:
        return Evidence("no evaluation says which profile is better")
    if not stable:
        return Evidence("the first one", carries=True)
    found = books.ledger.comparisons(subject, target, stable)
    present = [row for row in found if _as_now(books, subject, row)]
    if not present:
        return Evidence(f"not compared with {stable}" + (" since one of them changed" if found else ""))
    best = max(present, key=lambda row: (sum(verdict["contrast"]["lines"] for verdict in row.verdicts), row.id))
    words = f"comparison {best.id} with {stable}: {best.outcome.replace('_', ' ')}"
    return Evidence(words, (best.id,), carries=best.outcome == "pass")


def _as_now(books: Books, verb: str, comparison: RecordedComparison) -> bool:
    """Return whether both engines are still those that were compared."""
    rows = {row.id: row for row in books.ledger.evaluations(verb)}
    compared = [rows[number] for pair in comparison.evaluations for number in pair]
    return all(row.identities[0] == identity(EngineLink(verb, *read_engine(row.engine))) for row in compared)


def _profile(books: Books, name: str) -> str:
    return open_house(name, books.settings.profiles, books.settings.policies, stable_names(books.ledger)).profile.name


def _found(books: Books, subject: str, alias: Alias, number: int) -> AliasMove:
    return next(row for row in books.ledger.alias_moves(subject, alias) if row.id == number)
