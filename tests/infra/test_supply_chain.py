"""What is installed and what the image is made of: advisories, licences, the lock file, and a build without a network."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed import DEPLOY, ROOT, pins
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from nightdub.apps.doctor import is_guarded

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ADVISORIES = yaml.safe_load((DEPLOY / "advisories.yaml").read_text())
LOCKS = [DEPLOY / "requirements.lock", DEPLOY / "build.lock"]
LOCKED = pins(LOCKS[0])


def installed(name: str) -> Version | None:
    try:
        return Version(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return None


def core() -> set[str]:
    """Return every package that the core install brings, from the metadata of what is installed."""
    found: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(row.name), extra) for row in map(Requirement, PROJECT["dependencies"]) for extra in ("", *row.extras)]
    while waiting:
        if (asked := waiting.pop()) not in found:
            found.add(asked)
            waiting += _needs(*asked)
    return {name for name, _ in found}


def _needs(name: str, extra: str) -> Iterator[tuple[str, str]]:
    for row in map(Requirement, importlib.metadata.requires(name) or ()):
        if row.marker is None or row.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(row.name), further) for further in ("", *row.extras))


CORE = core()

# ---------------------------------------------------------------- advisories


@pytest.mark.parametrize("row", ADVISORIES, ids=lambda row: f"{row['package']}-{row['least']}")
def test_nothing_older_than_an_advisory_is_installed_or_locked(row: dict[str, Any]) -> None:
    assert row["advisory"]
    assert row["matters"]
    least = Version(str(row["least"]))
    here = {where: version for where, version in (("lock", LOCKED.get(row["package"])), ("here", installed(row["package"]))) if version}
    old = {where: str(version) for where, version in here.items() if version < least}
    assert not old or row.get("accepted")
    if row.get("accepted"):
        assert old, "what was accepted is mended: take the exception out"


def test_what_is_accepted_of_protobuf_still_holds() -> None:
    sources = [path for room in ("apps", "datasets", "flows", "infra", "quality", "tasks") for path in (ROOT / room).rglob("*.py")]
    assert sources
    assert [path for path in sources if "json_format" in path.read_text(encoding="utf-8")] == []


FFMPEGS = {"5.1.9-0+deb12u1": False, "7.1": False, "7.1.1-1": True, "n8.0": True, "10.0.2": True, "N-118000-gabc": True}


@pytest.mark.parametrize("version", FFMPEGS)
def test_the_doctor_knows_which_ffmpeg_has_guards_of_its_own(version: str) -> None:
    assert is_guarded(f"ffmpeg version {version} Copyright (c) 2000-2026 the FFmpeg developers") is FFMPEGS[version]


# ---------------------------------------------------------------- licences

FORBIDS = re.compile(
    r"non[- ]?commercial|CC-BY-NC|research[- ]only|academic[- ]only|evaluation[- ]only|proprietary|polyform", re.IGNORECASE
)
KNOWN = re.compile(r"MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python|LGPL|Lesser General|GPL|Zlib|CC0|Unlicense|HPND|Artistic|Public Domain|0BSD")
SAID_ELSEWHERE = {  # package -> where its licence stands, since its metadata has none
    "g722": "public domain: LICENSE in its wheel, and its metadata's word with a hyphen",
    "pyworld": "MIT: LICENSE.txt in its archive; WORLD itself is BSD-3-Clause",
    "pyroomacoustics": "MIT: licenses/LICENSE in its wheel has MIT's text without its name",
}


def licence(name: str) -> str:
    facts = importlib.metadata.metadata(name)
    classifiers = [row for row in facts.get_all("Classifier") or () if row.startswith("License ::")]
    return "; ".join([facts.get("License-Expression") or "", *classifiers, (facts.get("License") or "")[:200]]).strip("; ")


def test_no_package_of_the_core_install_forbids_commercial_use() -> None:
    assert len(CORE) > 100
    assert {name: said for name in sorted(CORE) if installed(name) and FORBIDS.search(said := licence(name))} == {}


def test_every_package_of_the_core_install_says_its_licence() -> None:
    silent = {name for name in CORE if installed(name) and not KNOWN.search(licence(name))}
    assert silent == set(SAID_ELSEWHERE)


@pytest.mark.parametrize("words", ["CC-BY-NC-4.0", "Free for non-commercial use", "License :: Other/Proprietary License"])
def test_licences_that_forbid_commercial_use_are_known(words: str) -> None:
    assert FORBIDS.search(words)


# ---------------------------------------------------------------- the lock


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_file_has_its_hash_and_no_place(path: Path) -> None:
    text = path.read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) == len(pins(path))
    assert [block.splitlines()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []
    assert not re.search(r"://|--index|--find-links|file:", text)
    assert path.stat().st_size < 400_000


def test_the_lock_is_within_the_bounds_of_the_project() -> None:
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    names = {str(row): canonicalize_name(row.name) for row in wanted}
    assert [text for text, name in names.items() if name not in LOCKED or LOCKED[name] not in Requirement(text).specifier] == [], (
        "make lock"
    )


def test_the_lock_is_whole() -> None:
    """What a locked package needs is locked too; only packages whose locked version is installed here can tell."""
    telling = {name for name, version in LOCKED.items() if installed(name) == version and name != "mediapipe"}
    assert len(telling) > len(LOCKED) / 2
    assert {need for name in telling for need, _ in _needs(name, "")} - set(LOCKED) == set()
    assert f"mediapipe=={LOCKED['mediapipe']}" in (ROOT / "Makefile").read_text()  # without what it declares: see there


def test_what_builds_is_of_the_versions_that_are_installed_with_it() -> None:
    build = pins(LOCKS[1])
    assert {"setuptools", "numpy", "cython"} <= set(build)
    assert {name: version for name, version in build.items() if name in LOCKED and LOCKED[name] != version} == {}


# ---------------------------------------------------------------- a build without a network


@pytest.mark.slow
def test_the_package_is_built_without_a_network_and_holds_its_data(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("apps", "datasets", "flows", "infra", "quality", "tasks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    alone = ["unshare", "--net"] if _may_unshare() else []
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*alone, *pip, "--wheel-dir", tmp_path / "out", source], check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True).stdout
    for name in ("nightdub/flows/profiles/", "nightdub/quality/policies/", "nightdub/infra/ledger/migrations/script.py.mako"):
        assert name in listed


def _may_unshare() -> bool:
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0
