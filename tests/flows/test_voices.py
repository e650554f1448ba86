"""One voice per character across a series, and a clone only under a consent record that holds."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import tiny
from trial_engines import changed

from nightdub.flows import nightly
from nightdub.flows.chain import LANGUAGE_STEPS, TITLE_STEPS
from nightdub.flows.consents import take_down
from nightdub.flows.kept import book_of, refusal
from nightdub.flows.night import Books, Night, load_catalogue, load_houses, open_books, open_night
from nightdub.flows.plan import Planned, in_order, make_plan
from nightdub.flows.pointer import released_package
from nightdub.flows.recipe import FileDigests
from nightdub.flows.release import move_pointer, release
from nightdub.flows.title import Outcome, _note, _settled, _walk, build_step, perceive, settle
from nightdub.flows.voices import enter_characters, permissions
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import Consent, TitleLanguage, VoiceEntry
from nightdub.quality.metrics.cloning import voice_rights
from nightdub.tasks import engines
from nightdub.tasks.engines import EngineSpec
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Identity, Request, Spoken
from nightdub.tasks.rows import Clip, Permission, Speaker, Title, read_rows

NOW = datetime.now(UTC)
SEEING = {"faces", "picture"}
SAYING = [step.name for step in LANGUAGE_STEPS][: [step.name for step in LANGUAGE_STEPS].index("convert") + 1]
CAST = {
    "e01": "speaker,voice,gender,consent\nAna,f2,female,c1\nBen,,male,\n",
    "e02": "speaker,voice,gender,consent\nBen,,,\nAna,f4,female,c1\nCleo,f3,female,\n",
}


class Mimic:
    """Speaks as eSpeak NG does, and takes only lines with a clip, as engines that clone do."""

    def identity(self) -> Identity:
        return Identity("mimic", "1")

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        spoken = Espeak().speak(requests)
        return [
            replace(row, cloned=True) if request.reference is not None else replace(row, failed="no-reference-clip")
            for request, row in zip(requests, spoken, strict=True)
        ]


@pytest.fixture
def mimic() -> Iterator[None]:
    module = ModuleType("nightdub.tasks.engines.mimic")
    module.Mimic = Mimic  # type: ignore[attr-defined]
    table = (EngineSpec("speak", "mimic", "mimic:Mimic", "none", True, "nothing"), *engines.TABLE)
    with mock.patch.dict(sys.modules, {module.__name__: module}), mock.patch.object(engines, "TABLE", table):
        changed()
        yield
    changed()


@pytest.fixture
def series(catalogue: Path, tmp_path: Path) -> Path:
    """A catalogue of two episodes in which Ana and Ben have a line each; the second one's cast list has other rows in another order."""
    home = tmp_path / "home"
    shutil.copytree(catalogue.parents[1], home)
    profile = home / "profiles/tiny.yaml"
    profile.write_text(profile.read_text().replace("speak: [{name: espeak-ng}]", "speak: [{name: mimic}, {name: espeak-ng}]"))
    folder, first = home / "catalogue", tiny.read_rows(home / "catalogue/catalogue.csv")[0]
    script = folder / "plain/script.vtt"
    before, one, two = script.read_text().split("\n\n")[:3]
    script.write_text(
        "\n\n".join([before, *(f"{cue[0]}\n<v {name}>{cue[1]}" for name, cue in (("Ana", one.split("\n")), ("Ben", two.split("\n"))))])
    )
    shutil.copytree(folder / "plain", folder / "second")
    rows = [
        {name: value.replace("plain/", f"{place}/") for name, value in first.items()}
        | {"id": episode, "series": "saga", "episode": episode, "targets": "es", "cast": f"{place}/cast.csv"}
        for place, episode in (("plain", "e01"), ("second", "e02"))
    ]
    for row in rows:
        (folder / row["cast"]).write_text(CAST[row["id"]])
    return tiny.write_catalogue(folder, rows)


@dataclass
class Said:
    """What came of one episode: its cast, its clips, and the steps in which something was made."""

    speakers: dict[str, Speaker]
    clips: list[Clip]
    made: set[str]
    because: tuple[str, ...]


