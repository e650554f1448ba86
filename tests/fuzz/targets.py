"""Every reader of bytes that others made, as a function to be fuzzed: what goes in, what may come out, and examples that it reads.

A reader either returns or raises a NightdubError that says where. The few that are inner parts of one raise what their callers turn
into one: `ValueError`, by their own docstrings.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from nightdub.infra.errors import NightdubError

HERE = Path(__file__).parent
FOUND = HERE / "found"  # inputs that once broke a reader, by target

TIMES = b"1\n00:00:01,000 --> 00:00:02,500\nANA: <i>Hello</i> & {\\an8}good &lt;bye&gt;\n\n2\n00:00:03,000 --> 00:00:04,000\n[door shuts]\n"
VTT = (
    b"WEBVTT\nLanguage: en\n\nNOTE\nquiet\n\n1\n00:01.000 --> 00:02.500 line:0\n<v Ana><c.forced>Hello</c></v>\n\n"
    b"STYLE\n::cue {}\n\n00:00:03.000 --> 00:00:04.000 line:10%\n<v.loud Ben>One <v Ana>two &amp; &#x41;\n"
)
TTML = b"""<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"
 xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" ttp:frameRate="24" ttp:tickRate="100"
 ttp:frameRateMultiplier="1000 1001" ttp:dropMode="nonDrop" ttp:timeBase="media" xml:lang="en"><head><styling>
<style xml:id="a" tts:fontStyle="italic"/><style xml:id="b" style="a" tts:fontWeight="bold"/></styling><layout>
<region xml:id="r" tts:origin="10% 10%" tts:extent="80% 35%" tts:displayAlign="before"/></layout>
<metadata><ttm:agent xml:id="p" type="character"><ttm:name>Ana</ttm:name></ttm:agent></metadata></head>
<body><div begin="1s"><p begin="00:00:01.5" end="00:00:02:12" region="r" ttm:agent="p" style="b">One<br/><span style="a">two</span></p>
<p begin="24f" dur="100t">Three<metadata><ttm:desc>note</ttm:desc></metadata></p></div></body></tt>"""
ASS = b"""[Script Info]
Language: en
[V4+ Styles]
Format: Name, Alignment
Style: Sign,8
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,note
Dialogue: 0,0:00:01.00,0:00:02.00,Sign,Ana,0,0,0,,{\\an8\\i1}One{\\i0}\\Ntwo {note}{\\p1}m 0 0{\\p0}
"""
LIST = b"TC In;TC Out;Character;Type;Comment;Dialogue\n01:00:01:00;01:00:02:10;Ana;;soft;Hello; there\n01:00:03:00;;Ben;OST;;EXIT\n"
XLIFF = b"""<?xml version="1.0"?><xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" xmlns:mda="urn:oasis:names:tc:xliff:metadata:2.0"
 version="2.1" srcLang="en" trgLang="es"><file id="f1" original="pilot"><unit id="s0001"><mda:metadata><mda:metaGroup category="dialogue">
<mda:meta type="start">00:00:01.000</mda:meta><mda:meta type="speaker">Ana</mda:meta></mda:metaGroup></mda:metadata>
<notes><note>soft</note><note>revision abc123</note></notes><segment state="final"><source>Hello
<pc id="1" type="fmt" subType="xlf:i">you</pc></source><target>Hola <ph id="2"/></target></segment></unit></file></xliff>"""
TMX = b"""<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header srclang="en"/><body>
<tu tuid="1" changedate="20260131T235959Z"><note>n</note><prop type="x">y</prop><tuv xml:lang="en-US"><seg>Hello <bpt i="1">x<sub>in
</sub></bpt>you</seg></tuv><tuv xml:lang="es"><seg>Hola</seg></tuv></tu></body></tmx>"""
MEMORY = b'en,es,fr\n"Hello, you.",Hola.,\nBye.,,Adieu.\n'
GLOSSARY = b"source\tes\tfr\nNightdub\t*\nnight train\ttren nocturno\ttrain de nuit\n"
CAST = b"speaker,voice,gender,consent\nAna,es_1,female,c-1\nBen,,male,\n"
CATALOGUE = (
    b"id,source,language,targets,script,series,episode,profile,priority\n"
    b'pilot,film.mp4,en,es;fr,"script.srt",show,e1,preview,-3\nother,../film.mp4,en,en;xx,,,,,high\n'
)
PROFILE = b"""name: tiny
policy: preview
commercial: false
engines:
  translate: [{name: chat, settings: {url: "http://host/v1", temperature: 0.5}}, {name: apertium}]
