"""What went into a film that is out, or was lately, is kept whole; what nothing has used for a long time is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nightdub.infra.ledger import Artifact, Cost, Ledger, TitleLanguage

if TYPE_CHECKING:
    from conftest import Clock

DAYS = 86_400.0


def build(ledger: Ledger, key: str, made: str, read: str = "", title: str = "t1", run: str = "r1") -> None:
    """Make a job of one artifact out of at most one other."""
    fence = ledger.claim(key, key.partition("-")[0], 1, title, "es", "w", run, 60.0).fence
    ledger.commit(key, "w", fence, f"manifest of {key}", [Artifact("out", made, 1)], {"before.out": read} if read else {}, Cost())


def dub(ledger: Ledger, version: int, title: str = "t1") -> None:
    """Make a film in two steps out of a source, as the newest of its title-language."""
    name = f"{title}-{version}"
    build(ledger, f"mix-{name}", f"mix {name}", f"source {name}", title)
    build(ledger, f"package-{name}", f"film {name}", f"mix {name}", title)
    ledger.set_heads(title, "es", {"mix": f"mix-{name}", "package": f"package-{name}"})


def move(ledger: Ledger, package: str, action: Any = "release") -> None:
    ledger.record_release("t1", "es", action=action, package=package, decision=None, who="Ana", why="")


def of(version: int) -> set[str]:
    name = f"t1-{version}"
    return {f"mix {name}", f"film {name}", f"source {name}", f"manifest of mix-{name}", f"manifest of package-{name}"}


@pytest.fixture
def three(ledger: Ledger, clock: Clock) -> Ledger:
    """Three versions, ten days apart, the first two released, the third held."""
    for version in (1, 2, 3):
        dub(ledger, version)
        if version < 3:
            move(ledger, f"film t1-{version}")
        clock.pass_seconds(10 * DAYS)
    return ledger


def test_all_that_went_into_a_film_is_kept_as_long_as_it_is_out_or_was_lately(three: Ledger, clock: Clock) -> None:
    assert three.live_digests(clock.now) == of(2) | of(3)  # the second is out, the third is the newest
    assert three.live_digests(clock.now - timedelta(days=25)) == of(1) | of(2) | of(3)  # the first was out until 20 days ago
    assert three.live_digests() == of(1) | of(2) | of(3)
    assert three.live_manifests(clock.now) == {digest for digest in of(2) | of(3) if digest.startswith("manifest")}


def test_what_one_rolled_back_to_is_out_again(three: Ledger, clock: Clock) -> None:
    move(three, "film t1-1", "rollback")
    clock.pass_seconds(DAYS)
    assert three.live_digests(clock.now) == of(1) | of(3)


def test_another_title_that_read_the_same_bytes_is_no_part_of_the_film(three: Ledger, clock: Clock) -> None:
    build(three, "mix-other", "mix t1-2", "source of another", title="t2")
    assert three.live_digests(clock.now) == of(2) | of(3)


def test_old_jobs_that_nothing_needs_are_forgotten_and_no_other(three: Ledger, clock: Clock) -> None:
    three.claim("mix-claimed", "mix", 1, "t1", "es", "w", "r1", 60.0)
    clock.pass_seconds(DAYS)
    assert three.forget(clock.now - timedelta(days=40)) == (0, 0)
    assert three.forget(clock.now) == (2, 0)
    assert three.jobs(["mix-t1-1", "package-t1-1"]) == {}
    assert set(three.jobs(["mix-t1-2", "package-t1-2", "mix-t1-3", "package-t1-3", "mix-claimed"])) == {
        "mix-t1-2", "package-t1-2", "mix-t1-3", "package-t1-3", "mix-claimed",
    }  # fmt: skip
    assert three.claim("mix-t1-1", "mix", 1, "t1", "es", "w", "r2", 60.0).outcome == "granted"
    assert three.forget(clock.now) == (0, 0)


def test_decisions_go_with_their_measurements_but_for_the_newest_and_a_releases(ledger: Ledger, clock: Clock) -> None:
    numbers = []
    for run in ("r1", "r2", "r3"):
        ledger.record_measurements(run, "t1", "es", [{"metric": "wer", "value": 0.1}, {"metric": "bleu", "value": 30.0}])
        said: dict[str, Any] = {"recipe": "", "policy": "", "policy_digest": "", "outcome": "pass", "reasons": [], "rules": []}
        numbers.append(ledger.record_decision("t1", "es", run=run, **said))
        clock.pass_seconds(DAYS)
    ledger.record_release("t1", "es", action="release", package="film", decision=numbers[0], who="gate", why="")
    ledger.put_title_languages([TitleLanguage("t1", "es", "p", "", {}, "held", [], "film", "r3")])
    assert ledger.forget(clock.now - timedelta(days=30)) == (0, 0)
    assert ledger.forget(clock.now) == (0, 3)
    assert [len(ledger.measurements("t1", "es", run)) for run in ("r1", "r2", "r3")] == [2, 0, 2]
    assert [row.id for row in ledger.decisions()] == [numbers[2], numbers[0]]


def test_of_two_jobs_that_made_the_same_the_one_that_was_there_in_time_comes_first(ledger: Ledger, clock: Clock) -> None:
    build(ledger, "mix-early", "the same", "source 1")
    then = clock.now
    clock.pass_seconds(DAYS)
    build(ledger, "mix-late", "the same", "source 2")
    asked = ("t1", "es", "mix", {"out": "the same"})
    assert ledger.maker_of(*asked) == "mix-late"
    assert ledger.maker_of(*asked, then) == "mix-early"
    assert ledger.maker_of(*asked, then - timedelta(days=1)) == "mix-late"
