"""Where a film's picture can be cut between its packets: at pictures that nothing leans across (IDR of ITU-T H.264)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media import avc
from nightdub.infra.media.header import Picture, ask, read_header
from nightdub.infra.media.process import ffmpeg_command, started
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.shot import PROFILES
from nightdub.infra.media.sniff import MATROSKA, MP4, sniff

LENGTH_SIZE = 4  # bytes before each unit of a packet, as ffmpeg writes them


@dataclass(frozen=True, slots=True)
class Groups:
    """Frames at which a group of pictures starts that stands by itself; or why packets of this film cannot be kept."""

    frames: int
    starts: tuple[int, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a picture, in the order of decoding."""

    time: int  # ticks, of display
    size: int  # bytes
    key: bool
    shown: bool


def read_groups(path: Path, limits: Limits = LIMITS) -> Groups:
    """Return where the picture of a film can be cut, from every packet's own units; one pass over the file, nothing is decoded.

    Raises: MediaError where the file cannot be read, or has no picture.
    """
    picture = read_header(path, limits).picture
    if picture is None:
        raise MediaError("no picture", where=str(path), fix="deliver a file with video")
    if why := _why_not(path, picture):
        return Groups(0, why_not=why)
    packets = read_packets(path, limits)
    if not packets or not all(packet.shown for packet in packets):
        return Groups(len(packets), why_not="the container hides some of its frames (edit list)")
    try:
        heads = _heads(path, picture, packets, limits)
    except ValueError as error:
        return Groups(len(packets), why_not=str(error))
    ranks = ranks_of(packets)
    starts = tuple(place for place, idr in enumerate(heads) if idr and ranks[place] == place)
    if not starts or starts[0] != 0:
        return Groups(len(packets), why_not="the first picture is no IDR")
    return Groups(len(packets), starts)


def read_packets(path: Path, limits: Limits = LIMITS) -> list[Packet]:
    """Return the packets of a film's picture as they lie there. Raises: MediaError, as where one has no time."""
    command = ask(path, limits, "-select_streams", "v:0", "-show_entries", "packet=pts,size,flags", "-of", "csv=p=0:nk=1")
    with started(command, limits, str(path)) as process:
        rows = csv.reader(io.TextIOWrapper(process.stdout, "ascii", errors="replace"))  # type: ignore[type-var]
        return [_packet(path, row) for row in rows if len(row) >= 3]


def read_bytes(path: Path, packets: Sequence[Packet], limits: Limits = LIMITS) -> Iterator[bytes]:
    """Yield the bytes of each of a film's packets, one in memory at a time. Raises: MediaError where they are not as long as listed."""
    graph = media_input(path, limits)["v:0"].output("pipe:", f="data", vcodec="copy")
    with started(ffmpeg_command(graph, limits), limits, str(path)) as process:
        for packet in packets:
            data = process.stdout.read(packet.size) if process.stdout else b""
            if len(data) < packet.size:
                raise MediaError("its packets are not as long as they are listed", where=str(path), fix="deliver the file again")
            yield data
        if process.stdout and process.stdout.read(1):
            raise MediaError("it has more packets than are listed", where=str(path), fix="deliver the file again")


def picture_digests(path: Path, limits: Limits = LIMITS) -> list[str]:
    """Return the md5 of each packet of a film's picture, in the order of display. Raises: MediaError."""
    fields = ("-select_streams", "v:0", "-show_data_hash", "md5", "-show_entries", "packet=pts,data_hash", "-of", "csv=p=0:nk=1")
    with started(ask(path, limits, *fields), limits, str(path)) as process:
        rows = csv.reader(io.TextIOWrapper(process.stdout, "ascii", errors="replace"))  # type: ignore[type-var]
        return [digest for _, digest in sorted((int(row[0]), row[1]) for row in rows if len(row) >= 2 and row[0].lstrip("-").isdigit())]


def ranks_of(packets: Sequence[Packet]) -> list[int]:
    """Return which frame each packet is, in the order of display."""
    order = sorted(range(len(packets)), key=lambda place: packets[place].time)
    ranks = [0] * len(packets)
    for rank, place in enumerate(order):
        ranks[place] = rank
    return ranks


def _why_not(path: Path, picture: Picture) -> str:
    """Return why nothing can be kept, as far as the header tells; empty = it may be."""
    reasons = (
        (sniff(path) not in (MP4, MATROSKA), f"packets in {sniff(path).name} are not taken over"),
        (picture.codec != "h264", f"{picture.codec} is not taken over, only h264"),
        (picture.pixel_format != "yuv420p" or picture.profile not in PROFILES, f"{picture.profile or 'unknown'}, {picture.pixel_format}"),
        (picture.full_range, "full range"),
        (picture.rotation != 0, f"the picture is turned by {picture.rotation} degrees"),
        (not picture.headers.startswith(b"\1"), "no decoder headers in the container"),
    )
    return next((why for found, why in reasons if found), "")


def _heads(path: Path, picture: Picture, packets: Sequence[Packet], limits: Limits) -> list[bool]:
    """Return whether each packet is an IDR picture. Raises: ValueError where the stream changes its headers on the way."""
    sets = avc.read_sets(picture.headers)
    if sets.length_size != LENGTH_SIZE:
        raise ValueError(f"units with lengths of {sets.length_size} bytes")
    known = {*sets.sps, *sets.pps}
    found = []
    for data in read_bytes(path, packets, limits):
        kinds = set()
        for unit in avc.units(data, LENGTH_SIZE):
            kinds.add(avc.kind(unit))
            if avc.kind(unit) in (avc.SPS, avc.PPS) and unit not in known:
                raise ValueError("its headers change on the way")
        found.append(avc.IDR in kinds)
    return found


def _packet(path: Path, row: list[str]) -> Packet:
    try:
        return Packet(int(row[0]), int(row[1]), "K" in row[2], "D" not in row[2])
    except ValueError:
        raise MediaError("a packet without a time", where=str(path), fix="deliver it as MP4 or Matroska") from None
