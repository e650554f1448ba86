"""One changed line of 500: what the second night computes, as a share of what the first did.

A film of 500 recorded lines by two voices, with script, memory and clean bed, goes through the embedded engines into one language, at
160x120 so that the picture does not hide the speech. Then one line of the script is rewritten. Compute is the processor time of all
items as the ledger keeps it; starting the pool and keeping the books are the wall times' difference.

    python benchmarks/edit.py [lines]
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from report import emit

from nightdub.datasets.prompts import Prompt, recorded_prompts
from nightdub.flows.night import Books, load_catalogue, load_houses, open_books, open_night
from nightdub.flows.plan import make_plan
from nightdub.flows.recipe import FileDigests
from nightdub.flows.title import Outcome, localise, perceive
from nightdub.infra.build import read_manifest
from nightdub.infra.media.ffmpeg import FrameWriter
from nightdub.infra.media.mux import AudioTrack, mux
from nightdub.infra.media.raw import g722_to_wav
from nightdub.infra.settings import load_settings
from nightdub.tasks.sound import read_mono, resample, write_sound

if TYPE_CHECKING:
    from nightdub.infra.ledger import CostLine

LINES = 500
LONGEST = 2.2  # seconds of a recording
G722_BYTES = 8000  # a second
PAUSE = 0.3  # seconds after each line
RATE, FRAME_RATE = 48_000, 25
WIDTH, HEIGHT = 160, 120
SHOT = 4  # seconds
VOICES = {"Alice": 1.0, "Bruno": 0.85}  # speaker -> speed and pitch at which her or his recordings are played
REWRITTEN = "Please listen again to every message."  # the memory has no such line
AIM = 0.03
PROFILE = """
name: edit
policy: preview
commercial: false
engines:
  voice_activity: [{name: silero}]
  align: [{name: pocketsphinx-align}]
  separate: [{name: centre-hpss}]
  translate: [{name: apertium}]
  speak: [{name: espeak-ng}]
  convert: [{name: world}]
  faces: [{name: haar}]
  lips: [{name: mouth-warp}]
picture: {preset: ultrafast, smallest_face: 32}
"""

Sound = npt.NDArray[np.float32]


# ---------------------------------------------------------------- material


@dataclass(frozen=True, slots=True)
class Line:
    """A recording laid into the film."""

    start: float
    end: float
    speaker: str
    text: str
    sound: Sound


def prepare(home: Path, lines: int) -> Path:
    """Write the film, what is delivered with it, and its catalogue; return the catalogue's path."""
    folder = home / "catalogue"
    (home / "profiles").mkdir()
    folder.mkdir()
    (home / "profiles/edit.yaml").write_text(PROFILE)
    said = list(lay_out(lines))
    length = round((said[-1].end + 1) * FRAME_RATE) / FRAME_RATE
    dialogue = np.zeros((2, round(length * RATE)), np.float32)
    for line in said:
        first = round(line.start * RATE)
        dialogue[:, first : first + len(line.sound)] += line.sound
    bed = 0.002 * np.random.default_rng(0).standard_normal(dialogue.shape).astype(np.float32)
    write_sound(folder / "bed.wav", bed, RATE)
    write_film(folder, dialogue + bed, round(length * FRAME_RATE))
    write_script(folder, said)
    write_memory(folder, said)
    catalogue = folder / "catalogue.csv"
    columns = "id,source,language,targets,script,memory,music_and_effects,profile"
    catalogue.write_text(f"{columns}\nfilm,film.mp4,en,es,script.vtt,memory.csv,bed.wav,edit\n")
    return catalogue


def lay_out(lines: int) -> Iterator[Line]:
    """Yield so many lines, each of them once: the short recordings by the first voice, then by the second."""
    spoken = {prompt.text: prompt for prompt in recorded_prompts("en").values() if prompt.path.stat().st_size < LONGEST * G722_BYTES}
    chosen = [(speaker, prompt) for speaker in VOICES for prompt in spoken.values()][:lines]
    if len(chosen) < lines:
        raise SystemExit(f"only {len(chosen)} lines of recordings")
    start = 0.5
    for speaker, prompt in chosen:
        sound = recording(prompt, VOICES[speaker])
        yield Line(start, start + len(sound) / RATE, speaker, prompt.text, sound)
        start = round(start + len(sound) / RATE + PAUSE, 2)


def recording(prompt: Prompt, speed: float) -> Sound:
    """Return a recording at 48 kHz and at one level, without the silence around it, played at a speed."""
    with tempfile.TemporaryDirectory() as scratch:
        sound = read_mono(g722_to_wav(prompt.path, Path(scratch) / "prompt.wav"))
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    sound = resample(sound[loud[0] : loud[-1] + 1], round(16_000 * speed), RATE)
    return (sound * (0.08 / float(np.sqrt(np.mean(sound**2))))).astype(np.float32)


