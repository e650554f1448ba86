"""A dub's picture is the source's own packets but for the shots that were redrawn, and the measures say the same of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

from nightdub.flows.faults import load_dub
from nightdub.flows.night import Books, open_books
from nightdub.infra.media.ffmpeg import check_decodes, picture_digests
from nightdub.quality.measure import Findings, measure_dub, score_shots, whole_picture
from nightdub.quality.metrics.same_picture import picture_difference
from nightdub.quality.metrics.shot_score import ShotScore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def books(undisturbed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home = tmp_path_factory.mktemp("cut") / "home"
    undisturbed.copied(home)
    with open_books(tiny.settings_for(home)) as books:
        yield books


def same_packets(source: Path, film: Path) -> list[int]:
    both = zip(picture_digests(source), picture_digests(film), strict=True)
    return [place for place, (one, other) in enumerate(both) if one == other]


def test_a_film_without_a_face_keeps_every_packet(books: Books) -> None:
    dub = load_dub(books, "plain", "es")
    assert dub.facts.kept_frames == dub.facts.frames == dub.source_facts.frames
    assert same_packets(dub.files.source, dub.files.film) == list(range(dub.facts.frames))
    assert [(clip.picture, bool(clip.skipped)) for clip in dub.shot_clips] == [("", True)] * len(dub.shots)
    kept = [ShotScore(clip.shot, clip.frames, identical=clip.frames, kept=True) for clip in dub.shot_clips]
    assert picture_difference(dub.files.source, dub.files.film, dub.shot_clips, kept).value == 0
    rows = {row.metric: row for row in measure_dub(dub, Findings([], kept, []))}
    assert rows["package.picture_difference"].value == 0
    assert rows["picture.identical_frames"].value == 100
    for metric in ("picture.psnr", "picture.ssim", "picture.vmaf", "picture.fid", "picture.kid", "picture.ungenerated_shots"):
        assert rows[metric].not_applicable, metric  # nothing was generated, for certain: no gate waits for these
    other = load_dub(books, "face", "es")
    assert picture_difference(dub.files.source, other.files.film, dub.shot_clips, kept).value == dub.facts.frames


def test_a_film_with_a_redrawn_shot_keeps_what_lies_outside_it(books: Books) -> None:
    dub = load_dub(books, "face", "es")
    redrawn = [clip for clip in dub.shot_clips if clip.picture]
    assert redrawn
    assert dub.facts.not_kept == ""
    assert len(same_packets(dub.files.source, dub.files.film)) == dub.facts.kept_frames
    assert check_decodes(dub.files.film) == dub.source_facts.frames
    rows = {row.metric: row for row in whole_picture(dub, score_shots(dub))}
    assert rows["package.picture_difference"].value == 0
