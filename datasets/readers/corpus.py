"""The folder of a corpus: its files, and nothing else; its manifests, line by line, within bounds.

A corpus is somebody else's work. What it names is looked for below its folder, and is never run, fetched or followed out of it.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

LONGEST = 1 << 20  # bytes of a line; a row of a Lhotse cut with its recording has about a thousand
LARGEST = 8 << 30  # bytes of a manifest, unpacked; Common Voice's largest has under one gibibyte
LONGEST_TEXT = 64 << 10  # bytes of a file that holds the text of one clip
DEEPEST = 16  # folders inside one another
AUDIO = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".g722")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # http:, pipe:, file:, C:
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Where = str  # "metadata.csv:12"


class Defect(Exception):
    """One row that cannot be used, and why: `code` is of `datasets.rows.REASONS`."""

    def __init__(self, code: str, what: str, clip: str = "") -> None:
        super().__init__(what)
        self.code, self.what, self.clip = code, what, clip

    def row(self, where: Where, clip: str = "") -> Excused:
        """Return the row of the clip that is left out."""
        return excused(self.clip or clip, self.code, where, self.what)


def excused(clip: str, code: str, where: Where, what: str) -> Excused:
    """Return a row, its words in one line of at most 300 characters that any file or terminal takes."""
    return Excused(_plain(clip), code, _plain(where), _plain(what))


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text[:300]).encode("utf-8", "backslashreplace").decode()


class Corpus:
    """The folder of one corpus."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError("no such folder", where=str(folder), fix="unpack the corpus there, or mend the recipe's path")
        self.folder = folder.resolve()
        self._inside = f"{self.folder}{os.sep}"
        self._folders: dict[str, str] = {}

    def file(self, named: str, under: str = "") -> str:
        """Return the absolute path, behind its links, of a file that a row names; either slash separates folders.

        Raises: Defect, `unsafe-path` for what is no relative path, or leads out of the corpus; `no-audio` where no file is.
        """
        path = named.replace("\\", "/").strip()
        if not path:
            raise Defect("bad-row", "no path")
        if _ADDRESS.match(path) or path[0] in "/~" or "|" in path or _CONTROL.search(path) or ".." in path.split("/"):
            raise Defect("unsafe-path", f"{named!r} is no path below the corpus")
        try:
            real, mode = self._real(f"{under}/{path}")
        except (OSError, ValueError) as error:  # a name too long, or one that no file can have
            raise Defect("no-audio", f"no file {named!r}: {getattr(error, 'strerror', None) or 'no name of a file'}") from None
        if not real.startswith(self._inside):
            raise Defect("unsafe-path", f"{named!r} leads out of the corpus")
        if not stat.S_ISREG(mode):  # a pipe, a folder, a ring of links
            raise Defect("no-audio", f"no file {named!r}")
        return real

    def _real(self, path: str) -> tuple[str, int]:
        """Return where a path below the corpus leads, and what is there; a folder's links are followed once."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(f"{self._inside}{folder}")
        real = f"{self._folders[folder]}{os.sep}{name}"
        mode = os.lstat(real).st_mode
        if stat.S_ISLNK(mode):
            real = os.path.realpath(real)
            mode = os.lstat(real).st_mode
        return real, mode

    def has(self, name: str) -> bool:
        """Return whether there is such a file or folder below the corpus."""
        return (self.folder / name).exists()

    def text(self, named: str) -> str:
        """Return what a small text file says. Raises: Defect."""
        try:
            with Path(self.file(named)).open("rb") as stream:
                data = stream.read(LONGEST_TEXT + 1)
        except OSError as error:
            raise Defect("no-text", f"{named}: {error.strerror}") from None
        if len(data) > LONGEST_TEXT:
            raise Defect("bad-row", f"{named}: over {LONGEST_TEXT} bytes")
        try:
            return data.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise Defect("bad-row", f"{named}: not UTF-8: {error.reason} at byte {error.start}") from None

    def manifest(self, *names: str) -> str:
        """Return the one of a manifest's possible names under which it is there. Raises: ConfigError where none is."""
        for name in names:
            try:
                self.file(name)
            except Defect as defect:
                if defect.code == "unsafe-path":
                    raise ConfigError(defect.what, where=str(self.folder), fix="name a file below the corpus") from None
            else:
                return name
        raise ConfigError(f"no {' or '.join(names)}", where=str(self.folder), fix="is this the corpus' own folder, and all of it?")

    def matching(self, pattern: str, suffixes: Collection[str]) -> list[str]:
        """Return the files at the top of the corpus whose names have a word in them and end so, sorted."""
        return sorted(path.name for path in self.folder.iterdir() if pattern in path.name and path.name.endswith(tuple(suffixes)))

    def rows(self, manifest: str, parse: Callable[[str, Where], SourceClip]) -> Iterator[SourceClip | Excused]:
        """Yield one row for each line of a manifest that is not blank: what `parse` makes of it, or why not."""
        yield from parsed(self.lines(manifest), parse)

    def lines(self, manifest: str) -> Iterator[tuple[Where, str] | Excused]:
        """Yield the lines that are not blank, each with its place, or why one cannot be read; gzip where the name ends so.

        Raises: ConfigError where the manifest is missing, breaks off, or is too large: the rest of it would be lost.
        """
        self.manifest(manifest)
        path, size = self.folder / manifest, 0
        try:
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
                for number, data in enumerate(_bounded(stream), 1):  # type: ignore[arg-type]
                    size += len(data)
                    if size > LARGEST:
                        raise ConfigError(f"over {LARGEST} bytes", where=str(path), fix="read it in parts")
                    where = f"{manifest}:{number}"
                    line = _decoded(data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data, where)
                    if isinstance(line, Excused):
                        yield line
                    elif line.strip():
                        yield where, line
        except (OSError, EOFError, zlib.error) as error:
            raise ConfigError(f"cannot be read to its end: {error}", where=str(path), fix="copy it anew") from None

    def walk(self, under: str = "", suffixes: tuple[str, ...] = AUDIO) -> Iterator[str | Excused]:
        """Yield the paths of files that end so, from the corpus' folder, sorted folder by folder; links to folders are not followed."""
        if under.count("/") >= DEEPEST:
            yield excused("", "unsafe-path", under, f"more than {DEEPEST} folders inside one another")
            return
        try:
            with os.scandir(self.folder / under) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield excused("", "no-audio", under, f"cannot be listed: {error.strerror}")
            return
        for entry in entries:
            path = f"{under}/{entry.name}" if under else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.walk(path, suffixes)
            elif entry.is_symlink() and Path(entry.path).is_dir():
                yield excused("", "unsafe-path", path, "a link to a folder is not followed")
            elif entry.name.lower().endswith(suffixes):
                yield path

    def unnamed(self, named: Collection[str], under: str) -> Iterator[Excused]:
        """Yield the recordings below a folder whose paths from the corpus' folder no row named."""
        for path in self.walk(under):
            if isinstance(path, Excused):
                yield path
            elif path not in named:
                yield excused("", "no-text", path, "no row names this recording")


def parsed(lines: Iterable[tuple[Where, str] | Excused], parse: Callable[[str, Where], SourceClip]) -> Iterator[SourceClip | Excused]:
    """Yield what `parse` makes of each line, or why it is left out."""
    for line in lines:
        if isinstance(line, Excused):
            yield line
            continue
        where, text = line
        try:
            yield parse(text, where)
        except Defect as defect:
            yield defect.row(where)


def stem(path: str) -> str:
    """Return the file's name without its ending."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of one that is too long one byte too many, and the rest of it is passed over."""
    while line := stream.readline(LONGEST + 1):
        yield line
        while len(line) > LONGEST and not line.endswith(b"\n"):
            line = stream.readline(LONGEST + 1)


def _decoded(data: bytes, where: Where) -> str | Excused:
    if len(data) > LONGEST:
        return excused("", "bad-row", where, f"a line of over {LONGEST} bytes")
    try:
        return data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return excused("", "bad-row", where, f"not UTF-8: {error.reason} at byte {error.start}")
