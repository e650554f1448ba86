"""The report of a night: the balanced account, every title-language with its reasons, its cost and its worst segments."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from nightdub.flows.night import Books
from nightdub.flows.plan import Planned
from nightdub.flows.publish import export_package
from nightdub.flows.title import Outcome
from nightdub.infra.errors import NightdubError
from nightdub.infra.ledger import CostLine, TitleLanguage
from nightdub.tasks.catalogue import Catalogue, Problem
from nightdub.tasks.rows import Worst

ORDER = ("fail", "cannot tell", "overridden", "pass")  # of what several rules say of one metric, the gravest counts
_MARKDOWN = re.compile(r"([\\`*_\[\]!|#~])")
DETAILED = 1000  # title-languages up to which also the unchanged ones are shown with their measurements


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number as the report shows it."""

    metric: str
    value: float | None
    unit: str
    n: int
    engine: str = ""
    stand_in: bool = False
    not_measured: str = ""
    verdict: str = ""  # of the policy's rules on it: "pass", "fail", "cannot tell", or none
    worst: tuple[Worst, ...] = ()
    interval: tuple[float, float] | None = None  # 95 %


@dataclass(frozen=True, slots=True)
class TitleResult:
    """One title-language at the end of the night."""

    title: str
    language: str
    state: str  # "released", "held", "failed" or "left"
    unchanged: bool
    reasons: tuple[str, ...]
    because: tuple[str, ...]  # why it was built
    profile: str
    package: str = ""  # path below the working folder; empty = none
    digest: str = ""
    stands: str = ""  # digest of the released package where an earlier version stays out
    built_steps: int = 0
    made: int = 0
    reused: int = 0
    cpu_seconds: float = 0.0
    engine_seconds: float = 0.0
    steps: dict[str, int] = field(default_factory=dict)  # step -> items made
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True, slots=True)
class NightReport:
    """One night. `balanced` says whether titles and segments add up; it is checked, not assumed."""

    run: str
    catalogue: str
    started: float  # seconds since 1970, UTC
    wall_seconds: float
    titles: int
    title_languages: int
    released: int
    held: int
    failed: int
    unchanged: int
    left: int
    built_steps: int
    balanced: bool
    segments: dict[str, int]
    cpu_seconds: float
    engine_seconds: float
    problems: tuple[str, ...]  # rows of the catalogue that could not be read, and what is wrong with it as a table
    results: tuple[TitleResult, ...]
    engines: tuple[str, ...] = ()  # those that changed since they were evaluated, and what the regression test says of each

    def counts(self) -> dict[str, Any]:
        """Return the account alone, as the ledger and Prefect keep it."""
        names = (
            "run",
            "titles",
            "title_languages",
            "released",
            "held",
            "failed",
            "unchanged",
            "left",
            "built_steps",
            "balanced",
            "segments",
            "wall_seconds",
        )
        return {name: getattr(self, name) for name in names}


def make_report(
    books: Books,
    run: str,
    path: Path,
    catalogue: Catalogue,
    plan: Sequence[Planned],
    outcomes: Iterable[Outcome],
    started: float,
    wrong: Sequence[str] = (),
) -> NightReport:
    """Put the night together from what the ledger knows.

    `path` is the catalogue's, `started` seconds since 1970, `wrong` what the data gate says of the catalogue as a table.

    What belongs to a title and not to a language is counted with its first language. Title-languages that did not change bring their
    measurements only in catalogues of up to `DETAILED`, so that a large night without changes stays a query.
    """
    done = {(outcome.title, outcome.language): outcome for outcome in outcomes}
    costs = books.ledger.costs(run)
    desk = _Desk(books, books.ledger.title_languages(), _by_place(costs, plan), len(plan) <= DETAILED)
    results = (
        *(desk.result(planned, done.get((planned.title.id, planned.language))) for planned in plan),
        *(_bad_row(problems) for _, problems in groupby(catalogue.problems, key=lambda problem: problem.row)),
    )
    states = ("released", "held", "failed", "left")
    tally = {state: sum(result.state == state and not result.unchanged for result in results) for state in states}
    unchanged, segments = sum(result.unchanged for result in results), _segments(results)
    return NightReport(
        run=run,
        catalogue=str(path),
        started=started,
        wall_seconds=time.time() - started,
        titles=len({planned.title.id for planned in plan}) + len({problem.row for problem in catalogue.problems}),
        title_languages=len(results),
        **tally,
        unchanged=unchanged,
        built_steps=sum(result.built_steps for result in results),
        balanced=_balanced(len(results), sum(tally.values()) + unchanged, segments),
        segments=segments,
        cpu_seconds=sum(line.cpu for line in costs),
        engine_seconds=sum(line.engine for line in costs),
        problems=(*(str(problem) for problem in catalogue.problems), *wrong),
        results=results,
        engines=(),
    )


def _bad_row(problems: Iterable[Problem]) -> TitleResult:
    """Return a row of the catalogue that could not be read as the failure that it is."""
    found = list(problems)
    reasons = tuple(problem.what for problem in found)
    return TitleResult(found[0].id or f"row {found[0].row}", "", "failed", unchanged=False, reasons=reasons, because=(), profile="")


