"""2,000 resamples of 10,000 utterances: the paired bootstrap of a word error rate, line by line and by 500 speakers.

The reference is the plain way: one draw of indices and one sum per resample, in a loop over numpy arrays. Memory is that of the draws
alone; all counts of all resamples at once would take 160 MB.

    python benchmarks/bootstrap.py
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from report import emit

from nightdub.quality.compare import contrast
from nightdub.quality.score import Score

LINES, SPEAKERS, RESAMPLES = 10_000, 500, 2000
AIM = 2.0  # seconds


def engines() -> tuple[Score, Score]:
    """Return two engines of 8 % and 8.5 % word errors on lines of 4 to 19 words."""
    rng = np.random.default_rng(0)
    words = rng.integers(4, 20, LINES)
    return engine(rng.binomial(words, 0.085), words), engine(rng.binomial(words, 0.08), words)


def engine(errors: np.ndarray, words: np.ndarray) -> Score:
    counts = np.stack([100.0 * errors, words], axis=1)
    return Score("wer", "%", higher_is_better=False, counts=counts, of=lambda sums: sums[:, 0] / sums[:, 1], engine="")


def plainly(candidate: Score, stable: Score) -> float:
    """Return the spread of the difference, found one resample at a time."""
    rng = np.random.default_rng(1)
    both = np.hstack([candidate.counts, stable.counts])
    found = []
    for _ in range(RESAMPLES):
        sums = both[rng.integers(0, LINES, LINES)].sum(axis=0)
        found.append(sums[0] / sums[1] - sums[2] / sums[3])
    return float(np.std(found))


def timed(work) -> tuple[float, object]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


def main() -> None:
    pair = engines()
    speakers = [f"s{line % SPEAKERS}" for line in range(LINES)]
    seconds, found = min((timed(lambda: contrast("en", *pair, ())) for _ in range(3)), key=lambda one: one[0])
    by_speaker, _ = timed(lambda: contrast("en", *pair, speakers))
    plain, spread = timed(lambda: plainly(*pair))
    tracemalloc.start()
    contrast("en", *pair, ())
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    figures = {"seconds": seconds, "seconds_500_speakers": by_speaker, "seconds_plain_loop": plain, "peak_mb": peak}
    figures |= {"standard_error": found.standard_error, "standard_error_plain": spread}
    emit("bootstrap", figures, seconds / plain, f"under {AIM:.0f} s", met=seconds < AIM)


if __name__ == "__main__":
    main()
