"""Running a suite: rows in, a verdict out. Great Expectations is loaded when a gate runs, once a process, and not before.

It states of itself what this module does not rely on: that nothing passes for being absent (an empty or all-null column passes nearly
all of its expectations), that a caller asks for `success`, and that an error stops a run. Here an expectation that looked at no row
has failed, one that raised has failed, and one without an answer has failed.
"""

from __future__ import annotations

import logging
import math
import os
import re
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from nightdub.quality.data.declare import Against, Expectation, Row, Suite
from nightdub.quality.data.suites import find_suite
from nightdub.quality.data.verdict import DataVerdict, ExpectationVerdict
from nightdub.tasks.rows import Seconds

# No samples: values of the data must not get into verdicts, pages or logs.
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_LOCK = threading.Lock()  # one context and one data source a process, and workers have threads


def check_rows(suite: str, rows: Sequence[object], *, lines: Collection[str] | None = None, length: Seconds | None = None) -> DataVerdict:
    """Return what a suite says of a table.

    Args:
        suite: Name of the suite, see `nightdub.quality.data.suites.SUITES`.
        rows: Dataclasses or mappings of plain JSON values; a missing field counts as empty.
        lines: Ids of the lines that the table is about; without them, and without `length` in seconds, the expectations that need
            these are left out, and the verdict names them.

    Raises:
        ConfigError: there is no such suite. Whatever goes wrong inside Great Expectations is a failing verdict instead.
    """
    declared = find_suite(suite)
    against = Against(None if lines is None else frozenset(lines), length)
    asked = [expectation for expectation in declared.expectations() if against.knows(expectation.needs)]
    left_out = tuple(expectation.says for expectation in declared.expectations() if not against.knows(expectation.needs))
    try:
        with _LOCK:
            verdicts = _run(declared, asked, plain_rows(rows), against)
    except Exception as error:
        last = error.__traceback__
        while last and last.tb_next:
            last = last.tb_next
        place = f"{Path(last.tb_frame.f_code.co_filename).name}, line {last.tb_lineno}" if last else "unknown place"
        verdicts = [ExpectationVerdict("the suite can be run", "", success=False, message=f"{type(error).__name__} in {place}")]
    success = bool(verdicts) and all(row.success for row in verdicts)
    return DataVerdict(suite, success, len(rows), tuple(verdicts), left_out, f"great_expectations {version('great_expectations')}")


def plain_rows(rows: Sequence[object]) -> list[Row]:
    """Return rows as mappings of plain JSON values."""
    return [row if isinstance(row, Mapping) else msgspec.to_builtins(row) for row in rows]


@cache
def _batches() -> Any:
    """Return Great Expectations' door for data frames, loading it (about 2.3 s and 230 MB) on the first call."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; it would report its use to its makers
    with _left_out("rfc3987_syntax"):  # builds 38 grammars for formats of addresses that nobody checks here: a third of the time
        import great_expectations

    # It tells of its temporary folders by a logger that it sets to INFO itself, which heeds no level above its own.
    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.WARNING)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


@contextmanager
def _left_out(name: str) -> Iterator[None]:
    """Let an optional module that is not loaded yet count as not installed while the block loads others."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _run(suite: Suite, asked: Sequence[Expectation], rows: Sequence[Row], against: Against) -> list[ExpectationVerdict]:
    batches = _batches()
    import great_expectations

    batch = batches.get_batch(batch_parameters={"dataframe": _frame(suite, asked, rows, against)})
    expectations = [_translated(expectation, index, against) for index, expectation in enumerate(asked)]
    result = batch.validate(
        great_expectations.ExpectationSuite(name=suite.name, expectations=expectations), result_format=dict(_RESULT_FORMAT)
    )
    answers = {answer.expectation_config.meta["index"]: answer for answer in result.results}
    verdicts = [_verdict(expectation, answers.get(index), suite) for index, expectation in enumerate(asked)]
    if not result.success and all(row.success for row in verdicts):
        verdicts.append(ExpectationVerdict("the suite as a whole holds", "", success=False, message="great_expectations says it does not"))
    return verdicts


