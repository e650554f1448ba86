"""The sound's steps one after the other: mono, 5.1 and silent films from the source to the deliverables, without the rest of the chain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import lavfi

from nightdub.flows.chain import CHAIN
from nightdub.infra.build import Step
from nightdub.infra.media.header import read_header
from nightdub.infra.work import Bench, Item, Result
from nightdub.tasks.engines.centre_hpss import CentreHpss
from nightdub.tasks.mix import MixFacts
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.rows import Acoustics, Clip, MediaFacts, Placement, Room, Segment, read_rows, write_rows
from nightdub.tasks.stems import SILENT, StemFacts

RATE, SECONDS = 48_000, 6
LINES = [Segment("s0", 1.0, 2.8, "Hello"), Segment("s1", 3.5, 5.0, "Goodbye")]


class Chain:
    """Runs steps in this process; outputs lie in a folder, and a file's digest is its path."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.found, self.made = folder, {}, 0
        self.params: dict[str, Any] = {"sound": msgspec.to_builtins(SoundFigures()), "suffix": ".mkv"}
        self.found: dict[str, Path] = {}

    def has(self, name: str) -> bool:
        return name in self.found

    def digest(self, name: str) -> str:
        return str(self.found[name])

    def path(self, name: str) -> Path:
        return self.found[name]

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        return read_rows(self.found[name], kind)

    def fetch(self, digest: str) -> Path:
        return Path(digest)

    def give(self, name: str, rows: Sequence[object]) -> None:
        self.found[name] = write_rows(self.folder / f"{name}.jsonl", rows)

    def run(self, name: str, engine: object = None) -> list[Item]:
        step: Step = next(step for step in CHAIN if step.name == name)
        self.made += 1
        bench = Bench(self.folder / f"{self.made}-{name}", self.params, engine, self)  # type: ignore[arg-type]
        bench.scratch.mkdir()
        items = step.split(self)
        results = [
            Result(item.id, item.id, {key: str(path) for key, path in done.files.items()}, row=done.row)
            for item, done in zip(items, step.work(items, bench), strict=True)
        ]
        outputs = (
            {key: Path(path) for key, path in results[0].files.items()} if step.join is None else step.join(self, results, bench.scratch)
        )
        self.found |= {f"{name}.{key}": path for key, path in outputs.items()}
        return items


def voice(seconds: float, pitch: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * np.abs(np.sin(2 * np.pi * 2 * time)) * sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9))


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    made = Chain(tmp_path)
    made.give("clean.segments", LINES)
    made.give("fit.placements", [Placement(line.id, line.start, line.end, line.start, line.end) for line in LINES])
    clips = []
    for line in LINES:
        path = tmp_path / f"{line.id}.wav"
        soundfile.write(path, voice(line.end - line.start, 130), RATE, subtype="PCM_16")
        clips.append(Clip(line.id, sound=str(path), duration=line.end - line.start))
    made.give("stretch.clips", clips)
    return made


def film(chain: Chain, dialogue: np.ndarray, bed: np.ndarray) -> None:
    """Give a film with this sound, shape (channels, samples)."""
    soundfile.write(chain.folder / "mix.wav", (dialogue + bed).T, RATE, subtype="PCM_24")
    picture = lavfi(chain.folder / "picture.mp4", "-c:v", "libx264", "-preset", "ultrafast", video=f"color=s=64x64:r=25:d={SECONDS}")
    chain.found["in.source"] = lavfi(
        chain.folder / "film.mkv", "-i", str(picture), "-i", str(chain.folder / "mix.wav"), "-map", "0", "-map", "1", "-c", "copy"
    )
    chain.give("probe.facts", [MediaFacts("mkv", SECONDS, 1, frames=25 * SECONDS, frame_rate="25/1")])


