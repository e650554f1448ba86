from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import cut, film, flip_bits, lavfi

from nightdub.infra.errors import MediaError
from nightdub.infra.media.safety import Limits
from nightdub.tasks.probe import probe_source
from nightdub.tasks.rows import MediaFacts

FAST = ("-c:v", "libx264", "-preset", "ultrafast")


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "60"])
def test_a_good_source_gives_exact_facts(rate: str, tmp_path: Path) -> None:
    facts = probe_source(film(tmp_path / "film.mp4", rate=rate, seconds=2))
    frames = len([index for index in range(200) if index / Fraction(rate) < 2])
    assert facts == MediaFacts(
        container="MP4/QuickTime",
        duration=float(frames / Fraction(rate)),
        size=(tmp_path / "film.mp4").stat().st_size,
        video_codec="h264",
        width=160,
        height=120,
        frame_rate=str(Fraction(rate)) if "/" in rate else f"{rate}/1",
        frames=frames,
        audio_codec="aac",
        sample_rate=48_000,
        channels=1,
        audio_duration=facts.audio_duration,
    )
    assert abs(facts.audio_duration - 2) < 0.03


def test_pixels_that_are_not_square_are_kept_in_the_facts(tmp_path: Path) -> None:
    assert probe_source(film(tmp_path / "film.mp4", *FAST, "-vf", "setsar=16/11")).pixel_aspect == "16:11"


def test_no_sound_is_refused(tmp_path: Path) -> None:
    path = lavfi(tmp_path / "film.mp4", *FAST, video="testsrc2=s=64x64:d=1")
    with pytest.raises(MediaError, match=r"film\.mp4: no audio stream; allowed: one picture and at least one sound"):
        probe_source(path)


@pytest.mark.parametrize("name", ["film.m4a", "film.wav"])
def test_no_picture_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no video stream"):
        probe_source(lavfi(tmp_path / name, audio="sine=440:d=1"))


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    cover = lavfi(tmp_path / "cover.png", "-frames:v", "1", video="color=red:s=64x64")
    lavfi(
        tmp_path / "song.m4a",
        "-i",
        str(cover),
        "-map",
        "0:a",
        "-map",
        "1:v",
        "-c:v",
        "copy",
        "-disposition:v:0",
        "attached_pic",
        "-t",
        "1",
        audio="sine=440:d=1",
    )
    with pytest.raises(MediaError, match="no video stream"):
        probe_source(tmp_path / "song.m4a")


def test_zero_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing.mp4").touch()
    with pytest.raises(MediaError, match=r"the file is empty \(0 bytes\)"):
        probe_source(tmp_path / "nothing.mp4")
    path = film(tmp_path / "film.mp4", *FAST, "-movflags", "+empty_moov+frag_keyframe")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])  # two streams, and no packet of them
    with pytest.raises(MediaError, match="zero length: no frame in the video stream"):
        probe_source(path)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_truncated_source_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"truncated|moov atom not found"):
        probe_source(cut(film(tmp_path / name), tmp_path / f"cut-{name}"))


def test_a_bit_flipped_source_is_refused(tmp_path: Path) -> None:
    path = flip_bits(film(tmp_path / "film.mp4"), tmp_path / "flipped.mp4")
    with pytest.raises(MediaError, match=r"flipped\.mp4: .*(damaged|truncated|failed)"):
        probe_source(path)


