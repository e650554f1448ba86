"""How plain functions become Prefect tasks: names, tags and retries live here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext

from nightdub.flows.night import Night
from nightdub.flows.title import build_step, localise, perceive, settle
from nightdub.infra.build import Ask, Built
from nightdub.infra.errors import NightdubError

DELAYS = [1.0, 5.0, 20.0]  # seconds before each new try of what may pass by itself


def is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether another try can help: only the error's own marker decides."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, NightdubError) and error.transient


def as_task(function: Callable[..., Any], name: str, *, retries: bool = False) -> Task[..., Any]:
    """Wrap a function as a Prefect task that keeps no result: results live in the store, under their digests."""
    return Task(
        function,
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(DELAYS) if retries else 0,
        retry_delay_seconds=DELAYS if retries else None,
        retry_condition_fn=is_transient if retries else None,
    )


_STEP = as_task(build_step, "step", retries=True)


def build_in_prefect(night: Night, ask: Ask, *, retry: bool) -> Built:
    """Build one step as a Prefect task run named after its place."""
    name = "/".join(part for part in (ask.title, ask.language, ask.step.name) if part)
    return cast(Built, _STEP.with_options(task_run_name=name)(night, ask, retry=retry))


def perceive_in_prefect(night: Night, planned: Any) -> Any:
    """Perceive a title, each step as a task run."""
    return perceive(night, planned, build_in_prefect)


def localise_in_prefect(night: Night, planned: Any, perceived: Any) -> Any:
    """Make one title-language, each step as a task run."""
    return localise(night, planned, perceived, build_in_prefect)


def forget_results() -> None:
    """Let Prefect forget which task run made which value: it keeps that for every value until the flow ends, to draw dependencies.

    A night of 1,000 titles would hold 45,000 such notes (benchmarks/thousand.py). What a later task run is given is not affected.
    """
    if context := FlowRunContext.get():
        context.run_results.clear()
        context.task_run_assets.clear()


PERCEIVE = as_task(perceive_in_prefect, "perceive")
SETTLE = as_task(settle, "settle")
LOCALISE = as_task(localise_in_prefect, "localise")
