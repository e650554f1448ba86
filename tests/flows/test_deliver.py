"""A real released dub as files for a service: every track, every digest, whose word it is out by, and who signed it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import m3u8
import msgspec
import pytest
import tiny
from certificates import STUDIO, write_certificates
from click.testing import CliRunner

from nightdub.apps.cli import cli
from nightdub.flows.deliver import FORMS, VARIANTS, deliver
from nightdub.flows.delivered import MANIFEST, check
from nightdub.flows.lineage import lineage
from nightdub.flows.night import Books, open_books
from nightdub.flows.release import release, rollback
from nightdub.infra.credentials import verify
from nightdub.infra.errors import ConfigError, LedgerError, MediaError
from nightdub.infra.settings import Settings
from nightdub.tasks.captions import CaptionSets

pytestmark = pytest.mark.slow
KEYS = {"store_access_key": "test", "store_secret_key": "test", "store_region": "us-east-1"}


@pytest.fixture(scope="module")
def home(undisturbed: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which both languages of a title are released, one of them by a person's word."""
    home = tmp_path_factory.mktemp("deliver") / "home"
    undisturbed.copied(home)
    with open_books(tiny.settings_for(home)) as books:
        release(books, "face", "es", "Ana", "watched it")
        release(books, "face", "fr", "Ana", "watched it")
    return home


