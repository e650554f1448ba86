"""Scripts of 240 recorded prompts with a planted map, with and without a recogniser; then 10,000 lines of another rate in two hours.

Every prompt is looked at once by Silero and heard once by PocketSphinx; programmes are put together from what they found, with pauses of
0.1 to 8 s, and script times that are loose by 0.15 s (standard deviation) at the start and up to 0.5 s late at the end. The reference is
what one rate and one offset for the whole script can do: the best ones over all, found by the same cross-correlation.

    python benchmarks/align.py
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from report import emit

from nightdub.datasets.prompts import VOICES, recorded_prompts
from nightdub.infra.media.raw import g722_to_wav
from nightdub.quality.metrics.script import language_share
from nightdub.tasks.engines.pocketsphinx import Pocketsphinx
from nightdub.tasks.engines.silero import Silero
from nightdub.tasks.match import match_script
from nightdub.tasks.match_evidence import gather_evidence
from nightdub.tasks.match_map import RATES, Curves
from nightdub.tasks.rows import Segment, Utterance, Word
from nightdub.tasks.sound import read_mono
from nightdub.tasks.utterances import find_utterances

LINES, SCENE, NEAR = 240, 40, 0.25  # NEAR: seconds within which a line is where it belongs
AIM = 95.0  # % of the lines


@dataclass(frozen=True)
class Prompt:
    text: str
    speech: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Film:
    lines: list[Segment]
    utterances: list[Utterance]
    words: list[Word]
    length: float


def listen(count: int) -> list[Prompt]:
    """Return prompts as a detector and a recogniser take them."""
    detector, recogniser, found = Silero(), Pocketsphinx(), []
    every = sorted(recorded_prompts("en").items())
    names = [every[at] for at in np.random.default_rng(0).permutation(len(every))[:count]]
    with tempfile.TemporaryDirectory() as scratch:
        for _, prompt in names:
            sound = np.pad(read_mono(g722_to_wav(prompt.path, Path(scratch) / "prompt.wav")), 8000)
            spans = tuple((row.start - 0.5, row.end - 0.5) for row in find_utterances(sound, detector))
            words = recogniser.recognise([sound[8000:-8000]], "en")[0].words
            if spans:
                found.append(Prompt(prompt.text, spans, words))
    return found


def film(prompts: list[Prompt], count: int, seed: int) -> Film:
    rng, at = np.random.default_rng(seed), 3.0
    lines, utterances, words = [], [], []
    for index in range(count):
        prompt = prompts[int(rng.integers(len(prompts)))]
        first, last = at + prompt.speech[0][0] + 0.1, at + prompt.speech[-1][1] - 0.1
        pause = rng.uniform(0.1, 0.5) if rng.random() < 0.5 else float(rng.lognormal(0.8, 0.8))
        start, end = max(0.0, first + rng.normal(0, 0.15)), last + rng.uniform(-0.1, min(0.5, pause))
        lines.append(Segment(f"s{index:05d}", round(start, 3), round(max(end, start + 0.3), 3), prompt.text))
        utterances += [Utterance("", at + one, at + other) for one, other in prompt.speech]
        words += [replace(word, start=at + word.start, end=at + word.end) for word in prompt.words]
        at = last + pause
    return Film(lines, utterances, words, at + 3)


def moved(lines: list[Segment], rate: float, offset: float) -> list[Segment]:
    return [replace(line, start=max(0.0, line.start * rate + offset), end=max(0.1, line.end * rate + offset)) for line in lines]


def plants(heard: Film, other: Film) -> dict[str, list[Segment]]:
    """Return scripts with a known fault each; lines keep their ids, so that their place is known."""
    lines, first = heard.lines, LINES // 3
    cut = lines[first + SCENE].start - lines[first].start
    scene = [replace(line, id=f"x{line.id}") for line in moved(other.lines[:SCENE], 1, lines[first].start)]
    put = scene[-1].end + 1 - lines[first].start
    return {
        "as_it_is": lines,
        "late": moved(lines, 1, 3.2),
        "pal": moved(lines, 25 / 24, 0),
        "scene_less": [*lines[:first], *moved(lines[first + SCENE :], 1, -cut)],
        "scene_more": [*lines[:first], *scene, *moved(lines[first:], 1, put)],
        "gaps": [line for index, line in enumerate(lines) if index % 10],
    }


def right(lines: list[Segment], heard: Film, wanted: list[Segment]) -> float:
    """Return the share of the wanted lines that lie where they belong, in %."""
    true, names = {line.id: line.start for line in heard.lines}, {line.id for line in wanted}
    return (
        100
        * sum(line.id in names and abs(line.start - true[line.id]) <= NEAR for line in lines if line.id in true)
        / len(names & set(true))
    )


def one_map(script: list[Segment], heard: Film) -> list[Segment]:
    """Return the script under the best single rate and offset, by speech alone."""
    curves = Curves(gather_evidence(script, heard.utterances, [], heard.length))
    best = max(
        (
            (float(curve.max()), rate, float(at[curve.argmax()]))
            for rate in map(float, RATES)
            for at, curve in [curves.over(0, len(script), rate)]
        )
    )
    return moved(script, best[1], best[2])


def languages(draws: int = 200, texts: int = 20) -> dict[str, float]:
    """Return the lowest share of a language in its own prompts and the highest in another one's, over draws of a few texts."""
    rng, own, other = np.random.default_rng(5), 100.0, 0.0
    spoken = {language: [prompt.text for prompt in recorded_prompts(language).values()] for language in VOICES}
    for _ in range(draws):
        for language, every in spoken.items():
            drawn = [every[at] for at in rng.permutation(len(every))[:texts]]
            for asked in VOICES:
                share = language_share(drawn, asked)[0]
                if share is not None:
                    own, other = (min(own, share), other) if asked == language else (own, max(other, share))
    return {"own_language_min_%": own, "other_language_max_%": other}


def main() -> None:
    prompts = listen(LINES)
    heard, other = film(prompts, LINES, 1), film(prompts, LINES, 2)
    figures: dict[str, float] = {"lines": LINES, "minutes": heard.length / 60}
    worst, reference = 100.0, 100.0
    for name, script in plants(heard, other).items():
        for words in (False, True):
            found = match_script(script, heard.utterances, heard.words if words else [], heard.length)
            share = right(list(found.lines), heard, script)
            figures[f"{name}_{'words' if words else 'speech'}_%"] = share
            worst = min(worst, share)
        single = right(one_map(script, heard), heard, script)
        figures[f"{name}_one_map_%"] = single
        reference = min(reference, single)
    fits = [match_script(film(prompts, LINES, seed).lines, heard.utterances, [], heard.length).report for seed in range(10, 20)]
    figures |= {"other_films_trusted": sum(row.trusted for row in fits), "other_films_fit_max": max(row.fit for row in fits)}
    figures["own_fit"] = match_script(heard.lines, heard.utterances, [], heard.length).report.fit
    figures |= languages()
    long = film(prompts, 10_000, 3)
    slow = moved(long.lines, 25 / 24, 2)
    started = time.process_time()
    found = match_script(slow, long.utterances, long.words, long.length)
    figures |= {"10k_cpu_s": time.process_time() - started, "10k_hours": long.length / 3600, "10k_%": right(list(found.lines), long, slow)}
    tracemalloc.start()
    match_script(slow, long.utterances, long.words, long.length)
    figures["10k_peak_mb"] = tracemalloc.get_traced_memory()[1] / 1e6
    emit("align", figures, worst / max(reference, 1.0), f"{AIM:g} % of the lines within {NEAR} s in each", met=worst >= AIM)


if __name__ == "__main__":
    main()
