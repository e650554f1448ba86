"""Recipes: what a dataset is made of and how, in YAML that is checked when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nightdub.datasets.outputs import OUTPUTS
from nightdub.datasets.readers import READERS
from nightdub.datasets.sound.augment import parse_variant
from nightdub.datasets.sound.clean import Cleaning
from nightdub.datasets.sound.features import ALL
from nightdub.infra.digests import digest_of
from nightdub.infra.errors import ConfigError
from nightdub.infra.strict_yaml import read_yaml
from nightdub.tasks.rows import Decibel, Hertz, Seconds

RECIPES = Path(__file__).parent / "recipes"
SPLITS = ("train", "validation", "test")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits beyond which a clip is excused; None = no limit."""

    shortest: Seconds = 0.3
    longest: Seconds = 30.0
    clipping: float | None = 1.0  # % of the samples
    bandwidth: Hertz | None = None
    snr: Decibel | None = None
    dnsmos: float | None = None  # overall opinion; measured only where a limit is given: it costs more than all the rest
    slowest: float | None = None  # characters a second
    fastest: float | None = None
    languages: bool = False  # excuse texts that are surely in another language
    alignment: float | None = None  # score of the aligner, where the recipe names one; None = its own limit alone
    length_difference: Seconds | None = None  # between what the corpus says and what the recording has


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What counts as the same clip twice; the lowest id stays."""

    audio: float | None = 0.81  # likeness of the fingerprints, from 0.81 on; None = nothing is compared
    texts: int | None = None  # clips of one speaker with the same text that stay


@dataclass(frozen=True, slots=True)
class Selection:
    """Gaussian data selection (docs/selection.md); left out of a recipe, nothing is left out of the dataset."""

    drop: float = 0.15  # share of the clips
    by: tuple[Literal["speaker", "emotion", "language"], ...] = ("emotion",)  # clips are held against those with the same


@dataclass(frozen=True, slots=True)
class Splits:
    """Shares of the splits, and what may not be in two of them."""

    shares: dict[str, float] = field(default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1})
    by: tuple[Literal["speaker", "recording", "sentence"], ...] = ("speaker", "recording")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One dataset: its corpus, its steps, its outputs and its gate."""

    name: str
    reader: str  # of `datasets.readers.READERS`
    policy: str  # name of a file in quality/policies
    licence: str  # SPDX name, or the corpus' own
    commercial: bool  # the intended use; True refuses corpora whose licence forbids it
    source: str = ""  # the corpus' folder, from the recipe's own; empty = the reader's own place
    options: dict[str, str] = field(default_factory=dict)  # of the reader
    describes: str = ""
    consents: Literal["none needed", "required"] = "none needed"  # required: every speaker has a consent record in the ledger
    limit: int | None = None  # clips at most: those with the lowest digests of their ids
    clean: Cleaning = field(default_factory=Cleaning)
    normalise: bool = True  # the texts
    align: str = ""  # an engine that lays the texts onto the sound, of the languages that it knows; empty = none
    filters: Filters = field(default_factory=Filters)
    duplicates: Duplicates = field(default_factory=Duplicates)
    select: Selection | None = None
    augment: tuple[str, ...] = ()  # variants that each training clip also has
    features: tuple[str, ...] = ()
    splits: Splits = field(default_factory=Splits)
    outputs: tuple[str, ...] = ("jsonl",)

    @property
    def digest(self) -> str:
        """Return one digest over all that the recipe says."""
        return digest_of(self)

    @property
    def title(self) -> str:
        """Return the dataset's name in ledger and store: with a dot, so that no title of a catalogue has it."""
        return f"dataset.{self.name}"


def read_recipe(name: str) -> tuple[Recipe, Path]:
    """Return a recipe, and the corpus' folder, by the name of one in `datasets/recipes` or by the path of a file *.yaml.

    Raises: ConfigError with what does not fit, where, and what is allowed.
    """
    path = Path(name) if name.endswith(".yaml") else RECIPES / f"{name}.yaml"
    try:
        recipe = read_yaml(path.read_bytes(), Recipe)
    except OSError as error:
        names = ", ".join(sorted(other.stem for other in RECIPES.glob("*.yaml")))
        raise ConfigError(f"no recipe: {error.strerror}", where=name, allowed=f"{names}, or a file *.yaml") from None
    except ValueError as error:
        raise ConfigError(str(error), where=str(path), fix="docs/datasets.md lists every field") from None
    _check(recipe, str(path))
    home = READERS[recipe.reader].home
    if not recipe.source and home is None:
        raise ConfigError("no source", where=str(path), allowed="the corpus' folder, from the recipe's own", fix="add source: FOLDER")
    return recipe, (path.parent / recipe.source).resolve() if recipe.source or home is None else home


def _check(recipe: Recipe, where: str) -> None:
    """Raise ConfigError for values that no type excludes."""
    if not _NAME.fullmatch(recipe.name):
        raise ConfigError(f"name {recipe.name!r}", where=where, allowed="1 to 63 of a-z, 0-9, _ and -")
    _known(where, "reader", (recipe.reader,), READERS)
    _known(where, "output", recipe.outputs, OUTPUTS)
    _known(where, "feature", recipe.features, ALL)
    if recipe.limit is not None and recipe.limit < 1:
        raise ConfigError(f"limit {recipe.limit}", where=where, allowed="1 and more; leave it out for all clips")
    spelled = [str(parse_variant(variant)) for variant in recipe.augment]
    if twice := sorted({name for name in spelled if spelled.count(name) > 1}):
        raise ConfigError(f"variant {twice[0]} twice", where=f"{where}: augment", allowed="each once")
    if recipe.select and not 0 < recipe.select.drop < 1:
        raise ConfigError(f"drop {recipe.select.drop:g}", where=f"{where}: select", allowed="a share above 0 and below 1")
    if recipe.duplicates.audio is not None and not 0 < recipe.duplicates.audio <= 1:
        raise ConfigError(f"audio {recipe.duplicates.audio:g}", where=f"{where}: duplicates", allowed="a likeness above 0, up to 1")
    if recipe.filters.shortest > recipe.filters.longest:
        raise ConfigError("shortest is above longest", where=f"{where}: filters", fix="exchange them")
    if not recipe.outputs:
        raise ConfigError("no outputs", where=where, allowed=", ".join(OUTPUTS), fix="name one")
    shares = recipe.splits.shares
    _known(where, "split", shares, SPLITS)
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise ConfigError(f"shares of {sum(shares.values()):g}", where=f"{where}: splits", allowed="shares of 0 and more that sum to 1")
    if READERS[recipe.reader].commercial is False and recipe.commercial:
        what = f"the corpus' licence ({READERS[recipe.reader].licence}) forbids commercial use"
        raise ConfigError(what, where=where, fix="set commercial: false, or take another corpus")


def _known(where: str, what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"no {what} {name!r}", where=where, allowed=", ".join(known))
