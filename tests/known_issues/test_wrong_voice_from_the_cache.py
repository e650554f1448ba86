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
from nightdub.infra.build import Ask
from nightdub.tasks.rows import Segment, Speaker, Translation

SPEAK = next(step for step in CHAIN if step.name == "speak")
ANN = Speaker("Ann", ("a",), pitch_median=203.0, consent="contract-7")
SEGMENT = Segment("a", 1.0, 2.0, "Yes.", "Ann")


@dataclass(frozen=True)
class Given:
    """Inputs that are rows in memory."""

    speaker: Speaker = ANN
    segment: Segment = SEGMENT
    voice: str = "1" * 64  # digest of the original's dialogue
    params: Mapping[str, Any] = ()  # type: ignore[assignment]

    def has(self, name: str) -> bool:
        return True

    def digest(self, name: str) -> str:
        return self.voice

    def path(self, name: str) -> Path:
        raise AssertionError(name)

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        return {Translation: [Translation("a", "Sí.", "memory")], Speaker: [self.speaker], Segment: [self.segment]}[kind]


def key(given: Given) -> str:
    (item,) = SPEAK.split(given)
    return Ask(SPEAK, "film", "es", {}, {"target": "es"}).item_key(item)


def test_another_clip_of_the_voice_is_another_key() -> None:
    same = key(Given())
    assert key(Given(voice="2" * 64)) != same
    assert key(Given(segment=replace(SEGMENT, start=1.1))) != same
    assert key(Given(speaker=replace(ANN, pitch_median=120.0))) != same


def test_without_consent_no_clip_of_the_voice_is_given() -> None:
    (item,) = SPEAK.split(Given(speaker=replace(ANN, consent="")))
    assert item.blobs == {}
    assert "reference" not in item.payload


def test_a_pitch_that_moved_by_less_than_anybody_hears_is_the_same_voice() -> None:
    assert key(Given(speaker=replace(ANN, pitch_median=204.1))) == key(Given())
