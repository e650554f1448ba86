"""Every reader of bytes that others made, as a function to be fuzzed: what goes in, what may come out, and examples that it reads.

A reader either returns or raises a NightdubError that says where. The few that are inner parts of one raise what their callers turn
into one: `ValueError`, by their own docstrings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from examples import (
    ANSWER,
    ASS,
    AVCC,
    CAST,
    CATALOGUE,
    CSV_TOKENS,
    DELIVERY,
    DRAFT,
    EXAMPLES,
    FILES,
    GLOSSARY,
    LIST,
    MEMORY,
    NUMBER_TOKENS,
    PAIRS,
    POLICY,
    PROBED,
    PROFILE,
    RATINGS,
    RELEASE,
    REVISION,
    SETTINGS,
    SHEET,
    TIME_TOKENS,
    TIMES,
    TMX,
    TTML,
    VMAF,
    VTT,
    XLIFF,
    XML_TOKENS,
    YAML_TOKENS,
)
from readers import (
    _catalogue,
    _chat,
    _clock,
    _convert,
    _credentials,
    _delivered,
    _draft,
    _engine,
    _examples,
    _gate,
    _hls,
    _in_memory,
    _line,
    _page,
    _pointer,
    _policy,
    _probed,
    _reader,
    _release,
    _script,
    _sets,
    _settings,
    _sheet,
    _sheet_xml,
    _shot,
    _stored_manifest,
    _subtitles,
    _workbook,
    _xliff,
    in_file,
)
from speech import CORPORA, CORPUS_READERS, CORPUS_TOKENS, read_corpora

from nightdub.infra.errors import NightdubError

HERE = Path(__file__).parent
FOUND = HERE / "found"  # inputs that once broke a reader, by target


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
        "corpora": Target(
            in_file(read_corpora), CORPORA, tuple(f"datasets.readers.{name}" for name in CORPUS_READERS), tokens=CORPUS_TOKENS
        ),
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
            tokens=("9" * 40, "1,234,567,", "12.345.678.", "3 km", "$1,", "(((", "\u266a", "II", "\u767e\u4e07", "st ", "\u0967", "no "),
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
