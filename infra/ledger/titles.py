"""What stands for every title-language, which jobs its steps used last, and the digests of the sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from nightdub.infra.ledger.engine import Database, collector_paused, columns, upsert, values
from nightdub.infra.ledger.models import heads, sources, title_languages
from nightdub.infra.ledger.rows import Source, Standing, TitleLanguage


class Titles(Database):
    """The tables that a plan reads whole, each with one query."""

    def title_languages(self, title: str | None = None) -> dict[tuple[str, str], TitleLanguage]:
        """Return what stands for every title-language, or for those of one title."""
        query = select(*columns(title_languages, TitleLanguage))
        query = query if title is None else query.where(title_languages.c.title == title)
        with self._read() as connection, collector_paused():
            rows = connection.execute(query).all()
            return {(row[0], row[1]): TitleLanguage(*row) for row in rows}

    def standing(self) -> dict[tuple[str, str], Standing]:
        """Return what stands for every title-language, without inputs and package."""
        wanted = [title_languages.c[name] for name in ("title", "language", *Standing._fields)]
        with self._read() as connection, collector_paused():
            return {(title, language): Standing(*rest) for title, language, *rest in connection.execute(select(*wanted)).all()}

    def put_title_languages(self, rows: Iterable[TitleLanguage]) -> None:
        """Write what now stands for these title-languages; `updated` is set to now."""
        now = self._clock()
        with self._write() as connection:
            upsert(connection, title_languages, (values(row) | {"updated": now} for row in rows))

    def set_heads(self, title: str, language: str, keys: Mapping[str, str]) -> None:
        """Remember which job each of these steps used last; steps not named keep theirs."""
        with self._write() as connection:
            upsert(connection, heads, ({"title": title, "language": language, "step": step, "key": key} for step, key in keys.items()))

    def heads(self, title: str, language: str) -> dict[str, str]:
        """Return step -> key of the jobs used last; steps that serve every language are under the empty one."""
        query = select(heads.c.step, heads.c.key).where(heads.c.title == title, heads.c.language == language)
        with self._read() as connection:
            return dict(connection.execute(query).all())

    def all_heads(self) -> dict[tuple[str, str], dict[str, str]]:
        """Return the heads of every title-language."""
        found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        with self._read() as connection:
            for title, language, step, key in connection.execute(select(heads)):
                found[title, language][step] = key
        return dict(found)

    def known_sources(self) -> dict[str, tuple[int, int, str]]:
        """Return path -> (bytes, modification time in nanoseconds, digest) of every file read before."""
        with self._read() as connection:
            return {path: (size, mtime_ns, digest) for path, size, mtime_ns, digest in connection.execute(select(sources)).all()}

    def remember_sources(self, rows: Iterable[Source]) -> None:
        """Remember the digests of files, so that an untouched one is not read again."""
        with self._write() as connection:
            upsert(connection, sources, (values(row) for row in rows))
