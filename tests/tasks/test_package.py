from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import film

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import check_decodes, encode_range, read_frames
from nightdub.infra.media.header import read_header
from nightdub.tasks.audio import extract
from nightdub.tasks.package import package
from nightdub.tasks.probe import probe_source
from nightdub.tasks.rows import MediaFacts

SRT = "1\n00:00:00,500 --> 00:00:01,500\n{}\n\n"
Parts = tuple[Path, Path, dict[str, Path], MediaFacts]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    source = film(tmp_path / "film.mp4", rate="24000/1001", seconds=2)
    facts = probe_source(source)
    picture = encode_range(source, tmp_path / "picture.mp4", 0, facts.frames)
    for language, text in (("es", "¿Qué tal?"), ("en", "How are you?")):
        (tmp_path / f"{language}.srt").write_text(SRT.format(text), encoding="utf-8")
    return picture, extract(source, tmp_path / "mix.wav", facts), {name: tmp_path / f"{name}.srt" for name in ("es", "en")}, facts


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_package_has_every_frame_and_every_track_and_the_same_bytes_twice(name: str, parts: Parts, tmp_path: Path) -> None:
    picture, mix, subtitles, source = parts
    digests = set()
    for _ in range(2):
        facts = package(picture, mix, mix, subtitles, languages=("en", "es"), source=source, out=tmp_path / name)
        digests.add(digest_file(tmp_path / name))
    assert len(digests) == 1
    assert (facts.frames, facts.frame_rate, facts.duration) == (source.frames, source.frame_rate, source.duration)
    assert check_decodes(tmp_path / name) == source.frames
    header = read_header(tmp_path / name)
    assert [(sound.language, sound.title, sound.default) for sound in header.sounds] == [
        ("spa", "Spanish (synthetic dub)", True),
        ("eng", "English (original)", False),
    ]
    assert header.subtitles == ("spa", "eng")
    assert b"The dialogue in Spanish is synthetic speech" in (tmp_path / name).read_bytes()
    assert len(list(read_frames(tmp_path / name, 16, 19))) == 3


def test_a_sound_of_another_length_is_refused(parts: Parts, tmp_path: Path) -> None:
    picture, mix, subtitles, source = parts
    short = extract(tmp_path / "film.mp4", tmp_path / "short.wav", replace(source, frames=source.frames - 3))
    with pytest.raises(MediaError, match=r"short\.wav: 1\.877 s of sound; allowed: 2\.002 s, give or take one frame"):
        package(picture, short, mix, subtitles, languages=("en", "es"), source=source, out=tmp_path / "out.mp4")


def test_pixels_that_are_not_square_stay_so(parts: Parts, tmp_path: Path) -> None:
    picture, mix, subtitles, source = parts
    stretched = replace(source, pixel_aspect="16:11")
    facts = package(picture, mix, mix, subtitles, languages=("en", "es"), source=stretched, out=tmp_path / "out.mp4")
    assert facts.pixel_aspect == "16:11"
