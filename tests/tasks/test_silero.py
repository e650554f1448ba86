from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nightdub.tasks.engines import silero
from nightdub.tasks.engines.silero import Silero
from nightdub.tasks.protocols import Sound

Prompt = Callable[[str], tuple[Sound, str]]


def test_speech_is_found_where_it_is(prompt: Prompt) -> None:
    clip, _ = prompt("all-circuits-busy-now")
    pause = np.zeros(16_000, np.float32)
    sound = np.concatenate([pause, clip, pause, clip, pause])
    length = len(clip) / 16_000
    first, second = Silero().speech(sound)
    assert first == pytest.approx((1.0, 1.0 + length), abs=0.3)
    assert second == pytest.approx((2.0 + length, 2.0 + 2 * length), abs=0.3)


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(100), np.zeros(48_000), np.sin(np.arange(48_000) / 5) * 0.3], ids=["empty", "short", "silence", "tone"]
)
def test_there_is_no_speech_where_nobody_speaks(sound: Sound) -> None:
    assert Silero().speech(sound.astype(np.float32)) == []


def test_the_sound_is_left_as_it_was_and_the_result_is_the_same_again(prompt: Prompt) -> None:
    clip = prompt("agent-pass")[0].copy()
    before = clip.copy()
    assert Silero().speech(clip) == Silero().speech(clip)
    np.testing.assert_array_equal(clip, before)


def test_long_sound_is_looked_at_in_blocks(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, _ = prompt("agent-pass")
    sound = np.concatenate([np.zeros(8000, np.float32), clip, np.zeros(8000, np.float32)])
    whole = Silero().speech(sound)
    monkeypatch.setattr(silero, "BLOCK", len(sound) // 2)
    pieces = Silero().speech(sound)
    assert pieces[0][0] == pytest.approx(whole[0][0], abs=0.1)
    assert pieces[-1][1] == pytest.approx(whole[-1][1], abs=0.1)
    assert all(end > start for start, end in pieces)


def test_identity_has_the_digest_of_the_network() -> None:
    assert len(Silero().identity().weights) == 64
