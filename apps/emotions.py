"""`nightdub dataset select`, `learn` and `explain`: does a selection pay, what does a network hear, and why."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nightdub.apps.screen import print_json, print_line
from nightdub.datasets.emotion import files
from nightdub.datasets.emotion.explain import explain
from nightdub.datasets.emotion.learn import learn
from nightdub.datasets.readers import read_corpus
from nightdub.datasets.recipe import read_recipe
from nightdub.datasets.rows import SourceClip
from nightdub.flows.selection import compare, show_comparison
from nightdub.tasks.sound import read_sound, to_mono


def show_selection(recipe: str, seeds: int, share: float, *, as_json: bool) -> int:
    """Print what trainings on all clips, on selected ones and after a random drop came to."""
    found = compare(_corpus(recipe), seeds=seeds, share=share) if recipe else show_comparison(seeds=seeds, share=share)
    if as_json:
        rows = msgspec.to_builtins(found.arms), {" - ".join(pair): values for pair, values in found.differences.items()}
        print_json({"arms": rows[0], "differences": rows[1], "seeds": found.seeds, "tested": found.tested, "found": found.found})
    else:
        print_line(found.as_text())
    return 0


def learn_network(recipe: str, to: Path, *, as_json: bool) -> int:
    """Train a network and print how right it is."""
    trained = learn(_corpus(recipe), corpus=read_recipe(recipe)[0].name)
    files.save(trained, to)
    if as_json:
        print_json(trained.about)
        return 0
    print_line(f"{to}: {', '.join(trained.labels)}")
    for name, value in trained.about.figures.items():
        print_line(f"  {name} {value:.4g}")
    if trained.stand_in:
        print_line(f"a stand-in: {trained.stand_in}", "yellow")
    return 0


def explain_label(network: Path, sound: Path, to: Path, *, as_json: bool) -> int:
    """Label a sound and write why."""
    samples, rate = read_sound(sound)
    found = explain(to_mono(samples), rate, files.load(network), to)
    if as_json:
        print_json(found)
        return 0
    print_line(f"{sound}: {found.label} ({found.probabilities[found.label]:.0%})")
    for row in found.attended:
        times = ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in row.stretches) or "nothing"
        print_line(f"  {row.map}: {times}; {to / row.picture}")
    if found.stand_in:
        print_line(f"a stand-in: {found.stand_in}", "yellow")
    return 0


def _corpus(recipe: str) -> list[SourceClip]:
    """Return the clips of a recipe's corpus; what it excuses is not learned from."""
    declared, folder = read_recipe(recipe)
    return [row for row in read_corpus(declared.reader, folder, declared.options) if isinstance(row, SourceClip)]
