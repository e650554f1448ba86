"""The sample catalogue, built on the spot from recordings of people, a real face and a generated bed; none of it is in the repository.

Speech: Debian's recorded prompts (CC BY-SA). Pictures: scikit-image's `astronaut` (NASA, public
domain), `coffee` and `chelsea` (CC0).
Every title plants one situation that a night meets; `TITLES` says which.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.datasets.prompts import Prompt, recorded_prompts
from nightdub.infra.media.ffmpeg import FrameWriter
from nightdub.infra.media.mux import AudioTrack, mux
from nightdub.infra.media.raw import g722_to_wav
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language, Seconds
from nightdub.tasks.sound import read_mono, resample, write_sound

RATE = 48_000  # Hz
FRAME_RATE = 25
WIDTH, HEIGHT = 640, 360
LANGUAGES_OF_MEMORY: tuple[Language, ...] = ("en", "es", "fr", "it")
SHOT = 4.0  # seconds; a cut every so often
CHORD = 4.0  # seconds
LOWERED = 0.8  # second speaker of `two-voices`: the same recordings, played at this pitch and speed

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SampleTitle:
    """One title of the sample and the situation that it plants."""

    id: str
    prompts: tuple[str, ...]
    shows: str
    language: Language = "en"
    targets: tuple[Language, ...] = ("es", "fr")
    script: bool = True
    memory: bool = True
    stems: bool = True
    speakers: int = 1
    spoil: str = ""  # "corrupt" or "playlist"


TITLES: tuple[SampleTitle, ...] = (
    SampleTitle(
        "conference",
        (
            "conf-waitforleader",
            "conf-onlyperson",
            "conf-getpin",
            "conf-invalidpin",
            "conf-placeintoconf",
            "conf-extended",
            "conf-leaderhasleft",
            "conf-noempty",
            "conf-lockednow",
        ),
        "script, translation memory and clean music-and-effects delivered: released",
        targets=("es", "fr", "it"),
    ),
    SampleTitle(
        "voicemail",
        ("vm-newuser", "vm-rec-name", "vm-sorry", "vm-passchanged", "vm-nonumber", "vm-whichbox", "vm-tomakecall", "vm-star-cancel"),
        "no script: the recogniser hears the lines, and their translation cannot be checked",
        script=False,
        memory=False,
        stems=False,
    ),
    SampleTitle(
        "two-voices",
        (
            "vm-invalidpassword",
            "vm-mismatch",
            "vm-newpassword",
            "vm-reenterpassword",
            "vm-tooshort",
            "vm-torerecord",
            "vm-savefolder",
            "vm-nobodyavail",
            "vm-toenternumber",
        ),
        "two speakers with a cast list",
        speakers=2,
    ),
    SampleTitle(
        "machine-only",
        ("vm-mailboxfull", "vm-dialout", "vm-repeat", "vm-undelete", "vm-tocallback", "vm-toreply", "vm-delete", "vm-prev"),
        "machine translation only: held, with its distance from the human translation",
        targets=("es", "it"),
        memory=False,
        stems=False,
    ),
    SampleTitle(
        "conferencia",
        (
            "conf-onlyone",
            "conf-getconfno",
            "conf-invalid",
            "conf-hasjoin",
            "conf-locked",
            "conf-nonextended",
            "conf-now-recording",
            "conf-kicked",
        ),
        "a Spanish original without an aligner for its language",
        language="es",
        targets=("en", "fr"),
    ),
    SampleTitle("corrupt", ("demo-echodone", "demo-nomatch"), "bits of the file were flipped: failed", targets=("es",), spoil="corrupt"),
    SampleTitle(
        "disguised", (), "a playlist renamed .mp4: refused", targets=("es", "fr"), script=False, memory=False, stems=False, spoil="playlist"
    ),
)

COLUMNS = ("id", "source", "language", "targets", "script", "memory", "references", "cast", "music_and_effects", "profile", "priority")


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


@dataclass(frozen=True, slots=True)
class _Line:
    """One recorded line laid on the title's timeline."""

    start: Seconds
    sound: Sound
    prompt: Prompt
    speaker: str

    @property
    def end(self) -> Seconds:
        return self.start + len(self.sound) / RATE


