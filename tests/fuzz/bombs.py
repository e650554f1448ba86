"""Files at the edge of what is let in, made to cost time or memory: `python bombs.py` reads them all."""

from __future__ import annotations

import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import targets as registry
from examples import ASS, TIMES, XLIFF
from readers import _shot, _workbook

from nightdub.infra.errors import NightdubError

MEMORY = 1024 << 20  # bytes that reading any of them may add
CUE = b"1\n00:00:01,000 --> 00:00:02,000\n"
EDGE = 4 << 20  # bytes; a script may have four times as many


def sheet(page: bytes, **more: bytes) -> bytes:
    """Return a workbook with another first page."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_workbook())) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, page if member.endswith("sheet1.xml") else more.get(Path(member).stem, old.read(member)))
    return made.getvalue()


def page(rows: bytes, head: bytes = b"") -> bytes:
    """Return a worksheet with these rows."""
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return b'<?xml version="1.0"?>' + head + b"<worksheet " + space + b"><sheetData>" + rows + b"</sheetData></worksheet>"


def ttml(body: bytes, head: bytes = b"") -> bytes:
    """Return a document."""
    space = b'xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"'
    return b"<tt " + space + b"><head><styling>" + head + b"</styling></head><body><div>" + body + b"</div></body></tt>"


def filled(unit: bytes, size: int = EDGE) -> bytes:
    """Return so many bytes of a unit."""
    return unit * (size // len(unit))


LAUGHS = b"<!DOCTYPE x [<!ENTITY a0 'ha'>" + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 20)) + b"]>"
STYLES = b"".join(b'<style xml:id="a%d" style="%s"/>' % (n, b" ".join(b"a%d" % other for other in range(190))) for n in range(190))

# name -> target, the file, and a word of what is said of it ("" = it is read)
BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "ten million lines": ("script", lambda: filled(b"1\n", 20_000_000), "20000000 bytes"),
    "a million lines": ("script", lambda: CUE + b"a\n" * 1_000_000, "1000002 rows"),
    "srt: half of an open mark": ("script", lambda: CUE + filled(b"{\\an8 "), "too-long"),
    "srt: arrows": ("script", lambda: CUE + filled(b"0-->0 "), "usable"),
    "srt: a time of digits": ("script", lambda: filled(b"0") + b" --> 1\n" + TIMES, ""),
    "vtt: half of an open class": ("script", lambda: b"WEBVTT\n\n00:01.000 --> 00:02.000\n<c." + filled(b"forced "), "too-long"),
    "vtt: voices": ("script", lambda: b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + filled(b"<v A>b", 1 << 20), ""),
    "ass: braces": ("script", lambda: ASS + filled(b"{\\"), ""),
    "brackets": ("script", lambda: CUE + filled(b"["), "too-long"),
    "notes": ("script", lambda: CUE + filled("♪".encode()), "too-long"),
    "labels": ("script", lambda: CUE + filled(b"ANA: ", 1 << 20), "too-long"),
    "entities": ("script", lambda: CUE + filled(b"&amp;"), "too-long"),
    "ttml: styles of styles": ("script", lambda: ttml(b'<p begin="1s" end="2s" style="a0">x</p>' * 100, STYLES), ""),
    "ttml: too many styles": ("script", lambda: ttml(b"", b"".join(b'<style xml:id="%d"/>' % n for n in range(201))), "201 styles"),
    "ttml: a style named often": (
        "script",
        lambda: ttml(b'<p begin="1s" end="2s" style="' + filled(b"a ", 4 << 20) + b'">x</p>', STYLES[:1000]),
        "broken",
    ),
    "ttml: depth": ("script", lambda: ttml(b"<span>" * 1_000_000), "more than 64"),
    "ttml: laughs": ("script", lambda: LAUGHS + ttml(b"<p>&a19;</p>"), "document type"),
    "tmx: laughs": ("tmx", lambda: LAUGHS.replace(b"<!DOCTYPE x", b"<!DOCTYPE tmx") + b"<tmx/>", "document type"),
    "tmx: half of a document type": ("tmx", lambda: filled(b"<!DOCTYPE tmx SYSTEM ''  ", 4 << 20), "document type"),
    "xliff: units": (
        "xliff",
        lambda: XLIFF.replace(b"</unit>", b"<x>" * 60 + filled(b"<x/>", 4 << 20) + b"</x>" * 60 + b"</unit>"),
        "",
    ),
    "csv: a huge cell": ("memory", lambda: b'en,es\n"' + filled(b"a") + b'",b\n', "field limit"),
    "csv: columns": ("memory", lambda: filled(b"en,", 4 << 20) + b"\n", "header"),
    "csv: columns of a list": ("script", lambda: b"start,end,text," + filled(b"a,", 1 << 20) + b"\n1,2,x\n", "1"),
    "catalogue: columns": ("catalogue", lambda: b"id,source,language,targets," + filled(b"a,", 1 << 20), "wrong header"),
    "catalogue: targets": ("catalogue", lambda: b"id,source,language,targets\nt,x,en," + filled(b"es;", 100_000) + b"\n", ""),
    "catalogue: folders": ("catalogue", lambda: b"id,source,language,targets\nt," + filled(b"a/", 100_000) + b"x,en,es\n", ""),
    "json: depth": ("pairs", lambda: b"[" * 5_000_000, "no JSON"),
    "json: digits": ("pairs", lambda: b"9" * 10_000_000, "no JSON"),
    "json: depth of a draft": ("draft", lambda: b'[{"row":' + b"[" * 1_000_000, ""),
    "json: depth of a header": ("probed", lambda: b'{"streams":' + b"[" * 1_000_000, "makes no sense"),
    "toml: depth": ("settings", lambda: b"a = " + b"[" * 500_000, "no TOML"),
    "xlsx: far cells": (
        "sheet-xlsx",
        lambda: sheet(page(b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (n, n) for n in range(1, 50_000)))),
        "no column",
    ),
    "xlsx: a far row": ("sheet-xlsx", lambda: sheet(page(b'<row r="1048576"><c r="A1048576"/></row>')), "50001 rows and more"),
    "xlsx: laughs": ("sheet-xlsx", lambda: sheet(page(b'<row r="1"><c r="A1" t="str"><v>&a19;</v></c></row>', LAUGHS)), "not a workbook"),
    "xlsx: unpacked": ("sheet-xlsx", lambda: sheet(b" " * (65 << 20)), "bytes unpacked"),
    "mp4: samples": (
        "samples",
        lambda: _shot().replace(b"stsz" + bytes(8) + bytes([0, 0, 0, 3]), b"stsz" + bytes(7) + b"\1" + b"\xff" * 4),
        "not an encoded",
    ),
}


def main() -> None:
    """Read every bomb, and print what was said of each and how many bytes of memory that took, one JSON object a line."""
    readers = registry.targets()
    for target in {target for target, _, _ in BOMBS.values()}:
        for example in readers[target].examples:
            registry.check(readers[target], example)  # imports all that it uses
    before = _peak()
    resource.setrlimit(resource.RLIMIT_DATA, (before + 3 * MEMORY,) * 2)
    for name, (target, make, _) in BOMBS.items():
        wrong, said = "", ""
        try:
            said = str(readers[target].read(make()))[:5000]
        except NightdubError as error:
            said = str(error)[:2000]
        except Exception as error:
            wrong = f"{type(error).__name__}: {str(error)[:200]}"
        print(json.dumps({"name": name, "wrong": wrong, "said": said, "bytes": _peak() - before}), flush=True)  # noqa: T201


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
