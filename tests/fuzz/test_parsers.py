"""Whatever bytes a reader is given, it returns or says in our own words, and with the place, what is wrong.

`run.py` looks deeper, guided by coverage; what it finds stays in `found/` and is read here again.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import bombs
import targets as registry
from targets import FOUND, Target, check

ROOT = Path(__file__).parents[2]
ROOMS = ("apps", "datasets", "flows", "infra", "quality", "tasks")
NAMES = sorted(registry.targets())

# What reading begins with: a module that calls one of these is a target's, or stands below with the reason why not.
CALLS = {
    *(
        "json.loads",
        "json.load",
        "msgspec.json.decode",
        "msgspec.json.Decoder",
        "yaml.load",
        "yaml.safe_load",
        "tomllib.loads",
        "tomllib.load",
    ),
    *("csv.reader", "csv.DictReader", "load_workbook", "struct.unpack", "struct.unpack_from", "int.from_bytes", "ElementTree.XMLParser"),
    *("ElementTree.fromstring", "ElementTree.parse", "zipfile.ZipFile", "tarfile.open", "gzip.decompress", "c2pa.Reader", "pickle.loads"),
}
CALLS_OF_ANYTHING = {"read_text", "decode_lines"}  # methods, whatever they are called on
TORCH = "a checkpoint: tests/security/test_checkpoints.py"
STORED = "bytes of the store, which are read under their digest: tests/security/test_tampering.py"
PRINTED = "what ffprobe or ffmpeg print; hostile films: tests/security/test_media.py"
OURS = "a file that this program wrote on this machine, in the operator's own folder"
DIGEST = "bits of a digest that it has just made"
NOT_TARGETS = {
    "apps.cluster.servers": OURS,
    "apps.faults_page": "a tool of ours that reads reports of ours",
    "datasets.acted": OURS,
    "datasets.emotion.files": "a network's file, which the operator names: tests/datasets/emotion/test_network.py",
    "datasets.outputs.form": DIGEST,
    "datasets.prompts": "transcripts from Debian's packages",
    "datasets.sound.augment": DIGEST,
    "datasets.splits": DIGEST,
    "datasets.versions": STORED,
    "flows.chain.parts": STORED,
    "flows.dataset_build": STORED,
    "flows.dataset_card": STORED,
    "flows.dataset_steps": STORED,
    "flows.dataset_versions": STORED,
    "flows.evaluate": STORED,
    "flows.faults": STORED,
    "flows.lines": STORED,
    "flows.publish": OURS,
    "flows.recipe": "engine settings that it spelled itself, as a cache's key",
    "flows.release": STORED,
    "flows.report": OURS,
    "flows.review": "rows that it encodes in the same line",
    "flows.voices": STORED,
    "infra.children": "the log of a program that it started",
    "infra.environment": "/proc/cpuinfo",
    "infra.media.cmaf": "a playlist that ffmpeg wrote for us a moment before",
    "infra.media.groups": PRINTED,
    "infra.media.probe": PRINTED,
    "infra.media.rewrap": PRINTED,
    "infra.worker": "an order of the flow; who gets past Dask's certificates runs code anyway: tests/flows/test_cluster.py",
    "tasks.engines.apertium": "modes of Debian's packages",
    "tasks.engines.demucs": TORCH,
    "tasks.engines.musetalk_net": TORCH,
    "tasks.engines.host.espeak_host": "questions of the program that started it",
    "tasks.engines.host.xtts_host": "questions of the program that started it",
    "tasks.engines.host_process": "answers of an engine that the operator installed; not JSON is a crash: tests/tasks/test_host_process.py",
    "tasks.rows.units": STORED,
    "quality.metrics.comet": "one name in a model folder of the operator's",
}


def test_every_module_that_reads_is_a_target_or_says_why_not() -> None:
    reading = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") if _reads(path) for name in [_name(path)]}
    covered = {name for target in registry.targets().values() for name in target.covers}
    assert not reading - covered - NOT_TARGETS.keys(), "add a target to tests/fuzz/targets.py"
    assert not NOT_TARGETS.keys() - reading, "reads nothing any more"
    assert not NOT_TARGETS.keys() & covered
    assert all((ROOT / f"{name.replace('.', '/')}.py").is_file() for name in covered)


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _reads(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or (isinstance(node.func, ast.Attribute) and node.func.attr in CALLS_OF_ANYTHING):
                return True
    return False


# ---------------------------------------------------------------- anything at all


@cache
def target(name: str) -> Target:
    return registry.targets()[name]


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A good example with pieces changed, doubled, moved, cut out, or replaced by words of its grammar."""
    data = bytearray(draw(st.sampled_from(target(name).examples)))
    words = [token.encode("utf-8", "replace") for token in target(name).tokens] + [b"\0", b"\xff", b"\xed\xa0\x80", b"\n", "²".encode()]
    for kind in draw(st.lists(st.sampled_from(("byte", "cut", "double", "word", "over", "move")), min_size=1, max_size=6)):
        first = draw(st.integers(0, len(data)))
        last = min(len(data), first + draw(st.integers(0, 40)))
        if kind == "byte":
            data[first : first + 1] = draw(st.binary(min_size=1, max_size=4))
        elif kind == "cut":
            del data[first:last]
        elif kind == "double":
            data[first:first] = data[first:last] * draw(st.integers(1, 4))
        elif kind in ("word", "over"):
            data[first : first if kind == "word" else last] = draw(st.sampled_from(words))
        else:
            other = draw(st.integers(0, len(data)))
            data[first:first] = data[other : other + 40]
    return bytes(data)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_read_or_refused_in_our_words(name: str) -> None:
    assert [check(target(name), example) for example in target(name).examples] == [""] * len(target(name).examples)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_no_mutation_of_a_good_file_breaks_a_reader(name: str) -> None:
    @settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(mutated(name))
    def read(data: bytes) -> None:
        assert check(target(name), data) == ""

    read()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_no_bytes_break_a_reader(name: str) -> None:
    @settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
    def read(data: bytes) -> None:
        assert check(target(name), data) == ""

    read()


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_once_broke_a_reader_no_longer_does(path: Path) -> None:
    assert check(target(path.parent.name), path.read_bytes()) == ""


# ---------------------------------------------------------------- a lot of it


@pytest.fixture(scope="module")
def exploded() -> dict[str, dict[str, Any]]:
    """What came of each bomb, read one after the other in a process of its own."""
    command = [sys.executable, str(Path(bombs.__file__))]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250, check=True)
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("name", bombs.BOMBS)
def test_no_file_costs_a_gibibyte_or_hangs(name: str, exploded: dict[str, dict[str, Any]]) -> None:
    row = exploded[name]
    assert row["wrong"] == ""
    assert bombs.BOMBS[name][2] in row["said"]
    assert row["bytes"] < bombs.MEMORY
