"""Readers as functions of bytes: each is called as the product calls it."""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from examples import AVCC

from nightdub.infra.errors import NightdubError


def in_file(read: Callable[[Path], object], name: str = "file") -> Callable[[bytes], object]:
    """Return a reader of bytes from one of paths."""

    def call(data: bytes) -> object:
        path = scratch() / name
        path.write_bytes(data)
        return read(path)

    return call


@cache
def scratch() -> Path:
    """Return a folder for this process's files, in memory where there is such a thing, gone with the process."""
    shared = Path("/dev/shm")  # noqa: S108
    _keep.append(tempfile.TemporaryDirectory(prefix="nightdub-fuzz-", dir=shared if shared.is_dir() else None))
    return Path(_keep[0].name)


_keep: list[Any] = []


def _script(data: bytes) -> object:
    from nightdub.tasks.script import parse_script
    from nightdub.tasks.timecode import RATES

    return parse_script(data, "script", 5400.0, RATES["25"])


def _convert(data: bytes) -> object:
    from nightdub.tasks.formats.convert import Wanted, convert
    from nightdub.tasks.timecode import RATES

    made = [convert(data, "input", form, Wanted(RATES["29.97df"], 0.5, "en", "es")) for form in ("srt", "vtt", "ttml", "ass")]
    return made + [_quietly(convert, data, "input", form, Wanted(RATES["25"], 0.0, "en", "es")) for form in ("csv", "xliff", "tmx")]


def _quietly(call: Callable[..., object], *given: object) -> object:
    """Return the result, or the error where it is one of ours: the next form is tried as well."""
    try:
        return call(*given)
    except NightdubError as error:
        return error


def _subtitles(data: bytes) -> object:
    from nightdub.quality.metrics.subtitle_read import read_subtitles

    return [read_subtitles(name, data) for name in ("srt", "film.vtt", "ttml")]


def _clock(data: bytes) -> object:
    from nightdub.tasks.timecode import RATES, clock, frames_of, is_code, named_rate, written_clock

    text = data.decode("utf-8", "replace")
    moment = clock(text)
    _quietly(named_rate, text)
    codes = [_quietly(frames_of, text, rate) for rate in RATES.values()]
    return written_clock(moment) if abs(moment) < 1e300 else None, is_code(text), codes


def _xliff(data: bytes) -> object:
    from nightdub.tasks.formats.line import decode
    from nightdub.tasks.formats.xliff import read_xliff

    return read_xliff(decode(data, "input"), "input")


def _catalogue(path: Path) -> object:
    from nightdub.tasks.catalogue import read_catalogue

    return read_catalogue(path, {"preview"})


def _policy(path: Path) -> object:
    from nightdub.quality.policy import read_policy

    return read_policy("tiny", path.parent)


def _settings(path: Path) -> object:
    from nightdub.infra.settings import load_settings

    return load_settings(path).effective()


def _sheet(kind: str) -> Callable[[bytes], object]:
    def read(path: Path) -> object:
        from nightdub.tasks.review_sheet import read_sheet

        return read_sheet(path)

    return in_file(read, f"sheet{kind}")


def _reader(module: str, name: str, file: str = "file") -> Callable[[bytes], object]:
    """Return a module's reader of a path, imported when it is first called."""

    def read(path: Path) -> object:
        return getattr(import_module(f"nightdub.{module}"), name)(path)

    return in_file(read, file)