def scene(channels: int, carrier: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    dialogue, length = np.zeros((channels, SECONDS * RATE)), SECONDS * RATE
    for line in LINES:
        first = round(line.start * RATE)
        said = voice(line.end - line.start, 200)
        dialogue[list(carrier), first : first + len(said)] += said
    bed = 0.01 * np.random.default_rng(4).standard_normal((channels, length))
    return dialogue, bed


def run_all(chain: Chain) -> tuple[StemFacts, MixFacts]:
    for name in ("audio", "original", "stems", "acoustics", "place", "mix"):
        chain.run(name, CentreHpss() if name == "stems" else None)
    return chain.rows("stems.facts", StemFacts)[0], chain.rows("mix.facts", MixFacts)[0]


def test_a_five_one_film_with_its_stems_becomes_a_five_one_dub(chain: Chain) -> None:
    dialogue, bed = scene(6, (2, 4))  # in the centre and the left surround alike
    film(chain, dialogue, bed)
    for name, sound in (("music_and_effects", bed), ("dialogue", dialogue)):
        soundfile.write(chain.folder / f"{name}.wav", sound.T, RATE, subtype="PCM_24")
        chain.found[f"in.{name}"] = chain.folder / f"{name}.wav"
    stems, mixed = run_all(chain)
    assert (stems.method, stems.dialogue, stems.warnings) == ("delivered", "delivered", ())
    assert [row.shares for row in chain.rows("acoustics.rows", Acoustics)] == [(0.0, 0.0, 0.5, 0.0, 0.5, 0.0)] * 2
    assert (mixed.channels, mixed.elsewhere, mixed.ducking) == (6, 2, 0.0)
    assert mixed.loudness == pytest.approx(-27, abs=0.1)
    laid = soundfile.read(chain.found["mix.dialogue"])[0]
    assert np.array_equal(laid[:, 2], laid[:, 4])
    assert not laid[:, [0, 1, 3, 5]].any()
    form = [(soundfile.info(chain.found[f"mix.{name}"]).channels, soundfile.info(chain.found[f"mix.{name}"]).subtype) for name in FILES]
    assert form == [(6, "PCM_24")] * 3 + [(2, "PCM_24")]
    assert read_header(chain.found["original.sound"]).sounds[0].channels == 6


FILES = ("programme", "dialogue", "bed", "stereo")


def test_a_mono_film_becomes_a_stereo_dub_and_its_original_stays_mono(chain: Chain) -> None:
    film(chain, *scene(1, (0,)))
    stems, mixed = run_all(chain)
    assert stems.method == "separated:centre-hpss"
    assert (mixed.channels, mixed.ducking) == (2, -9.0)
    assert soundfile.info(chain.found["stems.bed"]).channels == read_header(chain.found["original.sound"]).sounds[0].channels == 1
    assert "mix.stereo" not in chain.found


def test_a_silent_film_has_a_silent_bed_and_says_so(chain: Chain) -> None:
    film(chain, np.zeros((2, SECONDS * RATE)), np.zeros((2, SECONDS * RATE)))
    stems, mixed = run_all(chain)
    assert stems.warnings == (SILENT,)
    assert [row.level for row in chain.rows("acoustics.rows", Acoustics)] == [0.0, 0.0]
    assert not soundfile.read(chain.found["mix.bed"])[0].any()
    assert mixed.loudness == pytest.approx(-27, abs=0.1)  # of the lines that a script named


def test_a_line_is_placed_in_the_rooms_of_its_scene_and_alone(chain: Chain) -> None:
    film(chain, *scene(2, (0, 1)))
    rows = [Acoustics("s0", -20.0, room=Room(0.5, -8.0)), Acoustics("s1", -20.0)]
    chain.give("acoustics.rows", rows)
    items = chain.run("place")
    assert [item.id for item in items] == ["s0"]
    before, after = (chain.rows(name, Clip) for name in ("stretch.clips", "place.clips"))
    assert after[1] == before[1]
    assert after[0] == replace(before[0], sound=after[0].sound, tail=after[0].tail)
    assert after[0].tail == pytest.approx(0.005 + 0.5 * 37 / 60, abs=1e-4)
    moved = Placement("s0", 1.2, 3.0, 1.0, 2.8)
    chain.give("fit.placements", [moved, *chain.rows("fit.placements", Placement)[1:]])
    again = chain.run("place")
    assert [(item.payload, item.blobs) for item in again] == [(item.payload, item.blobs) for item in items]  # it only lies elsewhere


def test_an_acoustics_item_holds_nothing_of_other_lines_but_when_they_begin(chain: Chain) -> None:
    film(chain, *scene(2, (0, 1)))
    for name in ("audio", "stems"):
        chain.run(name, CentreHpss())
    before = chain.run("acoustics")
    chain.give("clean.segments", [LINES[0], replace(LINES[1], text="Farewell", end=4.5)])
    after = chain.run("acoustics")
    assert after[0].payload == before[0].payload
    assert after[1].payload != before[1].payload