@pytest.fixture(scope="module")
def settings(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    chain, key = write_certificates(tmp_path_factory.mktemp("keys"))
    return tiny.settings_for(home, c2pa_certificate=chain, c2pa_key=key)


@pytest.fixture
def ours(settings: Settings) -> Iterator[Books]:
    with open_books(settings) as books:
        yield books


@pytest.fixture(scope="module")
def delivered(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One delivery in every form. Tests that change it work on copies."""
    to = tmp_path_factory.mktemp("out")
    with open_books(settings) as books:
        place, _ = deliver(books, "face", "es", list(FORMS), str(to))
    assert place == f"{to}/face.es"
    assert [path.name for path in to.iterdir()] == ["face.es"]
    return to / "face.es"


def name_all(settings: Settings, name: str) -> None:
    """Give deliveries of the profile another name."""
    path = Path(str(settings.profiles)) / "tiny.yaml"
    path.write_text(f"{tiny.PROFILE}\ndelivery: {{name: '{name}'}}\n")


@pytest.fixture
def one_name(settings: Settings) -> Iterator[None]:
    """Let every language of a title have the same name."""
    name_all(settings, "{title}")
    yield
    name_all(settings, "{title}.{language}")


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((folder / MANIFEST).read_bytes())
    return found


def count_frames(path: Path, *words: str) -> int:
    command = ["ffprobe", "-v", "error", *words, "-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames"]
    return int(subprocess.run([*command, "-of", "csv=p=0", str(path)], check=True, capture_output=True, text=True).stdout.split()[0])


def test_the_manifest_names_every_file_with_its_digest(delivered: Path, settings: Settings) -> None:
    found = manifest(delivered)
    files = sorted(path.relative_to(delivered).as_posix() for path in delivered.rglob("*") if path.is_file())
    assert [row["name"] for row in found["files"]] == [name for name in files if name != MANIFEST]
    for row in found["files"]:
        data = (delivered / row["name"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert [row["name"] for row in found["files"] if row["signed"]] == ["face.es.mp4"]
    assert check(str(delivered), settings) == [row["name"] for row in found["files"]]
    assert {"face.es.mkv", "face.es.mix.wav", "face.es.dialogue.wav", "face.es.music-and-effects.wav"} < set(files)
    assert {f"face.es{kind}.{form}" for kind in ("", ".translated", ".sdh") for form in ("srt", "vtt", "ttml")} < set(files)


def test_the_manifest_says_what_was_made_by_whom_and_who_let_it_out(delivered: Path, undisturbed: Any) -> None:
    found = manifest(delivered)
    assert (found["title"], found["language"], found["source_language"]) == ("face", "es", "en")
    assert found["film"] == undisturbed.packages["face", "es"]
    assert found["synthetic"] == {
        "speech": True,
        "shots_redrawn": 2,
        "shots": 2,
        "says": "The dialogue in Spanish is synthetic speech, and the lips may be redrawn to it.",
    }
    engines = {row["step"]: row for row in found["engines"]}
    assert (engines["speak"]["engine"], engines["speak"]["licence"]) == ("espeak-ng", "GPL-3.0-or-later (shared library)")
    assert engines["speak"]["version"]
    assert engines["lips"]["engine"] == "mouth-warp"
    assert not {"recognise", "roundtrip"} & set(engines)  # they judged the dub, and are not in it
    assert found["consents"] == []
    assert found["release"]["decision"]["policy"] == "tiny"


def test_films_hold_every_track_and_frame(delivered: Path, undisturbed: Any) -> None:
    for name, words in (("face.es.mp4", ()), ("face.es.mkv", ()), ("hls/main.m3u8", ("-allowed_extensions", "ALL"))):
        assert count_frames(delivered / name, *words) == 140  # 5.6 s at 25 frames a second
        command = ["ffmpeg", "-v", "error", "-xerror", *words, "-i", str(delivered / name), "-f", "null", "-"]
        subprocess.run(command, check=True)
    for name in ("face.es.mp4", "face.es.mkv"):
        command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(delivered / name)]
        streams = msgspec.json.decode(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
        tags = [(row["tags"].get("title") or row["tags"]["handler_name"], row["tags"]["language"]) for row in streams[1:]]
        assert tags == [
            ("Spanish (synthetic dub)", "spa"),
            ("English (original)", "eng"),
            ("Spanish", "spa"),
            ("Spanish (for the original sound)", "spa"),
            ("Spanish (SDH)", "spa"),
        ]
        assert [row["disposition"]["default"] for row in streams if row["codec_type"] == "audio"] == [1, 0]
        assert [row["disposition"]["hearing_impaired"] for row in streams if row["codec_type"] == "subtitle"] == [0, 0, 1]
    main = m3u8.load(str(delivered / "hls/main.m3u8"))
    chosen = [(row.name, row.autoselect) for row in main.media if row.type == "SUBTITLES"]
    assert chosen == [("Spanish", "NO"), ("Spanish (for the original sound)", "YES"), ("Spanish (SDH)", "YES")]


def test_every_set_of_subtitles_that_the_chain_makes_is_delivered() -> None:
    made = {field.name for field in fields(CaptionSets)} - {"dub"}
    assert {variant.outputs for variant in VARIANTS} == {"", *(f".{name}" for name in made)}


def test_the_film_is_signed_and_names_nobody(delivered: Path) -> None:
    found = verify(delivered / "face.es.mp4")
    assert found
    assert (found.valid, found.issuer) == (True, STUDIO)
    assert found.statement
    assert found.statement["synthetic"] == manifest(delivered)["synthetic"]
    assert not {"release", "consents"} & set(found.statement)


@pytest.mark.parametrize("name", ["face.es.mp4", "face.es.mkv", "hls/video.m4s", "face.es.srt"])
def test_one_flipped_bit_is_found(delivered: Path, settings: Settings, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(delivered, tmp_path / "copy"))
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(MediaError, match="missing, or not as it was delivered") as caught:
        check(str(folder), settings)
    assert caught.value.where == str(folder / name)


def test_a_film_signed_by_nobody_any_more_is_found_whatever_the_manifest_says(delivered: Path, settings: Settings, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(delivered, tmp_path / "copy"))
    film, said = folder / "face.es.mp4", manifest(folder)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(delivered / film.name), "-c", "copy", str(film)], check=True)
    row = next(row for row in said["files"] if row["name"] == film.name)
    row["sha256"] = hashlib.sha256(film.read_bytes()).hexdigest()
    (folder / MANIFEST).write_bytes(msgspec.json.encode(said))
    with pytest.raises(MediaError, match="its content credentials do not hold"):
        check(str(folder), settings)


def test_a_folder_without_a_manifest_is_no_delivery(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"no manifest\.json"):
        check(str(tmp_path), settings)
    (tmp_path / MANIFEST).write_text('{"title": 1}')
    with pytest.raises(MediaError, match=r"manifest\.json: "):
        check(str(tmp_path), settings)


def test_a_second_delivery_replaces_the_first_whole(ours: Books, tmp_path: Path) -> None:
    deliver(ours, "face", "es", ["subtitles", "masters"], str(tmp_path))
    place, names = deliver(ours, "face", "es", ["subtitles"], str(tmp_path))
    assert sorted(path.name for path in Path(place).iterdir()) == sorted([*names, MANIFEST])
    assert [path.name for path in tmp_path.iterdir()] == ["face.es"]


def test_the_same_delivery_has_the_same_bytes(ours: Books, tmp_path: Path) -> None:
    """A signature holds a random number, so that a signed film alone differs."""
    forms = ["mkv", "hls", "masters", "subtitles"]
    folders = [Path(deliver(ours, "face", "es", forms, str(tmp_path / name))[0]) for name in "ab"]
    assert (folders[0] / MANIFEST).read_bytes() == (folders[1] / MANIFEST).read_bytes()


def test_two_languages_of_one_name_do_not_overwrite_each_other(ours: Books, one_name: None, tmp_path: Path) -> None:
    place, _ = deliver(ours, "face", "es", ["subtitles"], str(tmp_path))
    before = (Path(place) / MANIFEST).read_bytes()
    with pytest.raises(ConfigError, match=r"face: holds face/es; allowed: nothing, or an earlier delivery of the same"):
        deliver(ours, "face", "fr", ["subtitles"], str(tmp_path))
    assert (Path(place) / MANIFEST).read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(ours: Books, tmp_path: Path) -> None:
    (tmp_path / "face.es").mkdir()
    (tmp_path / "face.es/thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        deliver(ours, "face", "es", ["subtitles"], str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["face.es", "thesis.txt"]


def test_after_a_rollback_everything_is_that_of_the_earlier_film(undisturbed: Any, tmp_path: Path) -> None:
    """The newest outputs of the steps belong to a film that is no longer out."""
    home = tmp_path / "home"
    catalogue = undisturbed.copied(home)
    tiny.write_catalogue(catalogue.parent, [row | {"targets": "es"} for row in tiny.read_rows(catalogue) if row["id"] == "face"])
    (home / "profiles/tiny.yaml").write_text(f"{tiny.PROFILE}\nsubtitles: {{lines: 1, longest: 1.5}}\n")
    with open_books(tiny.settings_for(home)) as books:
        before = deliver(books, "face", "es", ["subtitles"], str(tmp_path / "before"))[0]
        tiny.run_titles(books, catalogue)
        release(books, "face", "es", "Ana", "watched it")
        between = deliver(books, "face", "es", ["subtitles"], str(tmp_path / "between"))[0]
        rollback(books, "face", "es", "Ana", "too short")
        after = deliver(books, "face", "es", ["subtitles"], str(tmp_path / "after"))[0]
    texts = [(Path(place) / "face.es.srt").read_text() for place in (before, between, after)]
    assert texts[0] == texts[2] != texts[1]
    assert manifest(Path(after))["release"]["action"] == "rollback"
    assert manifest(Path(after))["film"] == undisturbed.packages["face", "es"]


def test_what_is_not_out_or_not_known_is_refused(ours: Books, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="face/de: nothing is released"):
        deliver(ours, "face", "de", ["mp4"], str(tmp_path))
    with pytest.raises(ConfigError, match="unknown form avi; allowed: mp4, mkv, hls, masters, subtitles"):
        deliver(ours, "face", "es", ["avi"], str(tmp_path))
    with pytest.raises(ConfigError, match=r"cannot deliver to .ftp://host/face\.es.; allowed: a folder"):
        deliver(ours, "face", "es", ["subtitles"], "ftp://host")
    with pytest.raises(LedgerError, match=r"no job made package\.film"):
        lineage(ours, "face", "es", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_the_command_lists_what_it_wrote(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("profiles", "policies"):
        monkeypatch.setenv(f"NIGHTDUB_{name.upper()}", str(getattr(settings, name)))
    run = CliRunner().invoke
    told = run(
        cli, ["--home", str(settings.home), "deliver", "face", "fr", "--to", str(tmp_path), "--form", "subtitles"], standalone_mode=False
    )
    assert f"{tmp_path}/face.fr/face.fr.srt" in told.output.splitlines()
    checked = run(cli, ["--home", str(settings.home), "verify", f"{tmp_path}/face.fr"], standalone_mode=False)
    assert checked.output == f"{tmp_path}/face.fr: {len(told.output.splitlines())} files as they were delivered\n"


# ---------------------------------------------------------------- to S3


@pytest.fixture
def bucket(s3: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().resource("s3", endpoint_url=s3, **keys).Bucket("nightdub")


@pytest.fixture
def remote(settings: Settings, s3: str) -> Iterator[Books]:
    """The same home, whose settings name a server; the store stays where it is."""
    more = {name: getattr(settings, name) for name in ("c2pa_certificate", "c2pa_key")}
    with open_books(tiny.settings_for(settings.home, store=settings.store_url, store_endpoint=s3, **more, **KEYS)) as books:
        yield books


def keys_of(bucket: Any, prefix: str) -> list[str]:
    return [row.key.removeprefix(prefix) for row in bucket.objects.filter(Prefix=prefix)]


def test_a_delivery_to_s3_is_read_back_and_signed_there(remote: Books, bucket: Any, tmp_path: Path) -> None:
    place, names = deliver(remote, "face", "es", ["mp4", "hls", "subtitles"], "s3://nightdub/out")
    assert place == "s3://nightdub/out/face.es"
    assert sorted(keys_of(bucket, "out/face.es/")) == sorted([*names, MANIFEST])
    written = {row.key: row.last_modified for row in bucket.objects.filter(Prefix="out/face.es/")}
    assert max(written.values()) == written[f"out/face.es/{MANIFEST}"]  # to the second
    assert bucket.Object("out/face.es/hls/main.m3u8").content_type == "application/vnd.apple.mpegurl"
    bucket.download_file("out/face.es/face.es.mp4", str(tmp_path / "face.es.mp4"))
    assert (signature := verify(tmp_path / "face.es.mp4"))
    assert signature.valid
    assert check(place, remote.settings) == names
    deliver(remote, "face", "es", ["subtitles"], "s3://nightdub/out")
    assert not [name for name in keys_of(bucket, "out/face.es/") if name.endswith(".mp4")]


def test_what_changed_on_the_server_is_found(remote: Books, bucket: Any) -> None:
    place, _ = deliver(remote, "face", "es", ["mp4"], "s3://nightdub/changed")
    held = bucket.Object("changed/face.es/face.es.mp4")
    data = bytearray(held.get()["Body"].read())
    data[len(data) // 2] ^= 1
    held.put(Body=bytes(data))
    with pytest.raises(MediaError, match="not as it was delivered") as caught:
        check(place, remote.settings)
    assert caught.value.where == f"{place}/face.es.mp4"
    held.delete()
    with pytest.raises(MediaError, match="missing, or not as it was delivered"):
        check(place, remote.settings)
    with pytest.raises(MediaError, match=r"no manifest\.json"):
        check("s3://nightdub/nowhere", remote.settings)


def test_a_server_that_garbles_gets_no_manifest(remote: Books, bucket: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from nightdub.infra.upload import RemoteFolder

    put, other = RemoteFolder.put, tmp_path / "other"
    other.write_text("other bytes")
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "put", lambda self, path, name: put(self, other if name.endswith(".vtt") else path, name))
        with pytest.raises(MediaError, match="not as it was delivered"):
            deliver(remote, "face", "es", ["subtitles"], "s3://nightdub/garbled")
    left = keys_of(bucket, "garbled/face.es/")
    assert left
    assert MANIFEST not in left
    place, names = deliver(remote, "face", "es", ["subtitles"], "s3://nightdub/garbled")
    assert check(place, remote.settings) == names


def test_other_things_on_s3_are_left_alone(remote: Books, bucket: Any, one_name: None) -> None:
    deliver(remote, "face", "es", ["subtitles"], "s3://nightdub/shared")
    before = {row.key: row.e_tag for row in bucket.objects.filter(Prefix="shared/")}
    with pytest.raises(ConfigError, match="s3://nightdub/shared/face: holds face/es"):
        deliver(remote, "face", "fr", ["subtitles"], "s3://nightdub/shared")
    assert {row.key: row.e_tag for row in bucket.objects.filter(Prefix="shared/")} == before
    bucket.Object("else/face/thesis.txt").put(Body=b"years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        deliver(remote, "face", "es", ["subtitles"], "s3://nightdub/else")
