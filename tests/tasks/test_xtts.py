"""XTTS in its host process: the adapter with a shell script in the host's place, then Coqui's own code on random weights."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_coqui, write_xtts

from nightdub.infra.errors import EngineCrashed, EngineError, MachineLacks
from nightdub.tasks.engines import xtts
from nightdub.tasks.engines.host import xtts_host
from nightdub.tasks.engines.xtts import LONGEST, Xtts
from nightdub.tasks.protocols import Request, Sound

RATE = 16_000


def voice(pitch: float = 150.0, seconds: float = 2.0) -> Sound:
    """Return a tone with overtones, which is enough of a voice for a model of random weights."""
    phase = 2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE
    return sum((np.sin(phase * overtone) / overtone for overtone in range(1, 6)), np.zeros(phase.size)).astype(np.float32) * np.float32(0.2)


def line(text: str = "Hola, que tal?", language: str = "es", reference: Sound | None = None, rate: float = 1.0) -> Request:
    return Request(text, language, rate, reference=voice() if reference is None else reference, reference_rate=RATE)


# ---------------------------------------------------------------- a script in the host's place

Install = Callable[[str], Xtts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the names of a model's files."""
    model = tmp_path / "model"
    model.mkdir()
    for name in xtts.FILES:
        (model / name).write_text(name)
    return model


@pytest.fixture
def install(folder: Path, tmp_path: Path) -> Install:
    """Return what makes an environment whose interpreter is a shell script, and an engine on it."""

    def make(script: str) -> Xtts:
        facts = tmp_path / "env/lib/python3.11/site-packages/coqui_tts-0.28.0.dist-info/METADATA"
        facts.parent.mkdir(parents=True)
        facts.write_text("Metadata-Version: 2.1\nName: coqui-tts\nVersion: 0.28.0\n")
        python = tmp_path / "env/bin/python"
        python.parent.mkdir()
        python.write_text(f"#!/bin/sh\necho started >>{tmp_path}/starts\n{script}\n")
        python.chmod(0o755)
        return Xtts(str(folder), python=str(python))

    return make


def starts(tmp_path: Path) -> int:
    log = tmp_path / "starts"
    return log.read_text().count("started") if log.exists() else 0


def test_identity_follows_the_weights_and_starts_nothing(install: Install, folder: Path, tmp_path: Path) -> None:
    engine = install("exit 1")
    before = engine.identity()
    assert (before.name, before.version) == ("xtts", "0.28.0")
    (folder / "README.md").write_text("not part of the model")
    assert engine.identity() == before
    (folder / "model.pth").write_text("other weights")
    assert engine.identity().weights not in {"", before.weights}
    assert starts(tmp_path) == 0


def test_what_the_machine_lacks_is_named_with_its_remedy(folder: Path, install: Install, tmp_path: Path) -> None:
    missing = Xtts(str(folder), python=str(tmp_path / "nowhere/bin/python"))
    for use in (missing.identity, lambda: missing.speak([line()])):
        with pytest.raises(MachineLacks, match=r"nowhere/bin/python: Coqui's environment is not there; next: make engines-coqui"):
            use()
    engine = install("exit 1")
    (folder / "vocab.json").unlink()
    for use in (engine.identity, lambda: engine.speak([line()])):
        with pytest.raises(MachineLacks, match=r"model: no vocab\.json; .*next: name the folder in the profile"):
            use()
    assert starts(tmp_path) == 0


def test_lines_that_it_cannot_speak_fail_one_by_one_without_a_host(install: Install, tmp_path: Path) -> None:
    bare = Request("Hola", "es")
    empty = line(reference=np.zeros(0, np.float32))
    refused = [bare, empty, line("x" * (LONGEST["es"] + 1)), line(language="ca"), line(" ")]
    spoken = install("exit 1").speak(refused)
    assert [made.failed for made in spoken] == [
        "no-reference-clip", "no-reference-clip", "text of 240 characters, allowed 239", "no-model-for-ca", "no-text",
    ]  # fmt: skip
    assert all(made.sound.size == 0 for made in spoken)
    assert starts(tmp_path) == 0


def test_a_reference_that_is_no_sound_fails_its_line(install: Install) -> None:
    engine = install("""echo '{"ready": true}'; exec cat""")
    assert engine.speak([line(reference=np.full(RATE, np.nan, np.float32))])[0].failed.startswith(
        "reference clip: samples that are not finite"
    )


def test_a_model_that_cannot_be_loaded_is_an_error_with_the_hosts_own_message(install: Install, tmp_path: Path) -> None:
    engine = install("""echo '{"ready": false, "why": "KeyError: gpt"}'""")
    for _ in range(2):
        with pytest.raises(EngineError, match=r"model: KeyError: gpt; allowed: an XTTS v2 model") as caught:
            engine.speak([line()])
        assert not isinstance(caught.value, EngineCrashed)
    assert starts(tmp_path) == 1  # a night's lines do not each wait for it


