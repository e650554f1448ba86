"""Word errors and translation scores of 10,000 lines, against calling jiwer and sacreBLEU for the same totals.

Ours counts each line (worst lines, alignments) and makes the text comparable; the references get texts that are comparable already, and
give one number each. Sides take turns; the best turn of each counts. Intervals are timed by themselves.

    python benchmarks/words.py [lines]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from unittest.mock import patch

import jiwer
import sacrebleu
from report import emit

from nightdub.quality.metrics import translation, words
from nightdub.quality.metrics.normalise import comparable
from nightdub.quality.metrics.pairs import TextPair

LINES, TURNS, AIM = 10_000, 3, 1.1
VOCABULARY = 5_000
CLEANING = jiwer.Compose(
    [jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.RemoveMultipleSpaces(), jiwer.Strip(), jiwer.ReduceToListOfListOfWords()]
)  # what jiwer offers where ours makes texts comparable
NUMBERS = "twenty one", "1990", "3,000", "two hundred"


def material(lines: int) -> list[TextPair]:
    """Return lines of 4 to 24 words (Zipf), one word in eight wrong, with capitals, commas, full stops, and a number in one of ten."""
    rng = random.Random(7)  # noqa: S311 - made-up words
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    made = ["".join(rng.choices(letters, range(26, 0, -1), k=rng.randint(1, 10))) for _ in range(VOCABULARY)]
    weights = [1 / rank for rank in range(1, VOCABULARY + 1)]
    pairs = []
    for index in range(lines):
        said = rng.choices(made, weights, k=rng.randint(4, 24))
        if rng.random() < 0.1:
            said[rng.randrange(len(said))] = rng.choice(NUMBERS)
        heard = [rng.choice(made) if rng.random() < 0.125 else word for word in said]
        pairs.append(TextPair(str(index), _written(said, rng), _written(heard, rng)))
    return pairs


def _written(said: Sequence[str], rng: random.Random) -> str:
    return " ".join(word + ("," if rng.random() < 0.1 else "") for word in said).capitalize() + "."


def clear_caches() -> None:
    """Empty what sacreBLEU remembers of texts, so that no side profits from the other's turn."""
    for tokeniser in (sacrebleu.BLEU().tokenizer, sacrebleu.TER().tokenizer):
        for part in (tokeniser, getattr(tokeniser, "_post_tokenizer", tokeniser)):
            type(part).__call__.cache_clear()


def timed(side: Callable[[], object]) -> float:
    clear_caches()
    start = time.perf_counter()
    side()
    return time.perf_counter() - start


def turns(sides: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return each side's best time in seconds, sides taking turns."""
    runs = [{name: timed(side) for name, side in sides.items()} for _ in range(TURNS)]
    return {name: min(run[name] for run in runs) for name in sides}


def main(lines: int) -> None:
    pairs = material(lines)
    references, hypotheses = [pair.reference for pair in pairs], [pair.hypothesis for pair in pairs]
    plain = [comparable(text, "en") for text in references], [comparable(text, "en") for text in hypotheses]
    ready = [text.split() for text in plain[0]], [text.split() for text in plain[1]]
    names = [pair.id for pair in pairs]

    def ours_wer() -> object:
        return words.error_rate("words.wer", words.align(names, *ready), "")

    def ours_bleu() -> object:
        return translation._score("translation.bleu", "BLEU", sacrebleu.BLEU(), hypotheses, references, translation.bleu_of)

    def ours_chrf() -> object:
        return translation._score("translation.chrf", "chrF", sacrebleu.CHRF(), hypotheses, references, translation.chrf_of)

    with patch.object(words, "ratio_interval", lambda *_: None), patch.object(translation, "resampled_sums", lambda *_: None):
        best = turns(
            {
                "wer": ours_wer,
                "jiwer": lambda: jiwer.process_words(list(plain[0]), list(plain[1])),
                "jiwer_cleaning": lambda: jiwer.process_words(references, hypotheses, CLEANING, CLEANING),
                "bleu": ours_bleu,
                "sacrebleu": lambda: sacrebleu.BLEU().corpus_score(hypotheses, [references]),
                "chrf": ours_chrf,
                "sacrebleu_chrf": lambda: sacrebleu.CHRF().corpus_score(hypotheses, [references]),
                "comparable": lambda: [comparable(text, "en") for text in (*references, *hypotheses)],
            }
        )
    whole = turns({"wer": ours_wer, "bleu": ours_bleu})
    ratios = {"wer": best["wer"] / best["jiwer"], "bleu": best["bleu"] / best["sacrebleu"], "chrf": best["chrf"] / best["sacrebleu_chrf"]}
    figures: dict[str, float | int | str] = {"lines": lines}
    figures |= {f"{name}_s": seconds for name, seconds in best.items()}
    figures |= {f"{name}_ratio": ratio for name, ratio in ratios.items()}
    figures |= {f"{name}_interval_s": whole[name] - best[name] for name in whole}
    figures["wer_cleaning_ratio"] = (best["wer"] + best["comparable"]) / best["jiwer_cleaning"]
    figures["wer_lines_per_s"] = lines / (best["wer"] + best["comparable"])
    figures["bleu_lines_per_s"] = lines / best["bleu"]
    worst = max(ratios.values())
    emit("words", figures, worst, f"at most {AIM} times jiwer and sacreBLEU called alone", met=worst <= AIM)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else LINES)
