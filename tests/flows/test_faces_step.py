"""How the chain tells a shot's faces what is heard in it, and a dubbed line whose face says it."""

from __future__ import annotations

from fractions import Fraction

from nightdub.flows.chain.lips import _own_span
from nightdub.flows.chain.shots import _lines_in
from nightdub.tasks.rows import FaceBox, FaceSpan, FaceTrack, Placement, Segment, Shot
from nightdub.tasks.speaking import SpokenLine

RATE, SHOT = Fraction(25), Shot("s0001", 100, 200)


def test_a_shot_hears_its_lines_in_its_own_time_and_knows_speakers_by_order() -> None:
    lines = [
        Segment("l1", 1.0, 3.0, "before"),
        Segment("l2", 3.5, 5.0, "over the cut", "Bob"),
        Segment("l3", 5.5, 6.0, "within", "Ann"),
        Segment("l4", 6.5, 7.0, "within", "Bob"),
        Segment("l5", 7.5, 9.0, "over the cut"),
        Segment("l6", 8.0, 9.0, "after"),
    ]
    found = _lines_in(SHOT, lines, RATE)
    assert found == [SpokenLine(0.0, 1.0, 0), SpokenLine(1.5, 2.0, 1), SpokenLine(2.5, 3.0, 0), SpokenLine(3.5, 4.0, -1)]


def test_the_same_lines_elsewhere_in_the_film_are_the_same_to_a_shot() -> None:
    later = [Segment("x7", 14.4, 15.8, "text", "Cy")], Shot("s0009", 350, 450)
    assert _lines_in(later[1], later[0], RATE) == _lines_in(SHOT, [Segment("l1", 4.4, 5.8, "other", "Ann")], RATE)


def test_a_dubbed_line_belongs_to_the_face_that_said_the_original() -> None:
    track = FaceTrack("s0001", (FaceBox(100, 0, 0, 9, 9),), spans=(FaceSpan(100, 140), FaceSpan(160, 200)))

    def span(start: float, end: float) -> object:
        return _own_span(Placement("l", 6.9, 7.5, start, end), SHOT, track, RATE)

    assert span(4.2, 5.2) == {"span": [0.0, 1.6]}  # its own frames, although the dub was laid later
    assert span(6.6, 7.6) == {"span": [2.4, 4.0]}
    assert span(5.7, 6.3) is None  # said by nobody who is seen
    assert span(3.0, 4.4) == {"span": [0.0, 1.6]}  # over the cut: what lies in this shot counts
    assert _own_span(Placement("l", 4.0, 5.0, 4.0, 5.0), SHOT, FaceTrack("s0001", track.boxes), RATE) == {}
