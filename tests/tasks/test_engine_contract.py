"""What every engine of the table promises, asked of each that this machine has."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chat_server import serving
from neural import (
    needs_coqui,
    needs_demucs,
    needs_musetalk,
    needs_torch,
    needs_whisper,
    write_contentvec,
    write_demucs,
    write_musetalk,
    write_rvc,
    write_wav2lip,
    write_whisper,
    write_xtts,
)
from pictures import portrait

from nightdub.infra.errors import MachineLacks
from nightdub.tasks import engines
from nightdub.tasks.engines import TABLE, EngineSpec, find_engine
from nightdub.tasks.engines.musetalk import CODERS
from nightdub.tasks.engines.xtts import FILES, PYTHON
from nightdub.tasks.profile import read_profile
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import FaceBox, FaceTrack, Speaker, SpokenSound

RATE = 16_000
PROFILES = Path(__file__).parents[2] / "flows" / "profiles"
HEAVY = ("torch", "demucs", "diffusers", "whisper", "TTS", "cv2", "faster_whisper", "ctranslate2", "onnxruntime", "pyworld")
HEAVY += ("librosa", "numba", "sklearn")
LISTS = ("recognise", "align", "translate", "speak", "convert")  # verbs with one result per input
NEURAL = {
    "musetalk": [pytest.mark.slow, needs_musetalk],
    "wav2lip": [needs_torch],
    "rvc": [needs_torch],
    "demucs": [needs_demucs],
    "whisper": [pytest.mark.slow, needs_whisper],
    "xtts": [pytest.mark.slow, needs_coqui],
}


def each(*verbs: str) -> pytest.MarkDecorator:
    """Run a test once for each row of the table, or of these verbs."""
    wanted = [spec for spec in TABLE if not verbs or spec.verb in verbs]
    return pytest.mark.parametrize(
        "spec", [pytest.param(spec, id=f"{spec.verb}-{spec.name}", marks=NEURAL.get(spec.name, [])) for spec in wanted]
    )


Load = Callable[..., Any]
MODELS: list[str] = []  # of the speaker whose voice is converted to
ENDPOINT: list[str] = []  # where the chat engine's stand-in answers


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Return what loads an engine of a row, with tiny weights where it needs any; a `fresh` one has worked for nobody before."""

    def get(spec: EngineSpec, *, fresh: bool = False) -> Any:
        if missing := spec.missing():
            pytest.skip(f"{', '.join(missing)} not found: {spec.install}")
        settings = _settings(spec.name, tmp_path_factory.getbasetemp())
        return engines._make(spec, settings) if fresh else engines.load_engine(spec.verb, spec.name, settings)

    with serving() as endpoint:
        ENDPOINT.append(endpoint.url)
        yield get
        ENDPOINT.clear()
    engines._loaded.__dict__.clear()


def _settings(name: str, base: Path) -> dict[str, Any]:
    if name == "chat":
        return {"url": ENDPOINT[0], "model": "turns-round"}
    if name == "demucs":
        path = base / "contract-demucs.th"
        return {"model": str(path if path.exists() else write_demucs(path))}
    if name == "musetalk":
        return write_musetalk(base / "contract-musetalk")
    if name == "wav2lip":
        path = base / "contract-wav2lip.pth"
        return {"model": str(path if path.exists() else write_wav2lip(path))}
    if name == "whisper":
        path = base / "contract-whisper.pt"
        return {"model": str(path if path.exists() else write_whisper(path, says="All circuits are busy now."))}
    if name == "rvc":
        MODELS[:] = [str(write_rvc(base / "contract-rvc.pth", "v1"))]
    other = {"xtts": lambda: {"model": str(write_xtts(base))}, "rvc": lambda: {"contentvec": str(write_contentvec(base / "ears.bin", 256))}}
    return other[name]() if name in other else {}


