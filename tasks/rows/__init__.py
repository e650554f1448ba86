"""The rows that travel between steps: frozen values with units as types, one JSON line each.

Times are seconds from the start of the programme unless a field says otherwise. Ids derive from the parent's id and an index.
"""

from __future__ import annotations

from nightdub.tasks.rows.catalogue import Title
from nightdub.tasks.rows.generation import Clip, Cue, Pause, Placement, SpokenSound, Translation
from nightdub.tasks.rows.people import BookVoice, CastMember, Permission, Speaker, VoiceClip
from nightdub.tasks.rows.perception import (
    Acoustics,
    Dropped,
    Features,
    MatchedLine,
    MatchedStretch,
    MediaFacts,
    Room,
    ScriptMatch,
    Segment,
    Unscripted,
    Utterance,
    Word,
)
from nightdub.tasks.rows.picture import FaceBox, FaceSpan, FaceTrack, PicturePiece, Shot, ShotClip
from nightdub.tasks.rows.units import Decibel, Hertz, Language, Row, Seconds, read_rows, write_rows
from nightdub.tasks.rows.verification import Account, Measurement, Worst

__all__ = [
    "Account",
    "Acoustics",
    "BookVoice",
    "CastMember",
    "Clip",
    "Cue",
    "Decibel",
    "Dropped",
    "FaceBox",
    "FaceSpan",
    "FaceTrack",
    "Features",
    "Hertz",
    "Language",
    "MatchedLine",
    "MatchedStretch",
    "Measurement",
    "MediaFacts",
    "Pause",
    "Permission",
    "PicturePiece",
    "Placement",
    "Room",
    "Row",
    "ScriptMatch",
    "Seconds",
    "Segment",
    "Shot",
    "ShotClip",
    "Speaker",
    "SpokenSound",
    "Title",
    "Translation",
    "Unscripted",
    "Utterance",
    "VoiceClip",
    "Word",
    "Worst",
    "read_rows",
    "write_rows",
]
