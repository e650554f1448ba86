"""`nightdub decision`, `override`, `overrides` and `revoke`: why the gate decided as it did, and what reviewers say to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from rich.text import Text

from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.flows.night import open_books
from nightdub.flows.review import last_decision, replay, set_aside, take_back
from nightdub.infra.ledger import Override, TitleLanguage
from nightdub.infra.settings import Settings

COLOURS = {"pass": "green", "fail": "red", "cannot tell": "yellow", "overridden": "magenta"}
WORST = 3  # rows of the worst segments shown under a rule


def show_decision(settings: Settings, title: str, language: str, *, again: bool, as_json: bool) -> int:
    """Print the newest decision on a title-language; with `again`, hold it against the ledger's numbers and return 1 where they differ."""
    with open_books(settings) as books:
        decision = last_decision(books, title, language)
        differences = replay(books, title, language).differences if again else ()
    if as_json:
        print_json(msgspec.to_builtins(decision) | ({"differences": differences} if again else {}))
        return 1 if differences else 0
    print_line(f"{title}/{language}: {decision.outcome.replace('_', ' ')} by policy {decision.policy} ({decision.policy_digest[:12]})")
    rows = [(rule["rule"], _outcome(rule), _value(rule), str(rule["n"]), rule["engine"]) for rule in decision.rules]
    print_rows(("rule", "outcome", "value", "n", "measured by"), rows)
    for rule in decision.rules:
        _print_reason(rule)
    for line in differences:
        print_line(f"differs: {line}", "red")
    if again and not differences:
        print_line("decided again from the ledger: the same")
    return 1 if differences else 0


def add_override(settings: Settings, title: str, language: str, metric: str, who: str, why: str, until: datetime) -> int:
    """Set the rules on a metric aside to the end of a day, UTC, and print what the gate says now."""
    expires = until.replace(tzinfo=UTC) + timedelta(days=1)
    with open_books(settings) as books:
        number, changed = set_aside(books, title, language, metric, who=who, why=why, until=expires)
    print_line(f"override {number}: {title}/{language} {metric} until {expires:%Y-%m-%d %H:%M} UTC")
    _print_changed(changed)
    return 0


def revoke(settings: Settings, number: int) -> int:
    """End an override and print what the gate says now."""
    with open_books(settings) as books:
        changed = take_back(books, number)
    print_line(f"override {number} is over; what it let out stays out: nightdub rollback takes it back")
    _print_changed(changed)
    return 0


def show_overrides(settings: Settings, *, as_json: bool) -> int:
    """Print every override, those that are over too."""
    with open_books(settings) as books:
        found = books.ledger.overrides()
    if as_json:
        print_json(found)
        return 0
    print_rows(("id", "title", "language", "metric", "until (UTC)", "holds", "who", "why"), [_override_row(row) for row in found])
    return 0


def _override_row(row: Override) -> tuple[str, ...]:
    holds = "yes" if row.holds(datetime.now(UTC)) else "no"
    return (str(row.id), row.title, row.language, row.metric, f"{row.expires:%Y-%m-%d %H:%M}", holds, row.reviewer, row.reason)


def _print_changed(changed: Sequence[TitleLanguage]) -> None:
    for row in changed:
        print_line(f"{row.title}/{row.language} is {row.state}" + "".join(f"\n  {reason}" for reason in row.reasons))
    if not changed:
        print_line("nothing that is held was decided on again")


def _print_reason(rule: dict[str, Any]) -> None:
    """Print why a rule was not met, who set it aside, and its worst segments."""
    if not rule["reason"]:
        return
    print_line(("warning: " if rule["severity"] == "warn" else "") + rule["reason"])
    if said := rule["override"]:
        print_line(f"  overridden by {said['reviewer']} until {said['expires']}: {said['reason']}")
    for row in rule["worst"][:WORST]:
        print_line(f"  {row['segment']}: {row['value']:g} {row['detail']}".rstrip())


def _outcome(rule: dict[str, Any]) -> Text:
    return Text(rule["outcome"], style=COLOURS[rule["outcome"]])


def _value(rule: dict[str, Any]) -> str:
    """Return a rule's value with its interval; what a stand-in measured says so."""
    if rule["value"] is None:
        return f"not applicable: {rule['not_applicable']}" if rule["not_applicable"] else "-"
    low_high = " [{:.4g}, {:.4g}]".format(*rule["interval"]) if rule["interval"] else ""
    return f"{rule['value']:.6g}{low_high} {rule['unit']}".rstrip() + (" (stand-in)" if rule["stand_in"] else "")
