from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from films import film, lavfi

from nightdub.infra.errors import MediaError
from nightdub.infra.media.probe import probe
from nightdub.infra.media.safety import Limits, input_options
from nightdub.infra.media.sniff import FAMILIES, sniff

FILMS = {
    "a.mp4": ("-c:v", "mpeg4", "-c:a", "aac"),
    "a.mov": ("-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    "a.mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"),
    "a.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
    "a.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "a.m2ts": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "ac3"),
    "a.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "a.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
}
NAMES = {".mp4": "MP4/QuickTime", ".mov": "MP4/QuickTime", ".mkv": "Matroska/WebM", ".webm": "Matroska/WebM", ".ts": "MPEG-TS",
         ".m2ts": "MPEG-TS", ".mxf": "MXF", ".ogv": "Ogg"}  # fmt: skip

DASH = '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>'
DISGUISES = {
    "hls": ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{canary}\n#EXT-X-ENDLIST\n", "an HLS playlist"),
    "hls with a byte order mark": ("\ufeff\n#EXTM3U\n{canary}\n", "an HLS playlist"),
    "ffconcat": ("ffconcat version 1.0\nfile {canary}\n", "a list of files (ffconcat)"),
    "concat": ("file '{canary}'\n", "a list of files (concat)"),
    "dash": (DASH, "a manifest"),
    "sdp": ("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "a session description (SDP)"),
    "pls": ("[playlist]\nFile1={canary}\n", "a playlist (PLS)"),
    "text": ("just some words that are no film at all", "unknown (it starts with 6a 75 73 74"),
}


@pytest.mark.parametrize("name", FILMS)
def test_each_container_is_known_by_its_bytes_and_counted(name: str, tmp_path: Path) -> None:
    path = film(tmp_path / name, *FILMS[name], seconds=1)
    assert sniff(path).name == NAMES[path.suffix]
    found = probe(path)
    assert (found.frames, found.frame_rate, found.variable_rate, found.sample_rate) == (25, "25/1", False, 48_000)
    assert abs(found.audio_duration - 1) < 0.06


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus", "a.m4a"])
def test_each_sound_file_is_known_by_its_bytes(name: str, tmp_path: Path) -> None:
    path = lavfi(tmp_path / name, audio="sine=440:r=48000:d=1")
    assert abs(probe(path).audio_duration - 1) < 0.06
    bare = path.rename(tmp_path / "0123abcd")  # as the store names it
    assert path.suffix in sniff(bare).suffixes


def test_rf64_is_a_wave_file(tmp_path: Path) -> None:
    path = lavfi(tmp_path / "long.wav", "-rf64", "always", audio="sine=440:r=48000:d=1")
    assert path.read_bytes()[:4] == b"RF64"
    assert probe(path).audio_duration == 1.0


@pytest.mark.parametrize("name", DISGUISES)
def test_a_playlist_in_disguise_is_refused_before_any_program_starts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, called = DISGUISES[name]
    canary = film(tmp_path / "outside.ts")
    path = tmp_path / "film.mp4"
    path.write_text(text.format(canary=canary), encoding="utf-8")
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *command, **_: started.append(command))
    with pytest.raises(MediaError, match="not media") as caught:
        probe(path)
    assert called in str(caught.value)
    assert "film.mp4" in str(caught.value)
    assert started == []


def test_content_that_differs_from_the_name_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv").rename(tmp_path / "film.mp4")
    with pytest.raises(MediaError, match=r"wrong extension: the content is Matroska/WebM, the name ends in '.mp4'; allowed: .mkv"):
        probe(path)


def test_an_empty_and_an_absent_file_say_so(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    with pytest.raises(MediaError, match="the file is empty"):
        sniff(tmp_path / "film.mp4")
    with pytest.raises(MediaError, match=r"gone\.mp4: cannot be read: No such file"):
        sniff(tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match="cannot be read: Is a directory"):
        sniff(tmp_path)


@pytest.mark.parametrize(
    ("head", "called"),
    [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"\0\0\0\x1cftypavif", "AVIF"), (b"RIFF\0\0\0\0AVI ", "an AVI")],
)
def test_what_cannot_be_dubbed_is_named(head: bytes, called: str, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(head + bytes(100))
    with pytest.raises(MediaError, match=called):
        sniff(tmp_path / "film.mp4")


def test_only_the_sniffed_demuxer_and_local_files_are_allowed(tmp_path: Path) -> None:
    options = input_options(film(tmp_path / "film.mp4"))
    assert options["format_whitelist"] == "mov,mp4,m4a,3gp,3g2,mj2"
    assert options["protocol_whitelist"] == "file"
    assert all("hls" not in family.whitelist and "concat" not in family.whitelist and "dash" not in family.whitelist for family in FAMILIES)


def test_a_file_above_the_size_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="allowed: up to 1000 bytes"):
        probe(film(tmp_path / "film.mp4"), Limits(size=1000))
