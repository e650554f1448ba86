"""HLS: held against another parser's reading, played by ffmpeg, and in step to the sample."""

from __future__ import annotations

import subprocess
from pathlib import Path

import m3u8
import numpy as np
import pytest
from films import film, lavfi

from nightdub.infra.errors import MediaError
from nightdub.infra.media.cmaf import Fragment, Track
from nightdub.infra.media.hls import MAIN, Sound, Text, write_hls

CUES = "WEBVTT\nLanguage: es\n\n1\n00:00:01.000 --> 00:00:02.000\nHola\n"
CODING = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-threads",
    "1",
    "-c:a",
    "aac",
    "-map",
    "0:v",
    "-map",
    "1:a",
    "-map",
    "1:a",
)
TICKS = r"aevalsrc=0.5*sin(2765*t)*lt(mod(t\,2)\,0.05):s=48000"  # 50 ms of every other second
SOUNDS = (Sound(0, "es", "Spanish (synthetic dub)", default=True), Sound(1, "en", 'English "original"'))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 s with B-frames, a key frame every second, and two sounds, one of them 5.1."""
    words = (*CODING, "-g", "25", "-x264-params", "scenecut=0:open-gop=0", "-ac:a:0", "6", "-ac:a:1", "2")
    return film(tmp_path_factory.mktemp("film") / "film.mp4", *words, seconds=14, sound=TICKS)


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hls")
    (place / "cues.vtt").write_text(CUES)
    texts = [
        Text(place / "cues.vtt", "es", "Spanish (forced)", forced=True, chosen=False),
        Text(place / "cues.vtt", "es", "Spanish", chosen=False),
        Text(place / "cues.vtt", "es", "Spanish (SDH)", described=True),
    ]
    made = write_hls(source, SOUNDS, texts, place)
    assert made[-1].name == MAIN
    assert {path.name for path in made} == {path.name for path in place.iterdir()} - {"cues.vtt"}
    return place


def ffprobe(path: Path, *questions: str) -> list[str]:
    words = ["-allowed_extensions", "ALL"] if path.suffix == ".m3u8" else []
    command = ["ffprobe", "-v", "error", *words, *questions, "-of", "csv=p=0", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def heard(path: Path, index: int) -> np.ndarray:
    """Return a sound as mono samples, the first of them at time zero."""
    words = ["-allowed_extensions", "ALL"] if path.suffix == ".m3u8" else []
    graph = ["-map", f"0:a:{index}", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le", "pipe:"]
    command = ["ffmpeg", "-v", "error", "-copyts", *words, "-i", str(path), *graph]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def test_another_parser_reads_the_groups(folder: Path) -> None:
    main = m3u8.load(str(folder / MAIN))
    assert main.is_independent_segments
    rows = [(row.type, row.group_id, row.language, row.name, row.default, row.autoselect, row.forced, row.channels) for row in main.media]
    assert rows == [
        ("AUDIO", "sound", "es", "Spanish (synthetic dub)", "YES", "YES", None, "6"),
        ("AUDIO", "sound", "en", "English 'original'", "NO", "YES", None, "2"),
        ("SUBTITLES", "text", "es", "Spanish (forced)", "NO", "YES", "YES", None),
        ("SUBTITLES", "text", "es", "Spanish", "NO", "NO", "NO", None),
        ("SUBTITLES", "text", "es", "Spanish (SDH)", "NO", "YES", "NO", None),
    ]
    assert "transcribes-spoken-dialog" in main.media[4].characteristics
    stream = main.playlists[0].stream_info
    assert (stream.resolution, stream.frame_rate, stream.audio, stream.subtitles) == ((160, 120), 25.0, "sound", "text")
    assert stream.codecs.startswith("avc1.")
    assert stream.codecs.endswith(",mp4a.40.2")
    assert 0 < stream.average_bandwidth <= stream.bandwidth


def test_every_playlist_names_all_bytes_of_its_file_and_one_target(folder: Path) -> None:
    targets = set()
    for name in ("video", "audio-0", "audio-1"):
        playlist = m3u8.load(str(folder / f"{name}.m3u8"))
        assert playlist.is_endlist
        spans = [playlist.segment_map[0].byterange, *(segment.byterange for segment in playlist.segments)]
        sizes, starts = zip(*(map(int, span.split("@")) for span in spans), strict=True)
        assert [*starts[1:], (folder / f"{name}.m4s").stat().st_size] == [sum(sizes[: place + 1]) for place in range(len(sizes))]
        assert sum(segment.duration for segment in playlist.segments) == pytest.approx(14, abs=0.05)
        assert max(segment.duration for segment in playlist.segments) <= playlist.target_duration
        targets.add(playlist.target_duration)
    assert len(targets) == 1


def test_each_segment_decodes_by_itself_from_a_key_frame(folder: Path, tmp_path: Path) -> None:
    data, playlist = (folder / "video.m4s").read_bytes(), m3u8.load(str(folder / "video.m3u8"))
    header = int(playlist.segment_map[0].byterange.split("@")[0])
    assert [segment.duration for segment in playlist.segments] == [6, 6, 2]
    for segment, frames in zip(playlist.segments, (150, 150, 50), strict=True):
        size, start = map(int, segment.byterange.split("@"))
        alone = tmp_path / "alone.mp4"
        alone.write_bytes(data[:header] + data[start : start + size])
        assert ffprobe(alone, "-count_frames", "-show_entries", "stream=nb_read_frames") == [str(frames)]
        assert ffprobe(alone, "-read_intervals", "%+#1", "-show_entries", "frame=pict_type,key_frame")[0].startswith("1,I")


def test_the_file_is_a_cmaf_track(folder: Path) -> None:
    data, names, at = (folder / "audio-0.m4s").read_bytes(), [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    assert names == [b"ftyp", b"moov", *[b"moof", b"mdat"] * 3]
    assert b"cmfc" in data[:24]


def test_ffmpeg_plays_every_frame_in_step(source: Path, folder: Path) -> None:
    main = folder / MAIN
    assert ffprobe(main, "-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames") == [
        "350",
        "350",
    ]  # programme too
    subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-allowed_extensions", "ALL", "-i", str(main), "-f", "null", "-"], check=True)
    first = ["-select_streams", "v", "-read_intervals", "%+#1", "-show_entries", "packet=pts_time"]
    assert {float(word.strip(",")) for word in ffprobe(main, *first)} == {0.0}
    for index in range(2):
        ours, theirs = heard(main, index), heard(source, index)
        length = min(len(ours), len(theirs))
        assert length >= 14 * 48_000 - 1
        assert np.array_equal(ours[:length], theirs[:length])


def test_subtitles_are_tied_to_the_pictures_clock(folder: Path) -> None:
    assert (folder / "text-1.vtt").read_text() == CUES.replace("VTT\n", "VTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n", 1)
    playlist = m3u8.load(str(folder / "text-1.m3u8"))
    assert [(segment.uri, segment.duration) for segment in playlist.segments] == [("text-1.vtt", 14.0)]
    assert (playlist.playlist_type, playlist.target_duration) == ("vod", 14)


def test_segments_that_lean_on_others_are_not_called_independent(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *CODING, "-g", "25", "-x264-params", "scenecut=0:open-gop=1", seconds=8)
    write_hls(source, SOUNDS[:1], [], tmp_path)
    main = m3u8.load(str(tmp_path / MAIN))
    assert not main.is_independent_segments
    assert main.playlists[0].stream_info.subtitles is None


def test_what_cannot_be_streamed_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "cues.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHola\n")
    with pytest.raises(MediaError, match=r"begins with '1'; allowed: WebVTT"):
        write_hls(source, SOUNDS, [Text(tmp_path / "cues.srt", "es", "Spanish")], tmp_path)
    with pytest.raises(MediaError, match="two renditions named 'x'"):
        write_hls(source, [Sound(0, "es", "x"), Sound(1, "en", "x")], [], tmp_path)
    with pytest.raises(MediaError, match="no picture"):
        write_hls(lavfi(tmp_path / "a.m4a", audio="sine=d=1"), SOUNDS[:1], [], tmp_path)
    with pytest.raises(MediaError, match=r"no H\.264 configuration; allowed: H\.264"):
        write_hls(film(tmp_path / "old.mp4", "-c:v", "mpeg4"), SOUNDS[:1], [], tmp_path)


def test_the_peak_is_that_of_stretches_as_long_as_half_a_segment() -> None:
    """By hand: 6 s of 6,000 bytes and 0.1 s of 1,000 bytes are 8,000 and 80,000 bit/s; the short one counts only with its neighbour."""
    track = Track(Path("a"), 0, (Fragment(6.0, 0, 6000), Fragment(0.1, 6000, 1000)))
    assert track.peak(6) == pytest.approx(8 * 7000 / 6.1)
    assert track.average == pytest.approx(8 * 7000 / 6.1)
    assert Track(Path("a"), 0, (Fragment(1.0, 0, 1000),)).peak(6) == 8000
