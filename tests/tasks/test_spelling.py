"""Engines in one word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nightdub.infra.errors import ConfigError
from nightdub.tasks.engines.spelling import read_engine, spell_engine

NAMES = some.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
VALUES = (
    some.booleans()
    | some.integers()
    | some.from_regex(r"[a-z/.-]{1,9}", fullmatch=True).filter(
        lambda text: text not in ("true", "false", "nan", "inf", "-inf", "infinity", "-infinity")
    )
)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("pocketsphinx", ("pocketsphinx", {})),
        ("whisper:large-v3", ("whisper", {"model": "large-v3"})),
        ("whisper:large-v3,beam_size=2", ("whisper", {"model": "large-v3", "beam_size": 2})),
        ("espeak-ng:normal_rate=170", ("espeak-ng", {"normal_rate": 170})),
        ("x:a=0.5,b=true,c=/models/m.pt", ("x", {"a": 0.5, "b": True, "c": "/models/m.pt"})),
    ],
)
def test_a_name_with_settings(text: str, want: tuple[str, dict[str, object]]) -> None:
    assert read_engine(text) == want


@given(NAMES, some.dictionaries(NAMES, VALUES, max_size=3))
def test_what_is_spelled_is_read_back(name: str, settings: dict[str, object]) -> None:
    spelled = spell_engine(name, settings)
    assert read_engine(spelled) == (name, settings)
    assert spell_engine(name, dict(reversed(settings.items()))) == spelled


@pytest.mark.parametrize("text", ["x:a=", "x:=1", "x:a=1,a=2", "x:a,b", "x:,"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_engine(text)
