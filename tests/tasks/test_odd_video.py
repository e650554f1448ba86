"""Frame rates and pictures that studios really deliver: nothing drifts, nothing lies on its side, and what is refused says the way out."""

from __future__ import annotations

import shlex
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import film, lavfi

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import FrameWriter, Piece, encode_range, join_shots, read_frames, read_groups
from nightdub.infra.media.header import read_header
from nightdub.infra.media.movie import Movie, Sample
from nightdub.infra.media.probe import probe
from nightdub.tasks.audio import extract
from nightdub.tasks.package import package
from nightdub.tasks.picture import film_picture
from nightdub.tasks.probe import probe_source
from nightdub.tasks.sound import read_mono

FAST = ("-c:v", "libx264", "-preset", "ultrafast")
SRT = "1\n00:00:00,500 --> 00:00:01,500\nHola\n\n"
# Of a film like those below.
HEADERS = bytes.fromhex("0164000bffe100196764000bacd942847e5c0440000003004000000c83c50a658001000668ebe3cb22c0fdf8f800")


@pytest.mark.parametrize(("rate", "frames"), [("24000/1001", 172_627), ("30000/1001", 215_784)])
def test_two_hours_end_where_counting_says(rate: str, frames: int, tmp_path: Path) -> None:
    """Frame n is shown at n x 1001 / 24000 s: after two hours nothing was rounded, since every tick is whole."""
    out = tmp_path / "film.mp4"
    assert Movie(160, 120, Fraction(rate), HEADERS).write(out, (Sample(b"\0", place == 0) for place in range(frames))) == frames
    show = ["-show_entries", "packet=pts", "-show_entries", "stream=time_base,nb_frames,avg_frame_rate", "-of", "default=nk=1:nw=1"]
    said = subprocess.run(["ffprobe", "-v", "error", *show, str(out)], check=True, capture_output=True, text=True).stdout.split()
    ticks, (average, base, counted) = [int(word) for word in said[:frames]], said[frames:]
    assert (average, counted) == (rate, str(frames))
    assert ticks[-1] * Fraction(base) == (frames - 1) / Fraction(rate)
    assert {after - before for before, after in pairwise(ticks)} == {1 / Fraction(rate) / Fraction(base)}


@pytest.mark.parametrize(("named", "meant"), [("2997/100", "30000/1001"), ("23976/1000", "24000/1001"), ("5994/100", "60000/1001")])
def test_a_rounded_rate_is_taken_for_the_one_that_it_stands_for(named: str, meant: str, tmp_path: Path) -> None:
    assert probe_source(film(tmp_path / "film.mov", *FAST, rate=named, seconds=1)).frame_rate == meant


def test_a_variable_rate_names_the_command_that_mends_it_and_the_command_does(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", *FAST, "-vf", "select='not(between(n,10,20))'", "-fps_mode", "vfr", seconds=3)
    with pytest.raises(MediaError, match="variable frame rate") as refused:
        probe_source(path)
    command = refused.value.fix.partition("together: ")[2]
    words = [{"FILM": str(path), "OUT.mkv": str(tmp_path / "even.mkv")}.get(word, word) for word in shlex.split(command)]
    assert words[:2] == ["ffmpeg", "-i"]
    subprocess.run([*words, "-v", "error"], check=True)
    facts = probe_source(tmp_path / "even.mkv")
    assert (facts.frames, facts.frame_rate) == (75, "25/1")  # 3 seconds: the eleven frames that lacked are shown again
    assert abs(facts.audio_duration - facts.duration) < 0.05


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_turned_film_is_dubbed_upright(angle: int, tmp_path: Path) -> None:
    path, turned = film(tmp_path / "film.mp4", *FAST, seconds=1), tmp_path / "turned.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-metadata:s:v:0", f"rotate={angle}", str(turned)], check=True)
    facts = probe_source(turned)
    assert (facts.width, facts.height) == ((160, 120) if angle == 180 else (120, 160))
    assert "turned" in read_groups(turned).why_not
    upright = next(read_frames(turned, 0, 1)).astype(float)
    first, rest = encode_range(turned, tmp_path / "a.mp4", 0, 10, 4), tmp_path / "b.mp4"
    with FrameWriter(rest, facts.width, facts.height, facts.frame_rate, 4, like=turned) as writer:
        for frame in read_frames(turned, 10, 25):
            writer.write(frame)
    out = tmp_path / "dub.mp4"
    assert film_picture(turned, [Piece(0, 10, first), Piece(10, 25, rest)], facts, out) == 0
    shown = probe(out)
    assert (shown.width, shown.height, shown.rotation) == (facts.width, facts.height, 0)
    assert np.abs(next(read_frames(out, 0, 1)) - upright).mean() < 6


