"""How our own code reads files: in no way that could run what is in them, or fetch what is not there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = Path(__file__).parents[2]
# Orders from a flow to its Dask workers: no file, and Dask's own connection carries pickles anyway, under mutual TLS.
ORDERS = {name: ["imports pickle"] for name in ("infra/cluster.py", "infra/worker.py")}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "imp"}


def _complaints(source: str) -> list[str]:
    """Return what in a module could run code from a file, or fetch a model."""
    found, tree = [], ast.parse(source)
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"imports {name}" for name in names if name.split(".")[0] in UNSAFE]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name, given = ast.unparse(call.func), {word.arg: ast.unparse(word.value) for word in call.keywords}
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append("torch.load without weights_only=True")
        if name.endswith(("np.load", "numpy.load")) and given.get("allow_pickle") != "False":
            found.append(f"{name}: reads pickles")
        if name in ("eval", "exec", "yaml.unsafe_load", "yaml.full_load", "os.system") or given.get("shell") == "True":
            found.append(name)
        if name.startswith("torch.hub.") or "trust_repo" in given or given.get("trust_remote_code") == "True":
            found.append(f"{name}: fetches code")
        if name.endswith("from_pretrained") and given.get("local_files_only") != "True":
            found.append(f"{name} without local_files_only=True")
    return found


def test_no_room_reads_a_file_in_a_way_that_could_run_it() -> None:
    modules = [path for room in ("infra", "tasks", "quality", "datasets", "flows", "apps") for path in (ROOMS / room).rglob("*.py")]
    assert len(modules) > 100
    assert {str(path.relative_to(ROOMS)): found for path in modules if (found := _complaints(path.read_text("utf-8")))} == ORDERS


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "torch.hub.load('a/b', 'c')",
        "Model.from_pretrained(path)",
        "Model.from_pretrained(path, local_files_only=True, trust_remote_code=True)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_that_check_can_fail(source: str) -> None:
    assert _complaints(source)