@pytest.mark.parametrize(
    "script", ["echo 'Illegal instruction' >&2; exit 132", "echo noise", """echo '{"ready": true}'; read line; echo noise"""]
)
def test_a_host_that_dies_or_talks_nonsense_is_started_again(install: Install, tmp_path: Path, script: str) -> None:
    engine = install(script)
    for _ in range(2):
        with pytest.raises(EngineCrashed):
            engine.speak([line()])
    assert starts(tmp_path) == 2


def test_the_host_answers_a_bad_line_and_goes_on() -> None:
    def speak(request: dict[str, str]) -> None:
        if request["text"] == "bad":
            raise ValueError("two\nlines")

    answers = [xtts_host.answer(speak, asked) for asked in ('{"text": "good"}', '{"text": "bad"}', "not json", "[]", '{"text": "good"}')]
    assert answers[1] == {"ok": False, "why": "ValueError: two lines"}
    assert [answer["ok"] for answer in answers] == [True, False, False, False, True]


# ---------------------------------------------------------------- Coqui's own code


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_xtts(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[Xtts]:
    engine = Xtts(str(model))
    yield engine
    engine.close()


@needs_coqui
@pytest.mark.slow
def test_it_speaks_each_line_with_its_own_voice_and_the_same_whatever_was_said_before(engine: Xtts) -> None:
    requests = [line(), line("Buenos dias.", reference=voice(300)), line(reference=voice(300))]
    spoken = engine.speak(requests)
    for made in spoken:
        assert not made.failed
        assert made.sample_rate == 24_000
        assert made.sound.dtype == np.float32
        assert np.abs(made.sound).max() > 1e-3
    assert spoken[0].sound.tobytes() != spoken[2].sound.tobytes()
    again = engine.speak(requests[::-1])[::-1]
    assert [made.sound.tobytes() for made in again] == [made.sound.tobytes() for made in spoken]
    assert pickle.loads(pickle.dumps(spoken[0])).sound.tobytes() == spoken[0].sound.tobytes()


@needs_coqui
@pytest.mark.slow
def test_a_faster_rate_makes_a_shorter_line(engine: Xtts) -> None:
    normal, fast = engine.speak([line(), line(rate=1.3)])
    assert fast.sound.size == pytest.approx(normal.sound.size / 1.3, rel=0.1)


@needs_coqui
@pytest.mark.slow
def test_a_line_that_the_model_refuses_stops_no_other(engine: Xtts) -> None:
    good, short, after = engine.speak([line(), line(reference=voice(seconds=0.1)), line()])
    assert "too short" in short.failed
    assert good.sound.tobytes() == after.sound.tobytes()


@needs_coqui
@pytest.mark.slow
def test_garbage_in_its_pipe_is_answered_and_forgotten(engine: Xtts) -> None:
    (before,) = engine.speak([line()])
    assert engine._host is not None
    assert engine._host.ask({"garbage": True}) == {"ok": False, "why": "KeyError: 'reference'"}
    assert engine.speak([line()])[0].sound.tobytes() == before.sound.tobytes()


@needs_coqui
@pytest.mark.slow
def test_a_host_killed_in_the_middle_of_a_line_comes_back_with_the_next_call(engine: Xtts, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = engine.speak([line()])
    write = xtts._write_reference

    def kill_first(folder: Path, request: Request) -> Path:
        assert engine._host is not None
        os.kill(engine._host._process.pid, signal.SIGKILL)
        return write(folder, request)

    monkeypatch.setattr(xtts, "_write_reference", kill_first)
    with pytest.raises(EngineCrashed, match="the host process ended"):
        engine.speak([line("Buenos dias."), line()])
    monkeypatch.undo()
    assert engine.speak([line()])[0].sound.tobytes() == before.sound.tobytes()


@needs_coqui
@pytest.mark.slow
def test_weights_that_do_not_fit_are_named(model: Path, tmp_path: Path) -> None:
    for name in xtts.FILES:
        (tmp_path / name).write_bytes((model / name).read_bytes()[:-1000] if name == "model.pth" else (model / name).read_bytes())
    broken = Xtts(str(tmp_path))
    assert broken.identity().weights != Xtts(str(model)).identity().weights
    with pytest.raises(EngineError, match=r"allowed: an XTTS v2 model") as caught:
        broken.speak([line()])
    assert not isinstance(caught.value, EngineCrashed)
    assert caught.value.what.startswith("RuntimeError: ")
    assert json.loads(json.dumps(caught.value.to_row()))["code"] == "EngineError"
