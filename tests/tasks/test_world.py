from __future__ import annotations

import numpy as np
import pytest

from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.engines.world import World, warp_envelope
from nightdub.tasks.features import describe
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import Speaker
from nightdub.tasks.sound import SPEECH_RATE, resample
from nightdub.tasks.voice import LOUDEST

RATE = 22_050
HIGH = Speaker("anna", (), pitch_median=200.0, pitch_low=165.0, pitch_high=240.0, formants=(560.0, 1800.0, 3000.0, 4000.0))
LOW = Speaker("tom", (), pitch_median=90.0, pitch_low=80.0, pitch_high=110.0)


@pytest.fixture(scope="module")
def line() -> Sound:
    (spoken,) = Espeak().speak([Request("Todas las líneas están ocupadas.", "es")])
    return spoken.sound


def test_one_result_per_clip_in_order_twice_the_same(line: Sound) -> None:
    clips, speakers = [line, line[:RATE], line], [HIGH, LOW, Speaker("nobody", ())]
    made = World().convert(clips, RATE, speakers)
    again = World().convert(clips[:2], RATE, speakers[:2])
    assert [clip.sound.size for clip in made] == [clip.size for clip in clips]
    assert [clip.sound.tobytes() for clip in made[:2]] == [clip.sound.tobytes() for clip in again]
    assert np.array_equal(made[2].sound, line)


@pytest.mark.parametrize("speaker", [HIGH, LOW])
def test_pitch_level_and_range_are_the_speakers(line: Sound, speaker: Speaker) -> None:
    (made,) = World().convert([line], RATE, [speaker])
    heard = describe(made.sound, RATE, "line")
    assert heard.pitch_median == pytest.approx(speaker.pitch_median, rel=0.03 if speaker is HIGH else 0.06)  # 90 Hz: few frames count
    if speaker.formants:
        upper = describe(resample(made.sound, RATE, SPEECH_RATE), SPEECH_RATE, "line").formants[2:]
        assert upper == pytest.approx(speaker.formants[2:], rel=0.05)
    assert heard.pitch_high / heard.pitch_low == pytest.approx(speaker.pitch_high / speaker.pitch_low, rel=0.2)
    louder = np.sqrt(np.mean(made.sound**2) / np.mean(line**2))
    assert louder == pytest.approx(1.0, abs=0.01) or (louder < 1.0 and np.max(np.abs(made.sound)) == pytest.approx(LOUDEST))


def test_peaks_of_an_envelope_move_by_the_factor() -> None:
    bins = np.arange(513)
    envelope = np.exp(-(((bins - 100) / 10) ** 2))[None] + 1e-6
    for factor, place in ((1.2, 120), (0.85, 85)):
        assert int(np.argmax(warp_envelope(envelope, 1024, [(100.0, 100.0 * factor)]))) == place
    assert warp_envelope(envelope, 1024, ()) is envelope


def test_each_peak_of_an_envelope_moves_to_its_own_place() -> None:
    bins = np.arange(513)
    peaks = sum(np.exp(-(((bins - place) / 8) ** 2)) for place in (100, 200, 300)) + 1e-6
    moved = warp_envelope(np.array(peaks)[None], 1024, [(100.0, 90.0), (200.0, 220.0), (300.0, 330.0)])[0]
    assert [at for at in range(1, 512) if moved[at - 1] < moved[at] >= moved[at + 1] and moved[at] > 0.5] == [90, 220, 330]


@pytest.mark.parametrize("clip", [np.zeros(0), np.zeros(RATE), np.full(50, 0.5), np.random.default_rng(1).normal(0, 0.1, RATE)])
def test_what_has_no_voice_keeps_its_length(clip: Sound) -> None:
    (made,) = World().convert([clip.astype(np.float32)], RATE, [HIGH])
    assert made.sound.shape == clip.shape
    assert np.isfinite(made.sound).all()
