"""Speech for the tests of this room: real recordings from Debian's asterisk-core-sounds-en-g722, and flite's voices."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nightdub.tasks.protocols import Sound
from nightdub.tasks.sound import SPEECH_RATE, read_mono

RECORDINGS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")

# What is said in the recordings (the package's core-sounds-en.txt, CC BY-SA).
PROMPTS = {
    "agent-pass": "Please enter your password followed by the pound key.",
    "all-circuits-busy-now": "All circuits are busy now.",
    "cannot-complete-as-dialed": "Your call cannot be completed as dialed.",
    "conf-now-unmuted": "The conference is now unmuted.",
    "vm-goodbye": "Goodbye.",
}


@cache
def _recorded(name: str) -> Sound:
    command = ["ffmpeg", "-v", "error", "-i", str(RECORDINGS / f"{name}.g722"), "-f", "s16le", "-ar", str(SPEECH_RATE), "-ac", "1", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


@pytest.fixture(scope="session")
def prompt() -> Callable[[str], tuple[Sound, str]]:
    """Return a recorded prompt at 16 kHz, and what is said in it."""
    return lambda name: (_recorded(name), PROMPTS[name])


@pytest.fixture(scope="session")
def flite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Sound]:
    """Return a text spoken at 16 kHz by one of flite's voices."""
    folder = tmp_path_factory.mktemp("flite")

    @cache
    def say(voice: str, text: str) -> Sound:
        path = folder / "said.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        return read_mono(path)

    return say


@pytest.fixture(scope="session")
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)
