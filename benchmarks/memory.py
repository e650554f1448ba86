"""Similar lines: how long 10,000 lines take against a memory of 100,000, and what its nearest lines are worth beside the embedded engine.

Speed: made-up lines (Zipf, about 8 words); three in ten are in the memory, three in ten have one word changed. The reference compares each
line with every one of the memory, with RapidFuzz over the same strings, for one line in a hundred.

Worth: every recorded prompt that has a human translation is looked for among the other prompts; chrF of the line that was found, and of
apertium's translation, against the human one, by the score of the line.

    python benchmarks/memory.py [lines]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from itertools import pairwise

import sacrebleu
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from report import emit

from nightdub.datasets.prompts import recorded_prompts
from nightdub.tasks.engines.apertium import Apertium
from nightdub.tasks.memory import Memory, normalise
from nightdub.tasks.profile import TranslationFigures

LINES, UNITS, VOCABULARY, SAMPLE = 10_000, 100_000, 20_000, 100
BANDS = (0.65, 0.75, 0.8, 0.85, 1.0)
AIM = 10.0  # seconds of processor time


def material(lines: int) -> tuple[list[str], list[str]]:
    """Return the memory's lines, and those that are looked for."""
    rng = random.Random(7)  # noqa: S311 - made-up words
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(rng.choices(letters, range(26, 0, -1), k=rng.randint(1, 10))) for _ in range(VOCABULARY)]
    weights = [1 / rank for rank in range(1, VOCABULARY + 1)]

    def line() -> str:
        return " ".join(rng.choices(words, weights, k=max(1, round(rng.lognormvariate(2.0, 0.6)))))

    units, asked = [line() for _ in range(UNITS)], []
    for _ in range(lines):
        chance, known = rng.random(), rng.choice(units).split()
        if 0.3 <= chance < 0.6:
            known[rng.randrange(len(known))] = rng.choice(words)
        asked.append(" ".join(known) if chance < 0.6 else line())
    return units, asked


def speed(lines: int, threshold: float) -> dict[str, float]:
    units, asked = material(lines)
    memory = Memory([{"en": unit, "es": unit} for unit in units])
    start = time.process_time()
    memory.search(" ".join(units[0].split()[::-1]), "en", "es", threshold)
    ready = time.process_time()
    found = [memory.search(line, "en", "es", threshold) for line in asked]
    done = time.process_time()
    codes = {word: chr(0x4E00 + at) for at, word in enumerate(dict.fromkeys(word for line in units + asked for word in line.split()))}
    coded, few = (["".join(codes[word] for word in line.split()) for line in texts] for texts in (units, asked[::SAMPLE]))
    began = time.process_time()
    cdist(few, coded, scorer=Levenshtein.normalized_similarity, score_cutoff=threshold)
    every = SAMPLE * (time.process_time() - began)
    return {
        "index_cpu_s": ready - start,
        "search_cpu_s": done - ready,
        "every_line_cpu_s": every,
        "same": sum(match is not None and match.score == 1 for match in found),
        "similar": sum(match is not None and match.score < 1 for match in found),
    }


def worth() -> dict[str, float]:
    """Return by band of the score how many prompts found another one, and the mean chrF of both ways."""
    chrf, said = sacrebleu.CHRF(), recorded_prompts("en")
    rows: list[tuple[float, float, float]] = []
    for target in ("es", "fr", "it"):
        people = recorded_prompts(target)
        names = [name for name in said if name in people]
        plain = {name: normalise(said[name].text) for name in names}
        machine = dict(zip(names, Apertium().translate([said[name].text for name in names], "en", target), strict=True))
        for name in names:
            others = Memory([{"en": said[other].text, target: people[other].text} for other in names if plain[other] != plain[name]])
            if found := others.search(said[name].text, "en", target, BANDS[0]):
                scores = (chrf.sentence_score(text, [people[name].text]).score for text in (found.text, machine[name].text))
                rows.append((found.score, *scores))
    figures: dict[str, float] = {}
    for low, high in pairwise(BANDS):
        band = [row for row in rows if low <= row[0] < high]
        figures |= {
            f"prompts_{low:g}": len(band),
            f"nearer_{low:g}": sum(row[1] > row[2] for row in band),
            f"chrf_{low:g}": statistics.mean(row[1] for row in band),
            f"apertium_chrf_{low:g}": statistics.mean(row[2] for row in band),
        }
    return figures


def main(lines: int) -> None:
    figures = speed(lines, TranslationFigures().nearly)
    seconds = figures["index_cpu_s"] + figures["search_cpu_s"]
    ratio = figures["every_line_cpu_s"] / figures["search_cpu_s"]
    emit(
        "memory",
        {"lines": lines, "units": UNITS} | figures | worth(),
        ratio,
        f"{LINES} lines in under {AIM:g} s of processor time",
        met=seconds < AIM,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else LINES)
