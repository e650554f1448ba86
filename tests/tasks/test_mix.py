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
from nightdub.tasks.loudness import dialogue_gated, integrated, true_peak
from nightdub.tasks.mix import MixFacts, mix_programme
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.rows import Acoustics, Placement
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
        self.original: dict[str, Acoustics] = {}
        self.tails: dict[str, float] = {}
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
        original = {name: Acoustics(name, level) for name, level in (levels or {}).items()} | self.original
        how = {"clean_bed": clean_bed, "original": original, "total_samples": FRAMES, "tails": self.tails}
        return mix_programme(self.placements, self.lines, self.folder / "me.wav", self.folder, figures=figures, **how)

    def heard(self, name: str) -> npt.NDArray[np.float64]:
        """Return what was written, shape (frames, channels); of the dialogue stem, whose lines lie in the centre, one channel."""
        sound = np.asarray(soundfile.read(self.folder / f"{name}.wav")[0])
        if name != "dialogue":
            return sound
        assert (sound[:, 0] == sound[:, 1]).all()
        return sound[:, 0]

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
    assert facts.dialogue_loudness == pytest.approx(dialogue, abs=0.15)


def test_files_are_48_khz_24_bit_and_exactly_as_long_as_asked(job: Job) -> None:
    job.mix()
    for name, channels in (("programme", 2), ("dialogue", 2), ("bed", 2)):
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
        assert heard[100:625] == pytest.approx(wanted, abs=0.05)  # two lines and the short pause between them
        assert heard[740:1070] == pytest.approx(0, abs=0.05)
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


# ---------------------------------------------------------------- stems, channels, rooms


def whole(job: Job, name: str) -> npt.NDArray[np.int64]:
    """Return samples as 24-bit whole numbers."""
    return np.asarray(soundfile.read(job.folder / f"{name}.wav", dtype="int32", always_2d=True)[0] >> 8, np.int64)


def five(job: Job) -> npt.NDArray[np.float32]:
    """Give a job a bed of 5.1."""
    rng = np.random.default_rng(11)
    job.bed = (0.02 * rng.standard_normal((FRAMES, 6)) * [1, 1, 0.3, 0.5, 0.7, 0.7]).astype(np.float32)
    soundfile.write(job.folder / "me.wav", job.bed, RATE, subtype="PCM_24")
    return job.bed


@pytest.mark.parametrize("peaks", [-2.0, -14.0])
@pytest.mark.parametrize("channels", [2, 6])
def test_dialogue_and_bed_sum_to_the_programme_to_the_bit(job: Job, channels: int, peaks: float) -> None:
    if channels == 6:
        five(job)
    facts = job.mix(SoundFigures(true_peak=peaks, loudness=-22.0), clean_bed=False)
    assert (facts.limited > 0) == (peaks == -14)
    dialogue, bed = whole(job, "dialogue"), whole(job, "bed")
    assert dialogue.any()
    assert bed.any()
    assert (dialogue + bed == whole(job, "programme")).all()


def test_lines_of_a_five_one_programme_lie_in_the_centre(job: Job) -> None:
    bed = five(job)
    facts = job.mix()
    dialogue = soundfile.read(job.folder / "dialogue.wav")[0]
    assert (facts.channels, facts.elsewhere) == (6, 0)
    assert not dialogue[:, [0, 1, 3, 4, 5]].any()
    assert np.abs(job.heard("bed") - bed * 10 ** (facts.gain / 20)).max() < 1e-6
    assert facts.loudness == pytest.approx(FIGURES.loudness, abs=0.1)
    assert facts.loudness == pytest.approx(dialogue_gated(job.folder / "programme.wav", job.spans), abs=0.01)


def test_a_line_lies_where_the_original_did_at_the_same_power(job: Job) -> None:
    """0.8 and 0.2 of the power are gains of sqrt(1.6) and sqrt(0.4): 4:1 in power, 2:1 in amplitude."""
    job.original = {"s1": Acoustics("s1", shares=(0.8, 0.2)), "s2": Acoustics("s2", shares=(0.0, 1.0))}
    facts = job.mix()
    dialogue = soundfile.read(job.folder / "dialogue.wav")[0]
    one, two, three = (dialogue[round(start * RATE) : round(end * RATE)] for start, end in job.spans)
    assert facts.elsewhere == 2
    assert one[:, 0] == pytest.approx(2 * one[:, 1], abs=1e-6)
    assert not two[:, 0].any()
    assert (three[:, 0] == three[:, 1]).all()
    assert [10 * np.log10(np.square(line).mean()) for line in (one, two)] == pytest.approx([level(three)] * 2, abs=0.4)


def test_a_line_in_the_surrounds_counts_as_bs_1770_weighs_it(job: Job) -> None:
    five(job)
    job.bed[:] = 0
    soundfile.write(job.folder / "me.wav", job.bed, RATE, subtype="PCM_24")
    job.original = {name: Acoustics(name, shares=(0, 0, 0, 0, 0.5, 0.5)) for name, *_ in PLACES}
    facts = job.mix()
    assert facts.renderings == 1  # foreseen with the weight of 1.41
    assert facts.dialogue_loudness == pytest.approx(FIGURES.loudness, abs=0.1)


