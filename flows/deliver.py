"""Delivery: a released film as files that a service takes in: MP4, Matroska, HLS, masters, subtitles, and a manifest of it all.

Everything is made from the released film and the outputs of the steps that had a part in it, whatever was built since. Nothing is
encoded again. The folder appears whole or not at all; the signature is the last thing written into the film, the manifest into the folder.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nightdub.flows.delivered import MANIFEST, File, check_folder, put_in_place, refuse_others, upload
from nightdub.flows.lineage import FILM
from nightdub.flows.night import Books
from nightdub.flows.released import PUBLIC, Released, find_released, statement
from nightdub.infra.credentials import SIGNABLE, sign, verify
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError
from nightdub.infra.media.hls import Sound, Text, write_hls
from nightdub.infra.media.mux import AudioTrack, SubtitleTrack, mux
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language, MediaFacts


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of subtitles: the outputs that hold it, and what players are told."""

    outputs: str  # "subtitles" + this + ".srt" and so on
    title: str
    forced: bool = False
    described: bool = False
    chosen: bool = False  # by players for whoever reads the language and hears the original


# Forced ones stand first: MP4 marks the first subtitles as default, whatever is asked for.
VARIANTS = (
    Variant(".forced", "{} (forced)", forced=True),
    Variant("", "{}"),
    Variant(".translated", "{} (for the original sound)", chosen=True),
    Variant(".sdh", "{} (SDH)", described=True, chosen=True),
)
MASTERS = {"mix.programme": "mix", "mix.dialogue": "dialogue", "mix.bed": "music-and-effects", "mix.stereo": "mix-stereo"}


def deliver(books: Books, title: str, language: Language, forms: Sequence[str], to: str) -> tuple[str, list[str]]:
    """Write what is released of a title-language into a folder of its own below `to`; return its place and the names of its files.

    `to` is a folder or `s3://bucket/prefix`. An earlier delivery of the same title-language is replaced whole.

    Raises:
        LedgerError: nothing is released, or the ledger no longer knows what it was made of.
        ConfigError: an unknown form, a name that cannot be, a place that holds something else, a certificate that cannot be used.
        MediaError: a file came out wrong, or came back from S3 as another one.
        StoreError: the server refused.
    """
    if strange := sorted(set(forms) - FORMS.keys()):
        raise ConfigError(f"unknown form {', '.join(strange)}", allowed=", ".join(FORMS), fix="name one of these")
    found = find_released(books, title, language)
    remote, place = "://" in to, f"{to.rstrip('/')}/{found.name}"
    if not remote:
        refuse_others(Path(place), title, language)
    with _scratch(books.settings.home if remote else Path(to), found) as made:
        files = [path for form in dict.fromkeys(forms) for path in FORMS[form](found, made)]
        (made / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest(found, made, files)), indent=1) + b"\n")
        names = check_folder(made)
        if remote:
            upload(made, place, books.settings)
        else:
            put_in_place(made, Path(place))
    return place, names


def manifest(found: Released, folder: Path, files: Sequence[Path]) -> dict[str, object]:
    """Return what is said of a delivery: the film's statement, and every file with its digest (docs/packages.md)."""
    rows = [
        File(
            path.relative_to(folder).as_posix(),
            path.stat().st_size,
            digest_file(path),
            signed=path.suffix in SIGNABLE and verify(path) is not None,
        )
        for path in sorted(files)
    ]
    return statement(found) | {"files": rows}


@contextmanager
def _scratch(below: Path, found: Released) -> Iterator[Path]:
    """Yield an empty folder that is gone when the block ends, unless it was moved away."""
    below.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{found.name}.", dir=below))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- forms


def _film(found: Released, folder: Path, ending: str) -> list[Path]:
    """Write the film with every kind of subtitles, and sign it where there is a certificate."""
    out, film = folder / f"{found.name}{ending}", found.path(FILM)
    dubbed, spoken = LANGUAGES[found.language], LANGUAGES[found.source]
    sounds = [
        AudioTrack(film, dubbed.iso639_2, _dubbed(found), default=True),
        AudioTrack(film, spoken.iso639_2, _original(found), stream=1),
    ]
    texts = [
        SubtitleTrack(path, dubbed.iso639_2, variant.title.format(dubbed.name), variant.forced, variant.forced, variant.described)
        for variant, path in _subtitles(found, "srt")
    ]
    aspect = found.shelf.rows("probe.facts", MediaFacts)[0].pixel_aspect or "1:1"
    mux(film, sounds, texts, out, pixel_aspect=aspect, tags={"title": found.headline, "comment": found.mark})
    settings = found.books.settings
    if settings.c2pa_certificate and settings.c2pa_key and ending in SIGNABLE:
        bare = out.rename(folder / f".bare{ending}")
        said = {name: value for name, value in statement(found).items() if name in PUBLIC}
        sign(bare, found.path("in.source"), out, settings.c2pa_certificate, settings.c2pa_key, said, found.headline)
        bare.unlink()
    return [out]


def _hls(found: Released, folder: Path) -> list[Path]:
    place, name = folder / "hls", LANGUAGES[found.language].name
    place.mkdir()
    sounds = [Sound(0, found.language, _dubbed(found), default=True), Sound(1, found.source, _original(found))]
    texts = [
        Text(path, found.language, variant.title.format(name), variant.forced, variant.described, variant.chosen)
        for variant, path in _subtitles(found, "vtt")
    ]
    return write_hls(found.path(FILM), sounds, texts, place)


def _masters(found: Released, folder: Path) -> list[Path]:
    """Copy the sound as it was mixed: 48 kHz, 24 bits."""
    names = [(output, f"{found.name}.{name}.wav") for output, name in MASTERS.items() if found.has(output)]
    return [Path(shutil.copyfile(found.path(output), folder / name)) for output, name in names]


def _texts(found: Released, folder: Path) -> list[Path]:
    return [
        Path(shutil.copyfile(path, folder / f"{found.name}{variant.outputs}.{ending}"))
        for ending in ("srt", "vtt", "ttml")
        for variant, path in _subtitles(found, ending)
    ]


def _subtitles(found: Released, ending: str) -> Iterator[tuple[Variant, Path]]:
    """Yield the kinds of subtitles that were made and hold a cue, in one form."""
    for variant in VARIANTS:
        output = f"subtitles{variant.outputs}"
        if found.has(f"{output}.srt") and found.path(f"{output}.srt").stat().st_size:
            yield variant, found.path(f"{output}.{ending}")


def _dubbed(found: Released) -> str:
    return f"{LANGUAGES[found.language].name} (synthetic dub)"


def _original(found: Released) -> str:
    return f"{LANGUAGES[found.source].name} (original)"


FORMS: dict[str, Callable[[Released, Path], list[Path]]] = {
    "mp4": lambda found, folder: _film(found, folder, ".mp4"),
    "mkv": lambda found, folder: _film(found, folder, ".mkv"),
    "hls": _hls,
    "masters": _masters,
    "subtitles": _texts,
}
