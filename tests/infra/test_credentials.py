"""Content credentials say what a film is, hold for its bytes alone, and keep those of the film that it was made from."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import c2pa
import msgspec
import pytest
from certificates import STUDIO, write_certificates
from cryptography.hazmat.primitives.asymmetric import ec
from films import film

from nightdub.infra.credentials import SOURCE, sign, verify
from nightdub.infra.errors import ConfigError, MediaError

SAID = {"synthetic": {"speech": True}, "language": "es"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "dub.mp4", seconds=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(bare: Path, keys: tuple[Path, Path]) -> Path:
    out = bare.with_name("signed.mp4")
    sign(bare, bare, out, *keys, SAID, "Pilot (Spanish)")
    return out


def read(film: Path) -> dict[str, Any]:
    """Return what the C2PA project's own reader finds."""
    with c2pa.Reader(str(film)) as reader:
        found: dict[str, Any] = msgspec.json.decode(reader.json())
    return found


def test_a_signed_film_says_who_signed_it_and_what_it_is(signed: Path, bare: Path) -> None:
    found = verify(signed)
    assert found
    assert (found.issuer, found.valid, found.problems, found.statement) == (STUDIO, True, (), SAID)
    active = read(signed)["manifests"][read(signed)["active_manifest"]]
    actions = next(row["data"]["actions"] for row in active["assertions"] if row["label"] == "c2pa.actions.v2")
    assert [row["action"] for row in actions] == ["c2pa.opened", "c2pa.edited"]
    assert (active["title"], actions[1]["digitalSourceType"]) == ("Pilot (Spanish)", SOURCE)
    assert verify(bare) is None


def test_what_the_original_bore_is_kept_within(signed: Path, bare: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    sign(bare, signed, tmp_path / "again.mp4", *keys, SAID, "Pilot")
    found = read(tmp_path / "again.mp4")
    before = read(signed)["active_manifest"]
    assert set(found["manifests"]) == {found["active_manifest"], before}
    assert found["manifests"][found["active_manifest"]]["ingredients"][0]["active_manifest"] == before
    assert (result := verify(tmp_path / "again.mp4"))
    assert result.valid


def test_an_original_in_another_container_is_named(bare: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    original = film(tmp_path / "film.mkv", seconds=0.2)
    sign(bare, original, tmp_path / "out.mp4", *keys, SAID, "Pilot")
    active = read(tmp_path / "out.mp4")["manifests"][read(tmp_path / "out.mp4")["active_manifest"]]
    assert [(row["format"], row["relationship"]) for row in active["ingredients"]] == [("video/x-matroska", "parentOf")]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_one_flipped_bit_breaks_the_signature(signed: Path, tmp_path: Path, share: float) -> None:
    data = bytearray(signed.read_bytes())
    media = data.index(b"mdat") + 4
    data[media + int(share * (len(data) - media))] ^= 1
    (tmp_path / "flipped.mp4").write_bytes(data)
    found = verify(tmp_path / "flipped.mp4")
    assert found
    assert (found.valid, found.problems) == (False, ("assertion.bmffHash.mismatch",))


def test_a_copy_by_ffmpeg_bears_none(signed: Path, tmp_path: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(signed), "-c", "copy", str(tmp_path / "copy.mp4")], check=True)
    assert verify(tmp_path / "copy.mp4") is None


def test_keys_that_cannot_sign_are_refused(bare: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(ConfigError, match=r"key\.pem: no private key in PEM without a password"):
        sign(bare, bare, out, *write_certificates(tmp_path / "locked", password=b"secret"), SAID, "")
    with pytest.raises(ConfigError, match="a key that C2PA does not sign with; allowed: P-256"):
        sign(bare, bare, out, *write_certificates(tmp_path / "coin", ec.SECP256K1()), SAID, "")
    with pytest.raises(ConfigError, match=r"none\.pem: No such file"):
        sign(bare, bare, out, tmp_path / "none.pem", keys[1], SAID, "")
    with pytest.raises(MediaError, match="content credentials: "):
        sign(bare, bare, out, keys[0], write_certificates(tmp_path / "other")[1], SAID, "")


def test_a_file_that_is_no_film_is_refused(keys: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(MediaError):
        sign(tmp_path / "text.mp4", tmp_path / "text.mp4", tmp_path / "out.mp4", *keys, SAID, "")
