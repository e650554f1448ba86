"""Every kind of fault is planted into a small good dub: it changes what it says and nothing else, and the truth is written down."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parent))

from good_dub import build_dub

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError
from nightdub.quality.dub import Dub
from nightdub.quality.faults import lines
from nightdub.quality.faults.delivery import drifting, shifted
from nightdub.quality.faults.kinds import CannotPlant, Fault, plant
from nightdub.quality.faults.mix import leaking
from nightdub.quality.faults.sound import RATE, contribution, rewrite
from nightdub.quality.faults.table import FAULTS, find_fault
from nightdub.tasks.loudness import true_peak
from nightdub.tasks.subtitles import check_cues

RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Dub:
    return build_dub(tmp_path_factory.mktemp("good"))


def files_of(dub: Dub) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for field in fields(dub.files):
        value = getattr(dub.files, field.name)
        found |= {f"{field.name}.{name}": path for name, path in value.items()} if isinstance(value, dict) else {field.name: value}
    return found


def changed_files(good: Dub, dub: Dub) -> set[str]:
    before, after = files_of(good), files_of(dub)
    return {name.partition(".")[0] for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def changed_rows(good: Dub, dub: Dub) -> set[str]:
    return {field.name for field in fields(dub) if field.name != "files" and getattr(good, field.name) != getattr(dub, field.name)}


def whole(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int32", always_2d=True)[0]


# ---------------------------------------------------------------- the corpus as a whole

MIXED = {"clips", "dialogue", "programme", "film"}
ALLOWED: dict[str, tuple[set[str], set[str]]] = {  # family -> files and rows that its faults may change
    "line": (MIXED, {"clips", "placements"}),
    "mix": ({"programme", "film"}, set()),
    "film": ({"film"}, set()),
    "picture": ({"film"}, set()),
    "subtitles": ({"subtitles"}, {"cues"}),
    "text": ({"subtitles", *MIXED}, {"clips", "translations", "segments", "cues", "glossary"}),
    "account": (set(), {"clips", "dropped", "placements"}),
    "harmless": ({"subtitles", *MIXED}, {"cues", "clips", "placements"}),
}


def test_there_are_thirty_kinds_and_ten_harmless_changes() -> None:
    assert sum(not fault.harmless for fault in FAULTS.values()) >= 30
    assert sum(fault.harmless for fault in FAULTS.values()) >= 10
    for fault in FAULTS.values():
        assert set(fault.must) <= set(fault.severities), fault.kind
        assert bool(fault.must or fault.gap) != fault.harmless, fault.kind


def test_every_kind_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/faults.md").read_text()
    assert [kind for kind in FAULTS if f"| `{kind}` |" not in page] == []


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no fault 'noize'.*missing-line"):
        find_fault("noize")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.kind)
def test_every_kind_changes_what_it_says_and_no_file_that_it_was_given(good: Dub, fault: Fault, tmp_path: Path) -> None:
    before = {name: digest_file(path) for name, path in files_of(good).items()}
    severity = (fault.must or fault.severities)[0]
    dub, truth = plant(fault, good, severity, tmp_path / "planted")
    assert {name: digest_file(path) for name, path in files_of(good).items()} == before
    files, rows = ALLOWED[fault.family]
    assert changed_files(good, dub) <= files
    assert changed_rows(good, dub) <= rows
    assert changed_files(good, dub) | changed_rows(good, dub)
    written = json.loads((tmp_path / "planted/truth.json").read_text())
    assert (written["kind"], written["severity"], written["unit"], written["seed"]) == (fault.kind, severity, fault.unit, 0)
    assert written["where"]["segments"] == list(truth.where.segments)
    if fault.family == "line":
        assert_only_there(good, dub, truth.where.start, truth.where.end + (severity / 1000 if fault.kind == "late-line" else 0))


def assert_only_there(good: Dub, dub: Dub, start: float, end: float) -> None:
    """Hold that outside of a stretch of time every sample of stem and programme is what it was, and that inside some are not."""
    first, last = round(start * RATE), round(end * RATE)
    for one, other in ((good.files.dialogue, dub.files.dialogue), (good.files.programme, dub.files.programme)):
        before, after = whole(one), whole(other)
        assert np.array_equal(np.delete(before, slice(first, last), axis=0), np.delete(after, slice(first, last), axis=0))
        assert not np.array_equal(before[first:last], after[first:last])


def test_the_same_seed_plants_the_same_and_another_one_elsewhere(good: Dub, tmp_path: Path) -> None:
    fault = FAULTS["silent-line"]
    planted = [plant(fault, good, 60, tmp_path / str(number), seed) for number, seed in enumerate((0, 0, 1))]
    assert planted[0][1] == planted[1][1]
    assert digest_file(planted[0][0].files.programme) == digest_file(planted[1][0].files.programme)
    assert planted[2][1].where.segments != planted[0][1].where.segments


def test_what_cannot_befall_a_dub_is_said(good: Dub, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(CannotPlant, match="no shot has a redrawn mouth"):
        plant(FAULTS["blurred-mouth"], replace(good, shot_clips=()), 6, tmp_path)


# ---------------------------------------------------------------- sounds: known answers

TONE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32) / 2  # RMS 0.5 / sqrt(2)


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def test_silence_is_one_piece_of_the_asked_length() -> None:
    noise = RANDOM.uniform(0.1, 0.5, RATE).astype(np.float32)
    zeros = np.flatnonzero(lines.silenced(noise, 30, np.random.default_rng(0)) == 0)
    assert (zeros.size, zeros[-1] - zeros[0]) == (round(0.3 * RATE), round(0.3 * RATE) - 1)


def test_a_tail_is_cut_before_the_silence_that_follows_the_line() -> None:
    sound = np.concatenate([TONE, np.zeros(RATE // 10, np.float32)])
    cut = lines.cut_off(sound, 100, RANDOM)
    assert np.array_equal(cut[: RATE - RATE // 10 - 100], TONE[: RATE - RATE // 10 - 100])
    assert not cut[RATE - RATE // 10 :].any()


def test_a_loop_says_the_same_again() -> None:
    sound = RANDOM.uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)
    looped = lines.looped(sound, 2, np.random.default_rng(1))
    start = int(np.flatnonzero(looped != sound)[0]) - RATE // 5
    piece = looped[start : start + RATE // 5]
    assert np.array_equal(piece, sound[start : start + RATE // 5])
    for times in (1, 2):
        assert np.array_equal(looped[start + times * RATE // 5 : start + (times + 1) * RATE // 5], piece)
    assert np.array_equal(looped[start + 3 * RATE // 5 :], sound[start + 3 * RATE // 5 :])


def test_clipping_keeps_the_loudness_and_flattens_the_tops() -> None:
    clipped = lines.clipped(TONE, 6.0206, RANDOM)
    assert rms(clipped) == pytest.approx(rms(TONE), rel=1e-4)
    # A sine at twice full scale is at or over it for 2 of 3 parts of its period: arcsin(1/2) is 30 degrees.
    assert float(np.mean(np.abs(clipped) > 0.999 * np.abs(clipped).max())) == pytest.approx(2 / 3, abs=0.02)


def test_noise_and_hum_and_offset_have_the_asked_level() -> None:
    assert 20 * np.log10(rms(TONE) / rms(lines.noisy(TONE, 20, RANDOM) - TONE)) == pytest.approx(20, abs=0.1)
    hum = lines.humming(TONE, -30, RANDOM) - TONE
    assert 20 * np.log10(rms(hum)) == pytest.approx(-30, abs=0.01)
    spectrum = np.abs(np.fft.rfft(hum))
    assert set(np.argsort(-spectrum)[:3]) == {50, 100, 150}
    assert np.mean(lines.offset(TONE, 1, RANDOM)) == pytest.approx(0.01, abs=1e-5)


def test_a_narrow_band_holds_what_lies_below() -> None:
    high = np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE).astype(np.float32)
    inner = slice(RATE // 10, -RATE // 10)
    assert rms(lines.narrow(TONE, 3400, RANDOM)[inner]) == pytest.approx(rms(TONE), rel=1e-3)
    assert rms(lines.narrow(high, 3400, RANDOM)[inner]) < 1e-3


def test_another_voice_has_another_pitch_and_the_same_length() -> None:
    moved = lines.other_voice(TONE, 12, RANDOM)
    assert moved.size == TONE.size
    middle = moved[RATE // 4 : 3 * RATE // 4]
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 2 == pytest.approx(880, abs=4)


def test_a_shift_moves_samples_and_keeps_the_length(good: Dub) -> None:
    stereo = RANDOM.integers(-1000, 1000, (RATE, 2)).astype(np.int32)
    late, early = shifted(stereo, good, 10), shifted(stereo, good, -10)
    assert np.array_equal(late[480:], stereo[:-480])
    assert not late[:480].any()
    assert np.array_equal(early[:-480], stereo[480:])
    assert not early[-480:].any()


def test_a_drift_of_a_tenth_of_a_percent_is_a_millisecond_after_a_second(good: Dub) -> None:
    clicks = np.zeros((2 * RATE, 2), np.int32)
    clicks[RATE] = 2**30
    assert int(np.abs(drifting(clicks, good, 0.1)[:, 0]).argmax()) == pytest.approx(RATE + 48, abs=1)


def test_a_line_counts_in_the_mix_as_the_stem_has_it(good: Dub) -> None:
    place = good.placements[1]
    first, sound = contribution(good, place)
    stem = soundfile.read(good.files.dialogue, dtype="float32")[0]
    assert first == round(place.start * RATE)
    assert np.array_equal(sound, stem[first : first + sound.size].mean(axis=1))


def test_a_leak_is_the_original_at_the_asked_level(good: Dub, tmp_path: Path) -> None:
    leaked = whole(rewrite(good.files.programme, tmp_path / "leaked.wav", lambda sound: leaking(sound, good, -20)))
    original = soundfile.read(good.files.original, always_2d=True)[0]
    added = (leaked.astype(np.float64) - whole(good.files.programme)) / 2.0**31
    assert 20 * np.log10(rms(added) / rms(original)) == pytest.approx(good.gain - 20, abs=0.01)


def test_a_rewritten_wav_is_the_same_to_the_sample_and_in_its_own_form(good: Dub, tmp_path: Path) -> None:
    out = rewrite(good.files.programme, tmp_path / "same.wav", lambda sound: sound)
    assert np.array_equal(whole(out), whole(good.files.programme))
    assert soundfile.info(out).subtype == soundfile.info(good.files.programme).subtype == "PCM_24"


def test_a_peak_lies_between_samples_at_the_asked_height(good: Dub, tmp_path: Path) -> None:
    dub, _ = plant(FAULTS["true-peak"], good, 0, tmp_path)
    assert true_peak(dub.files.programme) == pytest.approx(0, abs=0.2)
    assert 20 * np.log10(np.abs(whole(dub.files.programme)).max() / 2.0**31) < -2.5


# ---------------------------------------------------------------- subtitles and text


def planted(good: Dub, kind: str, severity: float, folder: Path) -> tuple[Dub, Any]:
    dub, truth = plant(FAULTS[kind], good, severity, folder)
    return dub, truth.where


@pytest.mark.parametrize(
    ("kind", "severity", "rules"),
    [
        ("subtitle-overlap", 40, {"order"}),
        ("subtitle-fast", 120, {"reading-speed"}),
        ("subtitle-long-line", 43, {"line-length"}),
        ("subtitle-stays", 7.2, {"too-long"}),
        ("subtitle-empty", 1, {"empty"}),
    ],
)
def test_a_subtitle_breaks_the_rule_that_it_is_to_break(good: Dub, kind: str, severity: float, rules: set[str], tmp_path: Path) -> None:
    assert check_cues(good.cues, "es", good.subtitles, good.frame_rate) == []
    dub, where = planted(good, kind, severity, tmp_path)
    found = check_cues(dub.cues, "es", dub.subtitles, dub.frame_rate)
    assert rules <= {row.rule for row in found}
    assert len(where.cues) == 1


def test_a_missing_subtitle_and_a_shift_are_in_all_files(good: Dub, tmp_path: Path) -> None:
    lost, where = planted(good, "subtitle-missing", 1, tmp_path / "lost")
    words = good.cues[where.cues[0] - 1].lines[0]
    assert all(words not in path.read_text() for path in lost.files.subtitles.values())
    late, _ = planted(good, "subtitle-shift", 1000, tmp_path / "late")
    assert [round(cue.start - before.start, 3) for cue, before in zip(late.cues, good.cues, strict=True)] == [1.0] * len(good.cues)


def test_encodings_are_as_bad_as_they_say(good: Dub, tmp_path: Path) -> None:
    dub, _ = planted(good, "subtitle-encoding", 1, tmp_path / "latin")
    with pytest.raises(UnicodeDecodeError):
        dub.files.subtitles["srt"].read_bytes().decode("utf-8")
    assert dub.files.subtitles["vtt"] == good.files.subtitles["vtt"]
    dub, _ = planted(good, "subtitle-garbled", 3, tmp_path / "garbled")
    assert "Ã¡" in dub.files.subtitles["srt"].read_text(encoding="utf-8")


def test_a_number_is_changed_or_dropped_in_row_subtitles_and_nowhere_else(good: Dub, tmp_path: Path) -> None:
    for kind, text in (("number-changed", "Marque 5 para grabar su mensaje"), ("number-dropped", "Marque para grabar su mensaje")):
        dub, where = planted(good, kind, 1, tmp_path / kind)
        assert where.segments == ("s0001",)
        assert [line.text for line in dub.translations] == [good.translations[0].text, text, good.translations[2].text]
        assert text in " ".join(dub.files.subtitles["srt"].read_text().split())
        assert dub.translations[1].source == good.translations[1].source


def test_an_untranslated_line_stands_as_in_the_original(good: Dub, tmp_path: Path) -> None:
    dub, where = planted(good, "untranslated-line", 1, tmp_path)
    line = next(line for line in dub.translations if line.segment == where.segments[0])
    assert line.text == line.source
    assert_only_there(good, dub, where.start, where.end)


def test_terms_are_agreed_that_a_line_does_not_keep_to(good: Dub, tmp_path: Path) -> None:
    for kind in ("glossary-broken", "do-not-translate-broken"):
        dub, where = planted(good, kind, 1, tmp_path)
        line = next(line for line in dub.translations if line.segment == where.segments[0])
        assert dub.glossary is not None
        found = dub.glossary.find(line.source, "en", "es")
        assert len(found) == 1
        assert found[0].term.target not in line.text
        assert found[0].term.keep == (kind == "do-not-translate-broken")
