"""The code behind every step, as one digest each: `python tests/flows/golden.py` writes golden_steps.json anew.

Nothing is imported: definitions are followed by name from a step's declaration through the chain, `tasks`, `quality` and `infra.media`.
Docstrings, comments and layout do not count; engines have an identity of their own.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden_steps.json")
FOLLOWED = ("nightdub.flows.chain.", "nightdub.tasks.", "nightdub.quality.", "nightdub.infra.media.")
APART = "nightdub.tasks.engines"

Place = tuple[str, str]  # module, top-level name


@dataclass
class Module:
    """A file's top level: what each name is bound to, and where imported names come from."""

    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)


@cache
def read_module(name: str) -> Module:
    """Parse one module of the checkout."""
    path = ROOT / Path(*name.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    module = Module()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        module.imported |= dict(imports(statement))
        for bound in names_bound(statement):
            module.bound.setdefault(bound, []).append(statement)
    return module


def names_bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement defines or assigns."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))


def imports(statement: ast.AST) -> Iterator[tuple[str, Place]]:
    """Yield local name -> place of every name that a statement imports from this package, at whatever depth."""
    for node in ast.walk(statement):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nightdub"):
            yield from ((alias.asname or alias.name, (str(node.module), alias.name)) for alias in node.names)


def reached(start: ast.AST, module: str) -> dict[Place, list[ast.stmt]]:
    """Return every definition that a piece of code leads to, itself left out."""
    found: dict[Place, list[ast.stmt]] = {}
    waiting: list[tuple[ast.AST, str]] = [(start, module)]
    while waiting:
        node, home = waiting.pop()
        known = read_module(home).imported | dict(imports(node))
        for name in {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}:
            place, statements = resolved(known.get(name, (home, name)))
            if statements and place not in found:
                found[place] = statements
                waiting += [(statement, place[0]) for statement in statements]
    return found


def resolved(place: Place) -> tuple[Place, list[ast.stmt]]:
    """Return where a name is really defined, through doors that only pass it on, and its definition (none for locals and others' names)."""
    while followed(place[0]) and place[1] in read_module(place[0]).imported:
        place = read_module(place[0]).imported[place[1]]
    return place, read_module(place[0]).bound.get(place[1], []) if followed(place[0]) else []


def followed(module: str) -> bool:
    return f"{module}.".startswith(FOLLOWED) and not module.startswith(APART)


def declarations() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield name, declaration and module of every step."""
    for path in sorted((ROOT / "flows/chain").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Step":
                yield ast.literal_eval(node.args[0]), node, f"nightdub.flows.chain.{path.stem}"


def plain(node: ast.AST) -> str:
    """Return a definition without docstrings, comments and layout."""
    copy = ast.parse(ast.unparse(node))
    for inner in ast.walk(copy):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            inner.body = body[1:]
    return ast.dump(copy)


def code_of(step: ast.Call, module: str) -> str:
    """Return the digest of a step's declaration, its version left out, and of all that it leads to."""
    parts = [[place, [plain(statement) for statement in statements]] for place, statements in sorted(reached(step, module).items())]
    unversioned = ast.Call(step.func, [step.args[0], *step.args[2:]], step.keywords)
    return hashlib.sha256(json.dumps([plain(unversioned), parts]).encode()).hexdigest()


def steps_now() -> dict[str, dict[str, object]]:
    """Return step -> version and digest of its code, as the checkout has them."""
    return {name: {"version": ast.literal_eval(step.args[1]), "code": code_of(step, module)} for name, step, module in declarations()}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(steps_now(), indent=2) + "\n")
