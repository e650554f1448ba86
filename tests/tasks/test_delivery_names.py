"""File names and titles from templates: what cannot be a name is refused with its place."""

from __future__ import annotations

import pytest

from nightdub.infra.errors import ConfigError
from nightdub.tasks.delivery_names import FIELDS, fields_of, file_name, filled

EPISODE = fields_of("nights-01", "nights", "1", "en", "es")
ALONE = fields_of("pilot", "", "", "en", "ja")


def test_every_field_stands_for_something() -> None:
    template = " ".join(f"{{{name}}}" for name in FIELDS)
    assert filled(template, EPISODE, "here") == "nights-01 nights 1 es Spanish en"
    assert file_name("{series}.e{episode}.{language}", EPISODE, "here") == "nights.e1.es"
    assert filled("{title} {{{language_name}}}", ALONE, "here") == "pilot {Japanese}"


@pytest.mark.parametrize(
    "template", ["{tile}", "{}", "{0}", "{title.__class__}", "{title[0]}", "{title:>{language}}", "{title!r}", "{title:d}"]
)
def test_unknown_fields_are_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"here: template .* allowed: title, series"):
        filled(template, EPISODE, "here")


@pytest.mark.parametrize("template", ["{title", "title}", "{title!}", "{", "}"])
def test_broken_braces_are_refused(template: str) -> None:
    with pytest.raises(ConfigError, match="here: template"):
        filled(template, EPISODE, "here")


@pytest.mark.parametrize(
    "template", ["", "../{title}", "{title}/{language}", "{title} {language}", ".{title}", "-{title}", "{title}\n", "é{title}"]
)
def test_names_that_are_not_plain_are_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"here: file name .* allowed: 1 to 128 of A-Z"):
        file_name(template, EPISODE, "here")


def test_a_name_is_at_most_128_letters_long() -> None:
    assert len(file_name("a" * 128, ALONE, "here")) == 128
    with pytest.raises(ConfigError):
        file_name("a" * 129, ALONE, "here")


def test_a_title_of_no_series_has_no_name_from_it() -> None:
    with pytest.raises(ConfigError, match="file name '-'"):
        file_name("{series}-{episode}", ALONE, "here")