def plan(books: Books, catalogue: Path) -> list[Planned]:
    listed = load_catalogue(books.settings, catalogue)
    return make_plan(listed.titles, load_houses(books.settings, listed), books.ledger, FileDigests(books.ledger))


def say(books: Books, catalogue: Path) -> dict[str, Said]:
    """Build what the plan names, up to the converted lines."""
    listed = load_catalogue(books.settings, catalogue)
    houses, found = load_houses(books.settings, listed), {}
    with open_night(books, houses, FileDigests(books.ledger), books.ledger.start_run("test", {})) as night:
        for planned in plan(books, catalogue):
            if not planned.unchanged:
                found[planned.title.id] = _say(night, planned)
    return found


def _say(night: Night, planned: Planned) -> Said:
    with mock.patch("nightdub.flows.title.TITLE_STEPS", tuple(step for step in TITLE_STEPS if step.name not in SEEING)):
        perceived = settle(night, planned, perceive(night, planned))
    assert perceived.error is None, perceived.error
    outputs = perceived.outputs | _settled(night, planned, perceived.outputs)
    steps = tuple(step for step in LANGUAGE_STEPS if step.name in SAYING)
    built = _walk(night, night.houses["tiny"], planned.title, "es", steps, outputs, build_step, retry=False)
    _note(night, planned, Outcome(planned.title.id, "es", "held"))
    store = night.books.store
    speakers = {row.id: row for row in read_rows(store.fetch(outputs["cast.speakers"]), Speaker)}
    made = {name for name, step in built.items() if step.made} | ({"perception"} if perceived.made else set())
    return Said(speakers, read_rows(store.fetch(outputs["convert.clips"]), Clip), made, planned.because)


@pytest.mark.slow
@pytest.mark.usefixtures("mimic")
def test_a_series_shares_its_voices_and_a_consent_changes_only_how_lines_are_spoken(series: Path) -> None:
    with open_books(tiny.settings_for(series.parents[1])) as books:
        first = say(books, series)
        one, two = first["e01"].speakers, first["e02"].speakers
        assert set(one) == {"Ana", "Ben"}
        for name in one:
            sound = [(row[name].voice, row[name].pitch_median, row[name].formants, row[name].reference) for row in (one, two)]
            assert sound[0] == sound[1]
        assert (one["Ana"].voice, two["Ana"].notes) == ("f2", ("voice: cast list f4, voice book f2",))
        assert [(row.character, row.language, row.why) for row in books.ledger.voices("saga")] == [
            ("Ana", "", "first heard in e01"),
            ("Ben", "", "first heard in e01"),
        ]
        assert [(clip.engine, clip.cloned, clip.neutral) for clip in first["e01"].clips] == [
            ("espeak-ng", "", "unknown-record"),
            ("espeak-ng", "", "no-consent"),
        ]
        assert not [planned for planned in plan(books, series) if not planned.unchanged]  # what the chain entered itself is no change

        books.ledger.put_consent(Consent("c1", "A. Ruiz", "title:e01", ["es"]))
        allowed = say(books, series)
        assert set(allowed) == {"e01"}
        assert allowed["e01"].because == ("consents changed",)
        assert allowed["e01"].made <= {"cast", "speak", "revise", "convert"} | {name for name in SAYING if name.startswith("re")}
        ana, ben = allowed["e01"].clips
        assert (ana.engine, ana.cloned, ana.consent, ana.neutral) == ("mimic", one["Ana"].reference, "c1", "")
        assert ben == first["e01"].clips[1]

        books.ledger.withdraw_consent("c1")
        refused = say(books, series)
        assert (set(refused), refused["e01"].because) == ({"e01"}, ("consents changed",))
        assert "perception" not in refused["e01"].made
        assert (refused["e01"].clips[0].cloned, refused["e01"].clips[0].neutral) == ("", "withdrawn")
        assert refused["e01"].clips[0].sound == first["e01"].clips[0].sound

        books.ledger.put_voices([VoiceEntry("saga", "Ana", voice="f5", who="Eva", why="sounds older")])
        settled = say(books, series)
        assert {said.because for said in settled.values()} == {("voices changed",)}
        assert {said.speakers["Ana"].voice for said in settled.values()} == {"f5"}