def _build_title(folder: Path, title: SampleTitle, prompts: dict[Language, dict[str, Prompt]]) -> dict[str, str]:
    home = folder / title.id
    home.mkdir(exist_ok=True)
    row = {
        "id": title.id,
        "source": f"{title.id}/{title.id}.mp4",
        "language": title.language,
        "targets": ";".join(title.targets),
        "profile": "preview",
    }
    if title.spoil == "playlist":
        (home / f"{title.id}.mp4").write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n../conference/conference.mp4\n#EXT-X-ENDLIST\n"
        )
        return row
    lines = list(_lay_out(title, prompts[title.language]))
    length = round((lines[-1].end + 1.5) * FRAME_RATE) / FRAME_RATE
    dialogue, bed = _dialogue(lines, length), _bed(length, seed=len(title.id))
    _write_film(home / f"{title.id}.mp4", dialogue + bed, length, title)
    if title.spoil == "corrupt":
        _flip_bits(home / f"{title.id}.mp4")
    if title.script:
        row["script"] = _write_script(home / f"{title.id}.{title.language}.vtt", lines, folder)
    if title.stems:
        row["music_and_effects"] = str(write_sound(home / "music-and-effects.wav", bed, RATE).relative_to(folder))
    if title.speakers > 1:
        row["cast"] = _write_cast(home / "cast.csv", folder)
    for column in ("memory", "references"):
        if column == "references" or title.memory:
            row[column] = _write_texts(home / f"{column}.csv", [line.prompt.name for line in lines], prompts, folder)
    return row


def _lay_out(title: SampleTitle, prompts: dict[str, Prompt]) -> Iterator[_Line]:
    """Place the recordings one after the other with pauses between 0.9 and 1.5 s."""
    start = 1.0
    for index, name in enumerate(title.prompts):
        second = title.speakers > 1 and index % 2 == 1
        sound = _recording(prompts[name], LOWERED if second else 1.0)
        yield _Line(start, sound, prompts[name], "Bruno" if second else "Alice")
        start = round((start + len(sound) / RATE + 0.9 + 0.2 * (index % 4)) * FRAME_RATE) / FRAME_RATE


def _recording(prompt: Prompt, pitch: float) -> Sound:
    """Return a recording at 48 kHz, at one level, played at another pitch and speed where `pitch` is not 1."""
    with tempfile.TemporaryDirectory() as scratch:
        sound = read_mono(g722_to_wav(prompt.path, Path(scratch) / "prompt.wav"))
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    sound = sound[max(loud[0] - 800, 0) : loud[-1] + 1600]
    sound = resample(sound, round(16_000 * pitch), RATE)
    return (sound * (0.08 / float(np.sqrt(np.mean(sound**2))))).astype(np.float32)


def _dialogue(lines: Sequence[_Line], length: Seconds) -> Sound:
    track = np.zeros((2, round(length * RATE)), np.float32)
    for line in lines:
        first = round(line.start * RATE)
        track[:, first : first + len(line.sound)] += line.sound
    return track


def _bed(length: Seconds, seed: int) -> Sound:
    """Return a stereo bed: slow chords wide in the picture and distant noise, about 20 dB below speech."""
    random = np.random.default_rng(seed)
    track = 0.008 * _rumble(random, round(length * RATE))
    for start in np.arange(0, length, CHORD):
        root = random.choice([98.0, 110.0, 130.8, 146.8])
        chord = _chord(root, random.uniform(0, 6, 4))
        first = round(start * RATE)
        place = track[:, first : first + chord.shape[1]]
        place += chord[:, : place.shape[1]]
    return track.astype(np.float32)