def _balanced(title_languages: int, ended: int, segments: Mapping[str, int]) -> bool:
    """Return whether every title-language ended somewhere, and every line with it."""
    return title_languages == ended and segments["in"] == segments["spoken"] + segments["excused"] + segments["failed"]


def _by_place(costs: Iterable[CostLine], plan: Iterable[Planned]) -> dict[tuple[str, str], list[CostLine]]:
    first = {planned.title.id: planned.title.targets[0] for planned in plan}
    places: dict[tuple[str, str], list[CostLine]] = {}
    for line in costs:
        places.setdefault((line.title, line.language or first.get(line.title, "")), []).append(line)
    return places


@dataclass(frozen=True)
class _Desk:
    """What the results are written from."""

    books: Books
    rows: Mapping[tuple[str, str], TitleLanguage]
    costs: Mapping[tuple[str, str], Sequence[CostLine]]
    detailed: bool

    def result(self, planned: Planned, outcome: Outcome | None) -> TitleResult:
        """Return one title-language as the report shows it."""
        place = (planned.title.id, planned.language)
        row, lines = self.rows.get(place), self.costs.get(place, ())
        state = outcome.state if outcome else planned.state if planned.unchanged else "left"
        detailed = row is not None and (self.detailed or not planned.unchanged)
        package = row.package if row else ""
        released = _released(self.books, *place) if detailed else ""
        reasons = outcome.reasons if outcome else tuple(row.reasons) if row and state != "left" else ()
        path, damage = self._export(row, released) if row and detailed else ("", "")
        if damage:
            state, reasons = "failed", (damage,)
        return TitleResult(
            title=planned.title.id,
            language=planned.language,
            state=state,
            unchanged=planned.unchanged and not damage,
            reasons=reasons,
            because=planned.because,
            profile=planned.title.profile,
            package=path,
            digest=package,
            stands="" if released == package else released,
            built_steps=sum(line.built > 0 for line in lines),
            made=sum(line.built for line in lines),
            reused=outcome.reused if outcome else 0,
            cpu_seconds=sum(line.cpu for line in lines),
            engine_seconds=sum(line.engine for line in lines),
            steps={line.step: line.built for line in lines if line.built},
            metrics=_metrics(self.books, *place) if detailed and state in ("released", "held") else (),
        )

    def _export(self, row: TitleLanguage, released: str) -> tuple[str, str]:
        """Return the film's path, or what is wrong with it in the store; then the next night makes it again."""
        try:
            return export_package(self.books, row.title, row.language, row.package, released), ""
        except NightdubError as error:
            damage = f"{error} [{error.code}]"
            self.books.ledger.put_title_languages([replace(row, state="failed", reasons=[damage])])
            return "", damage


def _released(books: Books, title: str, language: str) -> str:
    """Return the digest of the package that is out, or an empty string."""
    rows = books.ledger.releases(title, language)
    return rows[0].package if rows else ""


def _metrics(books: Books, title: str, language: str) -> tuple[Metric, ...]:
    decisions = books.ledger.decisions(title, language)
    verdicts: dict[str, str] = {}
    for rule in decisions[0].rules if decisions else ():
        verdicts[rule["metric"]] = min(verdicts.get(rule["metric"], "pass"), rule["outcome"], key=ORDER.index)
    return tuple(
        Metric(
            row.metric,
            row.value,
            row.unit,
            row.n,
            row.engine,
            row.stand_in,
            row.not_applicable or row.not_measured,
            verdicts.get(row.metric, ""),
            msgspec.convert(row.worst, tuple[Worst, ...]),
            None if row.interval_low is None or row.interval_high is None else (row.interval_low, row.interval_high),
        )
        for row in books.ledger.measurements(title, language)
    )


def _segments(results: Iterable[TitleResult]) -> dict[str, int]:
    """Sum the accounts of all title-languages that have one."""
    names = {"in": "account.lines", "spoken": "account.spoken", "excused": "account.excused", "failed": "account.failed_lines"}
    values = [{metric.metric: int(metric.value or 0) for metric in result.metrics} for result in results]
    return {name: sum(found.get(metric, 0) for found in values) for name, metric in names.items()}


def summary_markdown(report: NightReport) -> str:
    """Return the night as Markdown, for Prefect's page."""
    lines = [
        f"**{report.title_languages} title-languages**: {report.released} released, {report.held} held, {report.failed} failed, "
        f"{report.unchanged} unchanged, {report.left} left; {report.wall_seconds:.0f} s",
        "",
        "| title | language | state | reasons |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.title} | {row.language} | {row.state} | {_cell('; '.join(row.reasons))} |" for row in report.results]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Return a text as it stands in a table of Markdown: no markup, no link, no picture that a page would fetch."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text.replace("\n", " "), quote=False))


def read_report(home: Path) -> NightReport:
    """Return the last night's report. Raises: FileNotFoundError where there was none."""
    return msgspec.json.decode((home / "report.json").read_bytes(), type=NightReport)
