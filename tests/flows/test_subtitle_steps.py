"""The steps `marks` and `subtitles` by themselves: what they are given, and the files that they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.flows.chain.subtitles import MARKS, SUBTITLES
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.profile import SubtitleFigures, TranslationFigures
from nightdub.tasks.protocols import Identity, Translated
from nightdub.tasks.rows import FaceTrack, MediaFacts, Placement, Segment, Shot, Speaker, Translation, read_rows, write_rows


@dataclass
class Rows:
    """Inputs of a step as files in a folder; their digest is their name."""

    folder: Path
    params: dict[str, Any]
    held: dict[str, list[Any]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.held

    def digest(self, name: str) -> str:
        return name

    def path(self, name: str) -> Path:
        return write_rows(self.folder / name, self.held[name])

    fetch = path

    def rows(self, name: str, _kind: type[Any]) -> list[Any]:
        return self.held[name]

    def bench(self, engine: object = None) -> Bench:
        scratch = self.folder / f"scratch{len(list(self.folder.iterdir()))}"
        scratch.mkdir()
        return Bench(scratch, self.params, engine, self)  # type: ignore[arg-type]


class Loud:
    """Translates by doubling."""

    def identity(self) -> Identity:
        return Identity("loud", "1")

    def translate(self, texts, source, target, contexts=()):
        return [Translated("", failed="no word for it") if text == "XYZZY" else Translated(f"{text} {text}") for text in texts]


DOOR = Segment("s0000", 0.2, 0.9, "[door slams]", kind="sound")
SIGN = Segment("s0002", 2.0, 4.0, "NO ENTRY", kind="on-screen")
LOST = Segment("s0003", 9.0, 11.0, "XYZZY", kind="on-screen")
LINE = Segment("s0001", 1.5, 3.0, "Who is there?", "ANNA")


@pytest.fixture
def inputs(tmp_path: Path) -> Rows:
    params = {
        "source": "en",
        "target": "es",
        "translation": msgspec.to_builtins(TranslationFigures()),
        "subtitles": msgspec.to_builtins(SubtitleFigures()),
    }
    said = Translation("s0001", "¿Quién?", "memory")
    return Rows(
        tmp_path,
        params,
        {
            "match.marks": [DOOR, SIGN, LOST],
            "cast.segments": [LINE],
            "cast.corrections": [],
            "translate.lines": [Translation("s0001", "¿Quién está ahí?", "memory")],
            "revise.lines": [said],
            "fit.placements": [Placement("s0001", 2.6, 3.9, 1.5, 3.0)],
            "cast.speakers": [Speaker("ANNA", ("s0001",), named=True)],
            "faces.tracks": [FaceTrack("s0000", skipped="no-face")],
            "shots.shots": [Shot("s0000", 0, 500)],
            "probe.facts": [MediaFacts("mp4", 20.0, 1, frame_rate="25/1")],
        },
    )


def marks(inputs: Rows) -> list[Translation]:
    items = MARKS.split(inputs)
    made = MARKS.work(items, inputs.bench(Loud()))
    results = [
        Result(item.id, item.id, row=done.row, failed={"what": done.failed} if done.failed else None, engine="loud")
        for item, done in zip(items, made, strict=True)
    ]
    assert MARKS.join is not None
    return read_rows(MARKS.join(inputs, results, inputs.folder)["lines"], Translation)


def subtitles(inputs: Rows) -> Done:
    (item,) = SUBTITLES.split(inputs)
    (done,) = SUBTITLES.work([item], inputs.bench())
    return done


def test_every_mark_has_a_row_and_a_lost_one_its_cause(inputs: Rows) -> None:
    assert [(line.segment, line.text, line.failed) for line in marks(inputs)] == [
        ("s0000", "[portazo]", ""),
        ("s0002", "NO ENTRY NO ENTRY", ""),
        ("s0003", "", "no word for it"),
    ]


def test_a_mark_s_item_holds_nothing_of_its_place(inputs: Rows) -> None:
    before: list[Item] = MARKS.split(inputs)
    inputs.held["match.marks"] = [Segment("s9", 99, 100, mark.text, kind=mark.kind) for mark in (DOOR, SIGN, LOST)]
    assert [item.payload for item in MARKS.split(inputs)] == [item.payload for item in before]


def test_every_set_is_written_in_every_format(inputs: Rows) -> None:
    inputs.held["marks.lines"] = marks(inputs)
    files = subtitles(inputs).files
    sets = ("", "translated.", "forced.", "sdh.")
    assert set(files) == {f"{name}{form}" for name in sets for form in ("srt", "vtt", "ttml")} | {"cues", "film.srt"}
    text = {name: path.read_text() for name, path in files.items()}
    assert text["srt"] == ("1\n00:00:02,000 --> 00:00:04,000\n{\\an8}NO ENTRY NO ENTRY\n\n2\n00:00:02,600 --> 00:00:03,920\n¿Quién?\n")
    assert "00:00:01,520 --> 00:00:03,000\n¿Quién está ahí?" in text["translated.srt"]
    assert text["forced.srt"] == "1\n00:00:02,000 --> 00:00:04,000\nNO ENTRY NO ENTRY\n"
    assert "[portazo]" in text["sdh.srt"]
    assert "[Anna] ¿Quién?" in text["sdh.srt"]
    assert "an8" not in text["film.srt"]


def test_without_a_script_there_are_the_lines_alone(inputs: Rows) -> None:
    del inputs.held["match.marks"]
    files = subtitles(inputs).files
    assert not [name for name in files if name.startswith("forced")]
    assert "¿Quién?" in files["srt"].read_text()


def test_the_same_inputs_make_the_same_bytes(inputs: Rows) -> None:
    inputs.held["marks.lines"] = marks(inputs)
    one, other = ({name: path.read_bytes() for name, path in subtitles(inputs).files.items()} for _ in range(2))
    assert one == other
