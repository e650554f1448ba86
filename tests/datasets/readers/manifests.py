"""Corpora in the layouts that are anybody's: plain folders, JSON lines, Lhotse's manifests, HuggingFace's folders."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from planted import Planted, lines, sound


def folder_of_files(folder: Path) -> Planted:
    """Write texts of both kinds, a text without its recording, a recording without its text, names of other scripts, two of one name."""
    for name in ("ana/a b.wav", "ana/one.wav", "ana/one.flac", "ben/없음.wav", "ben/two.wav", "top.wav"):
        sound(folder / name)
    lines(folder / "ana/a b.txt", "a space", "and a break", end=b"\r\n")
    lines(folder / "ana/one.lab", "in the lab")
    lines(folder / "ben/없음.txt", "\ufeffanother script")
    lines(folder / "ben/three.txt", "no sound")
    lines(folder / "ben/two.lab", "passed over")
    lines(folder / "ben/two.txt", b"\xff\xfe")
    (folder / "loop").symlink_to(folder)
    return Planted(
        ("ana/a_b-360c9a12e596", "ana/one", "ben/__-30717ef5b6c7"),
        (
            ("ana/one", "duplicate-id", "ana/one.wav"),
            ("", "unsafe-path", "loop"),
            ("ben/three", "no-audio", "ben/three.txt"),
            ("ben/two", "bad-row", "ben/two.wav"),
            ("top", "no-text", "top.wav"),
        ),
        {"language": "en", "speaker": "folder"},
    )


def jsonl(folder: Path) -> Planted:
    """Write the exchange format, stretches of one recording, an emotion by number and an unknown one, and lines that are no rows."""
    sound(folder / "audio/a.wav", 1)
    row = {"id": "a", "audio_path": "audio/a.wav", "text": "hello", "language": "en", "speaker": "ana", "emotion": "happy"}
    rows: Sequence[object] = (
        row,
        row | {"id": "b", "emotion": 4, "start": 0.25, "duration": 0.5, "recording": "a"},
        row | {"id": "c", "emotion": None, "speaker": None, "duration": 1.0},
        row | {"id": "d", "emotion": "joy"},
        row | {"id": "e", "start": 0.5, "end": 0.25},
        row | {"id": "f", "language": "Klingon"},
        row | {"id": 7},
        {"id": "g"},
        [],
        row | {"id": "h", "text": "a\0b"},
        row | {"id": "i", "duration": -1},
    )
    lines(folder / "manifest.jsonl", *(json.dumps(row, ensure_ascii=False) for row in rows), '{"id": "j"', "[" * 5000)
    at = "manifest.jsonl:"
    codes = ("bad-label", "bad-row", "bad-label", *["bad-row"] * 7)
    names = ("d", "e", "f", "", "", "", "h", "i", "", "")
    return Planted(("a", "b", "c"), tuple((name, code, f"{at}{n}") for n, (name, code) in enumerate(zip(names, codes, strict=True), 4)))


def _recording(name: str, source: object, kind: str = "file", **more: object) -> dict[str, object]:
    sources = [{"type": kind, "channels": [0], "source": source}]
    return {"id": name, "sources": sources, "sampling_rate": 22050, "num_samples": 22050, "duration": 1.0, "channel_ids": [0], **more}


def _supervision(name: str, recording: str, start: float = 0.0, duration: float = 1.0, **more: object) -> dict[str, object]:
    fixed = {"channel": 0, "text": "hello", "language": "English", "speaker": "ana", "gender": "F"}
    return {"id": name, "recording_id": recording, "start": start, "duration": duration, **fixed, **more}


def lhotse(folder: Path) -> Planted:
    """Write recordings and supervisions, packed, some of the recordings commands, addresses and memory."""
    sound(folder / "wavs/r1.wav", 1)
    recordings = [
        _recording("r1", "wavs/r1.wav"),
        _recording("r2", f"touch {folder}/canary; cat wavs/r1.wav", "command"),
        _recording("r3", "http://127.0.0.1:9/r.wav", "url"),
        _recording("r4", "UklGRg==", "memory"),
        _recording("r5", "wavs/r1.wav", transforms=[{"name": "Speed", "kwargs": {"factor": 1.1}}]),
        _recording("r1", "wavs/r1.wav"),
        {"id": "broken"},
    ]
    supervisions = [
        _supervision("s1", "r1", custom={"emotion": "sad", "quality": "high", "snr": 3.0}),
        _supervision("s2", "r1", 0.25, 0.5),
        *[_supervision(f"s{number}", f"r{number}") for number in (2, 3, 4, 5, 6)][1:],
        _supervision("s7", "r1", text=None),
        _supervision("s8", "r1", 0.5, -0.25),
    ]
    for name, rows in (("recordings", recordings), ("supervisions", supervisions)):
        (folder / f"x_{name}_all.jsonl.gz").write_bytes(gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows)))
    at, named = "x_supervisions_all.jsonl.gz:", "x_recordings_all.jsonl.gz:"
    return Planted(
        ("s1", "s2"),
        (
            ("r1", "duplicate-id", f"{named}6"),
            ("", "bad-row", f"{named}7"),
            ("s3", "unsafe-path", f"{at}3"),
            ("s4", "unsafe-path", f"{at}4"),
            ("s5", "bad-row", f"{at}5"),
            ("s6", "no-audio", f"{at}6"),
            ("s7", "no-text", f"{at}7"),
            ("s8", "bad-row", f"{at}8"),
        ),
    )


def lhotse_cuts(folder: Path) -> Planted:
    """Write cuts: one voice, none, two, a mix, and one that is piped from a command."""
    sound(folder / "wavs/r1.wav", 1)
    good = _recording("r1", "/data/x/wavs/r1.wav")
    cut = {"start": 0.25, "duration": 0.5, "channel": 0, "type": "MonoCut", "recording": good}
    said = _supervision("s1", "r1", 0.0, 0.5)
    rows = [
        cut | {"id": "c1", "supervisions": [said]},
        cut | {"id": "c2", "supervisions": []},
        cut | {"id": "c3", "supervisions": [said, said]},
        {"id": "c4", "type": "MixedCut", "start": 0.0, "duration": 1.0, "tracks": []},
        cut | {"id": "c5", "supervisions": [said], "recording": _recording("r5", f"touch {folder}/canary |")},
        cut | {"id": "c6", "supervisions": [said], "recording": _recording("r6", ["touch"], "file")},
    ]
    lines(folder / "cuts.jsonl", *map(json.dumps, rows))
    codes = ("no-text", "bad-row", "bad-row", "unsafe-path", "unsafe-path")
    return Planted(("c1",), tuple((f"c{n}", code, f"cuts.jsonl:{n}") for n, code in enumerate(codes, 2)), {"prefix": "/data/x/"})


def huggingface(folder: Path) -> Planted:
    """Write a split with CSV: quotes, a comma in them, one that stays open; and a split with JSON lines."""
    for name in ("train/a.wav", "train/sub/b.wav", "train/c.wav", "train/d.wav", "test/e.wav"):
        sound(folder / name)
    page = io.StringIO()
    rows = csv.writer(page, lineterminator="\n")
    rows.writerow(["file_name", "transcription", "speaker_id", "emotion"])
    rows.writerow(["a.wav", 'he said "yes", twice', "ana", "calm"])
    rows.writerow(["sub\\b.wav", '=HYPERLINK("http://127.0.0.1:9")', "ana", "2"])
    page.write('c.wav,"open,ana,\nd.wav,fields\n')
    (folder / "train/metadata.csv").write_text(page.getvalue())
    lines(
        folder / "test/metadata.jsonl",
        json.dumps({"file_name": "e.wav", "transcription": "from test", "speaker_id": 7, "language": "es", "emotion": 3}),
        json.dumps({"file_name": "../train/a.wav", "transcription": "out of its folder"}),
        json.dumps({"transcription": "no file"}),
    )
    return Planted(
        ("test/e", "train/a", "train/sub/b"),
        (
            ("test/../train/a", "unsafe-path", "test/metadata.jsonl:2"),
            ("", "bad-row", "test/metadata.jsonl:3"),
            ("", "bad-row", "train/metadata.csv:4"),
            ("", "bad-row", "train/metadata.csv:5"),
            ("", "no-text", "train/c.wav"),
            ("", "no-text", "train/d.wav"),
        ),
        {"language": "en"},
    )
