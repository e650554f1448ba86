"""How near WORLD brings eSpeak NG's lines to a person's pitch level, pitch range and formants.

The people are those of the recorded prompts: pitch and formants of each are the medians over their prompts, as in a title. The lines are
Spanish prompts. Errors are the lines' own, measured by `tasks.features` on 16 kHz, before and after.

    python benchmarks/voices.py [lines]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import emit

from nightdub.datasets.prompts import recorded_prompts
from nightdub.infra.media.raw import g722_to_wav
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.engines.world import World
from nightdub.tasks.features import describe
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import Features, Segment, Speaker
from nightdub.tasks.sound import SPEECH_RATE, read_mono, resample
from nightdub.tasks.speakers import assign
from nightdub.tasks.voice import convert_line

LINES = 12
PEOPLE = {"allison": "en", "june": "fr", "carlo": "it"}
PARTS = ("pitch_percent", "range_semitones", "formants_percent")


def character(name: str, language: str, lines: int) -> Speaker:
    """Return a person of the prompts as a title would know them."""
    prompts = sorted(recorded_prompts(language).values(), key=lambda prompt: (-len(prompt.text), prompt.name))[:lines]
    with tempfile.TemporaryDirectory() as scratch:
        sounds = [read_mono(g722_to_wav(prompt.path, Path(scratch) / "prompt.wav")) for prompt in prompts]
    segments = [Segment(str(index), index, index + 1, prompt.text, name) for index, prompt in enumerate(prompts)]
    _, (speaker,) = assign(segments, [describe(sound, SPEECH_RATE, str(index)) for index, sound in enumerate(sounds)])
    return speaker


def errors(heard: Features, speaker: Speaker) -> tuple[float, float, float]:
    """Return the errors of median pitch (%), of its range from the 10th to the 90th percentile (semitones), and of the formants (%)."""
    level = 100 * abs(heard.pitch_median / speaker.pitch_median - 1)
    spread = 12 * abs(float(np.log2(heard.pitch_high / heard.pitch_low) - np.log2(speaker.pitch_high / speaker.pitch_low)))
    formants = 100 * float(np.mean([abs(mine / theirs - 1) for mine, theirs in zip(heard.formants, speaker.formants, strict=True)]))
    return level, spread, formants


def measure(sound: Sound, rate: int, speaker: Speaker) -> tuple[float, float, float] | None:
    """Return a line's errors, or None where it has no voice to measure."""
    heard = describe(resample(sound, rate, SPEECH_RATE), SPEECH_RATE, "")
    return errors(heard, speaker) if heard.pitch_median and heard.formants else None


def main(lines: int) -> None:
    prompts = sorted(recorded_prompts("es").values(), key=lambda prompt: (abs(len(prompt.text) - 60), prompt.name))[:lines]
    espeak, world, figures = Espeak(), World(), {"lines": lines}
    worst, cpu, seconds = 0.0, 0.0, 0.0
    for name, language in PEOPLE.items():
        speaker, found = character(name, language, lines), []
        for spoken in espeak.speak([Request(prompt.text, "es", speaker=speaker) for prompt in prompts]):
            started = time.process_time()
            made = convert_line(spoken.sound, spoken.sample_rate, speaker, world)
            cpu, seconds = cpu + time.process_time() - started, seconds + spoken.sound.size / spoken.sample_rate
            both = [measure(sound, spoken.sample_rate, speaker) for sound in (spoken.sound, made.sound)]
            found += [both] if all(both) else []
        before, after = np.mean(found, axis=0)
        worst = max(worst, float(np.max(after[1:] / before[1:])))
        figures |= {f"{name}_{part}": f"{was:.1f} -> {now:.1f}" for part, was, now in zip(PARTS, before, after, strict=True)}
    emit(
        "voices",
        figures | {"cpu_per_second": cpu / seconds},
        worst,
        "range and formants nearer than they were, for everybody",
        met=worst < 1,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
