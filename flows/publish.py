"""Files where people find them: links below the working folder, made anew from the store whenever they are missing."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightdub.flows.night import Books
from nightdub.tasks.rows import Language


def export_package(books: Books, title: str, language: Language, newest: str, released: str) -> str:
    """Show what is out below `released/`, and a newest film that is not below `review/`; return the newest one's path, or nothing.

    Both are digests, empty = none; a path is relative to the working folder.
    """
    name = Path(title) / f"{title}.{language}.mp4"
    for folder, digest in (("released", released), ("review", "" if newest == released else newest)):
        place = books.settings.home / folder / name
        sums = place.with_name(f"{place.name}.sha256")  # as sha256sum checks it; spares a look at a film that stands already
        if digest and not (place.exists() and sums.exists() and sums.read_text().startswith(digest)):
            link(books, digest, Path(folder) / name)
            put(books, Path(folder) / title / sums.name, f"{digest}  {place.name}\n".encode())
        elif not digest:
            place.unlink(missing_ok=True)
            sums.unlink(missing_ok=True)
    return str(Path("released" if newest == released else "review") / name) if newest else ""


def take_away(books: Books, title: str, language: Language, released: str) -> None:
    """Show nothing below `released/` where something else stands there than what is out; the next report shows that."""
    place = books.settings.home / "released" / title / f"{title}.{language}.mp4"
    sums = place.with_name(f"{place.name}.sha256")
    if sums.exists() and not (released and sums.read_text().startswith(released)):
        place.unlink(missing_ok=True)
        sums.unlink(missing_ok=True)


def link(books: Books, digest: str, path: Path) -> str:
    """Make `path` (below the working folder) show the bytes of `digest`, without a copy where the file system allows; return it."""
    place, source = books.settings.home / path, books.store.fetch(digest)
    with _draft_of(books, place) as draft:
        if not (place.exists() and place.samefile(source)):
            try:
                os.link(source, draft)
            except OSError:
                shutil.copyfile(source, draft)  # another file system
            draft.replace(place)
    return str(path)


def put(books: Books, path: Path, data: bytes) -> None:
    """Write a small file below the working folder, whole or not at all."""
    with _draft_of(books, books.settings.home / path) as draft:
        draft.write_bytes(data)
        draft.replace(books.settings.home / path)


@contextmanager
def _draft_of(books: Books, place: Path) -> Iterator[Path]:
    """Yield a free path beside a file, for one writer at a time: two nights may show the same. The kernel frees a dead one's lock."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (books.settings.home / ".showing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft = place.with_name(f".{place.name}.new")
        draft.unlink(missing_ok=True)  # a killed writer's
        yield draft
