from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import films
from pictures import portrait, write_film

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import Groups, Piece, picture_digests, read_frames, read_groups
from nightdub.tasks import picture
from nightdub.tasks.probe import probe_source
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import PicturePiece, Shot, ShotClip

FIGURES = PictureFigures()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", [portrait(1 + index / 50) for index in range(30)])


def test_encodes_exactly_its_frames(film: Path, tmp_path: Path) -> None:
    clip = picture.encode_shot(film, Shot("s0002", 7, 19), FIGURES, tmp_path / "shot.mp4")
    assert clip == ShotClip("s0002", 7, 19, frames=12)
    source = np.stack(list(read_frames(film, 7, 19))).astype(float)
    encoded = np.stack(list(read_frames(tmp_path / "shot.mp4", 0, 12))).astype(float)
    errors = ((source[:, None] - encoded[None]) ** 2).mean(axis=(2, 3, 4))
    assert (errors.argmin(axis=1) == np.arange(12)).all()
    assert 10 * np.log10(255**2 / errors.diagonal().max()) > 35


def test_running_twice_gives_the_same_bytes(film: Path, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        picture.encode_shot(film, Shot("s0000", 0, 10), FIGURES, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_a_shot_past_the_end_fails(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        picture.encode_shot(film, Shot("s0000", 20, 40), FIGURES, tmp_path / "shot.mp4")
    assert not (tmp_path / "shot.mp4").exists()


# ---------------------------------------------------------------- smart cut

GROUPS = Groups(100, (0, 20, 50, 80))


def clips(*cuts: int, redrawn: tuple[int, ...] = ()) -> list[ShotClip]:
    """Return shots between these cuts; the redrawn ones have a picture, the others none."""
    spans = enumerate(pairwise(cuts))
    return [ShotClip(f"s{n}", first, last, f"shot{n}" if n in redrawn else "", last - first) for n, (first, last) in spans]


def planned(*cuts: int, redrawn: tuple[int, ...] = ()) -> list[tuple[int, int, str, str]]:
    """Return a plan in short: first, last, "kept", "bridge" or the picture, and the shot."""
    pieces = picture.plan_pieces(clips(*cuts, redrawn=redrawn), GROUPS)
    return [(piece.first, piece.last, "kept" if piece.kept else piece.picture or "bridge", piece.shot) for piece in pieces]


def test_a_film_that_nobody_touched_is_kept_whole() -> None:
    assert planned(0, 30, 100) == [(0, 100, "kept", "")]


def test_around_a_redrawn_shot_the_film_is_encoded_to_the_next_key_frames() -> None:
    assert planned(0, 25, 45, 100, redrawn=(1,)) == [
        (0, 20, "kept", ""),
        (20, 25, "bridge", "s0"),
        (25, 45, "shot1", "s1"),
        (45, 50, "bridge", "s2"),
        (50, 100, "kept", ""),
    ]


def test_shots_that_begin_and_end_with_a_group_need_no_bridge() -> None:
    assert planned(0, 20, 50, 100, redrawn=(1,)) == [(0, 20, "kept", ""), (20, 50, "shot1", "s1"), (50, 100, "kept", "")]


def test_a_bridge_is_cut_where_shots_change_and_joins_two_redrawn_shots_in_one_group() -> None:
    assert planned(0, 52, 60, 61, 70, 100, redrawn=(1, 3)) == [
        (0, 50, "kept", ""),
        (50, 52, "bridge", "s0"),
        (52, 60, "shot1", "s1"),
        (60, 61, "bridge", "s2"),
        (61, 70, "shot3", "s3"),
        (70, 80, "bridge", "s4"),
        (80, 100, "kept", ""),
    ]


def test_the_last_group_ends_with_the_film() -> None:
    assert planned(0, 85, 90, 100, redrawn=(1,)) == [
        (0, 80, "kept", ""),
        (80, 85, "bridge", "s0"),
        (85, 90, "shot1", "s1"),
        (90, 100, "bridge", "s2"),
    ]


def test_a_film_that_cannot_be_kept_needs_a_picture_for_each_shot() -> None:
    lost = [replace(clip, failed="it broke") for clip in clips(0, 50, 100, redrawn=(1,))]
    with pytest.raises(MediaError, match=r"s0: a shot without a picture: it broke; allowed: none: mpeg2video"):
        picture.plan_pieces(lost, Groups(100, why_not="mpeg2video"))
    whole = picture.plan_pieces(clips(0, 50, 100, redrawn=(0, 1)), Groups(100, why_not="mpeg2video"))
    assert [(piece.first, piece.last, piece.picture) for piece in whole] == [(0, 50, "shot0"), (50, 100, "shot1")]


def test_what_a_shot_is_made_of_is_counted_from_each_piece() -> None:
    pieces = picture.plan_pieces(clips(0, 25, 45, 100, redrawn=(1,)), GROUPS)
    parts = picture.parts_of(ShotClip("s2", 45, 100), pieces)
    assert [(part.first, part.last, part.kept, part.within) for part in parts] == [(45, 50, False, 0), (50, 100, True, 0)]
    assert picture.parts_of(ShotClip("x", 60, 70), pieces) == [PicturePiece(60, 70, kept=True, within=10)]


def test_a_dub_keeps_the_film_but_for_what_was_redrawn(tmp_path: Path) -> None:
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "2", "-threads", "1")
    source = films.film(tmp_path / "film.mp4", *coding, seconds=2)
    facts = probe_source(source)
    shots = [Shot("s0", 0, 17), Shot("s1", 17, 28), Shot("s2", 28, 29), Shot("s3", 29, 50)]
    rows = [ShotClip(shot.id, shot.first, shot.last, "redrawn" if shot.id == "s1" else "") for shot in shots]
    pieces = []
    for piece in picture.plan_pieces(rows, read_groups(source)):
        made = None if piece.kept else tmp_path / f"{piece.first}.mp4"
        if made:
            picture.encode_shot(source, Shot("x", piece.first, piece.last), FIGURES, made)
        pieces.append(Piece(piece.first, piece.last, made))
    assert [(piece.first, piece.last) for piece in pieces] == [(0, 10), (10, 17), (17, 28), (28, 29), (29, 30), (30, 50)]
    assert picture.film_picture(source, pieces, facts, tmp_path / "dub.mp4") == 30
    ours, theirs = picture_digests(source), picture_digests(tmp_path / "dub.mp4")
    assert [place for place in range(50) if ours[place] != theirs[place]] == list(range(10, 30))
    with pytest.raises(MediaError, match=r"30 frames in 5 pieces; allowed: 50, as the source has"):
        picture.film_picture(source, pieces[:-1], facts, tmp_path / "short.mp4")