def test_a_wrong_extension_is_refused_under_the_delivered_name_too(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", *FAST, seconds=1).rename(tmp_path / "0123abcd")
    assert probe_source(path, suffix=".MKV").frames == 25
    assert probe_source(path).frames == 25
    with pytest.raises(MediaError, match=r"wrong extension: the content is Matroska/WebM, the name ends in '.mp4'"):
        probe_source(path, suffix=".mp4")


def test_a_playlist_in_disguise_is_refused(tmp_path: Path) -> None:
    canary = film(tmp_path / "canary.ts")
    (tmp_path / "film.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\n{canary}\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError, match=r"film\.mp4: this is an HLS playlist, not media"):
        probe_source(tmp_path / "film.mp4")


def test_a_playlist_behind_a_false_head_reads_nothing_outside(tmp_path: Path) -> None:
    """A head that passes for MP4 does not help: only the MP4 demuxer may open it, and that finds no film."""
    canary = film(tmp_path / "canary.ts")
    head = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    (tmp_path / "film.mp4").write_bytes(head + f"\n#EXTM3U\n#EXTINF:2,\n{canary}\n".encode())
    with pytest.raises(MediaError, match=r"moov atom not found|Invalid data|failed"):
        probe_source(tmp_path / "film.mp4")


def test_16000_pixel_frames_are_refused(tmp_path: Path) -> None:
    wide = lavfi(tmp_path / "wide.mov", "-c:v", "mjpeg", video="color=gray:s=16000x64:r=25:d=0.04,format=yuvj420p", audio="anullsrc=d=1")
    with pytest.raises(MediaError, match=r"a picture of 16000x64 pixels; allowed: up to 8192 pixels a side and 33177600 in all"):
        probe_source(wide)


def test_a_small_file_that_unpacks_to_16000_by_16000_pixels_is_refused(tmp_path: Path) -> None:
    rows = zlib.compress(bytes((16_000 // 8 + 1) * 16_000))  # one bit a pixel, all black: 31 kB
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 16_000, 16_000, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    png = b"".join(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png)
    lavfi(tmp_path / "bomb.mov", "-i", str(tmp_path / "bomb.png"), "-map", "0:a", "-map", "1:v", "-c:v", "copy", audio="anullsrc=d=1")
    with pytest.raises(MediaError, match=r"a picture of (16000x16000 pixels|unreadable or too large size)"):
        probe_source(tmp_path / "bomb.mov")


def test_55_hours_of_sound_are_refused(tmp_path: Path) -> None:
    samples = 55 * 3600 * 8000
    path = tmp_path / "film.wav"
    with path.open("wb") as stream:  # 8 bits, mono, 8 kHz; all silence, and no block of it on the disk
        stream.write(b"RIFF" + struct.pack("<I", 36 + samples) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8))
        stream.write(b"data" + struct.pack("<I", samples))
        stream.truncate(44 + samples)
    with pytest.raises(MediaError, match=r"55 hours long; allowed: up to 12 hours"):
        probe_source(path)


def test_a_film_that_hides_its_length_is_stopped_on_the_way(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", *FAST, "-live", "1", seconds=3)
    with pytest.raises(MediaError, match=r"hours long; allowed: up to 0.0005556 hours"):
        probe_source(path, limits=Limits(duration=2.0))


def test_a_variable_frame_rate_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", *FAST, "-vf", "select='not(between(n,10,20))'", "-fps_mode", "vfr")
    with pytest.raises(MediaError, match="variable frame rate; allowed: every frame within half a frame of"):
        probe_source(path)


def test_hdr_is_refused(tmp_path: Path) -> None:
    words = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-pix_fmt", "yuv420p10le")
    with pytest.raises(MediaError, match=r"HDR picture \(smpte2084\); allowed: SDR"):
        probe_source(film(tmp_path / "film.mkv", *FAST, *words))


def test_an_odd_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="a picture of 161x121; allowed: even width and height"):
        probe_source(film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv444p", "-vf", "scale=161:121"))


def test_a_source_that_starts_in_the_middle_of_a_group_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "film.ts", *FAST, "-g", "25", "-bf", "0", seconds=3)
    packets = path.read_bytes()
    (tmp_path / "late.ts").write_bytes(packets[: 188 * 3] + packets[188 * (len(packets) // 188 // 4) :])
    with pytest.raises(MediaError, match=r"frames in the container, but .* pictures decode|damaged|variable"):
        probe_source(tmp_path / "late.ts")


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    name = "-version;$(touch x) concat:%03d|'quote\" [0:v].mp4"
    path = film(tmp_path / "film.mp4", *FAST, seconds=1).rename(tmp_path / name)
    assert probe_source(path).frames == 25
    program = f"from pathlib import Path; from nightdub.tasks.probe import probe_source; print(probe_source(Path({name!r})).frames)"
    relative = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert relative.stdout == "25\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name]
