"""The media room's front door: every call that decodes or encodes, under one name."""

from __future__ import annotations

from nightdub.infra.media.check import check_decodes
from nightdub.infra.media.frames import FrameWriter, encode_range, join_shots, read_frames
from nightdub.infra.media.mux import AudioTrack, SubtitleTrack, mux
from nightdub.infra.media.sound import extract_audio, extract_programme, write_wav

__all__ = [
    "AudioTrack",
    "FrameWriter",
    "SubtitleTrack",
    "check_decodes",
    "encode_range",
    "extract_audio",
    "extract_programme",
    "join_shots",
    "mux",
    "read_frames",
    "write_wav",
]
