"""`nightdub dataset`: speech corpora made into versioned, gated, reproducible datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, signed, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

RECIPE = click.argument("recipe", metavar="RECIPE")
NEWEST = click.option("--version", default="newest", show_default=True, help="First digits of a version, `released` or `newest`.")
VERSION = click.option("--version", default="released", show_default=True, help="First digits of a version, `released` or `newest`.")


@click.group()
def dataset() -> None:
    """Build, release and compare datasets; RECIPE is the name of one or the path of its file."""


@dataset.command("plan")
@RECIPE
@JSON
@with_settings
def plan_recipe(settings: Settings, recipe: str, *, as_json: bool) -> int:
    """Show what a build would do: rows, clips, and how much is new or changed."""
    from nightdub.apps.datasets import show_plan

    return show_plan(settings, recipe, as_json=as_json)


@dataset.command("build")
@RECIPE
@click.option("--again", is_flag=True, help="Also try again the clips that failed.")
@JSON
@with_settings
def build(settings: Settings, recipe: str, *, again: bool, as_json: bool) -> int:
    """Build what is new or changed, and let the gate decide over the release."""
    from nightdub.apps.datasets import build_recipe

    return build_recipe(settings, recipe, again=again, as_json=as_json)


@dataset.command("release")
@RECIPE
@signed
@with_settings
def release_version(settings: Settings, recipe: str, who: str, why: str) -> int:
    """Release the newest version by a person's word."""
    from nightdub.apps.datasets import move
    from nightdub.flows.dataset_release import release_dataset

    return move(settings, release_dataset, recipe, who, why)


@dataset.command("rollback")
@RECIPE
@signed
@with_settings
def roll_back(settings: Settings, recipe: str, who: str, why: str) -> int:
    """Point the dataset back to the version that was out before."""
    from nightdub.apps.datasets import move
    from nightdub.flows.dataset_release import roll_back_dataset

    return move(settings, roll_back_dataset, recipe, who, why)


@dataset.command("diff")
@RECIPE
@click.argument("old")
@click.argument("new", default="newest")
@JSON
@with_settings
def diff(settings: Settings, recipe: str, old: str, new: str, *, as_json: bool) -> int:
    """Explain what changed from version OLD to NEW."""
    from nightdub.apps.datasets import show_difference

    return show_difference(settings, recipe, old, new, as_json=as_json)


@dataset.command("card")
@RECIPE
@click.option("--open", "show", is_flag=True, help="Open the page with its pictures in a browser.")
@NEWEST
@JSON
@with_settings
def card(settings: Settings, recipe: str, version: str, *, show: bool, as_json: bool) -> int:
    """Print a version's data card."""
    from nightdub.apps.datasets import print_card

    return print_card(settings, recipe, version, show=show, as_json=as_json)


@dataset.command("list")
@JSON
@with_settings
def list_versions(settings: Settings, *, as_json: bool) -> int:
    """List the datasets and the versions that are and were out."""
    from nightdub.apps.datasets import show_versions

    return show_versions(settings, as_json=as_json)


@dataset.command("export")
@RECIPE
@click.argument("to", type=click.Path(path_type=Path, file_okay=False))
@click.option("--output", default="jsonl", show_default=True, help="Which of the recipe's outputs.")
@VERSION
@with_settings
def export(settings: Settings, recipe: str, to: Path, output: str, version: str) -> int:
    """Copy the files of one output, clips included, into the new folder TO."""
    from nightdub.apps.datasets import export_version

    return export_version(settings, recipe, to, output, version)


@dataset.command("variant")
@RECIPE
@click.argument("clip")
@click.argument("variant")
@click.argument("to", type=click.Path(path_type=Path, dir_okay=False))
@VERSION
@with_settings
def variant(settings: Settings, recipe: str, clip: str, variant: str, to: Path, version: str) -> int:
    """Make the augmented copy VARIANT of CLIP, as training makes it, into the file TO."""
    from nightdub.apps.datasets import write_variant

    return write_variant(settings, recipe, clip, variant, to, version)


@dataset.command("select")
@click.argument("recipe", required=False, default="", metavar="[RECIPE]")
@click.option(
    "--compare",
    is_flag=True,
    required=True,
    expose_value=False,
    help="Train on all, on the selected and on a random drop of the same size.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Trainings of each.")
@click.option("--share", type=click.FloatRange(0.0, 0.9, min_open=True), default=0.15, show_default=True, help="Of the clips, left out.")
@JSON
def select(recipe: str, seeds: int, share: float, *, as_json: bool) -> int:
    """Say whether Gaussian selection pays, on the labelled corpus of RECIPE or on one that is acted by rule. Takes minutes."""
    from nightdub.apps.emotions import show_selection

    return show_selection(recipe, seeds, share, as_json=as_json)


@dataset.command("learn")
@RECIPE
@click.argument("to", type=click.Path(path_type=Path, dir_okay=False))
@JSON
def learn(recipe: str, to: Path, *, as_json: bool) -> int:
    """Train the emotion network on the labelled corpus of RECIPE, into the file TO, and score it on speakers held out."""
    from nightdub.apps.emotions import learn_network

    return learn_network(recipe, to, as_json=as_json)


@dataset.command("explain")
@click.argument("network", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("sound", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("to", type=click.Path(path_type=Path, file_okay=False))
@JSON
def explain(network: Path, sound: Path, to: Path, *, as_json: bool) -> int:
    """Label SOUND by NETWORK, and show into the folder TO why: maps over the spectrogram, and the moments they point at as sound."""
    from nightdub.apps.emotions import explain_label

    return explain_label(network, sound, to, as_json=as_json)


@dataset.command("erase")
@RECIPE
@click.argument("speaker")
@signed
@JSON
@with_settings
def erase(settings: Settings, recipe: str, speaker: str, who: str, why: str, *, as_json: bool) -> int:
    """Take SPEAKER out of the dataset, its earlier versions and every later build."""
    from nightdub.apps.datasets import erase as erase_now

    return erase_now(settings, recipe, speaker, who, why, as_json=as_json)
