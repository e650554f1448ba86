"""Voice activity by the Silero v6 network that the faster-whisper wheel carries (ONNX, no torch)."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from nightdub.infra.digests import digest_file
from nightdub.tasks.protocols import Identity, Sound
from nightdub.tasks.rows import Seconds

RATE = 16_000  # Hz that the network was trained on
BLOCK = 600 * RATE  # samples looked at in one go: bounds memory at about 40 MB a copy, whatever the programme's length

# Padding keeps soft consonants that the network misses; 15 s is what a recogniser and a subtitle can still take in one line.
OPTIONS = {
    "threshold": 0.5,
    "min_speech_duration_ms": 100,
    "min_silence_duration_ms": 300,
    "speech_pad_ms": 100,
    "max_speech_duration_s": 15.0,
}


class Silero:
    """Finds speech; one network, no settings."""

    def identity(self) -> Identity:
        """Return the wheel's version and the digest of the network."""
        wheel = distribution("faster-whisper")
        weights = digest_file(Path(str(wheel.locate_file("faster_whisper/assets/silero_vad_v6.onnx"))))
        return Identity("silero", wheel.version, weights, dict(OPTIONS))

    def speech(self, sound: Sound) -> list[tuple[Seconds, Seconds]]:
        """Return start and end of each stretch of speech in 16 kHz sound, ordered, none empty.

        A stretch that lies over a block's border (every ten minutes) comes back in two pieces that touch.
        """
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        found: list[tuple[Seconds, Seconds]] = []
        for first in range(0, len(sound), BLOCK):
            block = np.ascontiguousarray(sound[first : first + BLOCK], np.float32)
            stretches = get_speech_timestamps(block, VadOptions(**OPTIONS), RATE)
            found += [((first + piece["start"]) / RATE, (first + min(piece["end"], len(block))) / RATE) for piece in stretches]
        return [(start, end) for start, end in found if end > start]
