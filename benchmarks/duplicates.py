"""Near-duplicates among 20,000 clips, one in twenty of them a copy at another gain, another sample rate and 50 ms later.

Clips are made of 2,000 syllables in random order, so that all of them share stretches of 0.15 s; a copy counts as found where it is named
as the duplicate of its own original, and every other pair as a false one. Finding is measured at a quarter, half and all of them:
the seconds by the clock, their growth by processor time.

The same with the recorded prompts, whose speakers say many words twice: a pair counts as false where the shorter clip's waveform is not
in the longer one (normalised correlation under 0.7); then all of them beside copies at another gain, at 22,050 Hz, 50 ms later and
with noise at 30 dB.

    python benchmarks/duplicates.py
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import numpy as np
from report import emit

from nightdub.datasets.duplicates import find
from nightdub.datasets.fingerprint import fingerprint
from nightdub.datasets.prompts import VOICES, recorded_prompts
from nightdub.infra.media.raw import G722_RATE, g722_samples
from nightdub.tasks.sound import Samples, resample

CLIPS = 20_000
EVERY = 20  # one clip in so many is a copy
RATE = 16_000
RATES = (8_000, 22_050, 48_000)
SYLLABLES, SYLLABLE = 2000, 0.15  # seconds
SHORTEST, LONGEST = 8, 32  # syllables: 1.2 to 4.8 s
LATER = 0.05  # seconds
MOST_SECONDS = 60.0
MOST_GROWTH = 2.5  # of the seconds a clip from the fewest to the most clips, four times as many: 4 would be quadratic
LEAST_RECALL = 0.99
SAME_WAVE = 0.7
COPY_RATE, NOISE = 22_050, 30.0  # Hz, dB


def syllables(rng: np.random.Generator) -> list[Samples]:
    """Return buzzes through three resonances that glide."""
    made = []
    moments = np.arange(round(SYLLABLE * RATE)) / RATE
    for _ in range(SYLLABLES):
        pitch = np.linspace(*rng.uniform(90, 240, 2), len(moments))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        tracks = [np.linspace(*rng.uniform(low, high, 2), len(moments)) for low, high in ((300, 900), (900, 2200), (2200, 3200))]
        sound = np.zeros(len(moments))
        for order in range(1, 30):
            near = sum(np.exp(-(((order * pitch - track) / 220) ** 2)) for track in tracks)
            sound += (0.02 + near) * np.sin(order * phase)
        made.append((0.05 * sound * rng.choice([0.3, 1.0])).astype(np.float32))
    return made


def rows() -> Iterator[tuple[str, str, float]]:
    """Yield the clips; `COPY-ORIGINAL` is the copy of an earlier one."""
    rng = np.random.default_rng(6)
    parts = syllables(rng)
    spoken: list[Samples] = []
    for number in range(CLIPS):
        if number % EVERY == EVERY - 1:
            original = number - 1 - int(rng.integers(EVERY - 1))
            rate = RATES[number // EVERY % len(RATES)]
            sound = resample(np.pad(spoken[original % EVERY], (round(LATER * RATE), 0)) * np.float32(rng.uniform(0.1, 2.0)), RATE, rate)
            yield f"{number:05}-{original:05}", fingerprint(sound, rate), len(sound) / rate
        else:
            sound = np.concatenate([parts[chosen] for chosen in rng.integers(SYLLABLES, size=rng.integers(SHORTEST, LONGEST))])
            yield f"{number:05}", fingerprint(sound, RATE), len(sound) / RATE
        spoken[number % EVERY : number % EVERY + 1] = [sound]


def recorded() -> dict[str, Samples]:
    """Return the recorded prompts that are in it, by language and name."""
    prompts = {f"{language}/{name}": prompt for language in VOICES for name, prompt in recorded_prompts(language).items()}
    return {name: g722_samples(prompt.path.read_bytes()).astype(np.float32) / 32768 for name, prompt in prompts.items()}


def same_wave(one: Samples, other: Samples) -> float:
    """Return the highest normalised correlation of the shorter clip with a stretch of the longer one."""
    from scipy.signal import fftconvolve

    long, short = (one, other) if len(one) > len(other) else (other, one)
    power = fftconvolve(long.astype(np.float64) ** 2, np.ones(len(short)))
    product = fftconvolve(long.astype(np.float64), short[::-1].astype(np.float64))
    return float(np.max(np.abs(product) / np.sqrt(np.maximum(power, 1e-3) * float((short.astype(np.float64) ** 2).sum()))))


def copy(sound: Samples, seed: int) -> Samples:
    level = np.sqrt(float((sound**2).mean()) / 10 ** (NOISE / 10))
    noisy = sound + np.random.default_rng(seed).normal(size=len(sound)).astype(np.float32) * np.float32(level)
    return resample(np.pad(noisy * np.float32(0.3), (round(LATER * G722_RATE), 0)), G722_RATE, COPY_RATE)


def real() -> dict[str, float | int | str]:
    """Return what is found among the recorded prompts, and among them and a copy of each."""
    clips = recorded()
    lines = [(name, fingerprint(sound, G722_RATE), len(sound) / G722_RATE) for name, sound in clips.items()]
    found = find(lines)
    copies = {f"~{name}": copy(sound, seed) for seed, (name, sound) in enumerate(sorted(clips.items()))}
    both = find([*lines, *((name, fingerprint(sound, COPY_RATE), len(sound) / COPY_RATE) for name, sound in copies.items())])
    kept = {other: first for first, other, _ in both}
    long = [name for name, _, seconds in lines if seconds >= 1]
    short = [name for name, _, seconds in lines if seconds < 1]
    missed = {name for name in clips if kept.get(f"~{name}", f"~{name}") != kept.get(name, name)}
    sound, spent = resample(np.concatenate(list(clips.values())[:50]), G722_RATE, COPY_RATE)[: 3 * COPY_RATE], []
    for _ in range(50):
        began = time.process_time()
        fingerprint(sound, COPY_RATE)
        spent.append(time.process_time() - began)
    return {
        "fingerprint_ms_of_3_s": 1000 * sorted(spent)[len(spent) // 2],
        "real_clips": len(clips),
        "real_pairs": len(found),
        "real_false": ", ".join(f"{one} = {other}" for one, other, _ in found if same_wave(clips[one], clips[other]) < SAME_WAVE),
        "real_recall_from_1_s": 1 - len(missed & set(long)) / len(long),
        "real_recall_under_1_s": 1 - len(missed & set(short)) / len(short),
    }


def main() -> None:
    began = time.perf_counter()
    clips = list(rows())
    made = time.perf_counter() - began
    figures: dict[str, float | int | str] = {"clips": CLIPS, "clip_mean_s": sum(row[2] for row in clips) / CLIPS, "made_and_coded_s": made}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    each, found = {}, []
    for count in (CLIPS // 4, CLIPS // 2, CLIPS):
        began, worked = time.perf_counter(), time.process_time()
        found = find(clips[:count])
        seconds = time.perf_counter() - began
        each[count] = (time.process_time() - worked) / count
        figures |= {f"seconds_{count}": seconds, f"clips_per_s_{count}": count / seconds}
    planted = {name: name[6:] for name, _, _ in clips if len(name) > 5}
    right = sum(planted.get(other) == kept for kept, other, _ in found)
    recall, growth = right / len(planted), each[CLIPS] / each[CLIPS // 4]
    figures |= {"planted": len(planted), "recall": recall, "false": len(found) - right, "growth_of_seconds_a_clip": growth}
    figures["find_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= real()
    met = float(figures[f"seconds_{CLIPS}"]) < MOST_SECONDS and growth < MOST_GROWTH and recall >= LEAST_RECALL and len(found) == right
    aim = (
        f"under {MOST_SECONDS:g} s, {LEAST_RECALL:.0%} of the copies and nothing else, seconds a clip growing less than {MOST_GROWTH}-fold"
    )
    emit("duplicates", figures, growth, aim, met=met)


if __name__ == "__main__":
    main()
