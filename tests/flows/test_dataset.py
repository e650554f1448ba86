"""Datasets from recipe to release: accounts that balance, versions that are equal however they came about, gates that hold."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from speech_corpus import RATE, SENTENCES, voice, write_corpus, write_manifest, write_recipe

from nightdub.datasets.prompts import recorded_prompts
from nightdub.datasets.recipe import read_recipe
from nightdub.datasets.rows import REASONS, Excused
from nightdub.flows import dataset_build, dataset_card, dataset_steps
from nightdub.flows.consents import take_down
from nightdub.flows.dataset_build import DatasetOutcome, build_dataset, plan_dataset
from nightdub.flows.dataset_release import consenting, release_dataset, roll_back_dataset
from nightdub.flows.dataset_versions import (
    MUL,
    compare,
    export,
    find_version,
    previous_version,
    read_version,
    samples_of,
)
from nightdub.flows.night import Books, open_books
from nightdub.flows.pointer import released_package
from nightdub.flows.review import set_aside, take_back
from nightdub.flows.upkeep import clean
from nightdub.infra.errors import ConfigError, LedgerError
from nightdub.infra.ledger import Consent
from nightdub.infra.media.raw import g722_to_wav
from nightdub.infra.settings import load_settings
from nightdub.tasks.sound import write_sound


@contextmanager
def books_in(home: Path, **more: Any) -> Iterator[Books]:
    with open_books(load_settings(home=home, compute="threads", workers=2, **more)) as books:
        yield books


def build(home: Path, recipe: str, **more: Any) -> DatasetOutcome:
    with books_in(home, **more) as books:
        return build_dataset(books, recipe)


@pytest.fixture(autouse=True)
def _plain_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_card, "_pictures", lambda *_: {})  # two thirds of a small build: tests/apps/test_datasets.py has them


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder)


@pytest.fixture
def corpus(template: tuple[Path, dict[str, dict[str, str]]], tmp_path: Path) -> tuple[Path, dict[str, dict[str, str]]]:
    shutil.copytree(template[0], tmp_path / "corpus")
    return tmp_path / "corpus", {name: dict(row) for name, row in template[1].items()}


def excused(books: Books, version: str) -> dict[str, str]:
    data = books.store.get_bytes(read_version(books, version).parts["dataset.excused"])
    return {row.id or row.where: row.code for row in msgspec.json.Decoder(Excused).decode_lines(data)}


def test_every_row_of_a_corpus_with_faults_is_kept_or_excused(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_sound(folder / "wavs/silent.wav", 0 * voice(1), RATE)
    write_sound(folder / "wavs/tiny.wav", voice(2, 0.02)[: RATE // 50], RATE)
    (folder / "wavs/broken.wav").write_bytes(b"RIFF and nothing more")
    shutil.copy(folder / "wavs/s0-0.wav", folder / "wavs/copy.wav")
    write_sound(folder / "wavs/quiet-copy.wav", 0.5 * voice(101, pitch=115), RATE)
    faulty = {name: rows["s0-0"] | {"id": name, "audio_path": f"wavs/{name}.wav"} for name in ("silent", "tiny", "broken", "absent")}
    faulty |= {"zz-copy": rows["s0-0"] | {"id": "zz-copy", "audio_path": "wavs/copy.wav"}}
    faulty |= {"zz-quiet": rows["s1-1"] | {"id": "zz-quiet", "audio_path": "wavs/quiet-copy.wav"}}
    faulty |= {
        "mute": rows["s1-0"] | {"id": "mute", "text": "..."},
        "away": rows["s1-0"] | {"id": "away", "audio_path": "../../etc/passwd"},
    }
    write_manifest(folder, rows | faulty, "{not json", json.dumps(rows["s2-0"]))
    outcome = build(tmp_path / "home", write_recipe(folder))
    assert outcome.balanced
    assert outcome.rows == len(rows) + len(faulty) + 2
    assert outcome.samples == len(rows)
    with books_in(tmp_path / "home") as books:
        found = excused(books, outcome.version)
        assert {row.id for row in samples_of(books, outcome.version)} == set(rows)
    assert [found[name] for name in ("silent", "broken", "absent", "mute", "away")] == [
        "silent", "unreadable-audio", "no-audio", "no-text", "unsafe-path",
    ]  # fmt: skip
    assert found["zz-copy"] == found["zz-quiet"] == "duplicate-audio"
    assert found["tiny"] in ("too-short", "silent")
    assert {"bad-row", "duplicate-id"} <= set(outcome.excused) <= REASONS.keys()
    assert (outcome.state, "excused_share" in outcome.reasons[0]) == ("held", True)


def test_the_second_time_nothing_is_made_and_an_edit_makes_itself_alone(corpus, tmp_path, monkeypatch) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    first = build(tmp_path / "home", recipe)
    assert (first.state, first.samples, first.excused) == ("released", len(rows), {})
    with monkeypatch.context() as patch:
        patch.setattr("nightdub.flows.dataset_build.open_night", lambda *_: pytest.fail("a pool was started"))
        again = build(tmp_path / "home", recipe)
    assert (again.version, again.state, again.made) == (first.version, "released", 0)
    write_manifest(folder, rows | {"s0-0": rows["s0-0"] | {"text": "Another text."}})
    with books_in(tmp_path / "home") as books:
        plan = plan_dataset(books, recipe)
        assert (plan.step, plan.items, plan.missing) == ("dataset_sound", len(rows), 0)  # a text makes no sound again
        edited = build_dataset(books, recipe)
        difference = compare(books, read_recipe(recipe)[0], first.version[:10], "newest")
    assert difference.changed == {"s0-0": ("text",)}
    assert edited.version != first.version
    assert edited.previous == first.version
    write_sound(folder / "wavs/s0-0.wav", voice(4242), RATE)
    with books_in(tmp_path / "home") as books:
        plan = plan_dataset(books, recipe)
        assert (plan.step, plan.missing) == ("dataset_sound", 1)


def test_however_a_version_came_about_it_is_the_same(corpus, tmp_path) -> None:
    """Random edits, each built upon the last: clips come, go and change, and limits too; every version is what a new home makes of it."""
    folder, rows = corpus
    chance = random.Random(20_261_121)
    pool, present = dict(rows), dict(list(rows.items())[: len(rows) // 2])
    for turn in range(4):
        for name in chance.sample(sorted(pool), 4):
            kind = chance.choice(("come or go", "text", "sound"))
            if kind == "come or go" and name in present and len(present) > 8:
                del present[name]
            else:
                present[name] = pool[name] | ({"text": chance.choice(SENTENCES)} if kind == "text" else {})
            if kind == "sound":
                write_sound(folder / f"wavs/{name}.wav", voice(chance.randrange(10**6)), RATE)
        names = sorted(present)
        chance.shuffle(names)
        write_manifest(folder, {name: present[name] for name in names})
        recipe = write_recipe(folder, outputs=["jsonl", "webdataset"], filters={"shortest": 0.3 + 0.1 * (turn == 2)})
        upon = build(tmp_path / "home", recipe)
        anew = build(tmp_path / f"new-{turn}", recipe)
        assert upon.version == anew.version
        assert upon.reused >= len(present) // 2 or turn == 0
        assert anew.samples == len(present)


def test_a_failed_gate_holds_until_a_person_speaks_and_a_release_can_be_taken_back(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    first = build(tmp_path / "home", recipe)
    few = {name: row for name, row in rows.items() if row["speaker"] < "s4"}
    write_manifest(folder, few)
    with books_in(tmp_path / "home") as books:
        declared = read_recipe(recipe)[0]
        held = build_dataset(books, recipe)
        assert (held.state, released_package(books, declared.title, MUL)) == ("held", first.version)
        assert any("dataset.drift" in reason for reason in held.reasons)
        kept_back, until = sorted({reason.split(" ")[0] for reason in held.reasons}), datetime(2999, 1, 1, tzinfo=UTC)
        numbers = []
        for metric in kept_back:
            number, again = set_aside(books, declared.title, MUL, metric, who="Ana", why="known", until=until)
            numbers.append(number)
        assert [row.state for row in again] == ["released"]
        assert released_package(books, declared.title, MUL) == held.version
        assert books.ledger.title_languages() == {}  # datasets are not among them
        for number in numbers:
            take_back(books, number)
        assert roll_back_dataset(books, declared, "Ana", "first look") == first.version
        assert release_dataset(books, declared, "Ana", "half the speakers left") == held.version
        assert build_dataset(books, recipe).version == held.version
        assert released_package(books, declared.title, MUL) == held.version
        assert roll_back_dataset(books, declared, "Ana", "too small") == first.version
        assert find_version(books, declared, "released") == first.version
        with pytest.raises(LedgerError, match="no version"):
            find_version(books, declared, "0000")
        assert previous_version(books, declared, read_version(books, first.version).parts["dataset.samples"]) == held.version


def test_what_is_out_survives_housekeeping_and_can_be_exported(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    outcome = build(tmp_path / "home", recipe)
    write_manifest(folder, dict(list(rows.items())[:-1]))
    build(tmp_path / "home", recipe)
    with books_in(tmp_path / "home") as books:
        books.store.put_bytes(b"nobody's")
        assert clean(books, grace_seconds=-1.0).objects_deleted >= 1
        count = export(books, outcome.version, "jsonl", tmp_path / "out")
        with pytest.raises(LedgerError, match="not empty"):
            export(books, outcome.version, "jsonl", tmp_path / "out")
        with pytest.raises(LedgerError, match="no output"):
            export(books, outcome.version, "parquet", tmp_path / "other")
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == sorted(rows)
    assert all((tmp_path / "out" / line["audio_path"]).exists() for line in lines)
    assert count == 1 + 2 * len(rows)


def test_a_recording_that_changes_while_it_is_built_is_excused(corpus, tmp_path, monkeypatch) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    with books_in(tmp_path / "home") as books:
        plan_dataset(books, recipe)  # the digests are known from here
        path = folder / "wavs/s3-3.wav"
        facts, data = path.stat(), bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        outcome = build_dataset(books, recipe)
        assert excused(books, outcome.version) == {"s3-3": "source-changed"}


def test_without_a_consent_a_speaker_is_left_out_and_when_it_ends_the_gate_holds(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder, consents="required")
    with books_in(tmp_path / "home") as books:
        for name in ("s0", "s1", "s2", "s3", "s4", "s5", "s6"):
            books.ledger.put_consent(Consent(name, name, "*", [], who="Eva"))
        outcome = build_dataset(books, recipe)
        assert outcome.excused == {"no-consent": 4}
        assert {row.speaker for row in samples_of(books, outcome.version)} == {"s0", "s1", "s2", "s3", "s4", "s5", "s6"}
        measured = {row.metric: row.value for row in books.ledger.measurements("dataset.voices", MUL)}
        assert measured["dataset.without_consent"] == 0
        books.ledger.withdraw_consent("s1")
        assert take_down(books)[0].title == "dataset.voices"
        assert released_package(books, "dataset.voices", MUL) == ""
        with pytest.raises(LedgerError, match="it was withdrawn"):
            release_dataset(books, read_recipe(recipe)[0], "Ana", "again")
        assert not consenting(books)("s1", "en")
        later = build_dataset(books, recipe)
        assert later.excused == {"no-consent": 8}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"reader": "nobody"}, "no reader 'nobody'; allowed: .*jsonl"),
        ({"outputs": ["zip"]}, "no output 'zip'"),
        ({"features": ["colour"]}, "no feature 'colour'"),
        ({"augment": ["tempo=nine"]}, "tempo"),
        ({"name": "../x"}, "allowed: 1 to 63"),
        ({"splits": {"shares": {"train": 0.5}}}, "that sum to 1"),
        ({"filters": {"longest": "ten"}}, "longest"),
        ({"unknown": 1}, "unknown field"),
        ({"reader": "ravdess", "options": {}}, "forbids commercial use"),
        ({"source": ""}, "no source"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_with_what_is_allowed(tmp_path, change, match) -> None:
    with pytest.raises(ConfigError, match=match):
        read_recipe(write_recipe(tmp_path, **change))


def test_a_clip_that_breaks_a_step_is_counted_and_holds_the_dataset(corpus, tmp_path, monkeypatch) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    real = dataset_steps.to_standard

    def broken(samples, rate, start, end, figures):
        if len(samples) == len(voice(0)) and abs(float(samples[3000]) - float(marked[3000])) < 1e-9:
            raise ZeroDivisionError("a fault of ours")
        return real(samples, rate, start, end, figures)

    import soundfile

    marked = soundfile.read(folder / "wavs/s2-2.wav", dtype="float32")[0]
    recipe = write_recipe(folder)
    with monkeypatch.context() as patch:
        patch.setattr(dataset_steps, "to_standard", broken)
        outcome = build(tmp_path / "home", recipe)
    assert outcome.excused == {"failed": 1}
    assert (outcome.state, outcome.balanced) == ("held", True)
    with books_in(tmp_path / "home") as books:
        mended = build_dataset(books, recipe, retry=True)
    assert (mended.state, mended.excused, mended.samples) == ("released", {}, len(rows))


def test_clips_that_do_not_say_their_text_are_found_and_the_others_have_words_in_time(tmp_path) -> None:
    prompts = recorded_prompts("en")
    names = ("agent-pass", "vm-goodbye", "conf-onlyperson", "vm-enter-num-to-call", "conf-invalidpin", "vm-instructions")
    (tmp_path / "corpus").mkdir()
    rows = {}
    for name in names:
        g722_to_wav(prompts[name].path, tmp_path / "corpus" / f"{name}.wav")
        rows[name] = {"id": name, "audio_path": f"{name}.wav", "text": prompts[name].text, "language": "en", "speaker": name}
    rows["agent-pass"]["text"], rows["vm-instructions"]["text"] = rows["vm-instructions"]["text"], rows["agent-pass"]["text"]
    rows["italian"] = rows["vm-goodbye"] | {"id": "italian", "language": "it", "text": "Arrivederci."}
    write_manifest(tmp_path / "corpus", rows)
    recipe = write_recipe(tmp_path / "corpus", align="pocketsphinx-align", features=[], duplicates={"audio": None})
    with books_in(tmp_path / "home") as books:
        outcome = build_dataset(books, recipe)
        found = excused(books, outcome.version)
        left = {row.id: row for row in samples_of(books, outcome.version)}
    assert {name for name, code in found.items() if code == "misaligned"} == {"agent-pass", "vm-instructions"}
    words = left["vm-goodbye"].words
    assert " ".join(word.text for word in words) == left["vm-goodbye"].text
    assert 0 <= words[0].start < words[-1].end <= left["vm-goodbye"].seconds
    assert not left["italian"].words  # the aligner does not know the language, and nothing is said of it


def test_a_recording_that_was_away_for_a_while_is_looked_at_again(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    with books_in(tmp_path / "home") as books:
        plan_dataset(books, recipe)
        real, kept = dataset_steps.Path.read_bytes, folder / "wavs/s3-3.wav"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dataset_steps.Path, "read_bytes", lambda path: real(path) if path != kept else real(path.with_name("away.wav")))
            away = build_dataset(books, recipe)
        assert (away.excused, away.balanced) == ({"no-audio": 1}, True)
        back = build_dataset(books, recipe)
    assert (back.excused, back.samples) == ({}, len(rows))
    assert back.version == build(tmp_path / "new", recipe).version


def test_a_version_does_not_know_where_its_corpus_lies_or_in_which_order_it_was_written(corpus, tmp_path) -> None:
    folder, rows = corpus
    faulty = rows | {"gone": rows["s0-0"] | {"id": "gone", "audio_path": "wavs/gone.wav"}}
    write_manifest(folder, faulty)
    shutil.copytree(folder, tmp_path / "elsewhere")
    write_manifest(tmp_path / "elsewhere", dict(reversed(faulty.items())))
    one, other = (build(tmp_path / place.name, write_recipe(place)) for place in (folder, tmp_path / "elsewhere"))
    assert one.excused == {"no-audio": 1}
    assert one.version == other.version


def test_clips_of_versions_that_are_long_gone_are_freed_and_those_that_are_out_stay(corpus, tmp_path) -> None:
    folder, rows = corpus
    write_manifest(folder, rows)
    recipe = write_recipe(folder)
    with books_in(tmp_path / "home", retention_days=1e-9) as books:
        old = samples_of(books, build_dataset(books, recipe).version)
        write_sound(folder / "wavs/s0-0.wav", voice(4242), RATE)
        new = samples_of(books, build_dataset(books, recipe).version)
        clean(books, grace_seconds=-1.0)
        sounds = [{row.id: row.sound for row in rows}["s0-0"] for rows in (old, new)]
        assert [books.store.exists(digest) for digest in sounds] == [False, True]
        assert all(books.store.exists(row.sound) and books.store.exists(row.features) for row in new)


def test_near_copies_that_a_recipe_keeps_are_in_one_split(corpus, tmp_path) -> None:
    folder, rows = corpus
    for number in range(6):
        sound = voice(100 * number, pitch=100 + 15 * number) + 0.004 * np.random.default_rng(number).standard_normal(round(1.1 * RATE))
        write_sound(folder / f"wavs/like-{number}.wav", sound.astype(np.float32), RATE)
        name = f"like-{number}"
        rows[name] = rows[f"s{number}-0"] | {"id": name, "audio_path": f"wavs/{name}.wav", "speaker": f"another {number}"}
    write_manifest(folder, rows)
    with books_in(tmp_path / "home") as books:
        outcome = build_dataset(books, write_recipe(folder, duplicates={"audio": 0.999}))
        splits = {row.id: row.split for row in samples_of(books, outcome.version)}
        measured = {row.metric: row.value for row in books.ledger.measurements("dataset.voices", MUL)}
    assert measured["dataset.leaks"] == 0
    assert all(splits[f"like-{number}"] == splits[f"s{number}-0"] for number in range(6))


def test_an_older_build_replaces_nothing_that_a_later_one_let_out(corpus, tmp_path, monkeypatch) -> None:
    folder, rows = corpus
    write_manifest(folder, rows | {"s0-0": rows["s0-0"] | {"text": "Wrong words."}})
    recipe, real = write_recipe(folder), dataset_build._decide
    with books_in(tmp_path / "home") as books:

        def meanwhile(*args):
            monkeypatch.setattr(dataset_build, "_decide", real)
            write_manifest(folder, rows)
            assert build_dataset(books, recipe).state == "released"
            return real(*args)

        monkeypatch.setattr(dataset_build, "_decide", meanwhile)
        late = build_dataset(books, recipe)
        assert (late.state, late.reasons) == ("held", ("a build that began later was judged meanwhile: build again",))
        out = samples_of(books, released_package(books, "dataset.voices", MUL))
        assert "Wrong words." not in {row.text for row in out}
