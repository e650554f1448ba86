"""The benchmarks' runner: it knows every benchmark, and its table says what they said."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parents[2] / "benchmarks"
RESULT = {"name": "plan", "figures": {"seconds_10k": 1.9, "files": 20000}, "ratio": 9.8, "aim": "under 2 s", "met": True}


@pytest.fixture
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", HERE / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_knows_every_benchmark_and_the_readme_explains_each(runner: ModuleType) -> None:
    assert set(runner.NAMES) == {path.stem for path in HERE.glob("*.py")} - {"run", "report"}
    readme = (HERE / "README.md").read_text()
    assert [name for name in runner.NAMES if f"| `{name}` |" not in readme] == []


def test_an_unknown_name_is_refused_with_those_that_there_are(runner: ModuleType) -> None:
    made = subprocess.run([sys.executable, HERE / "run.py", "nonsense"], capture_output=True, text=True, check=False)
    assert made.returncode == 1
    assert f"no benchmark nonsense; allowed: {', '.join(runner.NAMES)}" in made.stderr


def test_the_table_stands_between_its_marks_and_the_rest_stays(runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{runner.BEGIN}\nold\n{runner.END}\nafter\n")
    monkeypatch.setattr(runner, "HERE", tmp_path)
    runner.rewrite([RESULT, RESULT | {"name": "mix", "met": False}])
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| `plan` | 9.8 | under 2 s | yes | seconds_10k 1.9; files 20000 |" in text
    assert "| `mix` | 9.8 | under 2 s | no |" in text


def test_every_benchmark_prints_one_line_of_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    import report

    report.emit("plan", {"seconds": 1.23456, "files": 3}, 9.87654, "under 2 s", met=True)
    assert json.loads(capsys.readouterr().out) == {
        "name": "plan",
        "figures": {"seconds": 1.235, "files": 3},
        "ratio": 9.877,
        "aim": "under 2 s",
        "met": True,
    }
