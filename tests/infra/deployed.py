"""What stands in infra/deploy, read once for the tests about it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "infra/deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
MANIFESTS = [document for name in KUSTOMIZATION["resources"] for document in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())]


def run(*command: str | Path, **environment: str) -> str:
    """Run a program and return what it printed; it must succeed."""
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def pods() -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """Yield name, labels and specification of every pod that the manifests make."""
    for row in MANIFESTS:
        name, spec = row["metadata"]["name"], row.get("spec", {})
        if row["kind"] == "DaskCluster":
            for part in ("scheduler", "worker"):
                given = spec[part].get("metadata", {}).get("labels", {})
                yield f"dask-{part}", given | {"dask.org/cluster-name": name, "dask.org/component": part}, spec[part]["spec"]
        elif row["kind"] == "CronJob":
            yield name, spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"], spec["jobTemplate"]["spec"]["template"]["spec"]
        elif "template" in spec:
            yield name, spec["template"]["metadata"]["labels"], spec["template"]["spec"]


PODS = {name: (labels, spec) for name, labels, spec in pods()}


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {row["metadata"]["name"]: row for row in MANIFESTS if row["kind"] == kind}


def pins(path: Path) -> dict[str, Version]:
    """Return what a lock file pins."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in found}