# ---------------------------------------------------------------- the book


def outputs_of(books: Books, *speakers: Speaker) -> dict[str, str]:
    import msgspec

    rows = b"".join(msgspec.json.encode(speaker) + b"\n" for speaker in speakers)
    clips = b"".join(
        msgspec.json.encode({"speaker": row.id, "sound": row.reference, "start": 1.0, "end": 5.0, "score": 0.5}) + b"\n" for row in speakers
    )
    return {"speakers.speakers": books.store.put_bytes(rows), "voices.clips": books.store.put_bytes(clips)}


def test_the_first_episode_that_has_a_character_decides_and_only_named_ones_with_a_clip_are_entered(books: Books) -> None:
    one, two = Title("e01", "", "en", ("es",), series="saga"), Title("e02", "", "en", ("es",), series="saga")
    ana, ben = Speaker("Ana", ("s1",), 200.0, named=True, reference="1" * 64), Speaker("Ben", ("s2",), 100.0, named=True)
    enter_characters(books, one, outputs_of(books, ana, ben, replace(ana, id="S1", named=False)))
    enter_characters(books, two, outputs_of(books, replace(ana, id="ANA", pitch_median=220.0), replace(ben, reference="2" * 64)))
    found = [(row.character, row.acoustics["pitch_median"], row.origin) for row in books.ledger.voices("saga")]
    assert found == [("Ana", 200.0, "e01 1.00-5.00 s (score 0.50)"), ("Ben", 100.0, "e02 1.00-5.00 s (score 0.50)")]
    assert enter_characters(books, replace(one, id="film", series=""), outputs_of(books, ana)) == []


def test_episodes_enter_their_characters_in_the_order_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    class Task:
        def __init__(self, name: str) -> None:
            self.name = name

        def submit(self, _night: Any, planned: Planned, *waits: Any) -> Future[str]:
            future: Future[str] = Future()
            future.set_result(f"{self.name} {planned.title.id}")
            asked.append((future.result(), *(wait.result() if wait else None for wait in waits)))
            return future

    for name in ("PERCEIVE", "SETTLE", "LOCALISE"):
        monkeypatch.setattr(nightly, name, Task(name.lower()))
    titles = [Title(name, "", "en", ("es",), series=series) for name, series in (("e01", "saga"), ("film", ""), ("e02", "saga"))]
    todo = [Planned(title, "es", mock.Mock(), "", ("new",)) for title in titles]
    night = mock.Mock(books=mock.Mock(settings=mock.Mock(titles_in_flight=3)))
    assert len(list(nightly.build_titles(night, todo, None))) == 3
    assert [row for row in asked if row[0].startswith("settle")] == [
        ("settle e01", "perceive e01", None),
        ("settle e02", "perceive e02", "settle e01"),
    ]
    assert [row for row in asked if row[0].startswith("localise")] == [
        ("localise e01", "settle e01"),
        ("localise film", "perceive film"),
        ("localise e02", "settle e02"),
    ]


def test_the_plan_has_a_series_in_the_order_of_its_episodes() -> None:
    places = (("e02", "saga", 0), ("film", "", 0), ("e01", "saga", 0), ("urgent", "", 1))
    titles = [
        Title(name, "", "en", (), series=series, episode=name, priority=first, row=row) for row, (name, series, first) in enumerate(places)
    ]
    assert [title.id for title in in_order(titles)] == ["urgent", "e01", "e02", "film"]


# ---------------------------------------------------------------- consents


