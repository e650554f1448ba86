"""What one night works with: settings, store, ledger, compute pool and the profiles of its titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nightdub.flows.recipe import PROFILES, STABLE, FileDigests, House, prepare
from nightdub.infra import logs
from nightdub.infra.build import Builder
from nightdub.infra.compute import open_compute
from nightdub.infra.ledger import Ledger
from nightdub.infra.ledger.engine import collector_paused
from nightdub.infra.settings import Settings
from nightdub.infra.store import Store, open_store
from nightdub.tasks.catalogue import Catalogue, read_catalogue
from nightdub.tasks.engines import load_engine


@dataclass(frozen=True)
class Books:
    """Ledger and store: all that planning, reporting and releasing need."""

    settings: Settings
    ledger: Ledger
    store: Store


@dataclass(frozen=True)
class Night:
    """A run in progress: the books, and a builder with its compute pool."""

    books: Books
    builder: Builder
    houses: Mapping[str, House]
    digests: FileDigests
    run: str


@contextmanager
def open_books(settings: Settings) -> Iterator[Books]:
    """Open ledger and store, creating or upgrading the embedded ledger where it is ours alone."""
    logs.start(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(settings.ledger_url)
    try:
        ledger.migrate()
        yield Books(settings, ledger, open_store(settings.store_url, **settings.store_options()))
    finally:
        ledger.close()


@contextmanager
def open_night(books: Books, houses: Mapping[str, House], digests: FileDigests, run: str) -> Iterator[Night]:
    """Start the compute pool and yield the night; the pool is gone when the block ends, however it ends."""
    settings = books.settings
    with open_compute(settings.compute, settings.workers, attempts=settings.item_attempts) as compute:
        builder = Builder(
            books.store,
            books.ledger,
            compute,
            load_engine,
            settings.store_options(),
            run,
            compute.workers,
            batch_seconds=settings.batch_seconds,
            lease_seconds=settings.lease_seconds,
        )
        yield Night(books, builder, houses, digests, run)


def load_catalogue(settings: Settings, path: Path) -> Catalogue:
    """Read a catalogue against the profiles that these settings offer. Raises: CatalogueError."""
    folders = [folder for folder in (PROFILES, settings.profiles) if folder]
    with collector_paused():
        return read_catalogue(path, {file.stem for folder in folders for file in folder.glob("*.yaml")} | {STABLE})


def load_houses(settings: Settings, catalogue: Catalogue, ledger: Ledger | None = None) -> dict[str, House]:
    """Read the profiles and policies that the catalogue's titles name; the ledger says what is stable. Raises: ConfigError."""
    return prepare(catalogue.titles, settings.profiles, settings.policies, stable_names(ledger) if ledger else {})


def stable_names(ledger: Ledger) -> dict[str, str]:
    """Return what `stable` stands for: verb -> an engine's spelling, "profile" -> a profile's name."""
    stable: dict[str, str] = {}
    for move in ledger.alias_moves(alias=STABLE):
        stable.setdefault(move.subject, move.target)  # newest first
    return stable
