"""Two hours with 1,500 lines: the mix against a plain streaming sum of the same sounds, and against overlaying line by line in memory.

The sum adds lines that are already at 48 kHz, without resampling, levels, loudness, ducking or true peak, and writes what the mix
writes: programme, dialogue and bed in 24 bits. `one_file` is the least that any mix can do: the programme alone, in 16 bits, a quarter
of the bytes. Each side runs in a process of its own (its peak memory is that process's) and they take turns, so that a machine that
grows busier counts for both. A quarter of the time is mixed in 5.1, with its stereo fold. The overlay runs on ten minutes: two hours of
it would not end here.

    python benchmarks/mix.py [minutes]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile
import soxr
from report import emit

from nightdub.tasks.mix import mix_programme
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.rows import Acoustics, Placement

RATE, SPOKEN_RATE = 48_000, 22_050  # Hz of the programme, and of what espeak-ng says
MINUTES, LINES = 120, 1500
VOICES = 25  # different lines, said over and over
FIVE = 0.25  # of the time, mixed in 5.1: its files are three times as large
OVERLAY_MINUTES = 10
TURNS = 2
BLOCK = 10 * RATE
AIM, MEMORY = 2.0, 200  # times the sum; MB

TEXT = "the quick brown fox jumps over a lazy dog near the river bank while seven wise men watch from a distance and say nothing"


# ---------------------------------------------------------------- material


def prepare(folder: Path, minutes: float) -> None:
    """Make the lines at both rates, a bed of `minutes`, and a 5.1 bed of a quarter of it."""
    for voice in range(VOICES):
        said = folder / f"{voice}-spoken.wav"
        text = " ".join(TEXT.split()[voice % 12 : voice % 12 + 6 + voice // 5])
        subprocess.run(["espeak-ng", "-s", str(150 + 2 * voice), "-w", str(said), text], check=True)
        sound, rate = soundfile.read(said)
        soundfile.write(folder / f"{voice}-48k.wav", np.clip(soxr.resample(sound, rate, RATE), -1, 1), RATE, subtype="PCM_16")
    scene = _scene()
    for name, channels, share in (("me", (0, 1), 1.0), ("five-me", (0, 1, 0, 1, 1, 0), FIVE)):
        with soundfile.SoundFile(folder / f"{name}.wav", "w", RATE, len(channels), "PCM_16") as bed:
            for block in range(round(minutes * share * 6)):
                bed.write(scene[:, channels] * (0.3 + 0.7 * abs(np.sin(0.7 * block))))


def _scene() -> np.ndarray:
    """Return ten seconds of wind-like noise and a chord, in stereo."""
    rng, times = np.random.default_rng(0), np.arange(BLOCK) / RATE
    spectrum = np.fft.rfft(rng.standard_normal((BLOCK, 2)), axis=0)
    wind = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 30)[:, None], BLOCK, axis=0)
    chord = sum(np.sin(2 * np.pi * pitch * times) for pitch in (110.0, 220.0, 277.2, 329.6))
    return (0.03 * wind / wind.std() + 0.01 * np.stack([chord, chord], axis=1)).astype(np.float32)


def placed(folder: Path, minutes: float) -> list[tuple[Placement, int]]:
    """Return where each line lies, and which voice says it."""
    count = round(LINES * minutes / MINUTES)
    lengths = [soundfile.info(folder / f"{voice}-spoken.wav").duration for voice in range(VOICES)]
    starts = [0.2 + index * minutes * 60 / count for index in range(count)]
    return [
        (Placement(f"s{index}", start, start + lengths[index % VOICES], start, start), index % VOICES) for index, start in enumerate(starts)
    ]


# ---------------------------------------------------------------- the three sides


def mix(folder: Path, minutes: float, bed: str = "me.wav") -> None:
    """Mix with everything: levels, ducking, loudness, true peak, and three files in 24 bits."""
    lines = placed(folder, minutes)
    sounds = {place.segment: folder / f"{voice}-spoken.wav" for place, voice in lines}
    original = {place.segment: Acoustics(place.segment, -20.0 - voice / 5) for place, voice in lines}
    facts = mix_programme(
        [place for place, _ in lines],
        sounds,
        folder / bed,
        folder,
        figures=SoundFigures(),
        clean_bed=False,
        original=original,
        total_samples=round(minutes * 60 * RATE),
    )
    assert facts.loudness is not None
    assert abs(facts.loudness + 27) < 0.2


def five(folder: Path, minutes: float) -> None:
    """Mix 5.1 with everything, and its stereo."""
    mix(folder, minutes * FIVE, "five-me.wav")


def one_file(folder: Path, minutes: float) -> None:
    """Add the lines to the bed block by block and write the programme in 16 bits."""
    block_sum(folder, minutes, ("programme",), "PCM_16")


def block_sum(folder: Path, minutes: float, names: tuple[str, ...] = ("programme", "dialogue", "bed"), subtype: str = "PCM_24") -> None:
    """Add the lines to the bed block by block and write what the mix writes."""
    with ExitStack() as stack:
        bed = stack.enter_context(soundfile.SoundFile(folder / "me.wav"))
        files = [stack.enter_context(soundfile.SoundFile(folder / f"{name}.wav", "w", RATE, 2, subtype)) for name in names]
        coming, held = _at_48k(folder, minutes), []
        following = next(coming, None)
        for start in range(0, bed.frames, BLOCK):
            block = bed.read(min(BLOCK, bed.frames - start), dtype="float32")
            while following is not None and following[0] < start + len(block):
                held.append((following[0], soundfile.read(following[1], dtype="float32")[0]))
                following = next(coming, None)
            speech = np.zeros_like(block) if len(files) > 1 else block  # one file: the lines go into the bed itself
            for at, sound in held:
                first, last = max(at, start), min(at + len(sound), start + len(block))
                speech[first - start : last - start] += sound[first - at : last - at, None]
            held = [(at, sound) for at, sound in held if at + len(sound) > start + len(block)]
            for file, written in zip(files, (block + speech, speech, block) if len(files) > 1 else (block,), strict=True):
                file.write(written)


def overlay(folder: Path, minutes: float) -> None:
    """Overlay line by line in memory as pydub does: the whole programme is copied for every line."""
    programme = soundfile.read(folder / "me.wav", dtype="int16", frames=round(minutes * 60 * RATE))[0]
    for at, path in _at_48k(folder, minutes):
        sound = soundfile.read(path, dtype="int16")[0][:, None].astype(np.int32)
        under = programme[at : at + len(sound)]
        summed = np.clip(under + sound[: len(under)], -32768, 32767).astype(np.int16)
        programme = np.concatenate([programme[:at], summed, programme[at + len(sound) :]])
    soundfile.write(folder / "overlaid.wav", programme, RATE, subtype="PCM_16")


def _at_48k(folder: Path, minutes: float) -> Iterator[tuple[int, Path]]:
    for place, voice in placed(folder, minutes):
        yield round(place.start * RATE), folder / f"{voice}-48k.wav"


# ---------------------------------------------------------------- measuring


SIDES = {"mix": mix, "sum": block_sum, "one_file": one_file, "five": five, "overlay": overlay}


def alone(side: str, folder: Path, minutes: float) -> dict[str, float]:
    """Run one side in a process of its own; return its wall and CPU seconds and its peak memory in MB, imports left out of the times."""
    command = [sys.executable, __file__, side, str(folder), str(minutes)]
    figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for made in ("programme", "dialogue", "bed", "stereo", "overlaid"):
        (folder / f"{made}.wav").unlink(missing_ok=True)
    return {name: float(value) for name, value in figures.items()}


def measure(side: str, folder: Path, minutes: float) -> None:
    """Be that process."""
    wall, cpu = time.perf_counter(), time.process_time()
    SIDES[side](folder, minutes)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": _peak()}))


def _peak() -> float:
    """Return this process's peak memory in MB; getrusage would count its parent's too, from before the exec."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder, minutes)
        turns = [(alone("sum", folder, minutes), alone("mix", folder, minutes)) for _ in range(TURNS)]
        short = min(OVERLAY_MINUTES, minutes)
        single, surround, over = alone("one_file", folder, minutes), alone("five", folder, minutes), alone("overlay", folder, short)
    plain, ours = (min((turn[side] for turn in turns), key=lambda run: run["wall"]) for side in (0, 1))
    ratio = ours["wall"] / plain["wall"]
    memory = max(*(turn[1]["memory"] for turn in turns), surround["memory"])
    figures: dict[str, float | int | str] = {
        "minutes": minutes,
        "lines": round(LINES * minutes / MINUTES),
        "mix_s": ours["wall"],
        "mix_cpu_s": ours["cpu"],
        "mix_mb": memory,
        "sum_s": plain["wall"],
        "sum_cpu_s": plain["cpu"],
        "sum_mb": plain["memory"],
        "cpu_ratio": ours["cpu"] / plain["cpu"],
        "one_file_s": single["wall"],
        "one_file_cpu_s": single["cpu"],
        "five_minutes": minutes * FIVE,
        "five_s": surround["wall"],
        "five_mb": surround["memory"],
        "overlay_minutes": short,
        "overlay_s": over["wall"],
        "overlay_mb": over["memory"],
    }
    emit(
        "mix",
        figures,
        ratio,
        f"at most {AIM} times the block sum that writes the same files, under {MEMORY} MB",
        met=ratio <= AIM and memory < MEMORY,
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) == 2 else MINUTES)
