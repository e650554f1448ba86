from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Identity, Request, Sound, Spoken
from nightdub.tasks.rows import Translation
from nightdub.tasks.speak import speak_line


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


def line_of(text: str = "Hola.", rate: float = 1.0) -> Translation:
    return Translation("line-0", text, "memory", rate=rate)


def test_the_engine_is_asked_once_at_the_rate_of_the_line() -> None:
    engine = Hum(2.6)
    line = speak_line(line_of(rate=1.3), "es", engine)
    assert [request.rate for request in engine.asked] == [1.3]
    assert (line.rate, line.duration, line.spoken.failed) == (1.3, pytest.approx(2.0), "")


@pytest.mark.parametrize("engine", [Hum(0.0), Hum(1.0, level=0.0), Hum(1.0, level=1e-4), Hum(1.0, level=float("nan"))])
def test_silence_is_a_failure(engine: Hum) -> None:
    assert speak_line(line_of(), "es", engine).spoken.failed


def test_a_line_without_text_is_a_failure_and_asks_nobody() -> None:
    engine = Hum(1.0)
    assert speak_line(line_of(text=" "), "es", engine).spoken.failed
    assert speak_line(Translation("a", "", "apertium", failed="empty output"), "es", engine).spoken.failed == "empty output"
    assert engine.asked == []


def test_a_real_engine_hurries() -> None:
    text = "Todas las líneas están ocupadas en este momento, por favor llame más tarde."
    whole, hurried = (speak_line(line_of(text, rate), "es", Espeak()) for rate in (1.0, 1.3))
    assert hurried.duration < whole.duration / 1.1
