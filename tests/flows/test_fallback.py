"""A line that breaks its own rules is made by the next engine, twice at most; which were tried goes with it to the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from nightdub.flows.chain import CHAIN
from nightdub.flows.chain.speech import _joined_clips
from nightdub.infra.store import open_store
from nightdub.infra.work import EngineLink, Item, Order, Result, fill
from nightdub.quality.metrics.account import account_measurements, make_account
from nightdub.quality.policy import read_policy
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.protocols import Request, Sound, Spoken
from nightdub.tasks.rows import Clip, Segment, Speaker, Translation, read_rows
from nightdub.tasks.sound import read_mono

RATE = 16_000
SPEAK = next(step for step in CHAIN if step.name == "speak")


@dataclass
class Actor:
    """An engine that makes one kind of sound; those that are good speak in the voice of a buzz that fades."""

    kind: str

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        return [Spoken(self._sound(request), RATE) for request in requests]

    def _sound(self, request: Request) -> Sound:
        t = np.arange(round(1.5 * RATE)) / RATE
        voice = 0.5 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 8)) / 2 * np.clip((1.5 - t) / 0.05, 0, 1)
        if self.kind == "clips" or (self.kind == "clips twice" and request.text == "dos"):
            return np.clip(20 * voice, -1, 1).astype(np.float32)
        if self.kind == "hisses":
            return np.random.default_rng(1).uniform(-0.3, 0.3, t.size).astype(np.float32) * (t < 1.49)
        return voice.astype(np.float32)


def act(verb: str, name: str, settings: dict[str, Any]) -> Actor:
    return Actor(name)


def speak(folder: Path, chain: Sequence[str], texts: Sequence[str] = ("uno",)) -> list[Result]:
    lines = [Translation("", text, "memory", estimate=1.5, slot=1.5) for text in texts]
    payloads = [{"line": msgspec.to_builtins(line), "speaker": msgspec.to_builtins(Speaker("", ()))} for line in lines]
    items = tuple(Item(f"s{index}", payload) for index, payload in enumerate(payloads))
    params = {
        "target": "es",
        "fit": msgspec.to_builtins(FitFigures()),
        "line_rules": msgspec.to_builtins(read_policy("preview").line_rules),
    }
    links = tuple(EngineLink("speak", name) for name in chain)
    return fill(Order(SPEAK.work, items, tuple(item.id for item in items), params, links, act, str(folder)))


@dataclass(frozen=True)
class Nobody:
    """Inputs of a title whose lines nobody is known to speak, or has corrected."""

    lines: Sequence[str]

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        return [Translation(line, "", "memory") for line in self.lines] if kind is Translation else []


def clips_of(results: Sequence[Result], folder: Path) -> list[Clip]:
    if SPEAK.join is None:
        pytest.fail("the step has lost its join")
    lines = Nobody([result.id for result in results])
    return read_rows(SPEAK.join(lines, results, folder)["clips"], Clip)  # type: ignore[arg-type]


def test_a_good_line_stays_with_the_first_engine(tmp_path: Path) -> None:
    (result,) = speak(tmp_path, ["speaks", "clips"])
    assert (result.engine, result.tried, result.failed) == ("speaks", (), {})


def test_only_the_broken_line_goes_to_the_next_engine_and_its_sound_is_the_next_ones(tmp_path: Path) -> None:
    one, two = speak(tmp_path / "store", ["clips twice", "speaks"], ["uno", "dos"])
    assert (one.engine, one.tried) == ("clips twice", ())
    assert two.engine == "speaks"
    assert two.tried[0].startswith("clips twice: line.clipped is ")
    assert "allowed <= 1" in two.tried[0]
    assert one.files["sound"] == two.files["sound"]  # the same buzz: nothing of the clipped one is left


def test_two_further_engines_are_asked_and_no_third(tmp_path: Path) -> None:
    (saved,) = speak(tmp_path, ["clips", "hisses", "speaks"])
    assert saved.engine == "speaks"
    assert [why.split(":")[0] for why in saved.tried] == ["clips", "hisses"]
    assert "line.voiced is 0 %" in saved.tried[1]
    (lost,) = speak(tmp_path, ["clips", "hisses", "clips twice", "speaks"], ["dos"])
    assert lost.failed["what"].startswith("line.clipped is ")
    assert lost.files == {}


def test_a_line_that_no_engine_makes_well_is_failed_and_not_kept(tmp_path: Path) -> None:
    results = speak(tmp_path, ["clips"], ["uno", "dos"])
    (clip, _) = clips_of(results, tmp_path)
    assert (clip.sound, clip.duration) == ("", 0.0)
    assert clip.failed.startswith("line.clipped is ")


def test_the_account_shows_which_lines_a_later_engine_made(tmp_path: Path) -> None:
    spoken = clips_of(speak(tmp_path, ["clips twice", "hisses", "speaks"], ["uno", "dos", "tres"]), tmp_path)
    later = [Result(clip.segment, clip.segment, {"sound": clip.sound}, row=msgspec.to_builtins(Clip("", duration=1.5))) for clip in spoken]
    clips = _joined_clips(spoken, later)  # as converting and stretching hand it on
    assert [clip.tried for clip in clips] == [clip.tried for clip in spoken]
    account = make_account([Segment(clip.segment, 0, 1, "x") for clip in clips], [], clips)
    row = next(row for row in account_measurements(account, clips) if row.metric == "account.fallback_lines")
    assert (row.value, row.n) == (1.0, 3)
    assert [(worst.segment, worst.value) for worst in row.worst] == [("s1", 2.0)]
    assert "clips twice: line.clipped is" in row.worst[0].detail
    assert "hisses: line.voiced is 0 %" in row.worst[0].detail


def test_what_was_kept_can_be_heard(tmp_path: Path) -> None:
    (result,) = speak(tmp_path, ["hisses", "speaks"])
    sound = read_mono(open_store(str(tmp_path)).fetch(result.files["sound"]))
    assert sound.size == round(1.5 * RATE)