def test_a_turned_film_of_stretched_pixels_stretches_them_the_other_way(tmp_path: Path) -> None:
    path, turned = film(tmp_path / "film.mp4", *FAST, "-vf", "setsar=16/11", seconds=1), tmp_path / "turned.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned)], check=True)
    assert probe_source(turned).pixel_aspect == "11:16"
    assert probe(encode_range(turned, tmp_path / "shot.mp4", 0, 5)).pixel_aspect == "11:16"


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_an_interlaced_film_is_reported_and_stays_interlaced(order: str, tmp_path: Path) -> None:
    words = (*FAST, "-flags", "+ildct+ilme", "-x264-params", f"{order}=1", "-vf", f"setfield={order}")
    source = film(tmp_path / "film.mp4", *words, seconds=1)
    assert probe_source(source).fields == {"tff": "tt", "bff": "bb"}[order]
    assert probe_source(film(tmp_path / "whole.mp4", *FAST, seconds=1)).fields == ""
    shot = read_header(encode_range(source, tmp_path / "shot.mp4", 0, 5)).picture
    assert shot is not None
    assert shot.fields == {"tff": "tt", "bff": "bb"}[order]


def test_a_shot_of_one_frame_is_encoded_and_joined(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", *FAST, rate="30000/1001", seconds=1)
    shots = [encode_range(source, tmp_path / f"{first}.mp4", first, last) for first, last in ((0, 1), (1, 2), (2, 3))]
    assert join_shots(shots, tmp_path / "out.mp4") == 3
    assert (probe(tmp_path / "out.mp4").frames, probe(tmp_path / "out.mp4").frame_rate) == (3, "30000/1001")


@pytest.mark.parametrize("late", [0.48, -0.32])
def test_a_picture_that_does_not_start_with_its_sound_stays_with_it(late: float, tmp_path: Path) -> None:
    """Frame 25 is white and a beep lies under it, 1 s after the picture's start; the picture starts `late` s after the sound."""
    flash = "color=black:s=160x120:r=25:d=2,drawbox=color=white:t=fill:enable='eq(n,25)'"
    picture = lavfi(tmp_path / "picture.mp4", *FAST, "-g", "10", video=flash)
    beep = f"aevalsrc='between(t,{1 + late},{1.04 + late})*sin(2000*PI*t)/4':s=48000:d=3"
    inputs = ["-itsoffset", str(late), "-i", str(picture), "-f", "lavfi", "-i", beep]
    source = tmp_path / "film.mkv"
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-c:v", "copy", "-c:a", "pcm_s16le", str(source)], check=True)
    facts = probe_source(source)
    mix = extract(source, tmp_path / "mix.wav", facts)
    (tmp_path / "es.srt").write_text(SRT)
    silent, out = tmp_path / "silent.mp4", tmp_path / "dub.mp4"
    assert film_picture(source, [Piece(0, 50)], facts, silent) == 50
    package(silent, mix, mix, {"es": tmp_path / "es.srt"}, languages=("en", "es"), source=facts, out=out)
    light = [frame.mean() for frame in read_frames(out, 0, 50)]
    assert int(np.argmax(light)) == 25
    heard = np.flatnonzero(np.abs(read_mono(extract(out, tmp_path / "heard.wav", facts), rate=48_000)) > 0.1)
    assert heard[0] / 48_000 == pytest.approx(1.0, abs=0.005)
    assert heard[-1] / 48_000 == pytest.approx(1.04, abs=0.01)
