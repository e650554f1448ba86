"""What `nightdub dataset` prints and does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from nightdub.apps.browser import open_page
from nightdub.apps.night import progress_shown
from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.datasets.recipe import RECIPES, Recipe, read_recipe
from nightdub.flows.dataset_build import DatasetOutcome, build_dataset, plan_dataset
from nightdub.flows.night import Books, open_books
from nightdub.flows.server import prefect_server
from nightdub.infra.errors import ConfigError
from nightdub.infra.settings import Settings

COLOURS = {"released": "green", "held": "yellow"}


def show_plan(settings: Settings, recipe: str, *, as_json: bool) -> int:
    """Print what a build would do."""
    with open_books(settings) as books:
        plan = plan_dataset(books, recipe)
    if as_json:
        print_json(plan)
        return 0
    print_line(f"{plan.name}: {plan.rows} rows of the corpus, {plan.clips} clips, {plan.excused} excused")
    print_line(f"to make from step {plan.step} on: {plan.missing} of its {plan.items} items" if plan.step else "nothing to make")
    return 0


def build_recipe(settings: Settings, recipe: str, *, again: bool, as_json: bool) -> int:
    """Build a dataset and print how it ended; return 1 where it is held."""
    with open_books(settings) as books:
        todo = again or bool(plan_dataset(books, recipe).step)
    if todo:
        with progress_shown(Console(stderr=True)), prefect_server(settings):
            from nightdub.flows.dataset import prepare_dataset

            outcome = msgspec.convert(prepare_dataset(recipe, str(settings.home), again=again), DatasetOutcome)
    else:
        with open_books(settings) as books:
            outcome = build_dataset(books, recipe)
    if as_json:
        print_json(outcome)
    else:
        _print_outcome(settings, outcome)
    return int(outcome.state != "released" or not outcome.balanced)


def _print_outcome(settings: Settings, outcome: DatasetOutcome) -> None:
    print_line(f"{outcome.name} is {outcome.state}: version {outcome.version[:12]}", COLOURS[outcome.state])
    for reason in outcome.reasons:
        print_line(f"  {reason}")
    account = f"{outcome.rows} rows = {outcome.samples} clips + {sum(outcome.excused.values())} excused"
    print_line(account if outcome.balanced else f"{account}: it does not balance")
    if outcome.excused:
        print_rows(("left out because", "rows"), [(code, str(count)) for code, count in outcome.excused.items()])
    print_line(f"{outcome.made} items made, {outcome.reused} taken over" if outcome.made else "nothing was made: it is as it was")
    if outcome.page:
        print_line(f"card: {settings.home / outcome.page}; rows left out, with their places: excused.jsonl beside it")


def move(settings: Settings, mover: Callable[[Books, Recipe, str, str], str], name: str, who: str, why: str) -> int:
    """Move the release pointer by a person's word."""
    recipe, _ = read_recipe(name)
    with open_books(settings) as books:
        print_line(f"{recipe.name} now serves {mover(books, recipe, who, why)[:12]}")
    return 0


def show_difference(settings: Settings, name: str, old: str, new: str, *, as_json: bool) -> int:
    """Print what changed between two versions."""
    from nightdub.flows.dataset_versions import compare

    recipe, _ = read_recipe(name)
    with open_books(settings) as books:
        found = compare(books, recipe, old, new)
    if as_json:
        print_json(found)
    else:
        print_line(found.as_text())
    return 0


def print_card(settings: Settings, name: str, version: str, *, show: bool, as_json: bool) -> int:
    """Print a version's card."""
    from nightdub.datasets.card import describe
    from nightdub.flows.dataset_card import facts_of, show_card
    from nightdub.flows.dataset_versions import find_version

    recipe, _ = read_recipe(name)
    with open_books(settings) as books:
        digest = find_version(books, recipe, version)
        markdown, data = describe(facts_of(books, recipe, digest))
        page = settings.home / show_card(books, recipe, digest) if show else None
    print_line((data if as_json else markdown).decode().rstrip())
    if page:
        open_page(page)
    return 0


def show_versions(settings: Settings, *, as_json: bool) -> int:
    """Print every dataset that was built or released, with its moves, newest first."""
    from nightdub.flows.dataset_versions import MUL

    with open_books(settings) as books:
        moves = [row for row in books.ledger.releases() if row.language == MUL and row.title.startswith("dataset.")]
    if as_json:
        print_json(moves)
        return 0
    rows = [
        (row.title.removeprefix("dataset."), row.package[:12], row.action, f"{row.created:%Y-%m-%d %H:%M}", row.who, row.why)
        for row in moves
    ]
    print_rows(("dataset", "version", "action", "when (UTC)", "who", "why"), rows)
    if not rows:
        print_line(f"none is out; recipes here: {', '.join(sorted(path.stem for path in RECIPES.glob('*.yaml')))}")
    return 0


def export_version(settings: Settings, name: str, to: Path, output: str, version: str) -> int:
    """Copy a version's files."""
    from nightdub.flows.dataset_versions import export, find_version

    recipe, _ = read_recipe(name)
    with open_books(settings) as books:
        count = export(books, find_version(books, recipe, version), output, to)
    print_line(f"{count} files in {to}")
    return 0


def write_variant(settings: Settings, name: str, clip: str, variant: str, to: Path, version: str) -> int:
    """Write an augmented copy of a clip."""
    from nightdub.datasets.sound.augment import apply, parse_variant
    from nightdub.flows.dataset_versions import find_version, samples_of
    from nightdub.tasks.sound import read_sound, write_sound

    recipe, _ = read_recipe(name)
    with open_books(settings) as books:
        row = next((row for row in samples_of(books, find_version(books, recipe, version)) if row.id == clip), None)
        if row is None:
            raise ConfigError(f"no clip {clip!r}", where=recipe.name, fix="the manifest of the exported dataset lists the ids")
        sound, rate = read_sound(books.store.fetch(row.sound))
    write_sound(to, apply(sound, rate, parse_variant(variant), clip), rate)
    print_line(f"{to}: {clip} with {variant}")
    return 0


def erase(settings: Settings, name: str, speaker: str, who: str, why: str, *, as_json: bool) -> int:
    """Erase a speaker and print what was done, and what only a person can do."""
    from nightdub.flows.dataset_erase import erase_speaker

    with open_books(settings) as books:
        done = erase_speaker(books, name, speaker, who, why, lambda: build_dataset(books, name))
    if as_json:
        print_json(done)
        return 0
    print_line(
        f"{done.clips} clips will not be taken again; {done.objects} objects ({done.bytes} bytes) deleted, with all earlier versions"
    )
    if done.shared:
        print_line(f"{done.shared} objects stay: other titles or datasets have the same bytes", "yellow")
    print_line(f"{len(done.sources)} recordings still lie in the corpus, and in its backups: delete them there", "yellow")
    for path in done.sources[:10]:
        print_line(f"  {path}")
    return 0
