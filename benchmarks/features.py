"""What one clip costs: cleaning, each feature and each kind of augmentation, and what two ways of stretching are worth.

Recorded prompts; processor time on one thread, children included. The reference is the same work through the usual libraries: librosa's
resampling, trimming and MFCC, pyloudnorm, and YIN as the chain has it (librosa's own can end the process).

    python benchmarks/features.py [clips]
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Callable, Sequence
from typing import Any

import librosa
import numpy as np
import pyloudnorm
import soundfile
from report import emit
from threadpoolctl import threadpool_limits

from nightdub.datasets.prompts import recorded_prompts
from nightdub.datasets.rows import RATE, SourceClip
from nightdub.datasets.sound.augment import apply, parse_variant
from nightdub.datasets.sound.clean import Cleaning, decode, to_standard
from nightdub.datasets.sound.features import FACTS, extract
from nightdub.infra.media.raw import G722_RATE, g722_samples
from nightdub.quality.metrics.predicted import Predictors, predict
from nightdub.tasks.pitch import yin
from nightdub.tasks.sound import Samples

CLIPS = 60
SLOW = 12  # clips on which what takes long is measured
AIM = 2.0  # times as fast as the usual libraries
VARIANTS = ("tempo=1.2", "pitch=-2", "speed=0.9", "noise=15", "noise=15:pink", "noise=15:babble", "low_shelf=200:-6", "formant=1.1")
VARIANTS += ("room=0.3", "room=0.6", "codec=mp3:32", "codec=ogg", "codec=g711", "codec=gsm", "clip=0.3", "gain=-6")
CLIP = SourceClip("clip", "clip.wav", "text", "en")


def waves(count: int) -> list[bytes]:
    """Return prompts of at least a second as WAV, spread over the corpus."""
    paths = [prompt.path for prompt in recorded_prompts("en").values() if prompt.path.stat().st_size > G722_RATE // 2]
    made = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        wave = io.BytesIO()
        soundfile.write(wave, g722_samples(path.read_bytes()), G722_RATE, format="WAV")
        made.append(wave.getvalue())
    return made


def ours(data: bytes) -> Any:
    return extract(standard(data), RATE, ("mfcc", "f0_yin"))


def standard(data: bytes) -> Samples:
    return to_standard(*decode(data, CLIP), 0.0, None, Cleaning()).samples


def theirs(data: bytes) -> Any:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    sound, _ = librosa.effects.trim(librosa.resample(samples, orig_sr=rate, target_sr=RATE, res_type="soxr_hq"), top_db=40)
    if sound.size > 0.4 * RATE:
        sound = sound * np.float32(10 ** ((-23 - pyloudnorm.Meter(RATE).integrated_loudness(sound)) / 20))
    mfcc = librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=13, n_fft=1024, hop_length=256, n_mels=80)
    return mfcc, yin(sound, RATE, 65, 500, 1024, 256)


def used() -> float:
    """Return processor seconds of this process and its children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(row.ru_utime + row.ru_stime for row in both)


def cost(work: Callable[[Any], Any], items: Sequence[Any], seconds: float) -> float:
    """Return milliseconds for each second of sound."""
    work(items[0])
    started = used()
    for item in items:
        work(item)
    return (used() - started) / seconds * 1000


def opinions(sounds: Sequence[Samples]) -> float:
    """Return the mean predicted overall opinion (DNSMOS P.835)."""
    return float(np.mean([predict(sound, RATE, Predictors())[0]["dnsmos_ovrl"] for sound in sounds]))


def stretched() -> dict[str, Callable[[Samples], Samples]]:
    return {
        "kept": lambda sound: sound,
        "rubberband": lambda sound: apply(sound, RATE, parse_variant("tempo=1.2"), ""),
        "phase_vocoder": lambda sound: librosa.effects.time_stretch(sound, rate=1.2),
    }


def main(count: int) -> None:
    data = waves(count)
    sounds = [standard(wave) for wave in data]
    seconds, few = sum(map(len, sounds)) / RATE, sounds[:SLOW]
    short = sum(map(len, few)) / RATE
    reference, mine = (min(cost(work, data, seconds) for _ in range(3)) for work in (theirs, ours))
    figures: dict[str, float | int | str] = {"clips": len(data), "mean_s": seconds / len(data), "libraries_ms": reference, "ours_ms": mine}
    figures["standard_form_ms"] = cost(standard, data, seconds)
    for name in FACTS:
        figures[f"{name}_ms"] = cost(lambda sound, name=name: extract(sound, RATE, (name,)), few, short)
    for spelling in VARIANTS:
        variant = parse_variant(spelling)
        figures[f"{spelling}_ms"] = cost(lambda sound, variant=variant: apply(sound, RATE, variant, "clip"), few, short)
    figures["phase_vocoder_ms"] = cost(stretched()["phase_vocoder"], few, short)
    figures |= {f"dnsmos_{name}": opinions([work(sound) for sound in few]) for name, work in stretched().items()}
    emit("features", figures, reference / mine, f"at least {AIM:g} times as fast as the usual libraries", met=reference / mine >= AIM)


if __name__ == "__main__":
    threadpool_limits(1)
    main(int(sys.argv[1]) if len(sys.argv) == 2 else CLIPS)
