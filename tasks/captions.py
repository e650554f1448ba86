"""All that stands on a dub's screen: subtitles, translated ones, forced narratives, and subtitles for the deaf and hard of hearing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from nightdub.tasks.formats.line import ON_SCREEN, SOUND
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Cue, FaceTrack, Language, Seconds, Segment, Shot, Speaker, Translation
from nightdub.tasks.subtitle_rules import VOICES
from nightdub.tasks.subtitles import Screen, make_screen

UNSEEN = ("off-screen", "no-face")  # why no mouth of a shot is moved: the voice is nobody's whom it shows
NEAR: Seconds = 0.5  # a sound this near to a line is shown with it
TOP, BOTTOM = "top", ""


@dataclass(frozen=True, slots=True)
class CaptionSets:
    """The cues of every set of files; an empty one is not delivered."""

    dub: list[Cue]  # as the dub says it, when the dub says it
    translated: list[Cue]  # the whole translation, when the original says it
    forced: list[Cue]  # text seen in the picture alone
    sdh: list[Cue]  # the dub's, with speakers and sounds


def make_sets(
    spoken: Sequence[Segment],
    original: Sequence[Segment],
    marks: Sequence[Segment],
    speakers: Sequence[Speaker],
    unseen: Collection[str],
    screen: Screen,
) -> CaptionSets:
    """Return every set of one title-language.

    Args:
        spoken: The dubbed lines at their times in the dub.
        original: The translated lines at their times in the original.
        marks: Text on screen and sounds in the target language, at the script's times.
        speakers: Who speaks, for their names.
        unseen: Lines whose speaker the picture does not show.
        screen: What the subtitles are made for.
    """
    signs, sounds = ([mark for mark in marks if mark.kind == kind] for kind in (ON_SCREEN, SOUND))
    for_deaf = replace(screen, sdh=True)
    captioned, apart = with_sounds(label_lines(spoken, speakers, unseen, for_deaf), sounds, for_deaf)
    return CaptionSets(
        with_signs(make_screen(spoken, screen), signs, screen),
        with_signs(make_screen(original, screen), signs, screen),
        with_signs([], signs, screen),
        with_signs(make_screen(captioned, for_deaf), [*signs, *apart], for_deaf),
    )


def shown_marks(marks: Sequence[Segment], translations: Sequence[Translation]) -> list[Segment]:
    """Return the marks in the words of their translations; one without any is left out, and counted where files are measured."""
    texts = {line.segment: line.text for line in translations}
    return [replace(mark, text=texts[mark.id]) for mark in marks if texts.get(mark.id)]


# ---------------------------------------------------------------- text in the picture


def with_signs(cues: Sequence[Cue], signs: Sequence[Segment], screen: Screen) -> list[Cue]:
    """Return cues together with those of text seen in the picture, or of sounds, in order of time.

    A sign stands where the script has it, at the bottom where that says nothing; where another cue is near in time, in the other place.
    """
    made = make_screen([replace(sign, position=BOTTOM) for sign in signs], screen)
    places = {sign.id: _place(sign, [cue for cue in made if sign.id in cue.segments], cues) for sign in signs}
    placed = [replace(cue, position=places[cue.segments[0]]) for cue in made]
    ordered = sorted([*cues, *placed], key=lambda cue: (cue.start, cue.position, cue.end))
    return [replace(cue, index=index) for index, cue in enumerate(ordered, 1)]


def _place(sign: Segment, own: Sequence[Cue], cues: Sequence[Cue]) -> str:
    taken = {cue.position for cue in cues for part in own if cue.start - NEAR < part.end and part.start < cue.end + NEAR}
    free = [place for place in (sign.position, BOTTOM, TOP) if place not in taken]
    return free[0] if free else TOP


def one_at_a_time(cues: Sequence[Cue]) -> list[Cue]:
    """Return cues of which never two stand at once, the upper one's rows first: a text track of MP4 has one at a time."""
    edges = sorted({edge for cue in cues for edge in (cue.start, cue.end)})
    made: list[Cue] = []
    for start, end in pairwise(edges):
        shown = sorted((cue for cue in cues if cue.start <= start and end <= cue.end), key=lambda cue: (cue.position != TOP, cue.start))
        if shown:
            rows = tuple(row for cue in shown for row in cue.lines)
            segments = tuple(dict.fromkeys(name for cue in shown for name in cue.segments))
            made.append(Cue(len(made) + 1, start, end, rows, segments))
    return made


# ---------------------------------------------------------------- speakers


def unseen_lines(lines: Sequence[Segment], shots: Sequence[Shot], tracks: Sequence[FaceTrack], rate: Fraction) -> set[str]:
    """Return the lines of the original during which no shot shows whose voice it is."""
    hidden = {track.shot for track in tracks if track.skipped in UNSEEN}
    spans = [(float(shot.first / rate), float(shot.last / rate), shot.id in hidden) for shot in shots]
    return {
        line.id for line in lines if (seen := [dark for first, last, dark in spans if first < line.end and line.start < last]) and all(seen)
    }


