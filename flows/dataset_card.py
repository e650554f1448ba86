"""The card of a version, from what the store and the ledger know of it: it can be written again as long as the version is there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import yaml

from nightdub.datasets import plots
from nightdub.datasets.card import CardFacts, Verdict, count, describe, page
from nightdub.datasets.readers import READERS
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import Excused, Sample
from nightdub.datasets.sound.features import extract
from nightdub.datasets.versions import diff, drift
from nightdub.flows.dataset_versions import MUL, previous_version, read_version, samples_of
from nightdub.flows.night import Books
from nightdub.flows.publish import put
from nightdub.tasks.sound import read_sound

SHOWN = 3  # clips whose spectrogram is drawn: the first of as many speakers
LIMITS = {
    "snr": "an estimate from the sound alone (minimum statistics): speech without pauses reads too low",
    "bandwidth": "the highest frequency within 50 dB of the strongest band: noise up there counts as bandwidth",
    "dnsmos": "what a network says that listeners would think; trained on English calls",
}


def facts_of(books: Books, recipe: Recipe, version: str) -> CardFacts:
    """Return all that a version's card says."""
    parts = read_version(books, version).parts
    samples, excused = samples_of(books, version), _rows(books, parts["dataset.excused"], Excused)
    previous = previous_version(books, recipe, parts["dataset.samples"])
    earlier = read_version(books, previous).parts["dataset.samples"] if previous else ""
    fetch = books.store.fetch
    reader = READERS[recipe.reader]
    return CardFacts(
        name=recipe.name,
        version=version,
        composition=count([*samples, *_rows(books, parts["dataset.variants"], Sample)]),
        rows_in=len(samples) + len(excused),
        excused=dict(Counter(row.code for row in excused)),
        recipe=yaml.safe_dump(msgspec.to_builtins(recipe), sort_keys=False, allow_unicode=True),
        recipe_digest=recipe.digest,
        reader=recipe.reader,
        source=recipe.describes or reader.layout,
        licence=recipe.licence,
        use="commercial use intended" if recipe.commercial else "not for commercial use",
        consent="the recipe asks for none" if recipe.consents == "none needed" else "asked for each speaker: dataset.without_consent",
        lineage="each line names the sha256 of its source recording and the stretch of it; the ledger knows every step between",
        rebuild=(f"nightdub dataset build {recipe.name}", f"nightdub dataset export {recipe.name} FOLDER --version {version[:12]}"),
        previous=previous,
        verdicts=tuple(_verdicts(books, recipe, version)),
        drift=_drift(books, earlier, samples),
        diff=diff(fetch(earlier), fetch(parts["dataset.samples"]), fetch(parts["dataset.excused"])).as_text() if earlier else "",
        notes=tuple(_rows(books, parts["dataset.notes"], str)),
        limits={name: text for name, text in LIMITS.items() if name != "dnsmos" or recipe.filters.dnsmos is not None},
    )


def show_card(books: Books, recipe: Recipe, version: str, places: bytes = b"") -> str:
    """Lay a version's card below `datasets/` in the working folder: Markdown, JSON, a page with pictures. Return the page's path there.

    `places` are the excused rows with their places in the corpus, which no version knows.
    """
    facts = facts_of(books, recipe, version)
    markdown, data = describe(facts)
    folder = Path("datasets") / recipe.name
    with TemporaryDirectory() as scratch:
        pictures = _pictures(books, samples_of(books, version), Path(scratch))
        put(books, folder / "card.html", page(facts, pictures))
    put(books, folder / "card.md", markdown)
    if places:
        put(books, folder / "excused.jsonl", places)
    put(books, folder / "card.json", data)
    return str(folder / "card.html")


def _rows(books: Books, digest: str, kind: type[Any]) -> list[Any]:
    return msgspec.json.Decoder(kind).decode_lines(books.store.get_bytes(digest))


def _verdicts(books: Books, recipe: Recipe, version: str) -> list[Verdict]:
    """Return what the gate said of this version, rule by rule."""
    decision = next((row for row in books.ledger.decisions(recipe.title, MUL) if row.recipe == version), None)
    found = []
    for rule in decision.rules if decision else ():
        outcome: Any = "pass" if rule["outcome"] == "overridden" else rule["outcome"]
        absent = rule["value"] is None
        why = rule["reason"] or (f"does not apply: {rule['not_applicable']}" if absent else "")
        found.append(Verdict(rule["rule"], outcome, rule["value"], "" if absent else rule["unit"], rule["n"], why))
    return found


def _drift(books: Books, earlier: str, samples: list[Sample]) -> str:
    if not earlier:
        return ""
    return "\n".join(f"{row.name}: {row.value:.3f} ({row.statistic})" for row in drift(_rows(books, earlier, Sample), samples))


def _pictures(books: Books, samples: list[Sample], folder: Path) -> dict[str, Path]:
    """Draw the composition, and the spectrograms of the first clip of a few speakers with their pitch."""
    drawn = plots.pictures(count(samples), folder)
    first: dict[str, Sample] = {}
    for row in samples:
        first.setdefault(row.speaker, row)
    for number, row in enumerate(list(first.values())[:SHOWN]):
        sound, rate = read_sound(books.store.fetch(row.sound))
        pitch = extract(sound, rate, ("f0_yin",))["f0_yin"]
        drawn[f"{row.id}, {row.language}: {row.text}"] = plots.spectrogram(sound, rate, pitch, folder / f"clip-{number}.png")
    return drawn