def test_a_record_says_why_it_allows_nothing() -> None:
    title = Title("e01", "", "en", ("es",), series="saga")
    record = Consent("c1", "A", "series:saga", ["es"])
    assert (book_of(title), refusal(record, title, "es", NOW)) == ("saga", "")
    assert refusal(replace(record, expires=NOW), title, "es", NOW) == "expired"
    assert refusal(replace(record, expires=NOW + timedelta(1)), title, "es", NOW) == ""
    assert refusal(replace(record, withdrawn=NOW), title, "es", NOW) == "withdrawn"
    assert refusal(record, title, "fr", NOW) == "other-language"
    assert refusal(replace(record, scope="series:other"), title, "es", NOW) == "other-series"
    assert refusal(replace(record, scope="title:e02"), title, "es", NOW) == "other-title"
    assert refusal(replace(record, scope="series:"), replace(title, series=""), "es", NOW) == "other-series"
    assert [refusal(replace(record, scope=scope), title, "es", NOW) for scope in ("*", "title:e01")] == ["", ""]


def test_only_records_that_are_named_are_looked_at(books: Books) -> None:
    books.ledger.put_consent(Consent("c1", "A", "*", []))
    books.ledger.put_consent(Consent("c2", "B", "*", ["fr"]))
    title = Title("e01", "", "en", ("es",))
    assert permissions(books, title, "es", {"c2", "c3", ""}) == [Permission("c2", "B", "other-language")]


def test_lines_cloned_without_a_record_that_holds_are_counted_and_neutral_ones_by_reason() -> None:
    clips = [
        Clip("a", sound="1", cloned="9", consent="c1"),
        Clip("b", sound="1", cloned="9", consent="c2"),
        Clip("c", sound="1", cloned="9"),
        Clip("d", sound="1", neutral="no-consent"),
        Clip("e", sound="1", neutral="no-consent"),
        Clip("f", failed="silence"),
    ]
    speakers = [Speaker("Ana", ("a",), notes=("voice: cast list f1, voice book f2",)), Speaker("Ben", ("b",))]
    rows = {row.metric: row for row in voice_rights(clips, speakers, [Permission("c1"), Permission("c2", refused="expired")])}
    assert {name: row.value for name, row in rows.items()} == {
        "voice.unconsented": 2,
        "voice.cloned_lines": 3,
        "voice.neutral_lines": 2,
        "voice.conflicts": 1,
    }
    assert [row.segment for row in rows["voice.unconsented"].worst] == ["b", "c"]
    assert rows["voice.neutral_lines"].detail == "2 x no-consent"
    assert rows["voice.cloned_lines"].detail == "1 x c1; 1 x c2; 1 x none"


def film(title: str) -> str:
    """Return the digest of a title's film."""
    return digest_bytes(title.encode())


def released(books: Books, title: str, detail: str) -> None:
    """Put a released dub into the ledger, judged by lines that were cloned under the records of `detail`."""
    run = books.ledger.start_run("test", {})
    row = {"metric": "voice.cloned_lines", "value": float(bool(detail)), "unit": "lines", "n": 1, "detail": detail}
    books.ledger.record_measurements(run, title, "es", [row])
    number = books.ledger.record_decision(
        title, "es", run=run, recipe="", policy="", policy_digest="", outcome="pass", reasons=[], rules=[]
    )
    books.ledger.put_title_languages([TitleLanguage(title, "es", "tiny", "", {}, "released", [], film(title), run)])
    move_pointer(books, title, "es", film(title), decision=number, action="release", who="gate", why="")


def test_a_consent_that_ends_takes_down_what_was_cloned_under_it(books: Books) -> None:
    for name in ("c1", "c2"):
        books.ledger.put_consent(Consent(name, "A", "*", []))
    for title, detail in (("uses", "3 x c1; 1 x c2"), ("other", "1 x c2"), ("neutral", "")):
        released(books, title, detail)
    assert take_down(books) == []
    books.ledger.withdraw_consent("c1")
    assert [(row.title, row.consents) for row in take_down(books, "Eva")] == [("uses", ("c1",))]
    assert take_down(books) == []
    assert [released_package(books, title, "es") for title in ("uses", "other", "neutral")] == ["", film("other"), film("neutral")]
    row = books.ledger.title_languages()["uses", "es"]
    assert (row.state, row.reasons) == ("held", ["consent ended: c1"])
    with pytest.raises(LedgerError, match="withdrawn: a consent ended"):
        release(books, "uses", "es", "Max", "I like it")
