from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parent))

from films import film, lavfi

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import AudioTrack, SubtitleTrack, encode_range, encode_sound, extract_audio, extract_programme, mux
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import probe

SRT = "1\n00:00:00,500 --> 00:00:01,500\nHola\n\n"


def burst(at: float, channels: int = 1) -> str:
    """Return a generator of two seconds of sound with one short tone in it."""
    return "aevalsrc='" + "|".join([f"0.5*sin(2*PI*1000*t)*between(t,{at},{at + 0.05})"] * channels) + "':s=48000:d=2"


def click(path: Path, at: float, *words: str, channels: int = 1) -> Path:
    """Write a black film of two seconds with one short tone in its sound."""
    video = "color=black:s=64x64:r=25:d=2"
    return lavfi(path, "-c:v", "libx264", "-preset", "ultrafast", *words, video=video, audio=burst(at, channels))


def onset(path: Path) -> float:
    samples, rate = soundfile.read(path)
    return float(np.flatnonzero(np.abs(samples[:, 0]) > 0.1)[0] / rate)


def test_sound_keeps_its_channels_or_takes_those_asked_for(tmp_path: Path) -> None:
    source = lavfi(tmp_path / "six.wav", "-ac", "6", audio="sine=440:r=44100:d=1")
    assert soundfile.info(extract_audio(source, tmp_path / "all.wav", 48_000)).channels == 6
    info = soundfile.info(extract_audio(source, tmp_path / "one.wav", 16_000, 1))
    assert (info.channels, info.samplerate, info.frames, info.subtype) == (1, 16_000, 16_000, "PCM_16")
    with pytest.raises(MediaError, match="no audio stream 3: it has 1 of them"):
        extract_audio(source, tmp_path / "none.wav", 48_000, stream=3)


def test_extracting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", sound="anoisesrc=r=44100:s=1")
    digests = {digest_file(extract_programme(source, tmp_path / f"{number}.wav", 48_000, 96_000)) for number in range(2)}
    assert len(digests) == 1


