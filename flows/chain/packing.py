"""Packing: kept and redrawn pictures, sounds and subtitles become a film. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, one_by_one, param, rows_of
from nightdub.infra.build import Inputs, Step
from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import Groups, Piece
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.package import package
from nightdub.tasks.picture import encode_shot, film_picture, plan_pieces
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import (
    MediaFacts,
    PicturePiece,
    Shot,
    ShotClip,
    write_rows,
)


def _planned(inputs: Inputs) -> list[PicturePiece]:
    return plan_pieces(inputs.rows("lips.clips", ShotClip), inputs.rows("groups.facts", Groups)[0])


def _split_bridges(inputs: Inputs) -> list[Item]:
    """One item for each stretch of original frames between a redrawn shot and the next key frame."""
    blobs = {"in.source": inputs.digest("in.source")}
    return [
        Item(f"{piece.shot}-{piece.first}", {"first": piece.first, "last": piece.last}, blobs, cost=0.02 * (piece.last - piece.first))
        for piece in _planned(inputs)
        if not piece.kept and not piece.picture
    ]


def _bridge(item: Item, bench: Bench) -> Done:
    out, shot = bench.new("bridge.mp4"), Shot(item.id, item.payload["first"], item.payload["last"])
    encode_shot(bench.file(item.blobs["in.source"]), shot, param(bench, "picture", PictureFigures), out)
    return Done({"picture": out})


def _join_bridges(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """The film's picture from the first frame to the last. Raises: MediaError where a piece of it could not be made."""
    if lost := next((result for result in results if not result.files), None):
        raise MediaError(f"frames between two shots: {cause_of(lost)}", where=lost.id, fix="run the night again")
    made = iter(results)
    pieces = [piece if piece.kept or piece.picture else replace(piece, picture=next(made).files["picture"]) for piece in _planned(inputs)]
    return {"pieces": write_rows(folder / "pieces.jsonl", pieces)}


def _split_package(inputs: Inputs) -> list[Item]:
    names = ("bridges.pieces", "groups.facts", "mix.programme", "original.sound", "subtitles.film.srt", "probe.facts", "in.source")
    pictures = {f"piece.{piece.first}": piece.picture for piece in inputs.rows("bridges.pieces", PicturePiece) if piece.picture}
    return [Item("whole", blobs={name: inputs.digest(name) for name in names} | pictures, cost=4)]


def _silent_film(item: Item, bench: Bench) -> tuple[Path, int]:
    """Return the dub's picture, and how many of its frames are the source's own packets."""
    pieces = [
        Piece(piece.first, piece.last, bench.file(piece.picture) if piece.picture else None)
        for piece in rows_of(bench, item, "bridges.pieces", PicturePiece)
    ]
    out = bench.new("picture.mp4")
    return out, film_picture(bench.file(item.blobs["in.source"]), pieces, rows_of(bench, item, "probe.facts", MediaFacts)[0], out)


def _package(item: Item, bench: Bench) -> Done:
    picture, kept = _silent_film(item, bench)
    source, target = bench.params["source"], bench.params["target"]
    film = bench.new("film.mp4")
    subtitles = bench.new("subtitles.srt")
    subtitles.symlink_to(bench.file(item.blobs["subtitles.film.srt"]))
    facts = package(
        picture,
        bench.file(item.blobs["mix.programme"]),
        bench.file(item.blobs["original.sound"]),
        {target: subtitles},
        languages=(source, target),
        source=rows_of(bench, item, "probe.facts", MediaFacts)[0],
        out=film,
    )
    facts = replace(facts, kept_frames=kept, not_kept=rows_of(bench, item, "groups.facts", Groups)[0].why_not)
    return Done({"film": film, "facts": write_rows(bench.new("facts.jsonl"), [facts])})


PACKING: tuple[Step, ...] = (
    Step(
        "bridges",
        1,
        "language",
        ("lips.clips", "groups.facts", "in.source"),
        _split_bridges,
        one_by_one(_bridge),
        _join_bridges,
        params=("picture",),
    ),
    Step(
        "package",
        2,
        "language",
        ("bridges.pieces", "groups.facts", "mix.programme", "original.sound", "subtitles.film.srt", "probe.facts", "in.source"),
        _split_package,
        one_by_one(_package),
        params=("source", "target"),
    ),
)