def _in_memory(module: str, name: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        return getattr(import_module(f"nightdub.{module}"), name)(data)

    return read


def _examples(path: Path) -> object:
    from nightdub.datasets.evaluation import read_set

    return read_set(str(path))


def _engine(data: bytes) -> object:
    from nightdub.tasks.engines.spelling import read_engine, spell_engine

    return spell_engine(*read_engine(data.decode("utf-8", "replace")))


class _Pointers:
    """A store of one pointer and one object, as `Draft`, `released_package` and `read_manifest` see it."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def read_pointer(self, _name: str) -> Any:
        from nightdub.infra.store import Pointer

        return Pointer(self.value, "1")

    def get_bytes(self, _digest: str) -> bytes:
        return self.value

    def exists(self, digest: str) -> bool:
        from nightdub.infra.store_contract import check_digest

        return bool(check_digest(digest))


def _draft(data: bytes) -> object:
    from nightdub.infra.lease import Draft

    return Draft(_Pointers(data), "drafts/x").read()  # type: ignore[arg-type]


def _release(data: bytes) -> object:
    from nightdub.flows.night import Books
    from nightdub.flows.pointer import released_package

    return released_package(Books(None, None, _Pointers(data)), "pilot", "es")  # type: ignore[arg-type]


def _stored_manifest(data: bytes) -> object:
    from nightdub.infra.build import read_manifest

    return read_manifest(_Pointers(data), "0" * 64)  # type: ignore[arg-type]


def _pointer(data: bytes) -> object:
    from nightdub.infra.store_contract import unseal

    return unseal(data, "pointer")


def _probed(data: bytes) -> object:
    from nightdub.infra.media.header import parse_answer

    return parse_answer(data, "MP4/QuickTime", 1000, "film")


def _sets(data: bytes) -> object:
    from nightdub.infra.media import avc

    sets = avc.read_sets(data)
    return sets.numbers, sets.with_others(sets).to_bytes(), list(avc.units(data, 4))


def _credentials(path: Path) -> object:
    from nightdub.infra.credentials import verify

    return verify(path)


def _delivered(path: Path) -> object:
    from nightdub.flows.delivered import check_folder

    return check_folder(path.parent)


def _hls(data: bytes) -> object:
    from nightdub.infra.media.hls import Text, _subtitles

    place = scratch() / "hls"
    place.mkdir(exist_ok=True)
    (place / "in.vtt").write_bytes(data)
    return _subtitles(Text(place / "in.vtt", "es", "Spanish"), place / "text-0", 10.0)


def _chat(data: bytes) -> object:
    from nightdub.tasks.engines.chat import _checked, _read

    return [_checked(texts, "Hello.", 3) for texts in _read(data).values()]


def _line(data: bytes) -> object:
    """Do with a delivered line what the chain does with its text, in several languages."""
    from nightdub.quality.metrics.normalise import characters, comparable, numerals
    from nightdub.quality.metrics.subtitle_read import misread
    from nightdub.quality.metrics.units import changed_units
    from nightdub.tasks.duration import estimate
    from nightdub.tasks.engines.english import spoken
    from nightdub.tasks.formats.line import is_sound, label_of, one_row
    from nightdub.tasks.line_breaks import break_lines, halves
    from nightdub.tasks.meaning import same_sense, with_numbers_of
    from nightdub.tasks.script import LONGEST
    from nightdub.tasks.shorten import shorten
    from nightdub.tasks.sound_events import known_sound

    text = one_row(data.decode("utf-8", "replace"))[:LONGEST].strip()
    made: list[object] = [is_sound(text), label_of(text), misread(text), with_numbers_of(text, text, text)]
    made += [spoken(token, bool) for token in text.split()]
    for language in ("en", "es", "de", "ja", "hi"):
        made += [comparable(text, language), numerals(text, language), characters(text, language), estimate(text, language)]
        made += [same_sense(text, text[::-1], language), shorten(text, language), halves(text, language), break_lines(text, language, 2)]
        made += [changed_units(text, text[::-1], "en", language), known_sound(text, language, "en")]
    return made


def _gate(path: Path) -> object:
    from nightdub.apps.gate import _rows

    return _rows(path)


@cache
def _workbook() -> bytes:
    from nightdub.tasks.review_sheet import SheetRow, write_sheet

    path = scratch() / "example.xlsx"
    return write_sheet(path, [SheetRow("s0001", 1.0, 2.5, "Ana", "Hello.", "=Hola", revision="abc")], "pilot", "en", "es").read_bytes()


def _sheet_xml(data: bytes) -> object:
    """Read a workbook whose first page is the given XML: mutations of the archive itself seldom get behind its checksums."""
    book = io.BytesIO(_workbook())
    made = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(made, "w") as new:
        for member in old.namelist():
            new.writestr(member, data if member.endswith("sheet1.xml") else old.read(member))
    return _sheet(".xlsx")(made.getvalue())


def _page() -> bytes:
    with zipfile.ZipFile(io.BytesIO(_workbook())) as book:
        return book.read("xl/worksheets/sheet1.xml")


@cache
def _shot() -> bytes:
    """Return a small MP4 of three samples, as boxes: enough for what joining reads."""

    def box(name: bytes, body: bytes) -> bytes:
        return (8 + len(body)).to_bytes(4, "big") + name + body

    entry = box(b"avc1", bytes(24) + (160).to_bytes(2, "big") + (120).to_bytes(2, "big") + bytes(50) + box(b"avcC", AVCC))
    four = [number.to_bytes(4, "big") for number in (0, 1, 3, 512, 0, 5, 6, 7)]
    table = box(b"stsd", bytes(8) + entry) + box(b"stts", b"".join(four[:4])) + box(b"stsz", four[0] * 2 + four[2] + b"".join(four[5:8]))
    table += box(b"stss", four[0] + four[1] + four[1])
    media = box(b"mdhd", bytes(12) + (12_800).to_bytes(4, "big")) + box(b"minf", box(b"stbl", table))
    return box(b"ftyp", b"isom") + box(b"mdat", bytes(18)) + box(b"moov", box(b"trak", box(b"mdia", media)))
