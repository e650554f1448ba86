"""Faults of the subtitles: in cues and files alike, or in the files alone. The film's own subtitle track stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import CannotPlant, Fault, Plant, Planted, Where, one_of
from nightdub.tasks.formats.files import write_subtitles
from nightdub.tasks.line_breaks import width
from nightdub.tasks.rows import Cue
from nightdub.tasks.subtitle_rules import reading_speed

_NO_CUE = "there is no subtitle"

Spoil = Callable[[list[Cue], int, float, Dub], list[Cue]]


def of_cue(spoil: Spoil, *, following: bool = False) -> Plant:
    """Return a plant that changes one cue, in the rows and in all files; `following` asks for one that another follows."""

    def planted(dub: Dub, severity: float, folder: Path, seed: int) -> Planted:
        place = one_of(range(len(dub.cues) - following), seed, _NO_CUE)
        cue = dub.cues[place]
        changed = with_cues(dub, spoil(list(dub.cues), place, severity, dub), folder)
        return Planted(changed, Where(cue.segments, cue.start, cue.end, cues=(cue.index,)))

    return planted


def of_files(spoil: Callable[[bytes, float], bytes], *names: str) -> Plant:
    """Return a plant that changes the bytes of subtitle files, all of them where none is named, and no row."""

    def planted(dub: Dub, severity: float, folder: Path, _seed: int) -> Planted:
        files = dict(dub.files.subtitles)
        for name in names or tuple(files):
            (folder / f"subtitles.{name}").write_bytes(spoil(files[name].read_bytes(), severity))
            files[name] = folder / f"subtitles.{name}"
        return Planted(replace(dub, files=replace(dub.files, subtitles=files)), Where(detail=", ".join(names or tuple(files))))

    return planted


def with_cues(dub: Dub, cues: Sequence[Cue], folder: Path) -> Dub:
    """Return the dub with other cues, in the rows and in the files; forced, translated and captioned ones stay."""
    files = {**dub.files.subtitles, **write_subtitles(cues, dub.target, folder)}
    return replace(dub, cues=list(cues), files=replace(dub.files, subtitles=files))


# ---------------------------------------------------------------- one cue


def overlapping(cues: list[Cue], place: int, milliseconds: float, _dub: Dub) -> list[Cue]:
    """Return the cues with one that stays so long after the next one came."""
    cues[place] = replace(cues[place], end=round(cues[place + 1].start + milliseconds / 1000, 6))
    return cues


def hurried(cues: list[Cue], place: int, percent: float, dub: Dub) -> list[Cue]:
    """Return the cues with one that leaves so early that it must be read at so many percent of the language's speed.

    It stands for a whole number of frames, rounded down.
    """
    letters = sum(width(line, dub.target) for line in cues[place].lines)
    speed = reading_speed(dub.target, dub.subtitles.audience)
    frames = int(letters / (speed * percent / 100) * dub.frame_rate)
    cues[place] = replace(cues[place], end=round(cues[place].start + float(max(frames, 1) / dub.frame_rate), 6))
    return cues


def stretched(cues: list[Cue], place: int, letters: float, _dub: Dub) -> list[Cue]:
    """Return the cues with all of one's words, said again until they suffice, on one line of so many letters."""
    words = " ".join(cues[place].lines)
    while len(words) < letters:
        words = f"{words} {words}"
    cues[place] = replace(cues[place], lines=(words[: round(letters)].rstrip().ljust(round(letters), "."),))
    return cues


def staying(cues: list[Cue], place: int, seconds: float, _dub: Dub) -> list[Cue]:
    """Return the cues with one that stands so long; those that came in between are later by as much."""
    late = max(0.0, cues[place].start + seconds - cues[place].end)
    cues[place] = replace(cues[place], end=round(cues[place].start + seconds, 6))
    rest = [replace(cue, start=round(cue.start + late, 6), end=round(cue.end + late, 6)) for cue in cues[place + 1 :]]
    return [*cues[: place + 1], *rest]


