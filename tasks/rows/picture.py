"""What is seen: shots, faces, and shots as they are in the dub."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `first` up to, not including, `last`, without a cut between them."""

    id: str
    first: int
    last: int
    entry: str = ""  # how it begins: "dissolve" or "fade" (the cut lies in the middle of it); empty = a hard cut, or a part of a long shot


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face in one frame, in pixels of the source picture."""

    frame: int
    x: int
    y: int
    width: int
    height: int
    turn: float = 0.0  # 0 = frontal, 1 = profile: how far the tip of the nose has gone from the middle of the face's outline to its edge


@dataclass(frozen=True, slots=True)
class FaceSpan:
    """Frames `first` up to, not including, `last`, in which one face of a shot speaks."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """Who speaks in one shot: boxes at key frames of the face that does, or the reason why no mouth will be moved.

    Where people take turns each has a span; the boxes in a span, and two at its ends, are that person's.
    """

    shot: str
    boxes: tuple[FaceBox, ...] = ()
    skipped: str = ""  # "no-speech", "no-face", "too-small", "profile", "occluded", "unsteady", "off-screen"
    spans: tuple[FaceSpan, ...] = ()  # in order; empty = one face, the whole shot


@dataclass(frozen=True, slots=True)
class ShotClip:
    """One row of a picture manifest: the encoded frames of one shot."""

    shot: str
    first: int
    last: int
    picture: str = ""  # digest of the encoded shot; empty = the source's own packets, for the reason in `skipped`
    frames: int = 0
    key: str = ""
    moved: int = 0  # frames in which a mouth was redrawn
    skipped: str = ""  # why the original frames stand: "no-face", "no-speech", ...
    failed: str = ""


@dataclass(frozen=True, slots=True)
class PicturePiece:
    """Frames `first` up to, not including, `last` of a dub's picture."""

    first: int
    last: int
    shot: str = ""  # the shot that they belong to; empty where they may be of several
    picture: str = ""  # digest of the encoded frames
    kept: bool = False  # they are the source's own packets
    within: int = 0  # frames of the piece that lie before `first`
