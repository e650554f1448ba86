"""Tracks in MP4 and Matroska: languages, titles, flags, channels and lengths as ffprobe reads them; packets as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from films import film

from nightdub.infra.media.mux import AudioTrack, SubtitleTrack, mux

WORDS = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-threads", "1", "-c:a", "aac", "-map", "0:v", "-map", "1:a", "-map", "1:a")
FLAGS = {"default", "forced", "hearing_impaired", "captions"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 s at 25 frames a second, with a sound in 5.1 and one in stereo."""
    return film(tmp_path_factory.mktemp("film") / "film.mp4", *WORDS, "-ac:a:0", "6", "-ac:a:1", "2")


@pytest.fixture(params=[".mp4", ".mkv"])
def delivered(request: pytest.FixtureRequest, source: Path, tmp_path: Path) -> Path:
    cues = tmp_path / "cues.srt"
    cues.write_text("1\n00:00:00,400 --> 00:00:01,000\nHola\n\n")
    sounds = [AudioTrack(source, "spa", "Spanish (synthetic dub)", default=True), AudioTrack(source, "eng", "English (original)", stream=1)]
    texts = [
        SubtitleTrack(cues, "spa", "Spanish (forced)", default=True, forced=True),
        SubtitleTrack(cues, "spa", "Spanish"),
        SubtitleTrack(cues, "spa", "Spanish (SDH)", described=True),
    ]
    out = tmp_path / f"out{request.param}"
    mux(source, sounds, texts, out, tags={"title": "Pilot", "comment": "Synthetic"})
    return out


def probed(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    found = msgspec.json.decode(subprocess.run(command, check=True, capture_output=True).stdout)
    return found["streams"], found["format"]


def digest(path: Path, stream: str) -> str:
    """Return the md5 of a stream's packets."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_track_says_what_it_is(delivered: Path) -> None:
    streams, form = probed(delivered)
    rows = [
        (
            row["codec_type"],
            row["tags"].get("language", "und"),
            row["tags"].get("title") or row["tags"].get("handler_name"),
            {name for name, given in row["disposition"].items() if given} & FLAGS,
        )
        for row in streams[1:]
    ]
    captions = {"captions"} if delivered.suffix == ".mp4" else set()  # MP4's word for the deaf is two of ffmpeg's
    assert rows == [
        ("audio", "spa", "Spanish (synthetic dub)", {"default"}),
        ("audio", "eng", "English (original)", set()),
        ("subtitle", "spa", "Spanish (forced)", {"default", "forced"}),
        ("subtitle", "spa", "Spanish", set()),
        ("subtitle", "spa", "Spanish (SDH)", {"hearing_impaired"} | captions),
    ]
    tags = {name.lower(): value for name, value in form["tags"].items()}
    assert (tags["title"], tags["comment"]) == ("Pilot", "Synthetic")


def test_packets_and_channels_are_those_of_the_film(source: Path, delivered: Path) -> None:
    streams, _ = probed(delivered)
    assert [(row["codec_name"], row["channels"]) for row in streams[1:3]] == [("aac", 6), ("aac", 2)]
    for stream in ("v:0", "a:0", "a:1"):
        assert digest(delivered, stream) == digest(source, stream)


def test_the_picture_is_as_long_as_its_frames(delivered: Path) -> None:
    """Matroska counts in milliseconds: a last frame of 512 of MP4's ticks would be half a second."""
    picture = probed(delivered)[0][0]
    length = picture.get("duration") or picture["tags"]["DURATION"].rpartition(":")[2]
    assert float(length) == pytest.approx(2.0, abs=0.001)
