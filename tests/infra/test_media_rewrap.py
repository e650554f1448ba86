"""A film taken apart and put together again keeps its packets; a rate is what was asked for; tracks are what they are said to be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.media.ffmpeg import FrameWriter, Piece, assemble
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import probe
from nightdub.infra.media.rewrap import Track, picture_packets, rewrap
from nightdub.tasks.sound import write_sound

FRAMES = 120


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rewrap") / "picture.mp4"
    with FrameWriter(out, 64, 48, "25/1", preset="ultrafast") as writer:
        for number in range(FRAMES):
            writer.write(np.full((48, 64, 3), 2 * number, np.uint8))
    return out


def test_packets_say_where_a_picture_can_be_cut(picture: Path) -> None:
    packets = picture_packets(picture)
    assert len(packets) == FRAMES
    assert [number for number, packet in enumerate(packets) if packet.key] == [0, 50, 100]  # two seconds apart at most
    assert [round(float(packet.time) * 25) for packet in packets] == list(range(FRAMES))


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001)])
def test_a_picture_has_the_rate_that_it_was_given(picture: Path, rate: Fraction, tmp_path: Path) -> None:
    assemble(picture, [Piece(0, FRAMES)], rate, tmp_path / "other.mp4")
    found = probe(tmp_path / "other.mp4")
    assert (Fraction(found.frame_rate), found.frames, found.variable_rate) == (rate, FRAMES, False)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_tracks_are_written_as_they_are_named_and_not_checked(picture: Path, suffix: str, tmp_path: Path) -> None:
    short = write_sound(tmp_path / "short.wav", np.full((2, 48_000), 0.1), 48_000)  # one second, where the picture has five
    out = rewrap(picture, [Track(short, "und", "one"), Track(short, "kor", "two", default=True)], [], tmp_path / f"film{suffix}")
    assert [sound.default for sound in read_header(out).sounds] == [False, True]
    assert read_header(out).sounds[1].language == "kor"
    again = rewrap(out, [Track(out, "jpn", stream=1)], [], tmp_path / f"again{suffix}")
    assert [sound.language for sound in read_header(again).sounds] == ["jpn"]
    assert [packet.digest for packet in picture_packets(again)] == [packet.digest for packet in picture_packets(out)]
