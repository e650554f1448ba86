"""A small dub that is good: two shots with a moving picture, three spoken lines, a bed, and everything that a delivery holds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from nightdub.infra.media.ffmpeg import AudioTrack, FrameWriter, join_shots, mux
from nightdub.infra.media.probe import probe
from nightdub.quality.dub import Dub, Files
from nightdub.tasks.formats.files import write_subtitles
from nightdub.tasks.mix import mix_programme
from nightdub.tasks.package import package
from nightdub.tasks.probe import to_facts
from nightdub.tasks.profile import SoundFigures, SubtitleFigures
from nightdub.tasks.rows import Clip, FaceBox, FaceTrack, Placement, Segment, Shot, ShotClip, Speaker, Translation
from nightdub.tasks.sound import write_sound
from nightdub.tasks.subtitles import make_cues

RATE, FRAME_RATE, WIDTH, HEIGHT, FRAMES = 48_000, 25, 160, 120, 150
LINES = (
    ("s0000", 0.4, 1.8, "The conference will begin now", "La conferencia comienza ahora"),
    ("s0001", 2.2, 3.6, "Press 3 to record your message", "Marque 3 para grabar su mensaje"),
    ("s0002", 4.2, 5.6, "The leader has left the building", "El director ya se fue"),
)
BOX = (48, 24, 64, 64)  # of the face in the first shot, pixels


def voice(seconds: float, pitch: float, seed: int) -> np.ndarray:
    """Return something like a voice: harmonics with syllables, -20 dBFS or so."""
    time = np.arange(round(seconds * RATE)) / RATE
    random = np.random.default_rng(seed)
    glide = pitch * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * time + seed))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    tones = sum(np.sin(k * phase) / k for k in range(1, 60))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time + seed)
    fade = np.clip(np.minimum(time, seconds - time) / 0.05, 0, 1)
    sound = (tones + 0.02 * random.standard_normal(time.size)) * syllables * fade
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def build_dub(folder: Path) -> Dub:
    """Write the dub's files below an empty folder and return it."""
    length = FRAMES * RATE // FRAME_RATE
    bed = (0.02 * np.random.default_rng(1).standard_normal((2, length))).astype(np.float32)
    originals, clips = np.zeros(length, np.float32), {}
    for number, (name, start, end, _, _) in enumerate(LINES):
        spoken = voice(end - start, 200, number + 10)
        originals[round(start * RATE) : round(start * RATE) + spoken.size] = spoken
        clips[name] = write_sound(folder / f"{name}.wav", voice(end - start, 130, number), RATE)
    sounds = {"bed": bed, "original": np.stack([originals, originals]), "mix": bed + originals}
    paths = {name: write_sound(folder / f"{name}.wav", sound, RATE) for name, sound in sounds.items()}
    places = [Placement(name, start, end, start, end) for name, start, end, _, _ in LINES]
    laid = folder / "mixed"
    laid.mkdir()
    how = {"figures": SoundFigures(), "clean_bed": True, "original": {}, "total_samples": length}
    mixed = mix_programme(places, clips, paths["bed"], laid, **how)
    shots = [_shot(folder / "shot0.mp4", 0, mouth=90), _shot(folder / "shot1.mp4", 1, mouth=90)]
    plain = [_shot(folder / "plain0.mp4", 0, mouth=0), _shot(folder / "plain1.mp4", 1, mouth=0)]
    source = folder / "source.mp4"
    _join(plain, paths["mix"], source)
    facts = to_facts(probe(source))
    lines = [Translation(name, text, "memory", source=said) for name, _, _, said, text in LINES]
    cues = make_cues(lines, places, "es", SubtitleFigures(), Fraction(FRAME_RATE), duration=facts.duration)
    subtitles = write_subtitles(cues, "es", folder)
    film = folder / "film.mp4"
    picture = folder / "dubbed.mp4"
    join_shots(shots, picture)
    packed = package(
        picture, laid / "programme.wav", paths["mix"], {"es": subtitles["srt"]}, languages=("en", "es"), source=facts, out=film
    )
    x, y, width, height = BOX
    boxes = tuple(FaceBox(frame, x, y, width, height) for frame in (0, 74))
    return Dub(
        title="small",
        source="en",
        target="es",
        files=Files(source, film, paths["original"], paths["bed"], laid / "programme.wav", laid / "dialogue.wav", subtitles, clips),
        segments=[Segment(name, start, end, said, speaker="Ana", origin="script") for name, start, end, said, _ in LINES],
        speakers=[Speaker("Ana", tuple(line[0] for line in LINES), 200.0, 180.0, 220.0)],
        dropped=[],
        translations=lines,
        clips=[Clip(name, sound=name, duration=end - start) for name, start, end, _, _ in LINES],
        placements=places,
        cues=cues,
        shots=[Shot("s0000", 0, 75), Shot("s0001", 75, 150)],
        tracks=[FaceTrack("s0000", boxes), FaceTrack("s0001", skipped="no-face")],
        shot_clips=[ShotClip("s0000", 0, 75, "one", 75, moved=60), ShotClip("s0001", 75, 150, "two", 75, skipped="no-face")],
        source_facts=facts,
        facts=packed,
        subtitles=SubtitleFigures(),
        gain=mixed.gain,
        bed_delivered=True,
    )


def _shot(path: Path, seed: int, mouth: int) -> Path:
    """Write 75 frames of a texture that moves a pixel each frame; in the first shot something like a mouth opens and closes."""
    import cv2

    random = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(random.integers(0, 255, (HEIGHT, WIDTH + 80, 3), np.uint8), (0, 0), 2)
    texture = cv2.normalize(texture, None, 20, 230, cv2.NORM_MINMAX)
    with FrameWriter(path, WIDTH, HEIGHT, f"{FRAME_RATE}/1", crf=16) as writer:
        for number in range(75):
            frame = np.ascontiguousarray(texture[:, number : number + WIDTH])
            if seed == 0 and mouth:
                opening = round(4 + 6 * abs(np.sin(number / 3)))
                cv2.ellipse(frame, (BOX[0] + 32, BOX[1] + 52), (14, opening), 0, 0, 360, (30, 20, mouth), -1)
            writer.write(frame)
    return path


def _join(shots: list[Path], sound: Path, out: Path) -> None:
    picture = out.with_name("picture.mp4")
    join_shots(shots, picture)
    mux(picture, [AudioTrack(sound, "eng", "English", default=True)], [], out)
