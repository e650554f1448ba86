"""The dataset flow: one recipe, built and judged, on a schedule or by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from prefect import flow
from prefect.artifacts import create_markdown_artifact

from nightdub.flows.dataset_build import DatasetOutcome, build_dataset
from nightdub.flows.night import open_books
from nightdub.flows.nightly import say_failed
from nightdub.flows.policy import build_in_prefect
from nightdub.flows.window import Window
from nightdub.infra.settings import load_settings


@flow(name="dataset", persist_result=False)
def prepare_dataset(recipe: str, home: str = "", *, again: bool = False) -> dict[str, Any]:
    """Build a dataset: what is new or changed of its corpus is prepared, and the gate decides over the new version.

    Args:
        recipe: Name of a recipe, or the path of its file.
        home: Working folder; empty = as the settings say.
        again: Also try again the clips that failed.
    """
    settings = load_settings(home=Path(home)) if home else load_settings()
    with open_books(settings) as books:
        outcome = build_dataset(books, recipe, build_in_prefect, retry=again)
    if outcome.state == "held":
        say_failed(outcome.version[:12], 1, 1)
    Window().show(lambda: create_markdown_artifact(key="dataset", markdown=as_markdown(outcome), description=f"Dataset {outcome.name}"))
    return msgspec.to_builtins(outcome)  # type: ignore[no-any-return]


def as_markdown(outcome: DatasetOutcome) -> str:
    """Return how a build ended, for the dashboard."""
    lines = [
        f"# Dataset {outcome.name}: {outcome.state}",
        "",
        f"version `{outcome.version[:12]}`, {outcome.samples} clips of {outcome.rows} rows",
    ]
    lines += ["", "| left out because | rows |", "|---|---|", *(f"| {code} | {count} |" for code, count in outcome.excused.items())]
    return "\n".join([*lines, "", *(f"- {reason}" for reason in outcome.reasons)]) + "\n"