def test_mono_becomes_two_equal_channels_at_the_same_level(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", "-c:v", "libx264", "-c:a", "pcm_s16le", "-ac", "1", sound="sine=440:r=48000")
    before, _ = soundfile.read(extract_audio(source, tmp_path / "mono.wav", 48_000))
    after, _ = soundfile.read(extract_programme(source, tmp_path / "stereo.wav", 48_000, 96_000))
    assert np.array_equal(after[:, 0], after[:, 1])
    assert np.array_equal(after[:, 0], before)


@pytest.mark.parametrize(("channels", "words"), [(2, ()), (6, ("-c:a", "flac")), (1, ("-c:a", "aac"))])
def test_the_programme_has_the_length_asked_for_to_the_sample(channels: int, words: tuple[str, ...], tmp_path: Path) -> None:
    source = click(tmp_path / "film.mkv", 1.0, *words, channels=channels)
    for samples in (90_001, 96_000, 100_000):
        sound, rate = soundfile.read(extract_programme(source, tmp_path / "programme.wav", 48_000, samples))
        assert (sound.shape, rate) == ((samples, 2), 48_000)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts"])
def test_sound_and_picture_keep_their_distance(name: str, tmp_path: Path) -> None:
    source = click(tmp_path / name, 1.0, "-c:a", "aac")
    assert abs(onset(extract_programme(source, tmp_path / "programme.wav", 48_000, 96_000)) - 1.0) < 0.002


@pytest.mark.parametrize("late", [0.4, -0.4])
@pytest.mark.parametrize("name", ["film.mkv", "film.ts", "film.mp4"])
def test_a_sound_that_starts_later_or_earlier_than_the_picture_is_moved_to_it(name: str, late: float, tmp_path: Path) -> None:
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    shifted = ("-af", f"asetpts=PTS+{late}/TB") if late > 0 else ("-vf", f"setpts=PTS+{-late}/TB")
    source = lavfi(tmp_path / name, *coding, *shifted, video="color=black:s=64x64:r=25:d=2", audio=burst(1.0))
    assert abs(onset(extract_programme(source, tmp_path / "programme.wav", 48_000, 96_000)) - (1.0 + late)) < 0.002


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    picture = encode_range(film(tmp_path / "film.mp4", rate="30000/1001", seconds=2), tmp_path / "picture.mp4", 0, 60)
    sounds = [lavfi(tmp_path / f"{tone}.wav", "-ac", "2", audio=f"sine={tone}:r=48000:d=2.002") for tone in (300, 600)]
    (tmp_path / "es.srt").write_text(SRT, encoding="utf-8")
    return picture, *sounds, tmp_path / "es.srt"


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_tracks_are_tagged_titled_and_counted_and_the_bytes_are_the_same_twice(name: str, parts: tuple[Path, ...], tmp_path: Path) -> None:
    picture, dub, original, text = parts
    sounds = [AudioTrack(dub, "spa", "Español", default=True), AudioTrack(original, "eng", "English")]
    digests = set()
    for _ in range(2):
        found = mux(
            picture, sounds, [SubtitleTrack(text, "spa", "Español")], tmp_path / name, pixel_aspect="16:11", tags={"comment": "synthetic"}
        )
        digests.add(digest_file(tmp_path / name))
    assert len(digests) == 1
    assert (found.frames, found.frame_rate, found.audio_streams, found.pixel_aspect) == (60, "30000/1001", 2, "16:11")
    header = read_header(tmp_path / name)
    assert [(sound.language, sound.title, sound.default, sound.codec) for sound in header.sounds] == [
        ("spa", "Español", True, "aac"),
        ("eng", "English", False, "aac"),
    ]
    assert header.subtitles == ("spa",)
    assert header.picture is not None
    assert header.picture.start == 0.0
    assert b"synthetic" in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_muxing_moves_no_sound(name: str, tmp_path: Path) -> None:
    source = click(tmp_path / "film.mkv", 1.0, "-c:a", "pcm_s16le")
    wav = extract_programme(source, tmp_path / "sound.wav", 48_000, 96_000)
    picture = encode_range(source, tmp_path / "picture.mp4", 0, 50)
    mux(picture, [AudioTrack(wav, "eng", "English", default=True)], [], tmp_path / name)
    assert abs(onset(extract_programme(tmp_path / name, tmp_path / "back.wav", 48_000, 96_000)) - 1.0) < 0.002


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_sound_that_was_encoded_before_is_carried_as_it_is(channels: int, tmp_path: Path) -> None:
    """The copied packets decode to what encoding in the film itself gives, to the bit and at the same place."""
    length = 2 * 48_000
    noise = 0.1 * np.random.default_rng(1).standard_normal((length, channels))
    soundfile.write(tmp_path / "sound.wav", noise, 48_000, subtype="PCM_24")
    source = film(tmp_path / "film.mp4", seconds=2)
    picture = encode_range(source, tmp_path / "picture.mp4", 0, 50)
    once = encode_sound(tmp_path / "sound.wav", tmp_path / "sound.m4a")
    first = digest_file(once)
    assert digest_file(encode_sound(tmp_path / "sound.wav", tmp_path / "sound.m4a")) == first
    sounds = [AudioTrack(tmp_path / "sound.wav", "spa", "encoded", default=True), AudioTrack(once, "eng", "copied")]
    mux(picture, sounds, [], tmp_path / "out.mp4")
    assert [sound.channels for sound in read_header(tmp_path / "out.mp4").sounds] == [channels] * 2
    heard = [
        soundfile.read(extract_programme(tmp_path / "out.mp4", tmp_path / f"{index}.wav", 48_000, length, stream=index, channels=None))[0]
        for index in range(2)
    ]
    assert heard[0].any()
    assert (heard[0] == heard[1]).all()


def test_a_sound_of_another_length_is_refused_and_leaves_no_file(parts: tuple[Path, ...], tmp_path: Path) -> None:
    picture, dub, *_ = parts
    short = lavfi(tmp_path / "short.wav", audio="sine=300:r=48000:d=1.9")
    with pytest.raises(MediaError, match=r"short\.wav: 1\.900 s of sound; allowed: 2\.002 s, give or take one frame"):
        mux(picture, [AudioTrack(dub, "spa", "Español"), AudioTrack(short, "eng", "English")], [], tmp_path / "out.mp4")
    assert not list(tmp_path.glob("*out*"))


def test_what_is_no_subtitle_and_no_container_is_refused(parts: tuple[Path, ...], tmp_path: Path) -> None:
    picture, dub, *_ = parts
    (tmp_path / "es.vtt").write_text("WEBVTT\n\n")
    with pytest.raises(MediaError, match="not an SRT file"):
        mux(picture, [AudioTrack(dub, "spa", "Español")], [SubtitleTrack(tmp_path / "es.vtt", "spa", "Español")], tmp_path / "out.mp4")
    with pytest.raises(MediaError, match=r"no container for '.avi'; allowed: .mp4, .mkv"):
        mux(picture, [], [], tmp_path / "out.avi")


def test_a_file_with_no_known_length_is_measured(tmp_path: Path) -> None:
    path = film(tmp_path / "live.mkv", "-c:v", "libx264", "-preset", "ultrafast", "-live", "1")
    assert abs(probe(path).duration - 2.0) < 0.05