def lost(cues: list[Cue], place: int, _severity: float, _dub: Dub) -> list[Cue]:
    """Return the cues without one, numbered anew."""
    kept = [*cues[:place], *cues[place + 1 :]]
    return [replace(cue, index=number) for number, cue in enumerate(kept, 1)]


def emptied(cues: list[Cue], place: int, _severity: float, _dub: Dub) -> list[Cue]:
    """Return the cues with one that says nothing."""
    cues[place] = replace(cues[place], lines=("",))
    return cues


def exchanged(cues: list[Cue], place: int, _severity: float, _dub: Dub) -> list[Cue]:
    """Return the cues with the words of one and of the next one in one another's place."""
    one, other = cues[place], cues[place + 1]
    if one.lines == other.lines:
        raise CannotPlant("two subtitles say the same", where="faults", fix="plant it elsewhere")
    cues[place], cues[place + 1] = replace(one, lines=other.lines), replace(other, lines=one.lines)
    return cues


# ---------------------------------------------------------------- all cues, and files


def _shifted(dub: Dub, milliseconds: float, folder: Path, _seed: int) -> Planted:
    late = milliseconds / 1000
    moved = [replace(cue, start=max(0.0, round(cue.start + late, 6)), end=max(0.04, round(cue.end + late, 6))) for cue in dub.cues]
    if not moved:
        raise CannotPlant(_NO_CUE, where="faults", fix="plant it into a dub that has one")
    return Planted(with_cues(dub, moved, folder), Where())


def latin1(data: bytes, _severity: float) -> bytes:
    """Return a text with a few accents in ISO 8859-1 where UTF-8 belongs."""
    return f"{data.decode('utf-8')}\u00e1\u00e9\u00f1\n".encode("latin-1", errors="replace")


def garbled(data: bytes, _severity: float) -> bytes:
    """Return a text with accents whose UTF-8 was read as ISO 8859-1 and written as UTF-8 once more ("Ã©" for "é")."""
    return data.decode("utf-8").replace("a", "\u00e1").encode().decode("latin-1").encode()


FAULTS: tuple[Fault, ...] = (
    Fault(
        "subtitle-overlap",
        "subtitles",
        "a subtitle stays after the next one came",
        "ms",
        (40, 200, 1000),
        (40, 200, 1000),
        of_cue(overlapping, following=True),
    ),
    Fault("subtitle-fast", "subtitles", "a subtitle leaves too early to be read", "%", (105, 120, 200), (120, 200), of_cue(hurried)),
    Fault("subtitle-long-line", "subtitles", "a line is too long", "letters", (43, 60), (43, 60), of_cue(stretched)),
    Fault("subtitle-stays", "subtitles", "a subtitle stands too long", "s", (7.2, 10), (7.2, 10), of_cue(staying)),
    Fault("subtitle-missing", "subtitles", "a subtitle is not there", "subtitles", (1,), (1,), of_cue(lost), 2),
    Fault("subtitle-empty", "subtitles", "a subtitle says nothing", "subtitles", (1,), (1,), of_cue(emptied)),
    Fault(
        "subtitle-exchanged",
        "subtitles",
        "two subtitles say one another's words",
        "subtitles",
        (2,),
        (2,),
        of_cue(exchanged, following=True),
    ),
    Fault(
        "subtitle-shift",
        "subtitles",
        "all subtitles come late (above 0) or early",
        "ms",
        (-1000, 200, 600, 1000, 3000),
        (-1000, 600, 1000, 3000),
        _shifted,
    ),
    Fault("subtitle-encoding", "subtitles", "the SRT file is not in UTF-8", "files", (1,), (1,), of_files(latin1, "srt")),
    Fault("subtitle-garbled", "subtitles", "letters were decoded wrongly and written so", "files", (3,), (3,), of_files(garbled)),
    Fault(
        "subtitle-file-empty", "subtitles", "the WebVTT file is empty", "files", (1,), (1,), of_files(lambda _data, _severity: b"", "vtt")
    ),
)
