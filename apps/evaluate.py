"""`nightdub evaluate`, `promote`, `demote` and `aliases`: how good an engine is, which one counts, and on what evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.datasets.evaluation import read_set
from nightdub.flows.evaluate import Evaluated, compare, evaluate
from nightdub.flows.night import open_books
from nightdub.flows.promote import demote, promote
from nightdub.infra.ledger import Alias, AliasMove, RecordedComparison
from nightdub.infra.settings import Settings

COLOURS = {"pass": "green", "fail": "red", "cannot_tell": "yellow"}


def show_evaluation(settings: Settings, verb: str, engine: str, sets: Sequence[str], limit: int, against: str, *, as_json: bool) -> int:
    """Evaluate an engine, and hold it against another where one is named; return 1 unless that comparison passes."""
    found = [read_set(f"{name}:{limit}" if limit else name) for name in sets]
    with open_books(settings) as books:
        others = evaluate(books, verb, against, found) if against else []
        done = evaluate(books, verb, engine, found)
        answer = compare(books, [one.row for one in done], [one.row for one in others]) if others else None
    if as_json:
        print_json({"evaluations": [_plain(one) for one in (*others, *done)], "comparison": answer})
    else:
        _print_evaluations([*others, *done])
        if answer:
            _print_comparison(answer)
    return 0 if answer is None or answer.outcome == "pass" else 1


def _plain(one: Evaluated) -> dict[str, Any]:
    return {"evaluation": one.row, "made": one.made, "reused": one.reused}


def _print_evaluations(done: Sequence[Evaluated]) -> None:
    rows = [_score(one, metric) for one in done for metric in one.row.metrics]
    print_rows(("engine", "set", "language", "metric", "value", "95 % interval", "unit", "lines", "failed", "hypotheses"), rows)


def _score(one: Evaluated, metric: dict[str, Any]) -> tuple[str, ...]:
    name = metric["metric"] + (f" (by {metric['listener']}{', a stand-in' if metric['stand_in'] else ''})" if metric["listener"] else "")
    row, value = one.row, (name, _number(metric["value"]), _range(metric["interval"]), metric["unit"])
    return (row.engine, row.dataset, row.language, *value, str(row.items), str(row.failed), f"{one.made} made, {one.reused} reused")


def _print_comparison(answer: RecordedComparison) -> None:
    rows = [_verdict(verdict) for verdict in answer.verdicts]
    print_rows(("language", "metric", "worse by", "95 % interval", "margin", "p worse", "p margin", "sees from", "verdict", "why"), rows)
    words = answer.outcome.replace("_", " ")
    print_line(f"{answer.candidate} against {answer.stable}: {words} (comparison {answer.id})", COLOURS[answer.outcome])


def _verdict(verdict: dict[str, Any]) -> tuple[str | Text, ...]:
    found, outcome = verdict["contrast"], verdict["outcome"]
    numbers = (_number(found["worse_by"]), _range(found["interval"]), f"{found['margin']:g}")
    shares = (f"{verdict['p_worse']:.4f}", f"{found['p_margin']:.4f}", _number(verdict["detectable"]))
    said = Text(outcome.replace("_", " "), style=COLOURS[outcome])
    return (found["language"], found["metric"], *numbers, *shares, said, verdict["why"])


def _number(value: float) -> str:
    return f"{value:.2f}"


def _range(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"


def move_to(settings: Settings, subject: str, target: str, alias: Alias, who: str, why: str) -> int:
    """Promote an engine or profile and say so."""
    with open_books(settings) as books:
        return _say(promote(books, subject, target, alias=alias, who=who, why=why))


def move_back(settings: Settings, subject: str, who: str, why: str) -> int:
    """Take the stable engine or profile back and name the releases to be judged again."""
    with open_books(settings) as books:
        move = demote(books, subject, who=who, why=why)
        marked = [row for row in books.ledger.reevaluations() if row.created == move.created]
    _say(move)
    for row in marked:
        click.echo(f"to be judged again: {row.title}/{row.language}, released while {row.taken_back} was stable")
    return 0


def _say(move: AliasMove) -> int:
    click.echo(f"{move.subject} {move.alias} is now {move.target} (was {move.previous or 'nothing'}): {move.why}")
    return 0


def show_aliases(settings: Settings, *, as_json: bool) -> int:
    """Print every move of an alias, newest first: the first line of a verb and alias is what counts."""
    with open_books(settings) as books:
        moves = books.ledger.alias_moves()
    if as_json:
        print_json(moves)
        return 0
    rows = [(row.subject, row.alias, row.target, row.action, f"{row.created:%Y-%m-%d %H:%M}", row.who, row.why) for row in moves]
    print_rows(("for", "alias", "names", "move", "when, UTC", "who", "why"), rows)
    return 0
