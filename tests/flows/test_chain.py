"""The chain's declarations fit together, and no step's code changes behind its version."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import golden

from nightdub.flows.chain import CHAIN, LANGUAGE_STEPS, TITLE_STEPS
from nightdub.flows.recipe import House
from nightdub.flows.title import make_ask
from nightdub.infra.build import Step
from nightdub.quality.policy import Policy
from nightdub.tasks.catalogue import DELIVERED
from nightdub.tasks.engines import TABLE
from nightdub.tasks.profile import Profile
from nightdub.tasks.rows import Title

TITLE = Title("film", "film/film.mp4", "en", ("es",))
SETTLED = ("voices", "consents", "corrections", "approved")  # by people, out of the ledger
HOUSE = House(Profile("bare", "bare", commercial=False, engines={}), Policy("bare", ()))
DECLARED = {name: (step, module) for name, step, module in golden.declarations()}
steps = pytest.mark.parametrize("step", CHAIN, ids=lambda step: step.name)


def wanted(step: Step) -> list[str]:
    """Return every name that a step's inputs may be found under."""
    return [name for want in step.inputs for name in want.rstrip("?").split("|")]


def keys_written(step: str) -> set[str]:
    """Return the keys of every dictionary that stands in the code behind a step: its outputs are among them."""
    call, module = DECLARED[step]
    code = [statement for statements in golden.reached(call, module).values() for statement in statements]
    dictionaries = [node for statement in code for node in ast.walk(statement) if isinstance(node, ast.Dict)]
    return {key.value for node in dictionaries for key in node.keys if isinstance(key, ast.Constant)}


def test_every_step_is_declared_once_and_named_once() -> None:
    names = [step.name for step in CHAIN]
    assert len(set(names)) == len(names) == len(DECLARED)
    assert set(names) == set(DECLARED)
    assert CHAIN == TITLE_STEPS + LANGUAGE_STEPS
    assert {step.scope for step in TITLE_STEPS} == {"title"}
    assert {step.scope for step in LANGUAGE_STEPS} == {"language"}


@steps
def test_every_input_is_made_by_an_earlier_step_or_delivered(step: Step) -> None:
    earlier = {other.name for other in CHAIN[: CHAIN.index(step)]}
    for name in wanted(step):
        origin, _, output = name.partition(".")
        if origin == "in":
            assert output in (*DELIVERED, *SETTLED), f"{step.name} wants {name}: no such column"
        else:
            assert origin in earlier, f"{step.name} wants {name}: {origin} does not come before it"
            assert output in keys_written(origin), f"{step.name} wants {name}: {origin} writes no {output!r}"


@steps
def test_every_parameter_is_known_and_no_titles_step_depends_on_a_target(step: Step) -> None:
    outputs = dict.fromkeys(wanted(step), "0" * 64)
    ask = make_ask(HOUSE, TITLE, "es", replace(step, verb=""), outputs)
    assert ask is not None
    assert set(ask.params) == set(step.params)
    assert step.scope == "language" or "target" not in step.params


@steps
def test_every_verb_has_an_engine(step: Step) -> None:
    assert not step.verb or step.verb in {spec.verb for spec in TABLE}


def test_no_steps_code_changed_behind_its_version() -> None:
    kept, now = json.loads(golden.GOLDEN.read_text()), golden.steps_now()
    write = "run `python tests/flows/golden.py`"
    assert set(kept) == set(now), f"steps were added or removed: {write}"
    for name, step in now.items():
        assert step["code"] == kept[name]["code"], (
            f"step {name}'s code changed: raise its version in flows/chain if its output changed, then {write}"
        )
        assert step["version"] == kept[name]["version"], f"step {name}'s version changed: {write}"


def test_the_golden_digest_sees_code_and_not_its_words() -> None:
    code = 'def work(item):\n    """Say what it does."""\n    return item  # and why\n'
    reworded = 'def work(item):\n    """Say it otherwise."""\n\n    return (item)\n'
    assert golden.plain(ast.parse(code)) == golden.plain(ast.parse(reworded))
    assert golden.plain(ast.parse(code)) != golden.plain(ast.parse(code.replace("return item", "return None")))


def test_the_golden_digest_follows_code_into_other_rooms_and_stops_at_engines() -> None:
    places = {place for declared in DECLARED.values() for place in golden.reached(*declared)}
    assert ("nightdub.tasks.timing", "plan") in places
    assert ("nightdub.infra.media.mux", "mux") in places
    assert ("nightdub.quality.measure", "measure_dub") in places
    assert not {module for module, _ in places if "engines" in module}
