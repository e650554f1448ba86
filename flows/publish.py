"""Files where people find them: links below the working folder, made anew from the store whenever they are missing."""

from __future__ import annotations

import os
import shutil
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
            sums.write_text(f"{digest}  {place.name}\n")
        elif not digest:
            place.unlink(missing_ok=True)
            sums.unlink(missing_ok=True)
    return str(Path("released" if newest == released else "review") / name) if newest else ""


def link(books: Books, digest: str, path: Path) -> str:
    """Make `path` (below the working folder) show the bytes of `digest`, without a copy where the file system allows; return it."""
    place = books.settings.home / path
    place.parent.mkdir(parents=True, exist_ok=True)
    source = books.store.fetch(digest)
    if not (place.exists() and place.samefile(source)):
        place.unlink(missing_ok=True)
        try:
            os.link(source, place)
        except OSError:
            shutil.copyfile(source, place)  # another file system
    return str(path)
