"""The media room's front door: every call that decodes or encodes, under one name."""

from __future__ import annotations

from nightdub.infra.media.assemble import Piece, assemble, join_shots
from nightdub.infra.media.check import check_decodes
from nightdub.infra.media.frames import FrameWriter, encode_range, read_frames
from nightdub.infra.media.groups import Groups, picture_digests, read_groups
from nightdub.infra.media.mux import AudioTrack, SubtitleTrack, mux
from nightdub.infra.media.sound import encode_sound, extract_audio, extract_programme, write_wav

__all__ = [
    "AudioTrack",
    "FrameWriter",
    "Groups",
    "Piece",
    "SubtitleTrack",
    "assemble",
    "check_decodes",
    "encode_range",
    "encode_sound",
    "extract_audio",
    "extract_programme",
    "join_shots",
    "mux",
    "picture_digests",
    "read_frames",
    "read_groups",
    "write_wav",
]
