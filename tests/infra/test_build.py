"""From key to artifact: what is made, what is taken over, and what happens when anything dies in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nightdub.infra import lease
from nightdub.infra.build import Ask, Builder, Inputs, Step
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import EngineError, JobBusy, StepFailed, StoreUnavailable
from nightdub.infra.lease import Draft
from nightdub.infra.ledger import Cost, Ledger
from nightdub.infra.store import LocalStore, Pointer, open_store
from nightdub.infra.work import Bench, Done, EngineLink, Item, Result

MADE: list[str] = []  # texts that were shouted, over all tests of a process
LOCK = threading.Lock()


class Shouter:
    def __init__(self, mark: str = "!") -> None:
        self.mark = mark

    def shout(self, text: str) -> str:
        if text == "fail":
            raise EngineError("cannot shout this", where="shouter")
        return text.upper() + self.mark


def load(verb: str, name: str, settings: dict[str, Any]) -> Shouter:
    return Shouter(**settings)


def split(inputs: Inputs) -> list[Item]:
    lines = inputs.path("in.script").read_text().splitlines()
    return [Item(f"s{index}", {"text": line}) for index, line in enumerate(lines)]


def work(items: Sequence[Item], bench: Bench) -> list[Done]:
    return [_shout(item, bench) for item in items]


def _shout(item: Item, bench: Bench) -> Done:
    text = item.payload["text"]
    with LOCK:
        MADE.append(text)
    if text == "hum":
        return Done(skipped="non-speech")
    path = bench.new(f"{item.id}.txt")
    path.write_text(bench.engine.shout(text))
    return Done({"sound": path}, {"length": len(text)})


def join(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    path = folder / "all.txt"
    path.write_text("\n".join(f"{row.id}:{row.files.get('sound', row.skipped or 'failed')[:8]}" for row in results))
    return {"list": path}


SHOUT = Step("shout", 1, "language", ("in.script",), split, work, join, "speak")


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    MADE.clear()
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    with open_compute("threads", 2) as compute:
        yield Builder(
            open_store(str(tmp_path / "store")), ledger, compute, load, {}, ledger.start_run("test", {}), workers=2, lease_seconds=30
        )
    ledger.close()


def ask(builder: Builder, script: str, step: Step = SHOUT, mark: str = "!") -> Ask:
    chain = (EngineLink("speak", "shouter", {"mark": mark}),)
    return Ask(
        step,
        "film",
        "es",
        {"in.script": builder.store.put_bytes(script.encode())},
        {"target": "es"},
        chain,
        ({"name": "shouter", "mark": mark},),
    )


def build(builder: Builder, script: str, **kwargs: Any) -> Any:
    """Build, and note the job as the title's head, as a flow does."""
    wanted = ask(builder, script, **kwargs)
    built = builder.build(wanted)
    builder.ledger.set_heads("film", "es", {"shout": built.key})
    return built


def test_a_second_build_makes_nothing_and_gives_the_same(builder: Builder) -> None:
    first, second = build(builder, "one\ntwo"), build(builder, "one\ntwo")
    assert (first.made, second.made) == (2, 0)
    assert first.outputs == second.outputs
    assert first.manifest == second.manifest
    assert sorted(MADE) == ["one", "two"]


def test_an_edited_line_is_made_alone_wherever_it_stands(builder: Builder) -> None:
    build(builder, "one\ntwo\nthree")
    edited = build(builder, "zero\none\ntwo!\nthree")  # a line before moves every index
    assert sorted(MADE) == ["one", "three", "two", "two!", "zero"]
    assert (edited.made, edited.reused) == (2, 2)
    assert [item.id for item in edited.items] == ["s0", "s1", "s2", "s3"]


def test_another_engine_identity_makes_everything_again(builder: Builder) -> None:
    one, other = build(builder, "one"), build(builder, "one", mark="?")
    assert one.key != other.key
    assert MADE == ["one", "one"]
    assert builder.store.get_bytes(other.items[0].files["sound"]) == b"ONE?"


def test_a_raised_code_version_makes_everything_again(builder: Builder) -> None:
    build(builder, "one")
    assert build(builder, "one", step=replace(SHOUT, version=2)).made == 1


def test_one_bad_line_stops_no_other_and_is_tried_again_only_when_asked(builder: Builder) -> None:
    built = build(builder, "one\nfail\nhum")
    assert built.partial
    assert [(row.skipped, row.failed.get("what", "")) for row in built.items] == [("", ""), ("", "cannot shout this"), ("non-speech", "")]
    assert build(builder, "one\nfail\nhum").made == 0
    again = builder.build(ask(builder, "one\nfail\nhum"), retry=True)
    assert (again.made, again.reused, again.partial) == (1, 2, True)


def test_a_step_in_which_nothing_succeeds_fails_with_the_cause(builder: Builder) -> None:
    with pytest.raises(StepFailed, match=r"film/es/shout: .*cannot shout this") as caught:
        build(builder, "fail\nfail")
    assert caught.value.cause == "EngineError"
    MADE.clear()
    with pytest.raises(StepFailed, match="cannot shout this"):
        build(builder, "fail\nfail")
    assert MADE == []  # a terminal failure is remembered, not repeated


def test_no_items_is_an_empty_list_and_no_failure(builder: Builder) -> None:
    assert builder.store.get_bytes(build(builder, "").outputs["list"]) == b""