def _chord(root: float, phases: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return four notes at four places in the stereo picture, faded in and out over 0.8 s so that chords overlap."""
    time = np.arange(round((CHORD + 0.8) * RATE)) / RATE
    fade = np.clip(time / 0.8, 0, 1) * np.clip((CHORD + 0.8 - time) / 0.8, 0, 1)
    notes = [(root, 0.2), (root * 1.25, 0.8), (root * 1.5, 0.4), (root * 2, 0.65)]
    tones = [
        np.outer((1 - pan, pan), fade * np.sin(2 * np.pi * hertz * time + phase)) for (hertz, pan), phase in zip(notes, phases, strict=True)
    ]
    return np.asarray(0.008 * np.sum(tones, axis=0))


def _rumble(random: np.random.Generator, samples: int) -> npt.NDArray[np.float64]:
    """Return stereo noise that falls with frequency, without the slow drift below 10 Hz, at a peak of 1."""
    noise = np.cumsum(random.standard_normal((2, samples)), axis=1)
    sums = np.cumsum(np.pad(noise, ((0, 0), (2401, 2400)), mode="edge"), axis=1)
    noise -= (sums[:, 4801:] - sums[:, :-4801]) / 4801
    return np.asarray(noise / np.abs(noise).max())


def _write_film(path: Path, mix: Sound, length: Seconds, title: SampleTitle) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        picture, sound = Path(scratch) / "picture.mp4", Path(scratch) / "mix.wav"
        with FrameWriter(picture, WIDTH, HEIGHT, f"{FRAME_RATE}/1", crf=18) as writer:
            for frame in _frames(round(length * FRAME_RATE)):
                writer.write(frame)
        write_sound(sound, mix, RATE)
        facts = LANGUAGES[title.language]
        mux(picture, [AudioTrack(sound, facts.iso639_2, facts.name, default=True)], [], path)


def _frames(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield BGR frames: the face in two of three shots, other pictures between, each slowly panned."""
    pictures = [_enlarged(name) for name in ("astronaut", "coffee", "astronaut", "chelsea", "astronaut")]
    per_shot = round(SHOT * FRAME_RATE)
    for frame in range(count):
        shot, position = divmod(frame, per_shot)
        picture = pictures[shot % len(pictures)]
        rows, columns = picture.shape[0] - HEIGHT, picture.shape[1] - WIDTH
        drift = position / per_shot
        top, left = round(rows * 0.06 * drift), round(columns * (0.35 + 0.12 * drift))
        yield np.ascontiguousarray(picture[top : top + HEIGHT, left : left + WIDTH])


@lru_cache(maxsize=8)
def _enlarged(name: str) -> npt.NDArray[np.uint8]:
    """Return one of scikit-image's pictures as BGR, 800 pixels wide."""
    import skimage.data
    import skimage.transform

    picture = getattr(skimage.data, name)()[..., :3]
    height = round(picture.shape[0] * 800 / picture.shape[1])
    large = skimage.transform.resize(picture, (max(height, HEIGHT + 40), 800), order=1, anti_aliasing=True)
    return np.ascontiguousarray((large * 255).astype(np.uint8)[..., ::-1])


def _flip_bits(path: Path) -> None:
    """Flip a bit in many places of the file's second half, as a failing disk does."""
    data = bytearray(path.read_bytes())
    for position in range(len(data) // 2, len(data), 997):
        data[position] ^= 0x10
    path.write_bytes(data)


def _write_script(path: Path, lines: Sequence[_Line], folder: Path) -> str:
    blocks = [f"{_stamp(line.start)} --> {_stamp(line.end)}\n<v {line.speaker}>{line.prompt.text}" for line in lines]
    path.write_text("WEBVTT\n\n" + "\n\n".join(blocks) + "\n", encoding="utf-8")
    return str(path.relative_to(folder))


def _stamp(seconds: Seconds) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"


def _write_cast(path: Path, folder: Path) -> str:
    path.write_text("speaker,voice,gender\nAlice,,female\nBruno,,male\n", encoding="utf-8")
    return str(path.relative_to(folder))


def _write_texts(path: Path, names: Sequence[str], prompts: dict[Language, dict[str, Prompt]], folder: Path) -> str:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(LANGUAGES_OF_MEMORY)
        writer.writerows([prompts[language][name].text for language in LANGUAGES_OF_MEMORY] for name in names)
    return str(path.relative_to(folder))


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{build_sample(Path(sys.argv[1]))}\n")
