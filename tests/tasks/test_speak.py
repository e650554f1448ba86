from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.protocols import Identity, Request, Sound, Spoken
from nightdub.tasks.rows import Translation
from nightdub.tasks.speak import choose_rate, speak_line

FIGURES = FitFigures()  # rates 0.9 to 1.3, stretch 1.2


class Hum:
    """Hum for a given time at rate 1, 100 samples a second."""

    def __init__(self, seconds: float, level: float = 0.5) -> None:
        self.asked: list[Request] = []
        self._seconds, self._level = seconds, level

    def identity(self) -> Identity:
        return Identity("hum", "1")

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        self.asked += requests
        return [Spoken(self._sound(request.rate), 100) for request in requests]

    def _sound(self, rate: float) -> Sound:
        return np.full(round(self._seconds * 100 / rate), self._level, np.float32)


def line_of(estimate: float, slot: float, text: str = "Hola.") -> Translation:
    return Translation("line-0", text, "memory", estimate=estimate, slot=slot)


@pytest.mark.parametrize(
    ("estimate", "slot", "rate"), [(2.0, 2.0, 1.0), (2.2, 2.0, 1.1), (4.0, 2.0, 1.3), (1.0, 2.0, 0.9), (1.0, 0.0, 1.3)]
)
def test_the_rate_is_the_estimate_over_the_slot_within_limits(estimate: float, slot: float, rate: float) -> None:
    assert choose_rate(line_of(estimate, slot), FIGURES) == pytest.approx(rate)


def test_a_line_that_stretching_can_mend_is_spoken_once() -> None:
    engine = Hum(2.3)
    line = speak_line(line_of(2.0, 2.0), "es", FIGURES, engine)
    assert (line.rate, line.asked, line.duration, line.spoken.failed) == (1.0, 1, 2.3, "")


def test_a_line_far_too_long_is_asked_for_once_more_and_faster() -> None:
    engine = Hum(4.0)
    line = speak_line(line_of(2.0, 2.0), "es", FIGURES, engine)
    assert [request.rate for request in engine.asked] == [1.0, 1.3]
    assert (line.rate, line.asked, line.duration) == (1.3, 2, pytest.approx(4.0 / 1.3, abs=0.01))


def test_at_the_fastest_rate_nothing_more_is_asked() -> None:
    engine = Hum(9.0)
    assert speak_line(line_of(9.0, 2.0), "es", FIGURES, engine).asked == 1


@pytest.mark.parametrize("engine", [Hum(0.0), Hum(1.0, level=0.0), Hum(1.0, level=1e-4), Hum(1.0, level=float("nan"))])
def test_silence_is_a_failure(engine: Hum) -> None:
    assert speak_line(line_of(1.0, 1.0), "es", FIGURES, engine).spoken.failed


def test_a_line_without_text_is_a_failure_and_asks_nobody() -> None:
    engine = Hum(1.0)
    assert speak_line(line_of(1.0, 1.0, text=" "), "es", FIGURES, engine).spoken.failed
    assert speak_line(Translation("a", "", "apertium", failed="empty output"), "es", FIGURES, engine).spoken.failed == "empty output"
    assert engine.asked == []


def test_a_real_engine_comes_nearer_to_the_slot() -> None:
    text = "Todas las líneas están ocupadas en este momento, por favor llame más tarde."
    whole = speak_line(line_of(4.0, 4.0, text), "es", FIGURES, Espeak())
    hurried = speak_line(line_of(4.0, whole.duration / 1.3, text), "es", FIGURES, Espeak())
    assert hurried.rate > whole.rate
    assert hurried.duration < whole.duration / 1.1
