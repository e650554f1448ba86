"""Smart cut: a film's own packets with encoded shots between them. Truth is ffmpeg's own decoding and ffprobe's packet digests."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from films import film

from nightdub.infra.errors import MediaError
from nightdub.infra.media import avc
from nightdub.infra.media.ffmpeg import (
    FrameWriter,
    Groups,
    Piece,
    assemble,
    check_decodes,
    encode_range,
    picture_digests,
    read_frames,
    read_groups,
)
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import probe

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-threads", "1")
CLOSED = "keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0:open-gop=0"
SOURCES = {
    "frames that lean on later ones": ("a.mp4", "25", (*X264, "-x264-params", CLOSED)),
    "pyramid, NTSC": ("a.mkv", "30000/1001", (*X264, "-x264-params", f"{CLOSED}:b-pyramid=normal:ref=4")),
    "film rate": ("a.mp4", "24000/1001", (*X264, "-x264-params", CLOSED, "-profile:v", "main")),
    "baseline": ("a.mp4", "25", (*X264, "-profile:v", "baseline")),
    "late start": ("a.mp4", "25", (*X264, "-x264-params", CLOSED, "-output_ts_offset", "3.3")),
    "fields": ("a.mp4", "25", (*X264, "-x264-params", f"{CLOSED}:tff=1", "-flags", "+ildct+ilme", "-vf", "setfield=tff")),
    "colours": ("a.mp4", "50", (*X264, "-x264-params", CLOSED, "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")),
    "pixels that are not square": ("a.mkv", "25", (*X264, "-x264-params", CLOSED, "-vf", "setsar=16/11")),
}


def digests(path: Path) -> list[str]:
    """Return the md5 of every frame as ffmpeg decodes it, strictly and without any of our code."""
    words = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("kind", SOURCES)
def test_untouched_groups_keep_their_packets_and_every_frame_is_there(kind: str, tmp_path: Path) -> None:
    name, rate, words = SOURCES[kind]
    source = film(tmp_path / name, *words, rate=rate, seconds=3)
    groups = read_groups(source)
    assert (groups.why_not, groups.frames) == ("", probe(source).frames)
    assert groups.starts == tuple(range(0, groups.frames, 12))
    last = groups.frames
    one, two = encode_range(source, tmp_path / "one.mp4", 24, 29), tmp_path / "two.mp4"
    size = read_header(source).picture
    assert size is not None
    with FrameWriter(two, size.width, size.height, rate if "/" in rate else f"{rate}/1", like=source) as writer:
        for frame in read_frames(source, 29, 36):
            writer.write(frame)
    single = encode_range(source, tmp_path / "single.mp4", 48, 49)  # a shot of one frame
    rest = encode_range(source, tmp_path / "rest.mp4", 49, 60)
    encoded = [Piece(24, 29, one), Piece(29, 36, two), Piece(48, 49, single), Piece(49, 60, rest)]
    pieces = sorted([Piece(0, 24), Piece(36, 48), Piece(60, last), *encoded], key=lambda piece: piece.first)
    out = tmp_path / "out.mp4"
    assert assemble(source, pieces, Fraction(rate), out) == last
    found = probe(out)
    assert (found.frames, found.frame_rate, found.variable_rate, found.video_start) == (last, probe(source).frame_rate, False, 0.0)
    assert found.pixel_aspect == probe(source).pixel_aspect
    assert check_decodes(out) == last
    copied = [place for place in range(last) if not (24 <= place < 36 or 48 <= place < 60)]
    before, after = digests(source), digests(out)
    assert [after[place] for place in copied] == [before[place] for place in copied]
    expected = [*digests(one), *digests(two)]
    assert after[24:36] == expected
    assert after[48:60] == [*digests(single), *digests(rest)]
    before, after = picture_digests(source), picture_digests(out)
    assert [place for place in range(last) if before[place] == after[place]] == copied


def test_packets_survive_the_way_into_other_containers(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *X264, "-x264-params", CLOSED, seconds=2)
    shot = encode_range(source, tmp_path / "shot.mp4", 12, 24)
    out = tmp_path / "out.mp4"
    assemble(source, [Piece(0, 12), Piece(12, 24, shot), Piece(24, 50)], Fraction(25), out)
    for name in ("again.mp4", "again.mkv", "again.ts"):
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(out), "-c", "copy", str(tmp_path / name)], check=True)
        assert digests(tmp_path / name) == digests(out), name
    for name in ("again.mp4", "again.mkv"):
        assert read_groups(tmp_path / name) == Groups(50, (0, 12, 24, 36, 48)), name


def test_the_same_pieces_give_the_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *X264, "-x264-params", CLOSED, seconds=1)
    for name in ("one.mp4", "two.mp4"):
        assemble(source, [Piece(0, 25)], Fraction(25), tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    assert picture_digests(tmp_path / "one.mp4") == picture_digests(source)


@pytest.mark.parametrize(
    ("name", "words", "why"),
    [
        ("a.mp4", (*X264, "-x264-params", "keyint=10:open-gop=1:bframes=3:b-adapt=0:scenecut=0"), ""),
        ("a.ts", X264, "MPEG-TS"),
        ("a.mxf", ("-c:v", "mpeg2video"), "MXF"),
        ("a.mkv", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"), "hevc is not taken over"),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"), "vp8"),
        ("a.mov", ("-c:v", "prores_ks", "-c:a", "pcm_s16le"), "prores"),
        ("a.mp4", (*X264, "-pix_fmt", "yuv422p10le"), "yuv422p10le"),
        ("a.mp4", (*X264, "-pix_fmt", "yuvj420p"), "yuvj420p"),
    ],
)
def test_what_cannot_be_taken_over_says_why(name: str, words: tuple[str, ...], why: str, tmp_path: Path) -> None:
    groups = read_groups(film(tmp_path / name, *words, seconds=1))
    if why:
        assert why in groups.why_not
        assert groups.starts == ()
    else:
        assert groups.starts == (0,)  # an open group is a key frame to the container, and no place to cut


def test_a_turned_picture_and_a_hidden_beginning_are_not_taken_over(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *X264, "-x264-params", CLOSED, seconds=2)
    turned, trimmed = tmp_path / "turned.mp4", tmp_path / "trimmed.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(source), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned)], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-ss", "0.3", "-i", str(source), "-c", "copy", str(trimmed)], check=True)
    assert read_groups(turned).why_not == "the picture is turned by 270 degrees"
    assert read_groups(trimmed).why_not == "the container hides some of its frames (edit list)"


def test_pieces_that_leave_a_gap_and_strange_shots_are_errors(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *X264, "-x264-params", CLOSED, seconds=1)
    out = tmp_path / "out.mp4"
    with pytest.raises(MediaError, match="from 12 on"):
        assemble(source, [Piece(0, 12), Piece(13, 25)], Fraction(25), out)
    shot = encode_range(source, tmp_path / "shot.mp4", 12, 20)
    with pytest.raises(MediaError, match=r"8 frames at 12"):
        assemble(source, [Piece(0, 12), Piece(12, 25, shot)], Fraction(25), out)
    with FrameWriter(tmp_path / "strange.mp4", 160, 120, "25/1") as writer:  # like no film: its parameter sets have the source's number
        for frame in read_frames(source, 12, 25):
            writer.write(frame)
    with pytest.raises(MediaError, match="parameter sets of the same number"):
        assemble(source, [Piece(0, 12), Piece(12, 25, tmp_path / "strange.mp4")], Fraction(25), out)
    assert not out.exists()


def test_parameter_sets_are_read_and_written_as_they_are(tmp_path: Path) -> None:
    """An `avcC` by hand: High, level 4.0, lengths of 4 bytes, one SPS with number 0 and one PPS with number 3."""
    sps, pps = bytes([0x67, 100, 0, 40, 0b1_0000000]), bytes([0x68, 0b00100_1_00])
    record = b"\1\x64\0\x28\xff\xe1" + b"\0\5" + sps + b"\1\0\2" + pps + b"\xfd\xf8\xf8\0"
    sets = avc.read_sets(record)
    assert (sets.sps, sets.pps, sets.length_size, sets.numbers) == ((sps,), (pps,), 4, {0, 3})
    assert sets.to_bytes() == record
    assert sets.with_others(sets) == sets
    for broken in (b"", b"\0" * 20, record[:12]):
        with pytest.raises(ValueError, match="record"):
            avc.read_sets(broken)
    packet = b"\0\0\0\2\x65\x11\0\0\0\1\x41"
    assert [avc.kind(unit) for unit in avc.units(packet, 4)] == [5, 1]
    with pytest.raises(ValueError, match="a unit of 9 bytes"):
        list(avc.units(b"\0\0\0\x09\x65", 4))
