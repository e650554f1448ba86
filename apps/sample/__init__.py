"""The sample catalogue, built on the spot from recordings of people, real faces and a generated bed; none of it is in the repository.

Speech: Debian's recorded prompts (CC BY-SA). Pictures: scikit-image's `astronaut` (NASA, public domain), `camera`, `coffee` and
`chelsea` (CC0). Every title plants one situation that a night meets; `TITLES` says which.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nightdub.apps.sample.delivered import LANGUAGES_OF_MEMORY, write_cast, write_glossary, write_script, write_texts
from nightdub.apps.sample.picture import HEIGHT, WIDTH, frames
from nightdub.apps.sample.sound import FRAME_RATE, RATE, Line, Sound, bed, dialogue, lay_out
from nightdub.apps.sample.titles import TITLES, SampleTitle
from nightdub.datasets.prompts import Prompt, recorded_prompts
from nightdub.infra.media.ffmpeg import FrameWriter
from nightdub.infra.media.mux import AudioTrack, mux
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language, Seconds
from nightdub.tasks.sound import write_sound

__all__ = ["TITLES", "build_sample"]

COLUMNS = (
    "id",
    "source",
    "language",
    "targets",
    "script",
    "memory",
    "glossary",
    "references",
    "cast",
    "music_and_effects",
    "series",
    "episode",
    "profile",
    "priority",
)


def build_sample(folder: Path) -> Path:
    """Write the sample catalogue and return the path of its `catalogue.csv`; the same bytes each time.

    Where the catalogue stands already nothing is touched, so that an edited script stays edited.

    Raises: MachineLacks where the recorded prompts are not installed.
    """
    path = folder / "catalogue.csv"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    prompts = {language: recorded_prompts(language) for language in LANGUAGES_OF_MEMORY}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # ffmpeg does most of the work, in processes of its own
        rows = list(pool.map(lambda title: _build_title(folder, title, prompts), TITLES))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _build_title(folder: Path, title: SampleTitle, prompts: dict[Language, dict[str, Prompt]]) -> dict[str, str]:
    home = folder / title.id
    home.mkdir(exist_ok=True)
    film = home / f"{title.id}.mp4"
    row = {"id": title.id, "language": title.language, "targets": ";".join(title.targets), "profile": "preview"}
    row |= {"series": title.series, "episode": title.episode}
    if title.spoil == "playlist":
        film.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n../conference/conference.mp4\n#EXT-X-ENDLIST\n")
        return row | {"source": _below(folder, film)}
    lines = list(lay_out(title, prompts[title.language]))
    length = round((lines[-1].end + 1.5) * FRAME_RATE) / FRAME_RATE
    music = bed(length, len(title.id), title.channels)
    _write_film(film, title, lines, dialogue(lines, length, title.channels) + music, length)
    if title.spoil == "corrupt":
        _flip_bits(film)
    files = {"source": film} | _delivered(home, title, lines, music, prompts)
    return row | {column: _below(folder, path) for column, path in files.items()}


def _delivered(
    home: Path, title: SampleTitle, lines: Sequence[Line], music: Sound, prompts: dict[Language, dict[str, Prompt]]
) -> dict[str, Path]:
    """Write what is delivered with a film and return column -> file."""
    files = {"references": write_texts(home / "references.csv", lines, prompts)}
    if title.script:
        files["script"] = write_script(home / f"{title.id}.{title.language}.{title.script}", lines, title.sign)
    if title.stems:
        files["music_and_effects"] = write_sound(home / "music-and-effects.wav", music, RATE)
    if title.cast:
        files["cast"] = write_cast(home / "cast.csv", title.cast)
    if title.memory:
        files["memory"] = write_texts(home / "memory.csv", lines, prompts)
    if title.series:
        files["glossary"] = write_glossary(home / "glossary.csv")
    return files


def _write_film(path: Path, title: SampleTitle, lines: Sequence[Line], mix: Sound, length: Seconds) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        picture, sound = Path(scratch) / "picture.mp4", Path(scratch) / "mix.wav"
        with FrameWriter(picture, WIDTH, HEIGHT, f"{FRAME_RATE}/1", crf=18) as writer:
            for frame in frames(title, lines, length):
                writer.write(frame)
        write_sound(sound, mix, RATE)
        facts = LANGUAGES[title.language]
        mux(picture, [AudioTrack(sound, facts.iso639_2, facts.name, default=True)], [], path)


def _flip_bits(path: Path) -> None:
    """Flip a bit in many places of the file's second half, as a failing disk does."""
    data = bytearray(path.read_bytes())
    for position in range(len(data) // 2, len(data), 997):
        data[position] ^= 0x10
    path.write_bytes(data)


def _below(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))
