"""Where settings come from, what is refused, and that no secret is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from nightdub.infra.errors import ConfigError
from nightdub.infra.settings import Settings, load_settings, mask_url
from nightdub.infra.store import open_store

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without settings of this machine."""
    for name in [name for name in os.environ if name.upper().startswith("NIGHTDUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(settings: Settings) -> dict[str, tuple[str, str]]:
    return {name: (value, origin) for name, value, origin in settings.effective()}


def test_defaults_live_in_the_home_folder(here: Path) -> None:
    settings = load_settings()
    assert settings.store_url == str(here / ".nightdub/store")
    assert settings.ledger_url == f"sqlite:///{here}/.nightdub/ledger.db"
    assert {origin for _, origin in shown(settings).values()} == {"default"}
    assert open_store(settings.store_url, **settings.store_options()).url


def test_arguments_win_over_environment_over_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "nightdub.toml").write_text("# mine\nworkers = 1\ncache_gb = 1.5\ntitles_in_flight = 7\n")
    monkeypatch.setenv("NIGHTDUB_WORKERS", "2")
    monkeypatch.setenv("NIGHTDUB_CACHE_GB", "2.5")
    settings = load_settings(workers=3, home=None)
    assert (settings.workers, settings.cache_gb, settings.titles_in_flight) == (3, 2.5, 7)
    origins = {name: origin for name, (_, origin) in shown(settings).items()}
    assert origins["workers"] == "argument"
    assert origins["cache_gb"] == "environment variable NIGHTDUB_CACHE_GB"
    assert origins["titles_in_flight"] == "nightdub.toml:4"
    assert origins["home"] == "default"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDUB_WORKERS", "")
    assert shown(load_settings())["workers"] == ("0", "default")


def test_the_file_may_be_elsewhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, workers in (("a.toml", 5), ("b.toml", 6)):
        (here / name).write_text(f"workers = {workers}")
    monkeypatch.setenv("NIGHTDUB_CONFIG", "a.toml")
    assert load_settings().workers == 5
    assert load_settings(Path("b.toml")).workers == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker = 2\n", ["'worker'", "nightdub.toml:1", "workers"]),
        ("home = 'x'\n\n[compute]\nkind = 'local'\n[store-options]\n", ["store-options", "nightdub.toml:5"]),
        ("workers = 2\nitem_attempt = 1\nlease_second = 3\n", ["item_attempts", "nightdub.toml:2", "lease_seconds", "nightdub.toml:3"]),
        ("workers = \n", ["no TOML", "line 1"]),
        ("home = 'x'\nworkers = 'many'\n", ["workers = 'many'", "nightdub.toml:2", "integer"]),
        ("workers = -1\n", ["workers = -1", "greater than or equal to 0"]),
        ("lease_seconds = nan\n", ["lease_seconds = nan"]),
        ("compute = 'cloud'\n", ["compute = 'cloud'", "tcp://host:port"]),
        ("store_access_key = 'a'\n", ["store_access_key and store_secret_key go together"]),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(here: Path, text: str, said: list[str]) -> None:
    (here / "nightdub.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert [word for word in said if word not in str(caught.value)] == []


def test_unknown_variables_and_arguments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="nearest workers"):
        load_settings(worker=2)
    monkeypatch.setenv("NIGHTDUB_STOR", "x")
    with pytest.raises(ConfigError, match=r"environment variable NIGHTDUB_STOR.*nearest store"):
        load_settings()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_was_asked_for_must_be_readable(here: Path, content: bytes | None) -> None:
    path = here / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load_settings(path)


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.workers = 3  # type: ignore[misc]


def test_secrets_reach_store_and_ledger_and_nobody_else() -> None:
    url = f"postgresql+psycopg://dub:{SECRET}@host/dub"
    settings = load_settings(
        ledger=url,
        store_access_key="AK",
        store_secret_key=SECRET,
        store_endpoint="http://h:9000",
        cache_gb=1,
    )
    assert settings.ledger_url == url
    assert settings.store_options() == {"endpoint": "http://h:9000", "access_key": "AK", "secret_key": SECRET, "cache_bytes": 10**9}
    assert shown(settings)["ledger"][0] == "postgresql+psycopg://dub:********@host/dub"
    assert shown(settings)["store_secret_key"][0] == "********"
    assert SECRET not in str(settings.effective())
    assert SECRET not in f"{settings!r} {settings}"


@pytest.mark.parametrize("name", ["store_endpoint", "prefect_api_url"])
def test_an_address_with_a_login_is_refused_without_showing_it(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} holds a login, which stands in") as caught:
        load_settings(**{name: f"http://u:{SECRET}@h:4200/api"})
    assert SECRET not in str(caught.value)
    assert getattr(load_settings(**{name: "http://h:4200/api/@x"}), name)


def test_a_misfit_does_not_give_its_secret_away() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(store_secret_key=[SECRET], store_access_key="AK", ledger={"url": SECRET})
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:a/b@c@host/db", "postgresql://u:********@host/db"),
        ("postgresql://host/db?user=u&password=p&sslmode=require", "postgresql://host/db?user=u&password=********&sslmode=require"),
        ("http://host:9000/path", "http://host:9000/path"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
    ],
)
def test_passwords_inside_urls_are_masked(url: str, masked: str) -> None:
    assert mask_url(url) == masked
