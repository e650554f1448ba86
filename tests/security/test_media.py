"""Hostile media, as table C5 of the checklist measures them: each is refused by intake, and bites an ffmpeg without our guards."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import hostile
import media as fuzz
import pytest
from canary import Canary, bare, opens
from films import cut, film, flip_bits, lavfi

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import MediaError, NightdubError
from nightdub.infra.media.check import check_decodes
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import probe
from nightdub.infra.media.safety import LIMITS, Limits
from nightdub.infra.store import open_store
from nightdub.tasks.probe import probe_source


@pytest.fixture(scope="session")
def outside_mp4(outside: Path) -> Path:
    return film(outside.with_suffix(".mp4"), "-c:v", "libx264", "-preset", "ultrafast", "-an", "-movflags", "dash", seconds=1, size="64x48")


@pytest.mark.parametrize("name", hostile.READERS)
@pytest.mark.parametrize("ending", [".mp4", ".ts"])
def test_a_list_that_leads_to_another_file_is_refused(name: str, ending: str, outside: Path, outside_mp4: Path, tmp_path: Path) -> None:
    text, options = hostile.READERS[name]
    path = tmp_path / f"film{ending}"
    path.write_text(text.format(file=outside, mp4=outside_mp4, relative=os.path.relpath(outside, tmp_path)))
    with pytest.raises(MediaError, match="not media") as caught:
        probe_source(path)
    assert "mpeg2video" not in str(caught.value)
    assert opens(path, *options), "the control: without guards this file is opened"


@pytest.mark.parametrize("name", hostile.CALLERS)
def test_a_list_that_calls_a_server_is_refused(name: str, canary: Canary, tmp_path: Path) -> None:
    text, options = hostile.CALLERS[name]
    path = tmp_path / "film.mp4"
    path.write_text(text.format(url=f"{canary.url}/segment.ts"))
    with pytest.raises(MediaError, match="not media"):
        probe_source(path)
    assert canary.hits == []
    opens(path, *options)
    assert canary.hits, "the control: without guards this file calls"


def test_a_session_description_opens_no_port(tmp_path: Path) -> None:
    port = _free_port()
    path = tmp_path / "film.mp4"
    path.write_text(hostile.SDP.format(port=port))
    with pytest.raises(MediaError, match="a session description"):
        probe_source(path)
    words = ["ffprobe", "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-i", str(path)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as control:
        opened = _wait_for(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
        control.kill()
    assert opened, "the control: without guards this file opens its port"


def test_an_address_is_no_file(canary: Canary) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        probe_source(Path(f"{canary.url}/film.mp4"))
    assert canary.hits == []
    assert opens(Path("/"), "-i", f"{canary.url}/film.ts") or canary.hits


@pytest.mark.parametrize("target", ["/etc/passwd", "concat:/etc/passwd|/etc/hostname", "subfile,,start,0,end,99,,:/etc/passwd"])
def test_a_list_that_leads_to_no_medium_is_refused(target: str, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text(hostile.HLS.format(target=target))
    with pytest.raises(MediaError, match="an HLS playlist") as caught:
        probe_source(path)
    assert "root:" not in str(caught.value)


def test_a_list_behind_a_film_is_not_read(outside: Path, tmp_path: Path) -> None:
    """A file that begins as one family stays one: the other demuxers are not asked."""
    path = tmp_path / "film.mp4"
    path.write_bytes(hostile.box(b"free", hostile.HLS.format(target=outside).encode()))
    with pytest.raises(MediaError, match="moov atom not found"):
        probe_source(path)


BOMBS: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "16,000 pixels square in MOV": ("film.mov", hostile.picture_bomb, "allowed: up to 8192 pixels a side"),
    "16,000 pixels square in MKV": ("film.mkv", hostile.picture_bomb, "allowed: up to 8192 pixels a side"),
    "55 hours of FLAC that do not say so": ("film.flac", hostile.unsaid_length, "allowed: up to 12 hours"),
    "20,000 boxes inside each other": ("film.mp4", hostile.deep_boxes, "too deeply nested"),
    "100,000 empty boxes": ("film.mp4", hostile.many_boxes, "moov atom not found"),
    "268 million samples": ("film.mp4", hostile.many_samples, "unreadable or too large size"),
    "100 streams": ("film.ts", hostile.many_streams, "max_streams"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_limits(name: str, tmp_path: Path) -> None:
    file, make, message = BOMBS[name]
    small = Limits(wall=60, cpu=20, memory=1 << 30)
    with pytest.raises(MediaError) as caught:
        fuzz.intake(make(tmp_path / file), small)
    assert message in str(caught.value)
    assert "of CPU" not in str(caught.value)


def test_more_packets_than_allowed_are_not_collected(tmp_path: Path) -> None:
    path = lavfi(tmp_path / "film.wav", audio="sine=440:r=48000:d=2")
    assert probe(path).duration == 2.0
    with pytest.raises(MediaError, match="more than 10 packets"):
        probe(path, Limits(packets=10))


def test_a_cover_of_16000_pixels_is_never_decoded(tmp_path: Path) -> None:
    path = hostile.cover_bomb(tmp_path / "film.mp3")
    small = Limits(memory=768 << 20)
    assert probe(path, small).audio_streams == 1
    check_decodes(path, small)
    assert read_header(path, small).picture is None
    streams = bare("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", str(path)).stdout
    assert b"png,16000" in streams, "the control: the picture is there"


def test_a_size_that_only_the_header_claims_is_not_believed(tmp_path: Path) -> None:
    found = probe(hostile.huge_header(tmp_path / "film.mov"))
    assert (found.width, found.height) == (64, 48)


def test_attached_files_are_left_where_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    path = hostile.attachments(folder / "film.mkv")
    before = sorted(tmp_path.rglob("*"))
    assert probe_source(path).frames == 10
    assert sorted(tmp_path.rglob("*")) == before
    bare("ffmpeg", "-v", "error", "-dump_attachment:t", str(tmp_path / "escaped.ttf"), "-i", str(path))
    assert (tmp_path / "escaped.ttf").exists(), "the control: the attachment is there"


def test_spoilt_files_of_all_families_are_answered(tmp_path: Path, canary: Canary) -> None:
    """A seeded part of the 5,000 that `tests/fuzz/media.py` makes; docs/security.md has the figures of all."""
    found = list(fuzz.outcomes(range(32), 7, tmp_path))
    assert len(found) == 32
    assert {outcome.family for outcome in found} == set(fuzz.SEEDS)
    assert [outcome for outcome in found if outcome.is_finding] == []
    assert {outcome.kind for outcome in found} >= {"accepted", "refused"}
    assert (canary.hits, canary.packets(), fuzz.left_running(tmp_path)) == ([], 0, [])


def test_the_fuzzer_finds_what_is_planted(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        raise KeyError(path.name)

    assert all(outcome.is_finding for outcome in fuzz.outcomes(range(8), 7, tmp_path, act=broken))


def test_spoilt_shots_are_answered_by_our_own_readers(tmp_path: Path) -> None:
    shot = film(tmp_path / "shot.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-an", seconds=0.4, size="64x48").read_bytes()
    path = tmp_path / "spoilt.mp4"
    for number in range(600):
        path.write_bytes(fuzz.spoilt(number, 7, {"mp4": shot})[1])
        assert fuzz.judge(path, number, "mp4", fuzz.as_shot).kind == "accepted", number


def test_every_damaged_copy_is_flagged_by_its_digest(tmp_path: Path) -> None:
    """60 with flipped bits and 50 cut short, in the place of the object that was stored."""
    good = film(tmp_path / "film.mp4", seconds=1)
    store = open_store(str(tmp_path / "store"))
    stored = store.fetch(store.put_file(good))
    stored.chmod(0o644)
    for copy in _damaged(good, tmp_path):
        stored.write_bytes(copy.read_bytes())
        with pytest.raises(NightdubError, match=r"sha256|digest|damaged|differs"):
            store.fetch(digest_file(good))


@pytest.mark.slow
def test_nearly_every_damaged_copy_fails_the_strict_decode(tmp_path: Path) -> None:
    """The digest is what is sure; the strict decode is for a first delivery, of which no digest is known."""
    copies = _damaged(film(tmp_path / "film.mp4", seconds=1), tmp_path)
    passed = [copy.name for copy in copies if fuzz.judge(copy, act=_decode).kind == "accepted"]
    assert len(copies) == 110
    assert [name for name in passed if name.startswith("cut")] == []
    assert len(passed) <= 6


def _decode(path: Path) -> None:
    check_decodes(path)


def _damaged(good: Path, folder: Path) -> list[Path]:
    flipped = [flip_bits(good, folder / f"flipped-{seed}.mp4", 8, seed) for seed in range(60)]
    return flipped + [cut(good, folder / f"cut-{share}.mp4", share / 52) for share in range(1, 51)]


def _free_port() -> int:
    """Return a free UDP port that is even, as RTP wants it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
            probe_socket.bind(("127.0.0.1", 0))
            if (port := probe_socket.getsockname()[1]) % 2 == 0:
                return int(port)


def _wait_for(happened: Callable[[], bool], seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.02)
    return False


def test_the_limits_are_those_of_the_documents() -> None:
    assert (LIMITS.pixels, LIMITS.side, LIMITS.streams, LIMITS.duration) == (33_177_600, 8192, 64, 43_200)
