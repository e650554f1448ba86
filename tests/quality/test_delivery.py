"""The delivered film against what was mixed: good films pass, and each fault is seen by the measure that is made for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from scipy.signal import butter, lfilter, sosfilt

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import cut, flip_bits, lavfi

from nightdub.infra.media.ffmpeg import AudioTrack, SubtitleTrack, mux
from nightdub.infra.media.header import Header, Picture
from nightdub.infra.media.header import Sound as Sounding
from nightdub.quality.delivery import Delivery, programme_measurements
from nightdub.quality.metrics import carried, package, sync, traces
from nightdub.quality.metrics.loudness import FACTS as LOUDNESS
from nightdub.quality.metrics.lse import FACTS as LSE
from nightdub.quality.metrics.package import Wanted, package_measurements, track_problems
from nightdub.quality.metrics.sync import av_offset
from nightdub.quality.metrics.traces import original_leak
from nightdub.tasks.rows import Measurement

RATE, LENGTH = 48_000, 12
LINES = [(1.0, 3.0), (5.0, 7.0), (9.0, 10.5)]
SRT = "1\n00:00:00,500 --> 00:00:01,500\nHola\n"

Sound = npt.NDArray[np.float64]
Rows = dict[str, Measurement]


def lines(seed: int) -> Sound:
    """Return speech-like noise where lines lie, in the middle, shape (samples, 2)."""
    rng, times = np.random.default_rng(seed), np.arange(LENGTH * RATE) / RATE
    spoken = np.any([(times >= start) & (times < end) for start, end in LINES], axis=0)
    voice = lfilter([1], [1, -0.95], rng.standard_normal(times.size)) * np.abs(np.sin(2 * np.pi * (1.5 + 0.1 * seed) * times)) * 0.03
    return np.repeat((voice * spoken)[:, None], 2, axis=1)


def music() -> Sound:
    rng, times = np.random.default_rng(3), np.arange(LENGTH * RATE) / RATE
    notes = [
        np.sin(2 * np.pi * 220 * 2 ** (rng.integers(0, 24) / 12) * times) * np.exp(-3 * (times - at)) * (times >= at)
        for at in range(LENGTH)
    ]
    hiss = 0.002 * rng.standard_normal((times.size, 2))
    return 0.05 * np.stack([sum(notes[::2]), sum(notes[1::2])], axis=1) + hiss


@dataclass(frozen=True)
class Parts:
    folder: Path
    bed: Sound
    dub: Sound
    speech: Sound  # of the original

    @property
    def programme(self) -> Sound:
        return self.bed + self.dub

    @property
    def original(self) -> Sound:
        return self.bed + self.speech

    def write(self, name: str, sound: Sound) -> Path:
        soundfile.write(path := self.folder / f"{name}.wav", sound, RATE, subtype="PCM_24")
        return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("delivery")
    made = Parts(folder, music(), lines(1), lines(2))
    made.write("programme", made.programme)
    made.write("original", made.original)
    (folder / "es.srt").write_text(SRT, encoding="utf-8")
    lavfi(folder / "picture.mp4", "-c:v", "libx264", "-preset", "ultrafast", video=f"testsrc2=s=64x48:r=25:d={LENGTH}")
    return made


@pytest.fixture
def film_of(parts: Parts, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that packs a sound as the dub, as the chain's last step does."""

    def make(sound: Sound | None = None, name: str = "film.mp4", dub: str = "spa", subtitle: str = "spa") -> Path:
        track = parts.write("carried", sound) if sound is not None else parts.folder / "programme.wav"
        sounds = [AudioTrack(track, dub, "dub", default=True), AudioTrack(parts.folder / "original.wav", "eng", "original")]
        texts = [SubtitleTrack(parts.folder / "es.srt", subtitle, "text")]
        mux(parts.folder / "picture.mp4", sounds, texts, tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def measure(parts: Parts) -> Callable[[Path], Rows]:
    def rows(film: Path) -> Rows:
        delivery = Delivery(
            film, parts.folder / "programme.wav", parts.folder / "original.wav", "es", "en", Fraction(25), LINES, LINES, ("es",)
        )
        return {row.metric: row for row in programme_measurements(delivery)}

    return rows


@pytest.fixture
def compare(parts: Parts) -> Callable[[Sound], Rows]:
    """Return a function that measures a sound as a film would carry it, without coding it."""

    def rows(sound: Sound) -> Rows:
        track = parts.write("carried", sound)
        found, _ = carried.carried_measurements(parts.folder / "programme.wav", track)
        return {row.metric: row for row in [*found, av_offset(parts.folder / "original.wav", track, LINES)]}

    return rows


def late(sound: Sound, samples: int) -> Sound:
    return np.roll(sound, samples, axis=0)


# ---------------------------------------------------------------- good films


def test_a_five_one_film_is_held_against_a_five_one_programme(parts: Parts, tmp_path: Path) -> None:
    five = np.zeros((len(parts.bed), 6))
    five[:, :2], five[:, 4:] = parts.bed, parts.bed[:, ::-1] / 2
    five[:, 3] = 0.01 * np.random.default_rng(5).standard_normal(len(five))  # of which AAC keeps what lies under 120 Hz
    dub, speech = (five + np.eye(6)[2] * sound[:, :1] for sound in (parts.dub, parts.speech))
    programme, original = parts.write("five-programme", dub), parts.write("five-original", speech)
    sounds = [AudioTrack(programme, "spa", "dub", default=True), AudioTrack(original, "eng", "original")]
    film = tmp_path / "five.mp4"
    mux(parts.folder / "picture.mp4", sounds, [SubtitleTrack(parts.folder / "es.srt", "spa", "text")], film)

    def rows(programme: Path) -> Rows:
        delivery = Delivery(film, programme, original, "es", "en", Fraction(25), LINES, LINES, ("es",), 6)
        return {row.metric: row for row in programme_measurements(delivery)}

    good = rows(programme)
    assert not [row.metric for row in good.values() if row.value is None and not row.not_applicable]
    assert (good["package.track_problems"].value, good["package.decode_errors"].value) == (0, 0)
    assert good["package.sound_difference"].value < 3
    assert good["package.original_leak"].value < -35
    stereo = rows(parts.folder / "programme.wav")
    assert "the dub track has 6 channels, not 2" in stereo["package.track_problems"].detail


def test_a_stereo_film_of_a_five_one_programme_is_not_measured(parts: Parts, film_of: Callable[..., Path]) -> None:
    programme = parts.write("five-programme", np.repeat(parts.programme[:, :1], 6, axis=1))
    delivery = Delivery(film_of(), programme, parts.folder / "original.wav", "es", "en", Fraction(25), LINES, LINES, ("es",))
    rows = {row.metric: row for row in programme_measurements(delivery)}
    assert "the dub track has 2 channels, not 6" in rows["package.track_problems"].detail
    assert rows["package.sound_offset"].not_measured == "the dub track has 2 channels, the programme 6"


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_good_film_is_as_it_was_mixed(name: str, film_of: Callable[..., Path], measure: Callable[[Path], Rows]) -> None:
    rows = measure(film_of(name=name))
    assert set(rows) == {*LOUDNESS, *carried.FACTS, *package.FACTS, *traces.FACTS, *sync.FACTS} - {*LSE}
    assert not [row.metric for row in rows.values() if row.value is None and not row.not_applicable]
    for metric, most in (("sound_offset", 1), ("drift", 1), ("gain", 0.2), ("sound_difference", 2.5)):
        assert abs(rows[f"package.{metric}"].value or 0) < most, metric
    assert (rows["package.original_leak"].value or 0) < -40
    assert rows["sync.av_offset"].value == pytest.approx(0, abs=1)
    for metric in ("track_problems", "frame_rate_difference", "decode_errors"):
        assert rows[f"package.{metric}"].value == 0, rows[f"package.{metric}"].detail
    assert (rows["package.length_difference"].value or 0) <= 25  # one frame of AAC: 21 ms


# ---------------------------------------------------------------- what the sound has become


@pytest.mark.parametrize("milliseconds", [-300, -60, 45, 100])
def test_a_shift_is_read_in_milliseconds_and_is_no_difference(milliseconds: int, parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    rows = compare(late(parts.programme, milliseconds * 48))
    assert rows["package.sound_offset"].value == pytest.approx(milliseconds, abs=0.01)
    assert rows["sync.av_offset"].value == pytest.approx(milliseconds, abs=0.01)
    assert rows["sync.av_offset"].detail == "between the lines"
    assert (rows["package.sound_difference"].value or 0) < 0.1
    assert rows["package.drift"].value == pytest.approx(0, abs=0.01)


def test_a_drift_of_a_thousandth_is_seen(parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    rows = compare(soxr.resample(parts.programme, RATE, RATE * 1.001))
    assert rows["package.drift"].value == pytest.approx(12, abs=0.6)
    assert float(rows["package.drift"].detail.split()[0]) == pytest.approx(1000, abs=50)
    assert rows["package.sound_offset"].value == pytest.approx(6, abs=0.3)
    assert (rows["package.sound_difference"].value or 0) < 3


def test_gain_is_read_and_is_no_difference(parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    rows = compare(parts.programme * 10 ** (-4 / 20))
    assert rows["package.gain"].value == pytest.approx(-4, abs=0.001)
    assert (rows["package.sound_difference"].value or 0) < 0.1


def test_a_track_that_starts_late_in_the_container_is_late(
    film_of: Callable[..., Path], measure: Callable[[Path], Rows], tmp_path: Path
) -> None:
    good, shifted = film_of(), tmp_path / "shifted.mp4"
    maps = ["-map", "0:v", "-map", "1:a", "-map", "0:s", "-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(good), "-itsoffset", "0.2", "-i", str(good), *maps, str(shifted)], check=True)
    rows = measure(shifted)
    assert rows["package.sound_offset"].value == pytest.approx(200, abs=1)
    assert rows["sync.av_offset"].value == pytest.approx(200, abs=1)


def _without_second_line(parts: Parts) -> Sound:
    sound = parts.programme.copy()
    sound[5 * RATE : 7 * RATE] = parts.bed[5 * RATE : 7 * RATE]
    return sound


def _noisy(parts: Parts) -> Sound:
    level = np.sqrt(np.square(parts.programme).mean())
    return parts.programme + 0.1 * level * np.random.default_rng(9).standard_normal(parts.programme.shape)


FAULTS: dict[str, Callable[[Parts], Sound]] = {
    "a line silenced": _without_second_line,
    "noise 20 dB under": _noisy,
    "hum at -50 dBFS": lambda parts: parts.programme + 10 ** (-50 / 20) * np.sin(2 * np.pi * 50 * np.arange(LENGTH * RATE) / RATE)[:, None],
    "zero line off by a hundredth": lambda parts: parts.programme + 0.01,
    "clipped by 16 dB": lambda parts: np.clip(parts.programme, *(np.array([-1, 1]) * np.abs(parts.programme).max() * 10 ** (-16 / 20))),
    "low-pass at 4 kHz": lambda parts: sosfilt(butter(8, 4000, fs=RATE, output="sos"), parts.programme, axis=0),
    "another programme": lambda parts: parts.original,
    "left and right swapped": lambda parts: parts.programme[:, ::-1],
    "a jump of 100 ms": lambda parts: np.concatenate([parts.programme[: 6 * RATE], late(parts.programme, 4800)[6 * RATE :]]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_sound_is_a_difference_above_3_db(fault: str, parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    row = compare(FAULTS[fault](parts))["package.sound_difference"]
    assert (row.value or 0) > 3, row
    if fault == "a line silenced":
        assert 4.0 <= float(row.worst[0].segment.removesuffix(" s")) <= 7.0


@pytest.mark.parametrize("level", [-30])
def test_a_leak_of_the_original_is_read_at_its_level(
    level: int, parts: Parts, film_of: Callable[..., Path], measure: Callable[[Path], Rows]
) -> None:
    """Heard through AAC at the package's rate, whose noise it must be told from."""
    rows = measure(film_of(parts.programme + 10 ** (level / 20) * parts.speech))
    assert rows["package.original_leak"].value == pytest.approx(level, abs=1.5)


def test_a_leak_into_one_line_is_named(parts: Parts) -> None:
    leaky = parts.programme.copy()
    leaky[9 * RATE : 11 * RATE] += 10 ** (-30 / 20) * parts.speech[9 * RATE : 11 * RATE]
    row = original_leak(*(parts.folder / "programme.wav", parts.write("leaky", leaky), parts.folder / "original.wav"), LENGTH, None)
    assert row.value == pytest.approx(-30, abs=1)
    assert float(row.worst[0].segment.removesuffix(" s")) >= 6.0


def test_an_original_that_is_the_programme_has_nothing_to_leak(parts: Parts) -> None:
    same = parts.folder / "programme.wav"
    assert original_leak(same, same, same, LENGTH, None).not_measured


def test_silence_for_the_dub_is_a_difference_and_no_offset(parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    rows = compare(np.zeros_like(parts.programme))
    assert rows["package.sound_offset"].not_measured
    assert (rows["package.gain"].value or 0) < -60
    assert (rows["package.sound_difference"].value or 0) > 10
    assert rows["sync.av_offset"].not_measured


# ---------------------------------------------------------------- tracks


DUB = Sounding("aac", RATE, 2, 0.0, LENGTH, "spa", "dub", default=True)
ORIGINAL = replace(DUB, language="eng", default=False)
PICTURE = Picture("h264", 64, 48, "yuv420p", ("25/1",), 0.0, LENGTH, 0, "1:1", "", "")
GOOD = Header("MP4/QuickTime", 1, 0.0, LENGTH, PICTURE, (DUB, ORIGINAL), ("spa",))


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, []),
        ({"picture": None}, ["no picture"]),
        ({"sounds": (ORIGINAL,)}, ["no dub track: no sound is tagged spa"]),
        ({"sounds": (DUB,)}, ["no original track: no sound is tagged eng"]),
        (
            {"sounds": (replace(DUB, language="deu"), ORIGINAL)},
            ["no dub track: no sound is tagged spa", "sound 1 is tagged deu, which is neither the dub's nor the original's"],
        ),
        (
            {"sounds": (replace(DUB, language="eng"), ORIGINAL)},
            ["no dub track: no sound is tagged spa", "2 sounds are tagged eng", "the original track is the default"],
        ),
        ({"sounds": (replace(DUB, default=False), ORIGINAL)}, ["the dub track is not the default"]),
        ({"sounds": (DUB, replace(ORIGINAL, default=True))}, ["the original track is the default"]),
        ({"sounds": (replace(DUB, channels=1), ORIGINAL)}, ["the dub track has 1 channels, not 2"]),
        ({"sounds": (DUB, replace(ORIGINAL, sample_rate=44_100))}, ["the original track has 44100 Hz, not 48000"]),
        ({"subtitles": ()}, ["no subtitles tagged spa"]),
        ({"subtitles": ("",)}, ["no subtitles tagged spa", "subtitles tagged with no language, which nobody asked for"]),
    ],
)
def test_what_is_wrong_with_tracks_has_names(change: dict[str, Any], problems: list[str]) -> None:
    found = list(track_problems(replace(GOOD, **change), Wanted("es", "en", ("es",), Fraction(25), LENGTH)))
    assert found == problems


def test_a_film_without_the_dub_is_not_compared(film_of: Callable[..., Path], measure: Callable[[Path], Rows]) -> None:
    assert measure(film_of(dub="deu"))["package.sound_difference"].not_measured == "the film has no dub track"


def test_matroska_writes_some_languages_otherwise(film_of: Callable[..., Path]) -> None:
    film = film_of(name="film.mkv", dub="fra", subtitle="fra")
    wanted = Wanted("fr", "en", ("fr",), Fraction(25), LENGTH)
    assert {row.metric: row.value for row in package_measurements(film, wanted)}["package.track_problems"] == 0


def test_another_frame_rate_and_length_are_read(film_of: Callable[..., Path]) -> None:
    rows = {row.metric: row for row in package_measurements(film_of(), Wanted("es", "en", ("es",), Fraction(24000, 1001), 12.5))}
    assert rows["package.frame_rate_difference"].value == pytest.approx(25 - 24000 / 1001)
    assert rows["package.length_difference"].value == pytest.approx(500, abs=25)


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_truncated_film_has_errors(name: str, film_of: Callable[..., Path], measure: Callable[[Path], Rows]) -> None:
    whole = film_of(name=name)
    rows = measure(cut(whole, whole.with_name(f"cut-{name}")))
    assert (rows["package.decode_errors"].value or 0) >= 1
    assert "truncated" in rows["package.decode_errors"].detail


def test_flipped_bits_are_errors(film_of: Callable[..., Path], tmp_path: Path) -> None:
    broken = flip_bits(film_of(), tmp_path / "broken.mp4", 40)
    row = package_measurements(broken, Wanted("es", "en", ("es",), Fraction(25), LENGTH))[-1]
    assert (row.value or 0) >= 1


def test_what_is_no_film_has_an_error_and_nothing_else_is_claimed(measure: Callable[[Path], Rows], tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"not a film" * 100)
    rows = measure(tmp_path / "film.mp4")
    assert rows["package.decode_errors"].value == 1
    others = [row for name, row in rows.items() if name.startswith(("package.", "sync.")) and name != "package.decode_errors"]
    assert all(row.value is None and row.not_measured for row in others)


# ---------------------------------------------------------------- against the original


def test_nothing_shared_is_not_measured(parts: Parts, compare: Callable[[Sound], Rows]) -> None:
    assert compare(parts.dub)["sync.av_offset"].not_measured


def test_two_files_are_compared_alone(parts: Parts) -> None:
    shifted = parts.write("shifted", late(parts.programme, 4800))
    rows = sync.measure_file(shifted, parts.folder / "original.wav", "es")
    assert [row.value for row in rows] == [pytest.approx(100, abs=0.05)]
    assert sync.measure_file(shifted, None, "es")[0].not_measured
