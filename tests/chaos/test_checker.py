"""The checker and the reader, proven: each kind of violation is planted in a home that is well, and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checker
import pytest
import small
from checker import Reference, check, differences, reference_of, wrong_with
from histories import look
from processes import scratch
from sqlalchemy import text

from nightdub.flows.night import Books, open_books
from nightdub.infra import store as stores

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def well() -> Iterator[tuple[Path, Reference]]:
    """A home after an undisturbed night, and what must be in it."""
    folder = scratch()
    small.build_home(folder / "well")
    small.run_small(folder / "well")
    yield folder / "well", reference_of(small.settings_for(folder / "well"))
    shutil.rmtree(folder)


@pytest.fixture
def books(well: tuple[Path, Reference], request: pytest.FixtureRequest) -> Iterator[Books]:
    """A copy of it, to be damaged."""
    place = well[0].with_name(f"copy-{abs(hash(request.node.name))}")
    shutil.copytree(well[0], place)
    with open_books(small.settings_for(place)) as opened:
        yield opened
    shutil.rmtree(place)


def found(books: Books, well: tuple[Path, Reference]) -> list[str]:
    return check(books.settings, well[1])


def change(books: Books, statement: str) -> None:
    with books.ledger._write() as connection:
        assert connection.execute(text(statement)).rowcount > 0


def film_of(books: Books) -> str:
    return books.ledger.releases("t0", "es")[0].package


def path_of(books: Books, digest: str) -> Path:
    return books.store.fetch(digest)


def assert_named(problems: list[str], *words: str) -> None:
    assert any(all(word in problem for word in words) for problem in problems), problems


def test_a_home_that_is_well_has_no_problem_and_is_unchanged_the_night_after(books, well) -> None:
    assert found(books, well) == []
    again = small.run_small(books.settings.home)
    assert (again.unchanged, again.built_steps, again.title_languages) == (5, 0, 5)
    assert found(books, well) == []


COPY_OF_A_RELEASE = (
    "INSERT INTO releases (title, language, action, package, decision, previous, who, why, created) "
    "SELECT title, language, action, package, decision, package, who, why, created FROM releases WHERE title = 't0' AND language = 'es'"
)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (COPY_OF_A_RELEASE, ("released of t0/es", "instead of")),
        ("UPDATE releases SET package = 'x' WHERE title = 't0' AND language = 'es'", ("releases/t0/es says", "the ledger x")),
        ("DELETE FROM releases WHERE title = 't0' AND language = 'es'", ("releases/t0/es", "without a row")),
        ("UPDATE releases SET decision = NULL WHERE title = 't0'", ("rests on no decision",)),
        ("UPDATE releases SET decision = (SELECT decision FROM releases WHERE title = 't2') WHERE title = 't0'", ("rests on no decision",)),
        ("UPDATE releases SET previous = 'x' WHERE title = 't0'", ("which was not out",)),
        ("UPDATE jobs SET state = 'claimed' WHERE step = 'measure'", ("job measure", "still claimed")),
        ("UPDATE attempts SET outcome = '' WHERE fence = 1", ("attempt 1", "still open")),
        ("UPDATE jobs SET fence = 3 WHERE step = 'speak'", ("has fence 3 and 1 attempts",)),
        ("UPDATE jobs SET manifest = printf('%064d', 0) WHERE step = 'package'", ("jobs of", "'manifest': '000")),
        ("UPDATE artifacts SET digest = 'x' WHERE name = 'film'", ("jobs of", "'film': 'x'")),
        ("DELETE FROM artifact_inputs WHERE name = 'speak.clips'", ("jobs of", "instead of")),
        ("DELETE FROM heads WHERE title = 't2' AND step = 'speak'", ("heads of t2/es/speak", "None")),
        ("DELETE FROM title_languages WHERE title = 't1'", ("states of t1/es", "None instead of held")),
        ("UPDATE title_languages SET state = 'building' WHERE title = 't1'", ("t1/es is building",)),
        ("UPDATE title_languages SET package = '' WHERE title = 't1'", ("packages of t1/es",)),
        ("DELETE FROM measurements WHERE metric = 'account.spoken' AND title = 't0'", ("accounted of account.spoken",)),
        ("UPDATE runs SET state = 'running'", ("the last run is running",)),
        ("UPDATE runs SET account = json_set(account, '$.balanced', json('false'))", ("does not balance",)),
        ("UPDATE voices SET reference = 'x'", ("voices:", "instead of")),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_row_that_should_not_be_so_is_named(statement, words, books, well) -> None:
    change(books, statement)
    assert_named(found(books, well), *words)


def test_work_that_counted_twice_is_named(books, well) -> None:
    change(books, "UPDATE jobs SET fence = 2 WHERE step = 'measure'")
    change(
        books,
        "INSERT INTO attempts SELECT a.key, 2, a.run, a.owner, a.started, a.ended, a.outcome, a.wall, a.cpu, a.engine, a.built, "
        "a.reused, a.error FROM attempts a JOIN jobs j ON j.key = a.key WHERE j.step = 'measure'",
    )
    assert_named(found(books, well), "was done 2 times")


def test_a_character_entered_twice_is_named(books, well) -> None:
    books.ledger.put_voices(books.ledger.voices())
    assert_named(found(books, well), "stands 2 times in the voice book")


@pytest.mark.parametrize("digest", ["film", "item", "manifest", "input"])
def test_a_live_object_that_is_gone_is_named(digest, books, well) -> None:
    job = books.ledger.jobs([books.ledger.heads("t0", "es")["speak"]]).popitem()[1]
    item = checker.msgspec.json.decode(books.store.get_bytes(job.manifest), type=checker.Manifest).items[0]
    gone = {
        "film": film_of(books),
        "item": item.files["text"],
        "manifest": job.manifest,
        "input": books.ledger.inputs_of(job.key)["in.source"],
    }
    books.store.delete(gone[digest])
    assert_named(found(books, well), "live object", gone[digest], "missing")


def test_an_object_with_other_bytes_is_named(books, well) -> None:
    path = path_of(books, film_of(books))
    path.chmod(0o644)
    path.write_bytes(b"t0 edit 0|1\n")
    assert_named(found(books, well), "damaged")


def test_pointers_of_nobody_and_of_something_else_are_named(books, well) -> None:
    books.store.write_pointer("releases/nobody/es", b"{}", None)
    pointer = books.store.read_pointer("releases/t0/es")
    books.store.write_pointer("releases/t0/es", pointer.value.replace(film_of(books).encode(), b"0" * 64), pointer.version)
    problems = found(books, well)
    assert_named(problems, "releases/nobody/es", "without a row")
    assert_named(problems, "releases/t0/es says 000")


def test_housekeeping_that_keeps_too_much_or_too_little_is_named(books, well, monkeypatch) -> None:
    orphan = books.store.put_bytes(b"nobody wants this")
    books.store.write_pointer(f"drafts/{'0' * 64}", b"[]", None)
    (books.settings.home / "store/incoming/half").write_bytes(b"a killed writer's")
    with monkeypatch.context() as patch:
        patch.setattr(checker, "collect_garbage", lambda *_, **__: None)
        patch.setattr(checker, "drop_drafts", lambda *_, **__: None)
        patch.setattr(stores, "sweep", lambda _: None)
        problems = found(books, well)
    assert_named(problems, f"orphan {orphan}")
    assert_named(problems, "drafts/000", "outlives")
    assert_named(problems, "incoming/half is never swept up")
    film = film_of(books)
    monkeypatch.setattr(checker, "collect_garbage", lambda books, **_: books.store.delete(film))
    assert_named(found(books, well), f"live object {film} was deleted")


def test_what_people_find_in_the_folder_is_held_against_what_is_out(books, well) -> None:
    shown = books.settings.home / "released/t0/t0.es.mp4"
    shown.unlink()
    shown.write_bytes(b"half")
    assert_named(found(books, well), "released/t0 does not show")


@pytest.mark.parametrize(
    ("film", "words"),
    [
        ("t0 edit 1|2\nes|t0 edit 1|a\nes|t0 edit 1|b\nlips of 1234\n", ""),
        ("t0 edit 1|2\nes|t0 edit 1|a\n", "partial"),
        ("t0 edit 1|1\nes|t0 edit 2|a\n", "mixed"),
        ("t0 edit 1|1\nfr|t0 edit 1|a\n", "mixed"),
        ("t0 edit 1|2\nes|t0 edit 1|a\nes|t1 edit 1|b\n", "mixed"),
        ("t1 edit 1|1\nes|t1 edit 1|a\n", "not of t0"),
        ("", "not of t0"),
    ],
)
def test_a_film_that_is_not_one_whole_edit_is_told(film, words) -> None:
    assert words in wrong_with(film.encode(), "t0", "es")
    assert bool(wrong_with(film.encode(), "t0", "es")) == bool(words)


def test_the_reader_names_what_nobody_must_see(books) -> None:
    def point(package: str) -> list[str]:
        pointer = books.store.read_pointer("releases/t0/es")
        value: dict[str, Any] = json.loads(pointer.value) | {"package": package}
        books.store.write_pointer("releases/t0/es", json.dumps(value).encode(), pointer.version)
        return list(look(books, "releases/t0/es"))

    assert list(look(books, "releases/t0/es")) == []
    assert_named(point("0" * 64), "led to", "no object")
    assert_named(point(film := books.store.put_bytes(b"t0 edit 1|2\nes|t0 edit 1|a\n")), "partial")
    assert_named(point(film), "before the ledger knew")
    damaged = path_of(books, film_of(books))
    damaged.chmod(0o644)
    damaged.write_bytes(b"other")
    assert_named(point(film_of(books)), "led to", "under the name")
    books.store.delete_pointer("releases/t0/es")
    assert_named(list(look(books, "releases/t0/es")), "went away")


def test_a_night_that_differs_is_no_reference(books, well) -> None:
    assert differences(books.settings, well[1]) == []
    change(books, "UPDATE jobs SET state = 'claimed' WHERE step = 'measure'")
    with pytest.raises(AssertionError, match="still claimed"):
        reference_of(books.settings)
