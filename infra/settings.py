"""One typed object says how this installation works: explicit arguments, environment, file, defaults, in this order."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from nightdub.infra.errors import ConfigError

PREFIX = "NIGHTDUB_"
FILE = "nightdub.toml"
_CONFIG = f"{PREFIX}CONFIG"  # names another file
MASK = "********"

Positive = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """The settings of one installation; make them with `load_settings`. Relative paths start at the working directory."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    home: Path = Field(Path(".nightdub"), description="folder for everything that is not given a place of its own")
    store: str = Field("", description="folder, file:///folder or s3://bucket/prefix; empty = store in the home folder")
    store_endpoint: str = Field("", repr=False, description="address of an S3-compatible server; empty = Amazon's")
    store_region: str = Field("", description="region of the bucket")
    store_access_key: SecretStr | None = Field(None, description="best left out: AWS_* and boto3's own files are read as well")
    store_secret_key: SecretStr | None = Field(None, description="goes with store_access_key")
    cache_gb: float = Field(20.0, ge=0, description="size limit of the local copies of a remote store, in 10^9 bytes")
    ledger: SecretStr = Field(SecretStr(""), description="SQLAlchemy URL; empty = SQLite in the home folder")
    compute: str = Field(
        "local", pattern=r"^(threads|local|(tcp|tls)://.+)$", description="threads, local, tcp://host:port or tls://host:port"
    )
    workers: int = Field(0, ge=0, description="threads or processes of threads and local; 0 = one for each core")
    titles_in_flight: int = Field(4, ge=1, description="titles worked on at the same time")
    lease_seconds: Positive = Field(60.0, description="how long a job stays claimed after its worker's last sign of life")
    item_attempts: int = Field(3, ge=1, description="how often an item is tried whose worker or engine process died")
    batch_seconds: Positive = Field(1.0, description="expected work in one batch")
    deadline_minutes: Positive | None = Field(None, description="after so many minutes a night starts no further title")
    prefect_api_url: str | None = Field(None, repr=False, description="a running Prefect server; unset = one is started for the night")
    retention_days: Positive = Field(90.0, description="how long a film that is no longer out stays deliverable, and what made it known")
    log_format: str = Field("plain", pattern=r"^(plain|json)$", description="plain or json: one line, or one JSON object, for each event")
    log_level: str = Field("WARNING", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR")
    profiles: Path | None = Field(None, description="folder with profiles of your own")
    policies: Path | None = Field(None, description="folder with policies of your own")
    utmos: Path | None = Field(None, description="TorchScript file of a UTMOS predictor, for speech.utmos")
    nisqa: Path | None = Field(None, description="TorchScript file of a NISQA predictor: published weights forbid commercial use")
    c2pa_certificate: Path | None = Field(None, description="PEM file with the certificate chain that delivered films are signed with")
    c2pa_key: Path | None = Field(None, description="PEM file with its private key, without a password")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def store_url(self) -> str:
        """Return the store's URL, an absolute path where it is a folder of this machine."""
        if "://" in self.store:
            return self.store
        return str((Path(self.store) if self.store else self.home / "store").absolute())

    @property
    def ledger_url(self) -> str:
        """Return the ledger's SQLAlchemy URL, password included."""
        return self.ledger.get_secret_value() or f"sqlite:///{(self.home / 'ledger.db').absolute()}"

    def store_options(self) -> dict[str, Any]:
        """Return the options of `open_store` as plain values, secrets included."""
        options: dict[str, Any] = {"endpoint": self.store_endpoint, "region": self.store_region}
        options |= {"access_key": _reveal(self.store_access_key), "secret_key": _reveal(self.store_secret_key)}
        return {name: value for name, value in options.items() if value} | {"cache_bytes": int(self.cache_gb * 1e9)}

    def effective(self) -> list[tuple[str, str, str]]:
        """Return name, value in effect and origin of each setting; secrets and passwords inside URLs are masked."""
        derived = {"store": self.store_url, "ledger": self.ledger_url}
        values = {name: getattr(self, name) for name in type(self).model_fields} | derived
        return [(name, _shown(value), self._origins.get(name, "default")) for name, value in values.items()]

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> Settings:
        if bool(self.store_access_key) != bool(self.store_secret_key):
            raise ValueError("store_access_key and store_secret_key go together")
        if bool(self.c2pa_certificate) != bool(self.c2pa_key):
            raise ValueError("c2pa_certificate and c2pa_key go together")
        return self

    @model_validator(mode="after")
    def _addresses_hold_no_login(self) -> Settings:
        """Servers' libraries print the addresses that they cannot reach."""
        ours = {"store_endpoint": "store_access_key and store_secret_key", "prefect_api_url": "PREFECT_API_AUTH_STRING"}
        for name, place in ours.items():
            if "@" in (getattr(self, name) or "").partition("://")[2].partition("/")[0]:
                raise ValueError(f"{name} holds a login, which stands in {place}")
        return self


def load_settings(config: Path | None = None, **explicit: Any) -> Settings:
    """Return the effective settings.

    Args:
        config: The settings file; None = what NIGHTDUB_CONFIG names, else nightdub.toml of the working directory where there is one.
        explicit: Values that win over everything; None counts as not given.

    Raises:
        ConfigError: a file that is absent or no TOML, an unknown key or variable, a value that does not fit. Says where.
    """
    arguments = {name: value for name, value in explicit.items() if value is not None}
    variables = _variables()
    path, text = _read(config)
    values, lines = _parse(path, text), _lines(text)
    origins = {name: f"{path}:{lines.get(name, 1)}" for name in values}
    origins |= {name: f"environment variable {variable}" for name, variable in variables.items()}
    origins |= dict.fromkeys(arguments, "argument")
    _refuse_unknown(origins)
    try:  # arguments win over the environment, which pydantic reads: the file's values go along where neither has one
        settings = Settings(**{name: value for name, value in values.items() if name not in variables} | arguments)
    except ValidationError as error:
        raise _misfit(error, origins) from None  # the cause would show the values, secrets among them
    settings._origins.update(origins)
    return settings


def mask_url(text: str) -> str:
    """Return a URL with its password, and any secret among its parameters, masked; rather too much than too little."""
    text = re.sub(r"(://[^:/@\s]*):\S*@", rf"\1:{MASK}@", text)
    return re.sub(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*)=[^&]*", rf"\1={MASK}", text, flags=re.IGNORECASE)


def _variables() -> dict[str, str]:
    """Return the variables that are set, by the setting that each names."""
    found = {
        name.upper().removeprefix(PREFIX).lower(): name for name, value in os.environ.items() if name.upper().startswith(PREFIX) and value
    }
    return {setting: name for setting, name in found.items() if name != _CONFIG}


def _read(config: Path | None) -> tuple[Path, str]:
    """Return the settings file and its text; empty where there is none and none was asked for."""
    named = config or (Path(os.environ[_CONFIG]) if os.environ.get(_CONFIG) else None)
    path = named or Path(FILE)
    if not named and not path.exists():
        return path, ""
    try:
        return path, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings file cannot be read: {error}", where=str(path), fix=f"correct --config or {_CONFIG}") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is one; a number of thousands of digits, lists in one another
        raise ConfigError(f"no TOML: {error}", where=str(path), allowed="one `name = value` a line") from error


def _lines(text: str) -> dict[str, int]:
    """Return the line on which each key or table of a TOML file first stands."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"""\s*\[*\s*["']?([\w-]+)""", line):
            found.setdefault(match[1], number)
    return found


def _refuse_unknown(origins: Mapping[str, str]) -> None:
    """Refuse names that are no settings, all at once, each with the nearest that are."""
    known = list(Settings.model_fields)
    unknown = [name for name in origins if name not in known]
    if not unknown:
        return
    near = {name: get_close_matches(name, known, n=3) for name in unknown}
    what = "; ".join(
        f"unknown setting {name!r} ({origins[name]}){': nearest ' + ', '.join(near[name]) if near[name] else ''}" for name in unknown
    )
    raise ConfigError(what, allowed=", ".join(known), fix="correct or remove it")


def _misfit(error: ValidationError, origins: Mapping[str, str]) -> ConfigError:
    """Return pydantic's findings with value and place; secrets are left out."""
    problems = []
    for finding in error.errors(include_url=False, include_context=False):
        name = str(finding["loc"][0]) if finding["loc"] else ""
        if name:
            secret = "Secret" in str(Settings.model_fields[name].annotation)
            shown = MASK if secret else mask_url(repr(finding["input"]))
            problems.append(
                f"{name} = {shown} ({origins.get(name, 'default')}): {finding['msg']} [{Settings.model_fields[name].description}]"
            )
        else:
            problems.append(finding["msg"])
    return ConfigError("; ".join(problems), fix="nightdub config prints every setting and where it comes from")


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK
    return "" if value is None else mask_url(str(value))
