"""How an engine with its settings is written in one word: `espeak-ng`, `whisper:large-v3`, `espeak-ng:normal_rate=170`."""

from __future__ import annotations

from typing import Any

from nightdub.infra.errors import ConfigError

FIRST = "model"  # the setting that a value without a name stands for


def read_engine(text: str) -> tuple[str, dict[str, Any]]:
    """Return an engine's name and settings. Raises: ConfigError where the text cannot be read."""
    name, _, rest = text.partition(":")
    settings: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        setting, given, value = part.partition("=")
        setting, value = (setting.strip(), value.strip()) if given else (FIRST, setting.strip())
        if not setting or not value or setting in settings:
            raise ConfigError(f"engine {text!r} cannot be read", allowed="name, name:model or name:setting=value,...")
        settings[setting] = _plain(value)
    return name.strip(), settings


def spell_engine(name: str, settings: dict[str, Any]) -> str:
    """Return the one spelling of an engine and its settings; `read_engine` gives both back."""
    words = [f"{setting}={_spelled(value)}" for setting, value in sorted(settings.items())]
    return f"{name}:{','.join(words)}" if words else name


def _plain(text: str) -> Any:
    """Return a value as the number or truth that it spells, else as text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
