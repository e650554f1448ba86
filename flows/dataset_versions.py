"""Versions of a dataset: which is out, what went into it, what changed between two, and how a speaker is taken out of all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from nightdub.datasets.outputs import OUTPUTS
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import Sample
from nightdub.datasets.versions import Difference, diff
from nightdub.flows.night import Books
from nightdub.flows.pointer import released_package
from nightdub.infra.errors import LedgerError

MUL = "mul"  # ISO 639-2: multiple languages; where a title has its language, a dataset has this


class Version(msgspec.Struct, frozen=True):
    """What a version is, as it is stored."""

    name: str
    recipe: str  # digest
    parts: dict[str, str]  # file -> digest
    consents: bool = False  # every speaker needs one


def read_version(books: Books, digest: str) -> Version:
    """Return a version by its digest, or by the first digits of one that was out. Raises: LedgerError."""
    return msgspec.json.decode(books.store.get_bytes(digest), type=Version)


def find_version(books: Books, recipe: Recipe, name: str) -> str:
    """Return a version's digest by its first digits, by "released" or by "newest". Raises: LedgerError where there is none, or several."""
    newest = newest_version(books, recipe)
    known = dict.fromkeys(filter(None, (newest, *(row.package for row in books.ledger.releases(recipe.title, MUL)))))
    special = {"newest": newest, "released": released_package(books, recipe.title, MUL)}
    found = [special[name]] if name in special else [digest for digest in known if name and digest.startswith(name)]
    if len(found) != 1 or not found[0] or not books.store.exists(found[0]):
        there = [name for name, digest in special.items() if digest] + [digest[:12] for digest in known if books.store.exists(digest)]
        allowed = ", ".join(there) or "none: build it first"
        raise LedgerError(f"no version {name!r}", where=recipe.title, allowed=allowed, fix="nightdub dataset list shows what there is")
    return found[0]


def newest_version(books: Books, recipe: Recipe) -> str:
    """Return the digest of the version that was built last; empty where none was."""
    key = books.ledger.heads(recipe.title, "").get("dataset_version")
    outputs = {row.name: row.digest for row in books.ledger.artifacts_of(key)} if key else {}
    return outputs.get("version", "")


def previous_version(books: Books, recipe: Recipe, samples: str) -> str:
    """Return the digest of the newest version that was out and has other lines than these; empty where there is none.

    What was out before a withdrawal is no such version: it holds somebody who was erased.
    """
    for row in books.ledger.releases(recipe.title, MUL):
        if row.action == "withdraw":
            return ""
        if row.package and books.store.exists(row.package) and read_version(books, row.package).parts["dataset.samples"] != samples:
            return row.package
    return ""


def compare(books: Books, recipe: Recipe, old: str, new: str) -> Difference:
    """Return what changed between two versions, named as `find_version` takes them."""
    one, other = (read_version(books, find_version(books, recipe, name)).parts for name in (old, new))
    fetch = books.store.fetch
    return diff(fetch(one["dataset.samples"]), fetch(other["dataset.samples"]), fetch(other["dataset.excused"]))


# ---------------------------------------------------------------- files where people find them


def everything_of(books: Books, version: str) -> set[str]:
    """Return every digest that a version stands on: its files, its clips and their features."""
    clips = {digest for row in samples_of(books, version) for digest in (row.sound, row.features) if digest}
    return {version, *read_version(books, version).parts.values(), *clips}


def files_of(books: Books, version: str, output: str) -> dict[str, str]:
    """Return name -> digest of all files of one of a version's outputs, clips included. Raises: LedgerError where it has no such output."""
    parts = read_version(books, version).parts
    files = {name.removeprefix(f"{output}/"): digest for name, digest in parts.items() if name.startswith(f"{output}/")}
    if not files:
        allowed = ", ".join(sorted({name.partition("/")[0] for name in parts if "/" in name}))
        raise LedgerError(f"no output {output!r}", where=version[:12], allowed=allowed, fix="name one of these, or add it to the recipe")
    return files | OUTPUTS[output].objects(samples_of(books, version))


def samples_of(books: Books, version: str) -> list[Sample]:
    """Return a version's lines."""
    data = books.store.get_bytes(read_version(books, version).parts["dataset.samples"])
    return msgspec.json.Decoder(Sample).decode_lines(data)


def export(books: Books, version: str, output: str, to: Path) -> int:
    """Copy an output's files into a new folder; return how many. Raises: LedgerError where the folder is not empty."""
    if to.exists() and any(to.iterdir()):
        raise LedgerError("not empty", where=str(to), fix="name a new folder")
    files = files_of(books, version, output)
    for name, digest in sorted(files.items()):
        place = to / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(books.store.fetch(digest), place)
    return len(files)