def test_stereo_is_folded_from_five_one_by_the_itus_coefficients(job: Job) -> None:
    five(job)
    facts = job.mix()
    programme, stereo = job.heard("programme"), job.heard("stereo")
    half = 10 ** (-3.0103 / 20)
    left = programme[:, 0] + half * programme[:, 2] + half * programme[:, 4]
    gain = float(stereo[:, 0] @ left / (left @ left))
    assert 20 * np.log10(gain) == pytest.approx(0, abs=1.0)
    assert np.abs(stereo[:, 0] - gain * left).max() < 1e-6
    assert facts.stereo_loudness == pytest.approx(FIGURES.loudness, abs=0.1)
    assert facts.stereo_loudness == pytest.approx(dialogue_gated(job.folder / "stereo.wav", job.spans), abs=0.01)
    assert facts.stereo_true_peak == pytest.approx(true_peak(job.folder / "stereo.wav"), abs=0.01)


def test_the_fold_keeps_under_the_limit_by_itself(job: Job) -> None:
    """Four equal channels that lie under the limit one by one add up to far over it."""
    tone = 0.05 * np.sin(2 * np.pi * 1000 * np.arange(FRAMES) / RATE)
    job.bed = np.repeat(tone[:, None], 6, axis=1).astype(np.float32)
    soundfile.write(job.folder / "me.wav", job.bed, RATE, subtype="PCM_24")
    facts = job.mix(SoundFigures(true_peak=-20.0))
    assert facts.stereo_true_peak is not None
    assert facts.stereo_true_peak <= -20


def test_a_mono_bed_lies_on_both_channels(job: Job) -> None:
    soundfile.write(job.folder / "me.wav", job.bed[:, 0], RATE, subtype="PCM_24")
    facts = job.mix()
    assert facts.channels == 2
    assert facts.loudness == pytest.approx(FIGURES.loudness, abs=0.1)
    bed = job.heard("bed")
    assert (bed[:, 0] == bed[:, 1]).all()
    assert np.abs(bed[:, 0] - job.bed[:, 0] * 10 ** (facts.gain / 20)).max() < 1e-6


@pytest.mark.parametrize("clean_bed", [True, False])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_whole_programmes_loudness_is_the_profiles_under_r128(job: Job, channels: int, *, clean_bed: bool) -> None:
    bed = five(job) if channels == 6 else job.bed
    soundfile.write(job.folder / "me.wav", bed[:, :channels] * 5, RATE, subtype="PCM_24")
    facts = job.mix(SoundFigures(loudness=-23.0, gating="programme", true_peak=-1.0), clean_bed=clean_bed)
    assert facts.gating == "programme"
    assert facts.renderings == 1  # it was foreseen within 0.1 LU
    assert facts.loudness == pytest.approx(-23, abs=0.1)
    assert facts.loudness == pytest.approx(integrated(job.folder / "programme.wav"), abs=0.02)


def test_a_programme_without_lines_is_levelled_under_r128(job: Job) -> None:
    job.placements.clear()
    assert job.mix(SoundFigures(loudness=-23.0, gating="programme")).loudness == pytest.approx(-23, abs=0.1)


def test_silence_stays_silence(job: Job) -> None:
    job.placements.clear()
    soundfile.write(job.folder / "me.wav", np.zeros((FRAMES, 2)), RATE, subtype="PCM_16")
    facts = job.mix(SoundFigures(gating="programme"))
    assert (facts.loudness, facts.true_peak, facts.gain) == (None, None, 0.0)
    assert not job.heard("programme").any()


def test_a_room_sounds_on_after_its_line(job: Job) -> None:
    line, rate = soundfile.read(job.lines["s1"], dtype="float32")
    tail = np.full(rate // 2, 0.05, np.float32)
    soundfile.write(job.lines["s1"], np.concatenate([line, tail]), rate, subtype="PCM_16")
    with pytest.raises(MediaError, match="s1"):
        job.mix()
    job.tails = {"s1": 0.5}
    job.mix()
    dialogue = job.heard("dialogue")
    assert np.abs(dialogue[round(3.05 * RATE) : round(3.45 * RATE)]).min() > 0
    assert not dialogue[round(6.25 * RATE) : 11 * RATE].any()


def test_the_loudness_range_of_the_bed_is_kept(tmp_path: Path) -> None:
    """Nothing is compressed: what was 20 dB under the rest still is."""
    job = Job(tmp_path)
    job.bed[: 10 * RATE] *= 0.1
    soundfile.write(tmp_path / "me.wav", job.bed, RATE, subtype="PCM_24")
    job.mix()
    bed = job.heard("bed")
    assert level(bed[14 * RATE : 20 * RATE]) - level(bed[: 10 * RATE]) == pytest.approx(20, abs=0.3)
