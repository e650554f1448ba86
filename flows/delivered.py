"""A delivered folder, on this machine or on S3: whose it is, whether it still is what its manifest says, and how it gets there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nightdub.infra.credentials import verify
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError, MediaError, ObjectMissing
from nightdub.infra.scratch import Scratch
from nightdub.infra.settings import Settings
from nightdub.infra.store_contract import StoreOptions
from nightdub.tasks.rows import Language

if TYPE_CHECKING:
    from nightdub.infra.upload import RemoteFolder

MANIFEST = "manifest.json"


class File(msgspec.Struct, frozen=True):
    """One row of a manifest."""

    name: str  # below the folder, with /
    bytes: int
    sha256: str
    signed: bool  # bears content credentials


class Delivery(msgspec.Struct, frozen=True):
    """What of a manifest a folder is held against."""

    title: str
    language: str
    files: list[File]

    @property
    def of(self) -> tuple[str, Language]:
        """Return whose delivery it is."""
        return self.title, self.language


def check(place: str, settings: Settings) -> list[str]:
    """Hold a delivered folder, or `s3://bucket/prefix`, against its manifest and return the names of its files, in order.

    What lies on S3 is downloaded, file by file. Raises: MediaError naming the first file that is missing, another one, or signed and no
    longer as it was signed.
    """
    if "://" not in place:
        return check_folder(Path(place))
    remote = _remote(place, settings)
    with Scratch("deliver") as scratch:
        return _check_remote(remote, _remote_manifest(remote, Path(scratch)), Path(scratch))


def check_folder(folder: Path) -> list[str]:
    """Hold a delivered folder against its manifest, as `check` does."""
    manifest = read_manifest(folder / MANIFEST, str(folder))
    for row in manifest.files:
        check_file(folder / row.name, row, str(folder / row.name))
    return [row.name for row in manifest.files]


def check_file(path: Path, row: File, where: str) -> None:
    """Hold a file against its row. Raises: MediaError."""
    if not path.is_file() or digest_file(path) != row.sha256:
        raise MediaError("missing, or not as it was delivered", where=where, fix="deliver it again")
    if row.signed and not ((found := verify(path)) and found.valid):
        raise MediaError("its content credentials do not hold", where=where, fix="deliver it again")


def read_manifest(path: Path, where: str) -> Delivery:
    """Return a delivery's manifest. Raises: MediaError where there is none, or it is none of ours."""
    if not path.is_file():
        raise MediaError(f"no {MANIFEST}", where=where, fix="name a place that was delivered to")
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Delivery)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MediaError(f"{MANIFEST}: {error}", where=where, fix="deliver it again") from None
    if outside := [row.name for row in found.files if not _is_below(row.name)]:
        raise MediaError(f"{MANIFEST} names {outside[0]!r}", where=where, allowed="files below the folder", fix="deliver it again")
    return found


def _is_below(name: str) -> bool:
    """Return whether a manifest's name stays in its folder, whatever lies there."""
    parts = name.split("/")
    return "\0" not in name and not any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts)


def refuse_others(folder: Path, title: str, language: Language) -> None:
    """Refuse a place that holds anything but an earlier delivery of the same title-language. Raises: ConfigError."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        there = (folder / MANIFEST).is_file()
        _refuse(str(folder), read_manifest(folder / MANIFEST, str(folder)) if there else None, (title, language))


def put_in_place(made: Path, folder: Path) -> None:
    """Rename a finished folder to where it belongs; an earlier delivery of the same title-language gives way. Raises: ConfigError."""
    refuse_others(folder, *read_manifest(made / MANIFEST, str(made)).of)
    earlier = made.with_name(f"{made.name}.earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if folder.exists():
        folder.replace(earlier)
    made.replace(folder)
    shutil.rmtree(earlier, ignore_errors=True)


def upload(made: Path, place: str, settings: Settings) -> None:
    """Put a finished folder on S3 and hold what came back against its manifest, which is written last.

    A reader who sees a manifest sees all that it names. An earlier delivery of the same title-language is deleted first; where that was
    cut off, the same delivery can be made again.

    Raises:
        ConfigError: the place holds something else.
        MediaError: a file came back as another one.
        StoreError: the server refused.
    """
    ours, remote = read_manifest(made / MANIFEST, str(made)), _remote(place, settings)
    with Scratch("deliver") as scratch:
        _make_way(remote, ours, Path(scratch))
        for row in ours.files:
            remote.put(made / row.name, row.name)
        _check_remote(remote, ours, Path(scratch))
        remote.put(made / MANIFEST, MANIFEST)
        if _remote_manifest(remote, Path(scratch)) != ours:
            raise MediaError("came back as another one", where=f"{place}/{MANIFEST}", fix="deliver it again")


def _make_way(remote: RemoteFolder, ours: Delivery, scratch: Path) -> None:
    """Delete an earlier delivery of ours, its manifest last, or what an upload that was cut off left of this one. Raises: ConfigError."""
    names = remote.names()
    earlier = _remote_manifest(remote, scratch) if MANIFEST in names else None
    if earlier or set(names) - {row.name for row in ours.files}:
        _refuse(remote.url, earlier, ours.of)
    for name in sorted(names, key=lambda name: name == MANIFEST):
        remote.delete(name)


def _refuse(where: str, found: Delivery | None, ours: tuple[str, Language]) -> None:
    if found and found.of == ours:
        return
    what = f"holds {'/'.join(found.of)}" if found else "holds other files"
    fix = "name another place, or tell titles and languages apart in the profile's delivery.name"
    raise ConfigError(what, where=where, allowed="nothing, or an earlier delivery of the same title and language", fix=fix)


def _check_remote(remote: RemoteFolder, manifest: Delivery, scratch: Path) -> list[str]:
    for row in manifest.files:
        path, where = scratch / "fetched", f"{remote.url}/{row.name}"
        try:
            remote.fetch(row.name, path)
        except ObjectMissing:
            path.unlink()
        check_file(path, row, where)
    return [row.name for row in manifest.files]


def _remote_manifest(remote: RemoteFolder, scratch: Path) -> Delivery:
    path = scratch / MANIFEST
    try:
        remote.fetch(MANIFEST, path)
    except ObjectMissing:
        path.unlink()
    return read_manifest(path, remote.url)


def _remote(place: str, settings: Settings) -> RemoteFolder:
    from nightdub.infra.upload import RemoteFolder

    if not place.startswith("s3://"):
        raise ConfigError(f"cannot deliver to {place!r}", allowed="a folder, or s3://bucket/prefix", fix="correct the place")
    return RemoteFolder(place, msgspec.convert(settings.store_options(), StoreOptions))
