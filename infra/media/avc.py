"""What joining H.264 pictures needs of their headers and packets: parameter sets and kinds of units (ITU-T H.264, ISO 14496-15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

IDR, SPS, PPS = 5, 7, 8  # nal_unit_type: a picture that nothing after it leans across, the two kinds of parameter sets
_ID_AT = {SPS: 4, PPS: 1}  # bytes before the set's own number: unit header, and for SPS profile, flags, level


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """A decoder configuration record (`avcC`): what a decoder is told before the first packet."""

    profile: bytes  # profile, compatibility flags, level
    length_size: int  # bytes of the length before each unit of a packet
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes = b""  # what high profiles append

    @property
    def numbers(self) -> frozenset[int]:
        """Return the numbers by which pictures call for these sets."""
        return frozenset(set_number(unit) for unit in (*self.sps, *self.pps))

    def with_others(self, other: ParameterSets) -> ParameterSets:
        """Return both records as one; sets that both have stand once."""
        sps = (*self.sps, *(unit for unit in other.sps if unit not in self.sps))
        return replace(self, sps=sps, pps=(*self.pps, *(unit for unit in other.pps if unit not in self.pps)))

    def to_bytes(self) -> bytes:
        """Return the record as a sample entry holds it."""
        parts = [b"\1", self.profile, bytes([0xFC | (self.length_size - 1), 0xE0 | len(self.sps)])]
        parts += [len(unit).to_bytes(2, "big") + unit for unit in self.sps]
        parts += [bytes([len(self.pps)]), *(len(unit).to_bytes(2, "big") + unit for unit in self.pps), self.tail]
        return b"".join(parts)


def read_sets(record: bytes) -> ParameterSets:
    """Read a configuration record. Raises: ValueError where it is none, as for packets with start codes (MPEG-TS)."""
    if len(record) < 7 or record[0] != 1:
        raise ValueError("not a decoder configuration record")
    sps, at = _units(record, 6, record[5] & 0x1F)
    if at >= len(record):
        raise ValueError("a decoder configuration record that ends early")
    pps, at = _units(record, at + 1, record[at])
    return ParameterSets(record[1:4], (record[4] & 3) + 1, sps, pps, record[at:])


def units(packet: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the units of a packet. Raises: ValueError where lengths do not add up."""
    at = 0
    while at < len(packet):
        size = int.from_bytes(packet[at : at + length_size], "big")
        at += length_size
        if not 0 < size <= len(packet) - at:
            raise ValueError(f"a unit of {size} bytes in a packet of {len(packet)}")
        yield packet[at : at + size]
        at += size


def kind(unit: bytes) -> int:
    """Return a unit's nal_unit_type."""
    return unit[0] & 0x1F


def set_number(unit: bytes) -> int:
    """Return the number of a parameter set: an Exp-Golomb code (H.264, 9.1). Raises: ValueError."""
    if kind(unit) not in _ID_AT:
        raise ValueError(f"a unit of type {kind(unit)} among the parameter sets")
    start = _ID_AT[kind(unit)]
    bits = int.from_bytes(unit[start : start + 4].ljust(4, b"\0"), "big")
    zeros = 32 - bits.bit_length()
    if zeros > 15:
        raise ValueError("a parameter set without a number")
    return (bits >> (31 - 2 * zeros)) - 1


def _units(record: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        size = int.from_bytes(record[at : at + 2], "big")
        found.append(record[at + 2 : at + 2 + size])
        at += 2 + size
    if at > len(record) or not all(found):
        raise ValueError("a decoder configuration record that ends early")
    return tuple(found), at
