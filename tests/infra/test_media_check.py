from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from films import cut, film, flip_bits, lavfi

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import check_decodes
from nightdub.infra.media.probe import probe

FAST = ("-c:v", "libx264", "-preset", "ultrafast")
CODINGS = {
    "a.mp4": (*FAST, "-movflags", "+faststart"),
    "b.mp4": FAST,
    "a.mkv": FAST,
    "a.ts": FAST,
    "a.mxf": ("-c:v", "mpeg2video"),
    "a.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
}


@pytest.mark.parametrize("name", CODINGS)
def test_a_whole_film_decodes(name: str, tmp_path: Path) -> None:
    assert check_decodes(film(tmp_path / name, *CODINGS[name], seconds=1)) == 25


@pytest.mark.parametrize("name", ["a.mp4", "b.mp4", "a.mkv", "a.mxf", "a.webm"])
def test_a_truncated_film_is_found(name: str, tmp_path: Path) -> None:
    path = cut(film(tmp_path / name, *CODINGS[name]), tmp_path / f"cut-{name}")
    with pytest.raises(MediaError, match=f"cut-{name}: .*(truncated|moov atom not found)"):
        check_decodes(path), probe(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_truncated_sound_is_found(name: str, tmp_path: Path) -> None:
    path = cut(lavfi(tmp_path / name, audio="anoisesrc=s=1:d=3"), tmp_path / f"cut-{name}")
    with pytest.raises(MediaError, match="truncated"):
        probe(path), check_decodes(path)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_are_found(seed: int, tmp_path: Path) -> None:
    path = flip_bits(film(tmp_path / "film.mp4", seconds=1), tmp_path / "flipped.mp4", seed=seed)
    with pytest.raises(MediaError, match=r"flipped\.mp4: damaged or truncated: ffmpeg failed"):
        check_decodes(path)


def test_a_file_with_neither_picture_nor_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lines.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHola\n\n")
    path = lavfi(tmp_path / "lines.mkv", "-i", str(tmp_path / "lines.srt"), "-map", "1:s", "-c:s", "srt", "-t", "1", audio="anullsrc=d=1")
    with pytest.raises(MediaError, match="neither picture nor sound"):
        check_decodes(path)