def _frame(suite: Suite, asked: Sequence[Expectation], rows: Sequence[Row], against: Against) -> Any:
    """Return the table as a data frame; what is no text, or no finite number, where there should be one counts as missing."""
    import pandas

    columns = {name: pandas.Series([_text(row.get(name)) for row in rows], dtype="object") for name in suite.texts}
    columns |= {name: pandas.Series([_number(row.get(name)) for row in rows], dtype="float64") for name in suite.numbers}
    for expectation in asked:
        if expectation.test:
            found = [_tested(expectation.test, row, index, against) for index, row in enumerate(rows)]
            some = expectation.kind == "some"
            values = pandas.Series([1.0 if yes else math.nan for yes in found], dtype="float64") if some else found
            columns[expectation.says] = values if some else pandas.Series(found, dtype="object")
    return pandas.DataFrame(columns, index=range(len(rows)))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else math.nan  # type: ignore[arg-type]


def _tested(test: Callable[[Row, int, Against], object], row: Row, index: int, against: Against) -> bool:
    """Return whether a row is as expected; one that lacks a field, or has something else in it, is not."""
    try:
        return bool(test(row, index, against))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return False


def _translated(expectation: Expectation, index: int, against: Against) -> Any:
    """Return a declared expectation as Great Expectations' own."""
    from great_expectations import expectations as gx
    from great_expectations.expectations.row_conditions import Column

    lines = sorted(against.lines or ())
    column = expectation.says if expectation.test else expectation.column
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "rows": (gx.ExpectTableRowCountToBeBetween, {"min_value": 1}),
        "as many as lines": (gx.ExpectTableRowCountToEqual, {"value": len(lines)}),
        "complete": (gx.ExpectColumnValuesToNotBeNull, {"column": column}),
        "some": (gx.ExpectColumnProportionOfNonNullValuesToBeBetween, {"column": column}),
        "unique": (gx.ExpectColumnValuesToBeUnique, {"column": column}),
        "between": (gx.ExpectColumnValuesToBeBetween, {"column": column}),
        "one of": (gx.ExpectColumnValuesToBeInSet, {"column": column}),
        "a line": (gx.ExpectColumnValuesToBeInSet, {"column": column, "value_set": lines}),
        "matches": (gx.ExpectColumnValuesToMatchRegex, {"column": column}),
        "above": (gx.ExpectColumnPairValuesAToBeGreaterThanB, {"ignore_row_if": "neither"}),
        "ascending": (gx.ExpectColumnValuesToBeIncreasing, {"column": column}),
    }
    made, figures = kinds[expectation.kind]
    condition = {"row_condition": Column(expectation.where) != ""} if expectation.where else {}
    return made(**figures, **expectation.figures, **condition, meta={"index": index})


def _verdict(expectation: Expectation, answer: Any, suite: Suite) -> ExpectationVerdict:
    """Return an answer as counts and words, and as failed unless it clearly is not."""
    says, column = expectation.says, expectation.column
    if answer is None:
        return ExpectationVerdict(says, column, success=False, message="great_expectations gave no answer")
    if raised := _raised(answer.exception_info):
        return ExpectationVerdict(says, column, success=False, message=raised)
    result, success = answer.result, answer.success is True
    if "observed_value" in result:  # one value for the whole table, which is a count or a share
        return _of_the_table(expectation, success=success, observed=float(result["observed_value"]))
    looked_at = int(result["element_count"]) - int(result.get("missing_count", 0))
    unexpected = int(result["unexpected_count"])
    if not looked_at and column not in suite.optional:
        return ExpectationVerdict(says, column, success=False, message="no row to look at")
    share = 100 * unexpected / looked_at if looked_at else 0.0
    message = "" if success else f"not so in {unexpected} of {looked_at} rows"
    return ExpectationVerdict(says, column, success, looked_at, unexpected, share, message)


def _of_the_table(expectation: Expectation, *, success: bool, observed: float) -> ExpectationVerdict:
    message = "no such row" if expectation.kind == "some" else f"{observed:g} rows"
    return ExpectationVerdict(expectation.says, expectation.column, success, message="" if success else message)


def _raised(info: Mapping[str, Any]) -> str:
    """Return where an expectation raised, without the error's words, which may quote a value; empty where it did not."""
    errors = [info] if "raised_exception" in info else list(info.values())
    if not any(error["raised_exception"] for error in errors):
        return ""
    trace = next(str(error["exception_traceback"]) for error in errors if error["raised_exception"])
    place = re.findall(r'File "([^"]+)", line (\d+)', trace)
    name = re.search(r"^[A-Za-z_][\w.]*", trace[trace.rfind('  File "') :], re.MULTILINE)
    where = f" in {Path(place[-1][0]).name}, line {place[-1][1]}" if place else ""
    return f"{name[0] if name else 'an error'}{where}"
