"""What a model says that listeners would think of a line, and comparisons with a clean recording.

Every model is loaded once in a process, runs on one thread, and is named by the sha256 of its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nightdub.infra.errors import MachineLacks, MediaError
from nightdub.quality.metrics.fact import MetricFact
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Sound
from nightdub.tasks.sound import SPEECH_RATE as RATE
from nightdub.tasks.sound import resample

_ALONE = "nightdub.quality.metrics.speech:measure_file"
_P835 = "DNSMOS P.835 (Reddy et al. 2022), speechmos"
_NO_DNSMOS = "speechmos not installed; no line of 0.1 s or more"
_NO_CLEAN = "no clean recording, sample by sample, of the same line"


def _score(unit: str, lowest: float, highest: float, means: str, source: str, unmeasured: str) -> MetricFact:
    return MetricFact(unit, lowest, highest, means, source, unmeasured, _ALONE, interval=True)


FACTS: dict[str, MetricFact] = {
    "speech.dnsmos_sig": _score("MOS", -1, 5, "predicted opinion of the voice, mean", _P835, _NO_DNSMOS),
    "speech.dnsmos_bak": _score("MOS", -1, 5, "predicted opinion of the background, mean", _P835, _NO_DNSMOS),
    "speech.dnsmos_ovrl": _score("MOS", -1, 5, "predicted opinion of the whole, mean", _P835, _NO_DNSMOS),
    "speech.dnsmos_p808": _score(
        "MOS", -1, 5, "predicted overall opinion, mean", "DNSMOS P.808 (Reddy et al. 2021), speechmos", _NO_DNSMOS
    ),
    "speech.utmos": _score("MOS", 0, 6, "predicted naturalness, mean", "UTMOS (Saeki et al. 2022)", "no checkpoint given"),
    "speech.nisqa": _score(
        "MOS", 0, 6, "predicted quality, mean", "NISQA (Mittag et al. 2021)", "no checkpoint given; its weights' licence forbids the use"
    ),
    "speech.pesq": _score("MOS-LQO", 1, 5, "wide-band PESQ against the clean line, mean", "ITU-T P.862.2, pesq", _NO_CLEAN),
    "speech.stoi": _score("correlation", -1, 1, "STOI against the clean line, mean", "Taal et al. 2011, pystoi", _NO_CLEAN),
}

_WINDOW = 144_160  # samples, 9.01 s: what DNSMOS hears at a time
_SHORTEST = 0.1  # seconds of a line; speechmos never returns from an empty one
_MODELS = "speechmos/dnsmos_models/"
# From the network's scores to opinions, highest power first (DNS-Challenge, dnsmos_local.py).
_POLYNOMIALS = {
    "dnsmos_sig": (-0.08397278, 1.22083953, 0.0052439),
    "dnsmos_bak": (-0.13166888, 1.60915514, -0.39604546),
    "dnsmos_ovrl": (-0.06766283, 1.11546468, 0.04602535),
}
_RATES = {"utmos": 16_000, "nisqa": 48_000}  # Hz that the published networks hear


@dataclass(frozen=True, slots=True)
class Predictors:
    """TorchScript files of predictors that no package carries; empty = not there.

    Each takes float32 of shape (1, samples), `utmos` at 16 kHz and `nisqa` at 48 kHz, and returns a tensor whose first number is the
    score. UTMOS is MIT-licensed. NISQA's published weights are CC BY-NC-SA 4.0: `commercial` refuses them.
    """

    utmos: str = ""
    nisqa: str = ""
    commercial: bool = True


Scores = tuple[dict[str, float], dict[str, str]]  # field -> value, field -> why not


def predict(sound: Sound, rate: int, predictors: Predictors) -> Scores:
    """Return every prediction of one line, and why one is missing. A file that is no TorchScript raises MachineLacks."""
    values, reasons = _dnsmos(resample(sound, rate, RATE))
    for name, path in (("utmos", predictors.utmos), ("nisqa", predictors.nisqa)):
        if not path:
            reasons[name] = "no checkpoint given"
        elif name == "nisqa" and predictors.commercial:
            reasons[name] = "its weights are CC BY-NC-SA: not for commercial use"
        elif len(sound) < _SHORTEST * rate:
            reasons[name] = "shorter than 0.1 s"
        else:
            values[name] = _scripted(path, resample(sound, rate, _RATES[name]))
    return values, reasons


def compare(sound: Sound, clean: Sound, rate: int) -> Scores:
    """Return wide-band PESQ and STOI of a line against a clean recording of it; both start at the same sample.

    PESQ's C code is the ITU's own: its terms allow evaluation only, so that it comes with no plain install.
    """
    size = min(len(sound), len(clean))
    if abs(len(sound) - len(clean)) > 0.05 * max(len(sound), len(clean)) or size < 0.5 * rate:
        return {}, dict.fromkeys(("pesq", "stoi"), "under half a second, or the clean line is of another length")
    one, other = resample(sound[:size], rate, RATE), resample(clean[:size], rate, RATE)
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for name, package, measure, install in (("pesq", "pesq", _pesq, "'nightdub[measures]'"), ("stoi", "pystoi", _stoi, "pystoi")):
        if find_spec(package) is None:
            reasons[name] = f"not installed: pip install {install}"
            continue
        found = measure(one, other)
        if isinstance(found, str):
            reasons[name] = found
        else:
            values[name] = found
    return values, reasons


def engines(predictors: Predictors) -> dict[str, tuple[str, str]]:
    """Return, for each field that can be measured here, what measures it with its version, and the sha256 of its model file."""
    found: dict[str, tuple[str, str]] = {}
    if find_spec("speechmos") is not None:
        primary, second = (digest_weights(_model(name)) for name in ("sig_bak_ovr", "model_v8"))
        name = f"speechmos {version('speechmos')}"
        found |= dict.fromkeys(_POLYNOMIALS, (name, primary)) | {"dnsmos_p808": (name, second)}
    for field, path in (("utmos", predictors.utmos), ("nisqa", predictors.nisqa)):
        if path and Path(path).is_file():
            found[field] = (f"{field}, TorchScript", digest_weights(Path(path)))
    for field, package in (("pesq", "pesq"), ("stoi", "pystoi")):
        try:
            found[field] = (f"{package} {version(package)}", "")
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: the fan-out owns the cores, and sums come out the same on every machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _dnsmos(sound: Sound) -> Scores:
    """Return DNSMOS of a 16 kHz line: windows of 9.01 s every second, means.

    A shorter line is repeated to fill one window. speechmos slides several over the same repetition: four times the work, for scores
    that differ by 0.05 in the mean and 0.3 at most (43 lines).
    """
    fields = (*_POLYNOMIALS, "dnsmos_p808")
    if find_spec("speechmos") is None or find_spec("onnxruntime") is None:
        return {}, dict.fromkeys(fields, "not installed: pip install speechmos onnxruntime")
    if len(sound) < _SHORTEST * RATE:
        return {}, dict.fromkeys(fields, "shorter than 0.1 s")
    heard = np.clip(sound, -1, 1) if len(sound) >= _WINDOW else np.resize(np.clip(sound, -1, 1), _WINDOW)
    count = int(len(heard) // RATE - _WINDOW / RATE) + 1  # speechmos counts whole seconds
    windows = [heard[second * RATE : second * RATE + _WINDOW] for second in range(count)]
    raw = np.mean([_opinions(window) for window in windows], axis=0)
    return dict(zip(fields, (float(value) for value in raw), strict=True)), {}


def _opinions(window: Sound) -> list[float]:
    """Return the four scores of one window of 9.01 s."""
    import librosa

    scores = _session("sig_bak_ovr").run(None, {"input_1": window[None].astype(np.float32)})[0][0]
    opinions = [float(np.polyval(curve, score)) for curve, score in zip(_POLYNOMIALS.values(), scores, strict=True)]
    mel = librosa.feature.melspectrogram(y=window[:-160], sr=RATE, n_fft=321, hop_length=160, n_mels=120)
    scaled = (librosa.power_to_db(mel, ref=np.max) + 40) / 40
    return [*opinions, float(_session("model_v8").run(None, {"input_1": scaled.T[None].astype(np.float32)})[0][0][0])]


def _model(name: str) -> Path:
    return Path(str(distribution("speechmos").locate_file(f"{_MODELS}{name}.onnx")))


@lru_cache(maxsize=2)
def _session(name: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_model(name)), options, providers=["CPUExecutionProvider"])


def _scripted(path: str, sound: Sound) -> float:
    if find_spec("torch") is None or not Path(path).is_file():
        raise MachineLacks("torch, or the checkpoint, is not there", where=path, fix="make engines-neural, or correct the path")
    import torch

    with one_thread(), torch.inference_mode():
        score = float(_script(path, digest_weights(Path(path)))(torch.from_numpy(np.ascontiguousarray(sound))[None]).flatten()[0])
    if not np.isfinite(score):
        raise MediaError(f"score {score}", where=path, fix="the checkpoint is broken, or not what its name says")
    return score


@lru_cache(maxsize=2)
def _script(path: str, _digest: str) -> Any:
    import torch

    try:
        return torch.jit.load(path, map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise MachineLacks(f"no TorchScript model: {error}", where=path, fix="export the predictor with torch.jit.save") from error


def _pesq(sound: Sound, clean: Sound) -> float | str:
    import pesq

    try:
        return float(pesq.pesq(RATE, clean, sound, "wb"))
    except pesq.PesqError as error:
        return f"PESQ: {error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error}"


def _stoi(sound: Sound, clean: Sound) -> float | str:
    import warnings

    import pystoi

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        score = float(pystoi.stoi(clean, sound, RATE))
    return "STOI: too few frames of speech" if any(issubclass(one.category, RuntimeWarning) for one in said) else score
