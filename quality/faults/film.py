"""The film of a dub, packed anew with something else in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.media.ffmpeg import FrameWriter, Piece, assemble, read_frames, read_groups
from nightdub.infra.media.header import read_header
from nightdub.infra.media.mux import AAC_RATE
from nightdub.infra.media.rewrap import Track, rewrap
from nightdub.quality.dub import Dub
from nightdub.quality.metrics.package import dub_track
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.package import MARK

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR
Change = Callable[[Iterator[Frame]], Iterable[Frame]]

_FINE = 12  # crf of frames that are encoded again: nothing of it is seen
_FASTSTART = {"movflags": "+faststart"}


def repack(
    dub: Dub,
    folder: Path,
    *,
    sound: Path | None = None,
    picture: Path | None = None,
    sounds: Sequence[Track] | None = None,
    subtitles: Sequence[Track] | None = None,
    suffix: str = "",
    bit_rate: str = AAC_RATE,
    options: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Dub:
    """Return the dub with its film packed anew; whatever is not given is as it was, packet by packet.

    `sound` is a WAV in place of the dub track, `picture` a silent film, `sounds` and `subtitles` whole lists of tracks.
    """
    film = dub.files.film
    tracks = list(sounds if sounds is not None else sounds_of(dub))
    if sound is not None:
        place = dub_place(dub)
        tracks[place] = replace(tracks[place], path=sound, stream=0)
    out = folder / f"film{suffix or '.mp4'}"
    form = _FASTSTART if options is None and out.suffix == ".mp4" else options
    marks = {"comment": MARK.format(LANGUAGES[dub.target].name), **(tags or {})}
    texts = subtitles_of(dub) if subtitles is None else subtitles
    rewrap(picture or film, tracks, texts, out, bit_rate=bit_rate, options=form, tags=marks)
    return replace(dub, files=replace(dub.files, film=out))


def sounds_of(dub: Dub) -> list[Track]:
    """Return the sounds of a dub's film as they are."""
    header = read_header(dub.files.film)
    return [
        Track(dub.files.film, sound.language, sound.title, stream=place, default=sound.default) for place, sound in enumerate(header.sounds)
    ]


def subtitles_of(dub: Dub) -> list[Track]:
    """Return the subtitles of a dub's film as they are."""
    return [Track(dub.files.film, language, stream=place) for place, language in enumerate(read_header(dub.files.film).subtitles)]


def dub_place(dub: Dub) -> int:
    """Return which sound of the film is the dub, counted from 0; the first one where none says so."""
    return dub_track(read_header(dub.files.film), dub.target) or 0


def change_frames(dub: Dub, folder: Path, first: int, last: int, change: Change) -> Dub:
    """Return the dub with frames `first` up to, not including, `last` of its film changed, and no others.

    From the key frame before them to the one after them the picture is encoded again, finely; the rest keeps its packets.
    """
    return repack(dub, folder, picture=changed_picture(dub, folder, first, last, change))


def changed_picture(dub: Dub, folder: Path, first: int, last: int, change: Change) -> Path:
    """Return a silent film with some frames changed; `change` may return more or fewer frames than it was given."""
    film, picture = dub.files.film, read_header(dub.files.film).picture
    groups = read_groups(film)
    start = max(key for key in groups.starts if key <= first)
    stop = min([key for key in groups.starts if key >= last], default=groups.frames)
    frames, rate = read_frames(film, start, stop), f"{dub.frame_rate.numerator}/{dub.frame_rate.denominator}"
    fresh, out = folder / "fresh.mp4", folder / "picture.mp4"
    width, height = (picture.width, picture.height) if picture else (0, 0)
    with FrameWriter(fresh, width, height, rate, crf=_FINE, like=film) as writer:
        for frame in _spliced(frames, first - start, last - start, change):
            writer.write(frame)
    pieces = [Piece(0, start), Piece(start, stop, fresh), Piece(stop, groups.frames)]
    assemble(film, [piece for piece in pieces if piece.first < piece.last], dub.frame_rate, out, exact=False)
    return out


def _spliced(frames: Iterator[Frame], first: int, last: int, change: Change) -> Iterator[Frame]:
    """Yield frames with those from `first` to `last` changed."""
    for _ in range(first):
        yield next(frames)
    yield from change(_taken(frames, last - first))
    yield from frames


def _taken(frames: Iterator[Frame], count: int) -> Iterator[Frame]:
    for _ in range(count):
        yield next(frames)