sound: {loudness: -23, gating: programme}
delivery: {name: "{title}.{language}"}
"""
POLICY = b"""name: tiny
describes: few rules
rules:
- {metric: account.missing_lines, comparison: "==", threshold: 0, unit: lines, severity: block, because: "a \\"figure\\""}
- {metric: account.excused_share, comparison: "<=", threshold: 20, unit: "%", at_least: 3}
"""
SETTINGS = b"""# ours
home = "here"
store = "s3://bucket/prefix"
workers = 4
lease_seconds = 6.5e1
deadline_minutes = 600
"""
SHEET = (
    b"\xef\xbb\xbfline,start,end,speaker,source,text,origin,notes,approve,lock,revision\r\n"
    b's0001,1.000,2.500,Ana,Hello,\'=Hola,,"a\nb",yes,,abc\r\n'
)
PAIRS = b'{"id": "a", "ref": "hello", "hyp": "hallo", "src": "hola"}\n\n{"id": "b", "ref": "", "hyp": "\\u00e9"}\n'
FILES = b'[{"ref": "a.wav", "gen": "b.wav"},\n {"ref": "../c", "gen": "/etc/passwd"}]'
RATINGS = b"segment,listener,score\ns1,ann,4\ns1,ben,3.5\n"
EXAMPLES = b'{"id": "a", "text": "hello", "language": "en", "translations": {"es": "hola"}, "speaker": "x"}\n'
REVISION = (
    b'{"step":"probe","version":1,"outputs":{"facts":"'
    + b"0" * 64
    + b'"},"items":[{"id":"s1","key":"k","files":{"a":"'
    + b"1" * 64
    + b'"},"row":{}}]}'
)
DRAFT = b'[{"id":"s1","key":"k","files":{"sound":"' + b"1" * 64 + b'"},"sizes":{"sound":3},"row":{"a":[1]},"engine":"e","tried":["x: y"]}]'
RELEASE = b'{"language":"es","package":"' + b"2" * 64 + b'","synthetic":true,"title":"pilot"}'
DELIVERY = b'{"title":"pilot","language":"es","files":[{"name":"a.srt","bytes":3,"sha256":"' + b"3" * 64 + b'","signed":false}]}'
PROBED = b"""{"streams": [{"codec_type": "video", "codec_name": "h264", "width": 1920, "height": 1080, "avg_frame_rate": "24000/1001",
"r_frame_rate": "25/1", "start_time": "0.04", "duration": "9.5", "sample_aspect_ratio": "0:1", "level": 40,
"tags": {"DURATION": "00:00:09.5"},
"extradata": "\\n00000000: 0164 0028 ffe1                           ..d.(",
"side_data_list": [{"rotation": -90}], "disposition": {"attached_pic": 0}},
{"codec_type": "audio", "codec_name": "aac", "sample_rate": "48000", "channels": 2, "tags": {"language": "eng"},
"disposition": {"default": 1}}],
"format": {"duration": "10.0", "start_time": "0.0"}}"""
AVCC = bytes.fromhex("0164001fffe100066764001fac8001000468ee3cb0fdf8f800")
ANSWER = b'{"choices": [{"message": {"content": "```{\\"lines\\": [{\\"id\\": 1, \\"texts\\": [\\"Hola\\", \\"Eh\\"]}]}```"}}]}'
VMAF = b'{"version": "3.0", "frames": [{"metrics": {"vmaf": 93.1}}, {"metrics": {"vmaf": 90}}]}'


@dataclass(frozen=True)
class Target:
    """One reader. `read` is called with bytes; `covers` are the modules whose code reads them; `errors` what it may raise besides."""

    read: Callable[[bytes], object]
    examples: tuple[bytes, ...]
    covers: tuple[str, ...]
    errors: tuple[type[Exception], ...] = ()
    places: bool = True  # its errors name the place
    tokens: tuple[str, ...] = field(default=())  # words of its grammar


TEXTS = ("tasks.formats.files", "tasks.formats.line", "tasks.formats.tags", "tasks.timecode", "tasks.script")
XML = ("tasks.formats.safe_xml",)
XML_TOKENS = ("<!DOCTYPE", "<!ENTITY", "<![CDATA[", "&#x0;", "xmlns=", "<?xml version='1.0' encoding='utf-16'?>", "<p>" * 80, "\ud7ff")
TIME_TOKENS = ("-->", "99999999999999999999:00:00", "0:60:60", "9" * 400, "::", "00:00:00.000000001", "{\\", "<v ", "&#1114112;")
NUMBER_TOKENS = ("1e999", "-1", "NaN", "9" * 5000, "null", "[[", '"\\ud800"', "\\u0000")
CSV_TOKENS = ('"', '""', ";", "\t", ",,,", "=1+1", "\r", "\x0b")
YAML_TOKENS = (
    "&a ",
    "*a",
    "!!python/name:os.system ",
    "<<: ",
    "[" * 30,
    "{",
    "? ",
    "- ",
    "!!timestamp x",
    ".inf",
    "0x_",
    "1_0",
    "2001-99-99",
    "\t",
)


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


def targets() -> dict[str, Target]:
    """Return every target by name."""
    strict = ("infra.strict_yaml",)
    return {
        "script": Target(
            _script,
            (TIMES, VTT, TTML, ASS, LIST),
            (
                "tasks.formats.srt",
                "tasks.formats.vtt",
                "tasks.formats.ttml",
                "tasks.formats.ttml_head",
                "tasks.formats.ass",
                "tasks.formats.dialogue_list",
                *TEXTS,
                *XML,
            ),
            tokens=TIME_TOKENS + XML_TOKENS,
        ),
        "convert": Target(_convert, (TIMES, VTT, TTML, ASS, LIST, XLIFF, TMX), ("tasks.formats.convert",), tokens=TIME_TOKENS),
        "subtitles": Target(_subtitles, (TIMES, VTT, TTML), ("quality.metrics.subtitle_read",), tokens=TIME_TOKENS),
        "clock": Target(_clock, (b"01:02:03.004", b"00:59:59;29", b"12.5"), ("tasks.timecode",), tokens=TIME_TOKENS),
        "xliff": Target(_xliff, (XLIFF,), ("tasks.formats.xliff", *XML), tokens=XML_TOKENS),
        "tmx": Target(_reader("tasks.formats.tmx", "read_tmx"), (TMX,), ("tasks.formats.tmx", *XML), tokens=XML_TOKENS),
        "memory": Target(_reader("tasks.memory", "read_memory"), (MEMORY, TMX), ("tasks.memory", "tasks.tables"), tokens=CSV_TOKENS),
        "glossary": Target(_reader("tasks.glossary", "read_glossary"), (GLOSSARY,), ("tasks.glossary",), tokens=CSV_TOKENS),
        "cast": Target(_reader("tasks.speakers", "read_cast"), (CAST,), ("tasks.speakers",), tokens=CSV_TOKENS),
        "catalogue": Target(
            in_file(_catalogue, "catalogue.csv"), (CATALOGUE,), ("tasks.catalogue",), tokens=(*CSV_TOKENS, "../", "http://", "a/" * 70)
        ),
        "profile": Target(
            _reader("tasks.profile", "read_profile", "tiny.yaml"), (PROFILE,), ("tasks.profile", *strict), tokens=YAML_TOKENS
        ),
        "policy": Target(in_file(_policy, "tiny.yaml"), (POLICY,), ("quality.policy", *strict), tokens=YAML_TOKENS),
        "settings": Target(
            in_file(_settings, "nightdub.toml"),
            (SETTINGS,),
            ("infra.settings",),
            places=False,
            tokens=("[[", "[a.b]", "'''", "9" * 5000, "= [" * 600),
        ),
        "sheet-csv": Target(_sheet(".csv"), (SHEET,), ("tasks.review_sheet",), tokens=CSV_TOKENS),
        "sheet-xlsx": Target(_sheet(".xlsx"), (_workbook(),), ("tasks.review_sheet",)),
        "sheet-xlsx-page": Target(
            _sheet_xml, (_page(),), ("tasks.review_sheet",), tokens=(*XML_TOKENS, 'r="XFD1048576"', 't="d"', "<v>9e999</v>")
        ),
        "sheet-xliff": Target(_sheet(".xlf"), (XLIFF,), ("tasks.review_sheet",), tokens=XML_TOKENS),
        "pairs": Target(_reader("quality.metrics.pairs", "read_text_pairs"), (PAIRS,), ("quality.metrics.pairs",), tokens=NUMBER_TOKENS),
        "file-pairs": Target(
            _reader("quality.metrics.pairs", "read_file_pairs"),
            (FILES,),
            ("quality.metrics.pairs",),
            tokens=(*NUMBER_TOKENS, "x" * 5000, "\\u0000"),
        ),
        "ratings": Target(
            _reader("quality.metrics.listeners", "read_ratings"), (RATINGS,), ("quality.metrics.listeners",), tokens=CSV_TOKENS
        ),
        "examples": Target(
            in_file(_examples, "set.jsonl"),
            (EXAMPLES,),
            ("datasets.evaluation",),
            tokens=(*NUMBER_TOKENS, '"audio": "../../x.wav", '),
        ),
        "engine": Target(_engine, (b"whisper:large-v3", b"espeak-ng:normal_rate=170,x=true"), ("tasks.engines.spelling",), places=False),
        "chat": Target(_chat, (ANSWER,), ("tasks.engines.chat",), tokens=NUMBER_TOKENS),
        "line": Target(
            _line,
            (
                b"Dr. O'Neil paid $1,234.50 for 3 km on 01.02.2024 at 10:30, no?",
                "„Drei Kilo“ — 3,5 °C; 二百三十円。".encode(),
                b"[sighs] (door)",
            ),
            ("quality.metrics.normalise", "tasks.engines.english", "tasks.line_breaks", "tasks.meaning", "tasks.shorten"),
            tokens=("9" * 500, "1,234,567,", "12.345.678.", "3 km", "$1,", "(((", "\u266a", "II", "\u767e\u4e07", "st ", "\u0967", "no "),
        ),
        "gate": Target(in_file(_gate), (PAIRS,), ("apps.gate",), tokens=NUMBER_TOKENS),
        "draft": Target(_draft, (DRAFT,), ("infra.lease",), tokens=NUMBER_TOKENS),
        "release": Target(_release, (RELEASE,), ("flows.pointer",), tokens=NUMBER_TOKENS),
        "pointer": Target(_pointer, (b"0" * 32 + b"\nvalue",), ("infra.store_contract",)),
        "manifest": Target(_stored_manifest, (REVISION,), ("infra.build",), (ValueError, RecursionError), tokens=NUMBER_TOKENS),
        "delivery": Target(in_file(_delivered, "manifest.json"), (DELIVERY,), ("flows.delivered",), tokens=NUMBER_TOKENS),
        "probed": Target(_probed, (PROBED,), ("infra.media.header",), tokens=NUMBER_TOKENS),
        "sets": Target(_sets, (AVCC,), ("infra.media.avc",), (ValueError,)),
        "segment": Target(_reader("infra.media.boxes", "read_segment"), (_shot(),), ("infra.media.boxes",)),
        "samples": Target(_reader("infra.media.boxes", "read_samples"), (_shot(),), ("infra.media.boxes",)),
        "sniff": Target(_reader("infra.media.sniff", "sniff"), (_shot(), b"RIFF1234WAVE", b"#EXTM3U"), ("infra.media.sniff",)),
        "credentials": Target(in_file(_credentials, "film.mp4"), (_shot(),), ("infra.credentials",)),
        "hls-text": Target(_hls, (VTT,), ("infra.media.hls",)),
        "vmaf": Target(
            _in_memory("quality.metrics.films", "read_vmaf_log"), (VMAF,), ("quality.metrics.films",), (ValueError, KeyError, TypeError)
        ),
    }


def check(target: Target, data: bytes) -> str:
    """Read an input; return what broke the promise, or nothing."""
    try:
        target.read(data)
    except NightdubError as error:
        return "" if error.where or not target.places else f"{error.code} names no place: {error}"
    except target.errors:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""
