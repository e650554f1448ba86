"""The sample catalogue plants what it says it plants."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.apps.sample import TITLES, build_sample
from nightdub.infra.errors import MediaError
from nightdub.tasks.catalogue import read_catalogue
from nightdub.tasks.probe import probe_source
from nightdub.tasks.script import read_script

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sample(tmp_path_factory.mktemp("sample"))


def test_is_a_catalogue_without_problems(sample: Path) -> None:
    listed = read_catalogue(sample, ("preview",)).strict(sample)
    assert [title.id for title in listed.titles] == [title.id for title in TITLES]
    assert len({language for title in listed.titles for language in title.targets}) >= 3


def test_good_titles_last_from_thirty_to_ninety_seconds(sample: Path) -> None:
    for title in read_catalogue(sample, ("preview",)).titles:
        if title.id in ("corrupt", "disguised"):
            with pytest.raises(MediaError, match=r"damaged or truncated|HLS playlist"):
                probe_source(Path(title.source))
            continue
        facts = probe_source(Path(title.source))
        assert 28 <= facts.duration <= 90, title.id
        if title.script:
            assert len(read_script(Path(title.script), facts.duration).segments) >= 7


def test_a_second_build_touches_nothing(sample: Path) -> None:
    script = sample.parent / "conference" / "conference.en.vtt"
    script.write_text(script.read_text().replace("conference", "meeting", 1))
    edited = script.read_bytes()
    assert build_sample(sample.parent) == sample
    assert script.read_bytes() == edited
