"""The mix: lines lie where they were placed, levels and peaks are the profile's, and every sample can be accounted for."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy.signal import lfilter

from nightdub.infra.errors import MediaError
from nightdub.tasks import render
from nightdub.tasks.loudness import dialogue_gated, true_peak
from nightdub.tasks.mix import MixFacts, mix_programme
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.rows import Placement
from nightdub.tasks.wav24 import Wav24

RATE = 48_000
SECONDS = 20
FRAMES = SECONDS * RATE + 17  # not a whole number of cells
FIGURES = SoundFigures()
PLACES = [("s1", 1.0, 3.0, 22_050), ("s2", 3.5, 6.25, 24_000), ("s3", 11.0001, 14.0, 48_000)]


class Job:
    """One programme to be mixed: a bed, three lines, and where the results lie."""

    def __init__(self, folder: Path, bed_level: float = 0.02, line_level: float = 0.1) -> None:
        rng = np.random.default_rng(5)
        self.folder = folder
        self.bed = (bed_level * lfilter([1], [1, -0.9], rng.standard_normal((FRAMES, 2)), axis=0)).astype(np.float32)
        soundfile.write(folder / "me.wav", self.bed, RATE, subtype="PCM_16")
        self.placements = [Placement(name, start, end, start, end) for name, start, end, _ in PLACES]
        self.lines = {name: self._line(name, end - start, rate, rng, line_level) for name, start, end, rate in PLACES}

    def _line(self, name: str, seconds: float, rate: int, rng: np.random.Generator, level: float) -> Path:
        time = np.arange(round(seconds * rate)) / rate
        voice = lfilter([1], [1, -0.9], rng.standard_normal(time.size)) * np.abs(np.sin(2 * np.pi * 2.2 * time)) * level
        path = self.folder / f"{name}.wav"
        soundfile.write(path, np.clip(voice, -1, 1), rate, subtype="PCM_16")
        return path

    def mix(self, figures: SoundFigures = FIGURES, *, clean_bed: bool = True, levels: dict[str, float] | None = None) -> MixFacts:
        me, *made = (self.folder / f"{name}.wav" for name in ("me", "programme", "dialogue"))
        how = {"clean_bed": clean_bed, "segment_levels": levels, "total_samples": FRAMES}
        return mix_programme(self.placements, self.lines, me, *made, figures=figures, **how)

    def heard(self, name: str) -> npt.NDArray[np.float64]:
        """Return what was written, shape (frames,) or (frames, 2)."""
        return np.asarray(soundfile.read(self.folder / f"{name}.wav")[0])

    @property
    def spans(self) -> list[tuple[float, float]]:
        return [(place.start, place.end) for place in self.placements]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def level(sound: npt.NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64))))


@pytest.mark.parametrize("clean_bed", [True, False])
@pytest.mark.parametrize(("bed_level", "line_level"), [(0.005, 0.1), (0.05, 0.02)])
def test_loudness_where_dialogue_lies_is_the_profiles(tmp_path: Path, bed_level: float, line_level: float, *, clean_bed: bool) -> None:
    job = Job(tmp_path, bed_level, line_level)
    facts = job.mix(clean_bed=clean_bed)
    assert facts.loudness == pytest.approx(FIGURES.loudness, abs=0.1)
    assert facts.loudness == pytest.approx(dialogue_gated(tmp_path / "programme.wav", job.spans), abs=0.01)
    assert facts.true_peak == pytest.approx(true_peak(tmp_path / "programme.wav"), abs=0.01)
    dialogue = dialogue_gated(tmp_path / "dialogue.wav", job.spans)
    assert dialogue is not None
    assert facts.dialogue_loudness == pytest.approx(dialogue + 3.01, abs=0.15)


def test_files_are_48_khz_24_bit_and_exactly_as_long_as_asked(job: Job) -> None:
    job.mix()
    for name, channels in (("programme", 2), ("dialogue", 1)):
        facts = soundfile.info(job.folder / f"{name}.wav")
        assert (facts.samplerate, facts.subtype, facts.frames, facts.channels) == (RATE, "PCM_24", FRAMES, channels)


def test_programme_is_bed_plus_dialogue(job: Job) -> None:
    facts = job.mix()
    programme, dialogue = job.heard("programme"), job.heard("dialogue")
    bed = soundfile.read(job.folder / "me.wav")[0] * 10 ** (facts.gain / 20)
    assert np.abs(programme - bed - dialogue[:, None]).max() < 1e-6


def test_lines_lie_at_exact_samples_with_silence_between(job: Job) -> None:
    job.mix()
    dialogue = job.heard("dialogue")
    spoken = np.zeros(FRAMES, bool)
    for start, end in job.spans:
        spoken[round(start * RATE) : round(end * RATE)] = True
    assert not dialogue[~spoken].any()
    for start, end in job.spans:
        assert np.abs(dialogue[round(start * RATE) : round(end * RATE)]).max() > 0.01
        for edge in (round(start * RATE), round(end * RATE) - 1):
            assert abs(dialogue[edge]) < 1e-3


def test_a_click_is_found_where_it_was_placed(job: Job) -> None:
    click = np.zeros(RATE, np.float32)
    click[12_000] = 0.9
    soundfile.write(job.lines["s3"], np.repeat(click, 3), RATE, subtype="PCM_16")
    job.mix()
    start = round(PLACES[2][1] * RATE)
    assert abs(int(job.heard("dialogue")[start:].argmax()) - 36_001) <= 1


def test_a_long_line_is_cut_by_as_much_as_was_planned(job: Job) -> None:
    job.placements[1] = replace(job.placements[1], end=5.25, cut=1.0)
    facts = job.mix()
    dialogue = job.heard("dialogue")
    assert facts.trimmed == 1.0
    assert not dialogue[round(5.25 * RATE) : 11 * RATE].any()
    assert np.abs(np.diff(dialogue[round(5.2 * RATE) : round(5.3 * RATE)])).max() < 0.05


def test_an_unplanned_cut_is_refused(job: Job) -> None:
    job.placements[1] = replace(job.placements[1], end=5.25)
    with pytest.raises(MediaError, match="s2"):
        job.mix()


def test_a_missing_and_a_silent_line_are_refused(job: Job) -> None:
    soundfile.write(job.lines["s2"], np.zeros(1000), 24_000)
    with pytest.raises(MediaError, match="s2: a line of"):
        job.mix()
    del job.lines["s2"]
    with pytest.raises(MediaError, match="s2: no sound"):
        job.mix()


def test_a_bed_of_another_rate_is_refused(job: Job) -> None:
    soundfile.write(job.folder / "me.wav", job.bed, 44_100)
    with pytest.raises(MediaError, match="44100 Hz"):
        job.mix()


def test_dialogue_follows_the_original_within_six_decibels(job: Job) -> None:
    job.mix(levels={"s1": -20.0, "s2": -24.0, "s3": -40.0})
    dialogue = job.heard("dialogue")
    one, two, three = (level(dialogue[round(start * RATE) : round(end * RATE)]) for start, end in job.spans)
    assert one - two == pytest.approx(4, abs=0.3)
    assert two - three == pytest.approx(6, abs=0.3)  # 16 dB in the original


def test_lines_without_a_contour_are_levelled(job: Job) -> None:
    job.mix()
    dialogue = job.heard("dialogue")
    levels = [level(dialogue[round(start * RATE) : round(end * RATE)]) for start, end in job.spans]
    assert max(levels) - min(levels) < 0.3


def test_bed_gives_way_smoothly_only_where_it_is_not_clean(job: Job) -> None:
    job.bed[:] = 0.02 * np.sin(2 * np.pi * 1000 * np.arange(FRAMES) / RATE)[:, None]
    soundfile.write(job.folder / "me.wav", job.bed, RATE, subtype="PCM_24")
    for clean_bed in (True, False):
        facts = job.mix(clean_bed=clean_bed)
        bed = (job.heard("programme")[:, 0] - job.heard("dialogue"))[: 20 * RATE] * 10 ** (-facts.gain / 20) / 0.02
        heard = 10 * np.log10(2 * np.square(bed).reshape(-1, 480).mean(axis=1))  # dB in every 10 ms
        wanted = 0.0 if clean_bed else FIGURES.ducking
        assert facts.ducking == wanted
        assert heard[100:625] == pytest.approx(wanted, abs=0.05)  # both lines and the short pause between them
        assert heard[700:1050] == pytest.approx(0, abs=0.05)
        assert np.abs(np.diff(heard)).max() < 0.5


def test_peaks_are_held_under_the_limit_without_a_click(tmp_path: Path) -> None:
    job = Job(tmp_path, bed_level=0.005)
    spikes = soundfile.read(job.lines["s3"], dtype="float32")[0] * 0.2
    spikes[20_000::30_000] = 0.95
    soundfile.write(job.lines["s3"], spikes, RATE, subtype="PCM_24")
    figures = SoundFigures(true_peak=-12.0, loudness=-20.0)
    facts = job.mix(figures)
    command = ["ffmpeg", "-nostats", "-i", str(tmp_path / "programme.wav"), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert facts.limited > 0
    assert facts.true_peak is not None
    assert -13 < facts.true_peak <= -12
    assert float(re.findall(r"Peak:\s+(\S+) dBFS", said.stderr)[-1]) <= -11.9
    bed = job.heard("programme")[:, 0] - job.heard("dialogue")
    gain = np.sqrt(np.square(bed[: 20 * RATE]).reshape(-1, 4800).mean(axis=1))
    assert gain.min() > 0.2 * np.median(gain)


def test_same_input_gives_the_same_bytes_whatever_the_block(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> list[bytes]:
        job.mix(SoundFigures(true_peak=-10.0, loudness=-18.0), clean_bed=False)
        return [(job.folder / f"{name}.wav").read_bytes() for name in ("programme", "dialogue")]

    first = made()
    assert made() == first
    whole = job.heard("programme")
    monkeypatch.setattr(render, "BLOCK", 313 * render.CELL)
    made()
    assert np.abs(job.heard("programme") - whole).max() < 2e-6


def test_a_programme_without_lines_is_its_bed(job: Job) -> None:
    job.placements.clear()
    facts = job.mix()
    assert (facts.loudness, facts.dialogue_loudness, facts.gain, facts.lines) == (None, None, 0.0, 0)
    assert np.abs(job.heard("programme") - soundfile.read(job.folder / "me.wav")[0]).max() < 1e-6
    assert not job.heard("dialogue").any()


def test_a_short_bed_is_followed_by_silence(job: Job) -> None:
    soundfile.write(job.folder / "me.wav", job.bed[: 16 * RATE], RATE, subtype="PCM_16")
    job.mix()
    assert not job.heard("programme")[16 * RATE :].any()


def test_wav_turns_to_rf64_where_32_bits_end(tmp_path: Path) -> None:
    frames = (1 << 32) // 6 + 1
    with Wav24(tmp_path / "long.wav", RATE, 2, frames) as wav:
        wav.skip(frames - 10)
        wav.write(np.full((10, 2), 0.5, np.float32))
    with soundfile.SoundFile(tmp_path / "long.wav") as long:
        assert (long.format, long.frames) == ("RF64", frames)
        long.seek(frames - 11)
        assert long.read(11)[:, 0].tolist() == [0.0] + [0.5] * 10


def test_wav_clips_and_pads_an_odd_size(tmp_path: Path) -> None:
    with Wav24(tmp_path / "odd.wav", RATE, 1, 3) as wav:
        wav.write(np.array([1.5, -1.5, 0.25], np.float32))
    assert soundfile.read(tmp_path / "odd.wav")[0] == pytest.approx([1.0, -1.0, 0.25], abs=1e-6)
    assert (tmp_path / "odd.wav").stat().st_size == 44 + 10