def write_film(folder: Path, mix: Sound, frames: int) -> None:
    """Write the film: a face and a cup in turns."""
    face, cup = skimage.data.astronaut()[20:260, 64:384, ::-1], skimage.data.coffee()[..., ::-1]
    pictures = [cv2.resize(np.ascontiguousarray(picture), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for picture in (face, cup)]
    with tempfile.TemporaryDirectory() as scratch:
        picture, sound = Path(scratch) / "picture.mp4", Path(scratch) / "mix.wav"
        with FrameWriter(picture, WIDTH, HEIGHT, f"{FRAME_RATE}/1", crf=20, preset="ultrafast") as writer:
            for frame in range(frames):
                writer.write(pictures[frame // (SHOT * FRAME_RATE) % 2])
        write_sound(sound, mix, RATE)
        mux(picture, [AudioTrack(sound, "eng", "English", default=True)], [], folder / "film.mp4")


def write_script(folder: Path, said: list[Line]) -> None:
    cues = [f"{stamp(line.start)} --> {stamp(line.end)}\n<v {line.speaker}>{line.text}" for line in said]
    (folder / "script.vtt").write_text("WEBVTT\n\n" + "\n\n".join(cues) + "\n")


def stamp(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    return f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def write_memory(folder: Path, said: list[Line]) -> None:
    """Write the people's translations, where there is one: the others are translated by the engine."""
    english, spanish = recorded_prompts("en"), recorded_prompts("es")
    texts = {line.text for line in said}
    rows = [(prompt.text, spanish[name].text) for name, prompt in english.items() if name in spanish and prompt.text in texts]
    with (folder / "memory.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("en", "es"), *rows])


def rewrite(script: Path) -> str:
    """Rewrite one line in the middle of the script and return what it was."""
    cues = script.read_text().split("\n\n")
    middle = len(cues) // 2
    times, text = cues[middle].split("\n")
    cues[middle] = f"{times}\n{text[: text.index('>') + 1]}{REWRITTEN}"
    script.write_text("\n\n".join(cues))
    return text


# ---------------------------------------------------------------- the two nights


@dataclass(frozen=True, slots=True)
class Night:
    """What a night took."""

    wall: float
    outcome: Outcome
    costs: list[CostLine]

    @property
    def cpu(self) -> float:
        return sum(line.cpu for line in self.costs)

    @property
    def made(self) -> int:
        return sum(line.built for line in self.costs)


def night(books: Books, catalogue: Path) -> Night:
    """Build what is missing, as the flow does."""
    started = time.perf_counter()
    listed = load_catalogue(books.settings, catalogue)
    houses, digests = load_houses(books.settings, listed), FileDigests(books.ledger)
    (planned,) = make_plan(listed.titles, houses, books.ledger, digests)
    run = books.ledger.start_run("benchmark", {})
    with open_night(books, houses, digests, run) as pool:
        outcome = localise(pool, planned, perceive(pool, planned))
    if outcome.state not in ("released", "held"):
        raise SystemExit(f"{outcome.state}: {outcome.reasons}")
    return Night(time.perf_counter() - started, outcome, books.ledger.costs(run))


def objects(books: Books, outcome: Outcome) -> tuple[int, int, int]:
    """Return how many objects the title's own steps put, its language's steps without their lines, and the files of its lines."""
    found: set[str] = set()
    counts = [0, 0, 0]
    for language in ("", outcome.language):
        heads = books.ledger.heads(outcome.title, language)
        for job in books.ledger.jobs(heads.values()).values():
            manifest = read_manifest(books.store, job.manifest)
            files = {digest for item in manifest.items for digest in item.files.values()} - set(manifest.outputs.values()) - found
            kept = {job.manifest, *manifest.outputs.values()} - found
            found |= files | kept
            counts[bool(language)] += len(kept)
            counts[2 if language else 0] += len(files)
    return counts[0], counts[1], counts[2]


def main(lines: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        catalogue = prepare(home, lines)
        with open_books(load_settings(home=home, profiles=home / "profiles")) as books:
            full = night(books, catalogue)
            title, language, of_lines = objects(books, full.outcome)
            rewrite(catalogue.parent / "script.vtt")
            edit = night(books, catalogue)
    share = edit.cpu / full.cpu
    figures: dict[str, float | int | str] = {
        "lines": lines,
        "full_cpu_s": full.cpu,
        "edit_cpu_s": edit.cpu,
        "full_items": full.made,
        "edit_items": edit.made,
    }
    figures |= {"full_wall_s": full.wall, "edit_wall_s": edit.wall}
    figures |= {"title_objects": title, "language_objects": language, "objects_of_a_line": of_lines / lines}
    figures["objects_1500_lines_5_languages"] = round(title + 5 * (language + 1500 * of_lines / lines))
    dearest = sorted(edit.costs, key=lambda line: -line.cpu)[:4]
    figures["edit_dearest"] = ", ".join(f"{line.step} {line.cpu:.2f} s of {line.built} made" for line in dearest)
    emit("edit", figures, share, f"under {AIM:.0%} of the full night's compute", met=share < AIM)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else LINES)
