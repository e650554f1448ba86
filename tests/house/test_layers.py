"""The house keeps its floors, its package list and its light doors."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {"infra": 0, "tasks": 1, "quality": 2, "datasets": 2, "flows": 3, "apps": 4}
HEAVY = (
    "prefect",
    "dask",
    "distributed",
    "torch",
    "cv2",
    "whisper",
    "TTS",
    "boto3",
    "sqlalchemy",
    "faster_whisper",
    "librosa",
    "great_expectations",
    "mediapipe",
)
SOURCES = [path for room in FLOORS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Return every nightdub module that a file names in an import, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith("nightdub.")}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("nightdub", *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {module_of(path): path for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_imports_from_a_floor_above_or_beside(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        other = name.split(".")[1]
        assert other == room or FLOORS[other] < FLOORS[room], f"{path.relative_to(ROOT)} imports {name}"


def test_no_two_files_import_each_other() -> None:
    arrows = {name: {target for target in imported(path) if target in MODULES and target != name} for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name in done:
            return
        for target in sorted(arrows[name]):
            walk(target, (*way, name))
        done.add(name)

    for name in sorted(arrows):
        walk(name, ())
    assert done == set(MODULES)


def test_every_folder_with_code_is_in_the_wheel() -> None:
    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert declared == {module_of(path.parent / "__init__.py") for path in SOURCES}


def test_light_rooms_load_no_heavy_library() -> None:
    light = [name for name in MODULES if name.split(".")[1] in ("tasks", "quality", "datasets") and ".engines." not in name]
    imports = f"for name in {light!r}: importlib.import_module(name)"
    script = f"import importlib, sys\n{imports}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert len(light) > 20


@pytest.mark.parametrize("command", ["--help", "plan"])
def test_help_and_plan_load_nothing_that_only_building_needs(command: str, tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text("id,source,language,targets\nfilm,film.mp4,en,es\n")
    (tmp_path / "film.mp4").touch()
    words = [command] if command == "--help" else ["--home", str(tmp_path / "home"), command, str(tmp_path / "catalogue.csv")]
    heavy = {"prefect", "distributed", "torch", "cv2", "great_expectations", "boto3"}
    heavy |= {"pydantic", "numpy", "sqlalchemy"} if command == "--help" else set()
    told = f"import atexit, sys; atexit.register(lambda: print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr))"
    script = f"{told}\nfrom nightdub.apps.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"