def voice(seconds: float = 1.0, pitch: float = 150.0) -> Sound:
    """Return a tone with overtones."""
    phase = 2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE
    return (0.3 * sum(np.sin(phase * overtone) / overtone for overtone in range(1, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def speech(prompt: Callable[[str], tuple[Sound, str]]) -> list[tuple[Sound, str]]:
    return [prompt("agent-pass"), prompt("vm-goodbye")]


def inputs(verb: str, speech: Sequence[tuple[Sound, str]]) -> list[Any]:
    """Return inputs of a verb, the middle one of which nobody can serve."""
    (first, text), (second, other) = speech
    empty = np.zeros(0, np.float32)
    speaker = Speaker("anna", ("s0",), pitch_median=210.0, model=MODELS[0] if MODELS else "")
    return {
        "recognise": [first, empty, second],
        "align": [(first, text), (empty, text), (second, other)],
        "translate": ["Open the door.", "", "The house is big."],
        "speak": [Request(said, "es", reference=voice(), reference_rate=RATE) for said in ("Abre la puerta.", " ", "La casa es grande.")],
        "convert": [(voice(), speaker), (empty, speaker), (voice(0.5, 120.0), speaker)],
    }[verb]


def ask(engine: Any, verb: str, items: Sequence[Any], language: str = "") -> list[Any]:
    if verb == "recognise":
        return engine.recognise(items, language or "en")
    if verb == "align":
        return engine.align([clip for clip, _ in items], [text for _, text in items], language or "en")
    if verb == "translate":
        return engine.translate(items, "en", language or "es")
    if verb == "speak":
        return engine.speak([Request(item.text, language or item.language, 1.0, None, item.reference, RATE) for item in items])
    return engine.convert([clip for clip, _ in items], RATE, [speaker for _, speaker in items])


def whole(engine: Any, verb: str, speech: Sequence[tuple[Sound, str]]) -> Any:
    """Return what a verb without a list of inputs makes of one."""
    if verb == "voice_activity":
        return engine.speech(np.concatenate([np.zeros(RATE, np.float32), speech[0][0]]))
    if verb == "separate":
        return engine.separate(np.stack([voice(2.0), np.roll(voice(2.0), 7)]), RATE)
    frames = np.stack([portrait(2.0, across) for across in (0, 1, 2, 3)])
    if verb == "faces":
        return engine.faces(frames, 10)
    face = FaceTrack("s0000", tuple(FaceBox(frame, 230, 90, 180, 180) for frame in range(4)))
    return engine.animate(frames, 25.0, face, voice(0.16), RATE, [SpokenSound("a", 0.0, 0.16)])


def plain(value: Any) -> Any:
    """Return a result with its arrays as bytes, so that equal means the same bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


@each()
def test_identity_is_the_same_each_time_and_plain(spec: EngineSpec, load: Load) -> None:
    identity = load(spec).identity()
    assert identity == load(spec, fresh=True).identity()
    assert identity.name == spec.name
    assert identity.version
    assert json.loads(json.dumps(asdict(identity))) == asdict(identity)


@each()
def test_running_twice_gives_the_same_bytes_that_travel_between_processes(
    spec: EngineSpec, load: Load, speech: list[tuple[Sound, str]]
) -> None:
    def run(engine: Any) -> Any:
        return ask(engine, spec.verb, inputs(spec.verb, speech)) if spec.verb in LISTS else whole(engine, spec.verb, speech)

    first = run(load(spec))
    assert plain(first) == plain(run(load(spec, fresh=True)))
    assert plain(pickle.loads(pickle.dumps(first))) == plain(first)


@each(*LISTS)
def test_each_input_has_its_result_in_order_whatever_stands_beside_it(
    spec: EngineSpec, load: Load, speech: list[tuple[Sound, str]]
) -> None:
    engine, items = load(spec), inputs(spec.verb, speech)
    together = ask(engine, spec.verb, items)
    assert plain(together) == plain([ask(engine, spec.verb, [item])[0] for item in items])
    assert not together[0].failed
    assert not together[2].failed
    assert plain(together[0]) != plain(together[2])
    assert together[1].failed or spec.verb == "convert"  # nothing converted is nothing, and no failure
    assert ask(engine, spec.verb, []) == []


@each("recognise", "align", "speak")
def test_a_language_that_it_does_not_know_fails_every_input(spec: EngineSpec, load: Load, speech: list[tuple[Sound, str]]) -> None:
    results = ask(load(spec), spec.verb, inputs(spec.verb, speech), "tlh")
    assert len(results) == 3
    assert all(result.failed for result in results)


@pytest.mark.parametrize("spec", [pytest.param(find_engine("translate", "apertium"), id="translate-apertium")])
def test_a_pair_that_a_package_would_add_is_lacking_on_this_machine(spec: EngineSpec, load: Load) -> None:
    with pytest.raises(MachineLacks, match="next: apt-get install"):
        load(spec).translate(["Open the door."], "en", "tlh")


@each()
def test_what_comes_back_has_the_form_that_its_verb_promises(spec: EngineSpec, load: Load, speech: list[tuple[Sound, str]]) -> None:
    engine = load(spec)
    if spec.verb in {"recognise", "align"}:
        for found, item in zip(ask(engine, spec.verb, inputs(spec.verb, speech)), inputs(spec.verb, speech), strict=True):
            length = len(item if spec.verb == "recognise" else item[0]) / RATE
            assert all(0 <= word.start <= word.end <= length + 0.02 and word.text.strip() for word in found.words)
    elif spec.verb == "translate":
        assert all(made.text.strip() for made in ask(engine, spec.verb, inputs(spec.verb, speech))[::2])
    elif spec.verb == "speak":
        for made in ask(engine, spec.verb, inputs(spec.verb, speech))[::2]:
            assert (made.sound.dtype, made.sound.ndim) == (np.float32, 1)
            assert np.isfinite(made.sound).all()
            assert made.sound.size > 0.2 * made.sample_rate > 0
    elif spec.verb == "convert":
        made = ask(engine, spec.verb, inputs(spec.verb, speech))
        assert [clip.sound.size for clip in made] == [clip.size for clip, _ in inputs(spec.verb, speech)]
    elif spec.verb == "voice_activity":
        spans = whole(engine, spec.verb, speech)
        assert spans == sorted(spans)
        assert all(0 <= start < end for start, end in spans)
    elif spec.verb == "separate":
        assert [part.shape for part in whole(engine, spec.verb, speech)] == [(2, 2 * RATE)] * 2
    elif spec.verb == "faces":
        assert [box.frame for box in whole(engine, spec.verb, speech)] == [10, 11, 12, 13]
    else:
        assert spec.verb == "lips", f"no contract is written for {spec.verb}"
        assert whole(engine, spec.verb, speech).frames.shape == (4, 360, 640, 3)


def test_no_identity_loads_a_library_that_only_the_work_needs(tmp_path: Path) -> None:
    for name in ("whisper.pt", "demucs.th"):
        (tmp_path / name).write_bytes(b"weights")
    for name in FILES:
        (tmp_path / name).write_bytes(b"weights")
    for name in ("unet.pth", "musetalk.json", CODERS[0], "wav2lip.pth"):
        (tmp_path / name).write_bytes(b"weights")
    settings = {name: {"model": str(tmp_path / file)} for name, file in (("whisper", "whisper.pt"), ("demucs", "demucs.th"), ("xtts", ""))}
    settings["chat"] = {"url": "http://127.0.0.1:9/v1", "model": "m"}
    settings["wav2lip"] = {"model": str(tmp_path / "wav2lip.pth")}
    settings["rvc"] = {"contentvec": str(tmp_path / "wav2lip.pth")}
    settings["musetalk"] = {"unet": str(tmp_path / "unet.pth"), "vae": str(tmp_path), "whisper": str(tmp_path / "whisper.pt")}
    absent = set() if PYTHON.exists() else {"xtts"}
    asked = [[spec.verb, spec.name, settings.get(spec.name, {})] for spec in TABLE if spec.name not in absent and not spec.missing()]
    script = (
        "import json, sys; from nightdub.tasks.engines import load_engine\n"
        "names = [load_engine(*row).identity().name for row in json.loads(sys.argv[1])]\n"
        "print(json.dumps([names, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(asked)], capture_output=True, text=True, check=True)
    names, modules = json.loads(done.stdout)
    assert names == [name for _, name, _ in asked]
    assert not set(HEAVY) & set(modules)


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_profile_names_engines_of_the_table_and_keeps_their_licences(path: Path) -> None:
    profile = read_profile(path)
    table = {(spec.verb, spec.name): spec for spec in TABLE}
    chosen = [table[verb, choice.name] for verb, chain in profile.engines.items() for choice in chain]
    assert profile.name == path.stem
    assert set(profile.engines) == {spec.verb for spec in TABLE}
    assert not profile.commercial or all(spec.commercial for spec in chosen)