def label_lines(lines: Sequence[Segment], speakers: Sequence[Speaker], unseen: Collection[str], screen: Screen) -> list[Segment]:
    """Return lines with their speaker's name before them where the speaker changes or is not seen.

    Where a line could not be read with it the name is left out, and stands before the next line of the same speaker.
    """
    names, labelled, told, rooms = speaker_names(speakers, screen.language), [], "", _rooms(lines, screen)
    for line in sorted(lines, key=lambda line: (line.start, line.id)):
        name = names.get(line.speaker, "")
        text = _beside(name.join(screen.rules.label), line.text, screen.language) if name and line.text.strip() else line.text
        wanted = line.speaker != told or line.id in unseen
        readable = screen.reading_time((text,)) <= rooms[line.id]
        labelled.append(replace(line, text=text if wanted and readable else line.text, speaker=name))
        told = line.speaker if readable or not wanted else told
    return labelled


def _rooms(lines: Sequence[Segment], screen: Screen) -> dict[str, int]:
    """Return line -> frames that its cues have, with the silence around it: as much before as a cue may come early."""
    ordered, rooms, clock = sorted(lines, key=lambda line: (line.start, line.id)), {}, screen.clock
    for index, line in enumerate(ordered):
        before = round(ordered[index - 1].end * screen.rate) + clock.gap if index else 0
        first = round(line.start * screen.rate)
        after = round(ordered[index + 1].start * screen.rate) if index + 1 < len(ordered) else clock.end
        rooms[line.id] = after - clock.gap - min(max(first - clock.half, before), first)
    return rooms


def speaker_names(speakers: Sequence[Speaker], language: Language) -> dict[str, str]:
    """Return speaker -> what a reader is told: the script's name, not in capitals; "woman 2" for a voice that was told apart by sound."""
    unknown: dict[str, list[str]] = {}
    for speaker in speakers:
        if not speaker.named:
            unknown.setdefault(speaker.gender if speaker.gender in VOICES[language] else "", []).append(speaker.id)
    names = {speaker.id: speaker.id.title() if speaker.id.isupper() and len(speaker.id) > 3 else speaker.id for speaker in speakers}
    for gender, ids in unknown.items():
        word = VOICES[language][gender]
        names |= {name: f"{word} {number}" if len(ids) > 1 else word for number, name in enumerate(ids, 1)}
    return names


def _beside(before: str, after: str, language: Language) -> str:
    return f"{before}{' ' if LANGUAGES[language].spaces else ''}{after}"


# ---------------------------------------------------------------- sounds


def with_sounds(lines: Sequence[Segment], sounds: Sequence[Segment], screen: Screen) -> tuple[list[Segment], list[Segment]]:
    """Return lines together with sounds, and the sounds that find no place among them.

    A sound stands by itself where there is silence enough to read it; else in the nearest line's text, before it where it begins before
    the line's middle; where the line could not be read with it, apart.
    """
    texts, rooms = {line.id: line.text for line in lines}, _rooms(lines, screen)
    alone: list[Segment] = []
    apart: list[Segment] = []
    for sound in sounds:
        if free := _silence(sound, lines, screen):
            alone.append(replace(sound, start=free[0], end=free[1]))
            continue
        line = min(lines, key=lambda line: max(line.start - sound.end, sound.start - line.end, 0.0))
        before = sound.start <= (line.start + line.end) / 2
        both = _beside(*((sound.text, texts[line.id]) if before else (texts[line.id], sound.text)), screen.language)
        if screen.reading_time((both,)) <= rooms[line.id]:
            texts[line.id] = both
        else:
            apart.append(sound)
    return [*(replace(line, text=texts[line.id]) for line in lines), *alone], apart


def _silence(sound: Segment, lines: Sequence[Segment], screen: Screen) -> tuple[Seconds, Seconds] | None:
    """Return the longest part of a sound that lies in silence; None where that is too short to read it."""
    parts = [(sound.start, sound.end)]
    near = [(line.start - NEAR, line.end + NEAR) for line in lines if line.start - NEAR < sound.end and sound.start < line.end + NEAR]
    for start, end in near:
        cut = [piece for first, last in parts for piece in ((first, min(last, start)), (max(first, end), last))]
        parts = [(first, last) for first, last in cut if last > first]
    needed = max(screen.clock.shortest, screen.reading_time((sound.text,))) / screen.rate
    longest = max(parts, key=lambda part: part[1] - part[0], default=(0.0, 0.0))
    return longest if not near or longest[1] - longest[0] >= needed else None
