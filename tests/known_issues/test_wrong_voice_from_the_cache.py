"""A line is never said in another person's voice out of a cache.

One well-known dubbing tool keys its cache by text and voice name and leaves the reference clip out: "Yes." said by one speaker came
back for another. Here the clip of the voice is part of the key, and without a consent record no clip is given at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightdub.flows.chain import CHAIN
from nightdub.infra.build import Ask, Step
from nightdub.tasks.rows import Clip, Speaker, Translation

SPEAK = next(step for step in CHAIN if step.name == "speak")
CONVERT = next(step for step in CHAIN if step.name == "convert")
ANN = Speaker("Ann", ("a",), pitch_median=203.0, consent="contract-7", named=True, reference="1" * 64, model="3" * 64)


@dataclass(frozen=True)
class Given:
    """Inputs that are rows in memory."""

    speaker: Speaker = ANN
    params: Mapping[str, Any] = ()  # type: ignore[assignment]

    def has(self, name: str) -> bool:
        return not name.startswith("in.")

    def digest(self, name: str) -> str:
        raise AssertionError(name)

    def path(self, name: str) -> Path:
        raise AssertionError(name)

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        return {Translation: [Translation("a", "Sí.", "memory")], Speaker: [self.speaker], Clip: [Clip("a", sound="5" * 64)]}.get(kind, [])


def key(given: Given, step: Step = SPEAK) -> str:
    (item,) = step.split(given)
    return Ask(step, "film", "es", {}, {"target": "es"}).item_key(item)


def test_another_clip_of_the_voice_is_another_key() -> None:
    same = key(Given())
    assert key(Given(speaker=replace(ANN, reference="2" * 64))) != same
    assert key(Given(speaker=replace(ANN, pitch_median=120.0))) != same


def test_another_model_of_the_voice_is_another_key() -> None:
    assert key(Given(speaker=replace(ANN, model="4" * 64)), CONVERT) != key(Given(), CONVERT)
    assert key(Given(speaker=replace(ANN, model_index="4" * 64)), CONVERT) != key(Given(), CONVERT)


def test_without_consent_neither_clip_nor_model_of_the_voice_is_given() -> None:
    given = Given(speaker=replace(ANN, consent="", refused="withdrawn", model_index="4" * 64))
    (line,), (clip,) = SPEAK.split(given), CONVERT.split(given)
    assert line.blobs == {}
    assert clip.blobs == {"sound": "5" * 64}
    assert "1" * 64 not in str(line.payload) + str(clip.payload)
    assert "3" * 64 not in str(line.payload) + str(clip.payload)


def test_another_record_of_the_same_consent_is_the_same_sound() -> None:
    assert key(Given(speaker=replace(ANN, consent="contract-8", notes=("voice: ...",)))) == key(Given())


def test_a_pitch_that_moved_by_less_than_anybody_hears_is_the_same_voice() -> None:
    assert key(Given(speaker=replace(ANN, pitch_median=204.1))) == key(Given())
