"""Sound files as the meters take them: WAV or FLAC as they lie, anything else decoded by ffmpeg first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import read_header
from nightdub.infra.media.sniff import FLAC, WAV, sniff
from nightdub.infra.media.sound import extract_audio, extract_programme
from nightdub.infra.scratch import Scratch
from nightdub.tasks.rows import Seconds

RATE = 48_000  # Hz of what is decoded from the picture's first frame


@contextmanager
def as_wav(path: Path) -> Iterator[Path]:
    """Give a file that soundfile reads with the sound of `path`: its own samples, or the first sound of a film at 16 bits.

    Raises: MediaError where it is not media, or has no sound.
    """
    if sniff(path) in (WAV, FLAC):
        yield path
        return
    header = read_header(path)
    if not header.sounds:
        raise MediaError("no sound", where=str(path), fix="name a file that has a sound")
    with Scratch("sound") as folder:
        yield extract_audio(path, Path(folder) / "sound.wav", header.sounds[0].sample_rate)


@contextmanager
def as_timed_wav(
    path: Path, length: Seconds | None = None, *, rate: int = RATE, stream: int = 0, channels: int | None = 2
) -> Iterator[Path]:
    """Give a sound as a player presents it beside the picture: a WAV or FLAC as it lies, else one from the first frame on.

    `channels` 2 makes stereo, None leaves mono and 5.1 what they are. `length` None takes what the film's header says.

    Raises: MediaError, as where there is no such stream.
    """
    if sniff(path) in (WAV, FLAC):
        yield path
        return
    wanted = read_header(path).claimed if length is None else length
    with Scratch("sound") as folder:
        yield extract_programme(path, Path(folder) / "sound.wav", rate, round(wanted * rate), stream=stream, channels=channels)