def test_a_killed_builder_loses_only_what_was_in_flight(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft of an unfinished job is taken up by the next builder."""
    commit = Ledger.commit

    def die(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the power went")

    monkeypatch.setattr(Ledger, "commit", die)
    with pytest.raises(StoreUnavailable):
        build(builder, "one\ntwo")
    monkeypatch.setattr(Ledger, "commit", commit)
    MADE.clear()
    built = build(builder, "one\ntwo")
    assert MADE == []
    assert (built.made, built.reused) == (0, 2)
    assert not list(builder.store.pointers("drafts/"))


def test_a_large_draft_is_written_seldom_and_lacks_little(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written whole with every batch, the drafts of a job would grow with the square of its items."""
    written: list[int] = []
    write = builder.store.write_pointer

    def count(name: str, value: bytes, expected: str | None) -> Pointer:
        written.append(len(value))
        return write(name, value, expected)

    monkeypatch.setattr(builder.store, "write_pointer", count)
    monkeypatch.setattr(lease, "ALWAYS", 200)
    draft = Draft(builder.store, "drafts/large")
    for batch in range(200):
        draft.add([Result(f"s{batch}-{index}", f"k{batch}-{index}", row={"text": "a line"}) for index in range(10)])
        lost = 10 * (batch + 1) - len(Draft(builder.store, "drafts/large").read())
        assert lost == 0 if batch < 20 else lost * 16 <= 10 * (batch + 1)
    assert sum(written) < 20 * written[-1]


def test_two_builders_of_one_job_make_it_once(builder: Builder) -> None:
    rival = replace(builder, owner="rival")
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda who=who: results.append(who.build(ask(builder, "one\ntwo\nthree")))) for who in (builder, rival)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 2
    assert results[0].outputs == results[1].outputs
    assert sorted(MADE) == ["one", "three", "two"]


def test_a_builder_whose_lease_was_taken_over_takes_the_others_result(builder: Builder, tmp_path: Path) -> None:
    """Its own work may be right, but it is refused: another one holds the job now."""
    wanted = ask(builder, "one")
    other = build(builder, "two")

    def robbed(inputs: Inputs) -> list[Item]:
        late = Ledger(f"sqlite:///{tmp_path}/ledger.db", clock=lambda: _utc_in(3600))
        claim = late.claim(wanted.key, "shout", 1, "film", "es", "thief", builder.run, 60)
        assert claim.outcome == "granted"
        late.commit(wanted.key, "thief", claim.fence, other.manifest, [], {}, Cost())
        late.close()
        return split(inputs)

    taken = builder.build(replace(wanted, step=replace(SHOUT, split=robbed)))
    assert (taken.outputs, taken.made) == (other.outputs, 0)
    assert builder.ledger.jobs([wanted.key])[wanted.key].owner == "thief"


def test_a_builder_that_is_robbed_again_and_again_says_so(builder: Builder, tmp_path: Path) -> None:
    wanted = ask(builder, "one")
    hours = iter(range(1, 9))

    def robbed(inputs: Inputs) -> list[Item]:
        late = Ledger(f"sqlite:///{tmp_path}/ledger.db", clock=partial(_utc_in, 3600 * next(hours)))
        claim = late.claim(wanted.key, "shout", 1, "film", "es", "thief", builder.run, 60)
        late.fail(wanted.key, "thief", claim.fence, StoreUnavailable("away").to_row(), Cost())
        late.close()
        return split(inputs)

    with pytest.raises(JobBusy, match="taken over 3 times"):
        builder.build(replace(wanted, step=replace(SHOUT, split=robbed)))


def _utc_in(seconds: float) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_tampered_object_is_found_and_made_again(builder: Builder) -> None:
    built = build(builder, "one\ntwo")
    assert isinstance(builder.store, LocalStore)
    path = builder.store.fetch(built.items[0].files["sound"])
    path.chmod(0o644)
    path.write_bytes(b"other")
    again = builder.build(ask(builder, "one\ntwo"), retry=True)
    assert again.outputs == built.outputs
    assert builder.store.get_bytes(built.items[0].files["sound"]) == b"ONE!"


def test_the_key_holds_all_that_the_output_depends_on(builder: Builder) -> None:
    """One well-known tool leaves the reference clip out of its cache key and can say a line in the wrong person's voice."""
    base = ask(builder, "one")
    item = Item("s0", {"text": "Yes."}, {"reference": "a" * 64})
    keys = {
        base.item_key(item),
        base.item_key(replace(item, blobs={"reference": "b" * 64})),
        base.item_key(replace(item, payload={"text": "No."})),
        replace(base, language="fr").item_key(item),
        replace(base, params={"target": "es", "rate": 2}).item_key(item),
        replace(base, identities=({"name": "other"},)).item_key(item),
        replace(base, step=replace(SHOUT, version=2)).item_key(item),
    }
    assert len(keys) == 7
    assert base.item_key(replace(item, id="s9", cost=9.0)) == base.item_key(item)


def test_costs_are_kept_for_every_attempt(builder: Builder) -> None:
    build(builder, "one\ntwo")
    (line,) = builder.ledger.costs(builder.run)
    assert (line.step, line.built, line.reused, line.attempts) == ("shout", 2, 0, 1)
    assert line.engine > 0
