"""The titles of the sample and the situation that each plants."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows import Language

VOICES = {"Alice": 1.0, "Bruno": 0.8, "Clara": 1.12}  # the same recordings, played at this pitch and speed


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One recorded prompt that somebody says; `picture` is what is seen meanwhile, where the title is cut along its lines."""

    prompt: str
    speaker: str = "Alice"
    picture: str = ""
    tempo: float = 1.0  # above 1: spoken faster at the same pitch
    gap: float | None = None  # seconds of silence after it; None: between 0.9 and 1.5


@dataclass(frozen=True, slots=True)
class SampleTitle:
    """One title of the sample and the situation that it plants."""

    id: str
    lines: tuple[SampleLine, ...]
    shows: str
    language: Language = "en"
    targets: tuple[Language, ...] = ("es", "fr")
    script: str = "vtt"  # "vtt", "csv", or none
    memory: bool = True
    stems: bool = True
    cast: tuple[str, ...] = ()  # in the order of the cast list
    spoil: str = ""  # "corrupt" or "playlist"
    channels: int = 2
    series: str = ""
    episode: str = ""
    sign: str = ""  # text seen in the picture while nobody speaks


def _said(*prompts: str, speakers: tuple[str, ...] = ("Alice",)) -> tuple[SampleLine, ...]:
    return tuple(SampleLine(prompt, speakers[index % len(speakers)]) for index, prompt in enumerate(prompts))


TITLES: tuple[SampleTitle, ...] = (
    SampleTitle(
        "conference",
        _said(
            "conf-waitforleader",
            "conf-onlyperson",
            "conf-getpin",
            "conf-invalidpin",
            "conf-placeintoconf",
            "conf-extended",
            "conf-leaderhasleft",
            "conf-noempty",
            "conf-lockednow",
        ),
        "script, translation memory and clean music-and-effects delivered: released",
        targets=("es", "fr", "it"),
    ),
    SampleTitle(
        "voicemail",
        _said(
            "vm-newuser",
            "vm-rec-name",
            "vm-sorry",
            "vm-passchanged",
            "vm-nonumber",
            "vm-whichbox",
            "vm-tomakecall",
            "vm-star-cancel",
        ),
        "no script: the recogniser hears the lines, and their translation cannot be checked",
        script="",
        memory=False,
        stems=False,
    ),
    SampleTitle(
        "two-voices",
        _said(
            "vm-invalidpassword",
            "vm-mismatch",
            "vm-newpassword",
            "vm-reenterpassword",
            "vm-tooshort",
            "vm-torerecord",
            "vm-savefolder",
            "vm-nobodyavail",
            "vm-toenternumber",
            speakers=("Alice", "Bruno"),
        ),
        "two speakers with a cast list",
        cast=("Alice", "Bruno"),
    ),
    SampleTitle(
        "machine-only",
        _said(
            "vm-mailboxfull",
            "vm-dialout",
            "vm-repeat",
            "vm-undelete",
            "vm-tocallback",
            "vm-toreply",
            "vm-delete",
            "vm-prev",
        ),
        "machine translation only: held, with its distance from the human translation",
        targets=("es", "it"),
        memory=False,
        stems=False,
    ),
    SampleTitle(
        "conferencia",
        _said(
            "conf-onlyone",
            "conf-getconfno",
            "conf-invalid",
            "conf-hasjoin",
            "conf-locked",
            "conf-nonextended",
            "conf-now-recording",
            "conf-kicked",
        ),
        "a Spanish original without an aligner for its language",
        language="es",
        targets=("en", "fr"),
    ),
    SampleTitle(
        "saga-one",
        (
            SampleLine("conf-onlyperson", "Alice", "astronaut"),
            SampleLine("conf-leaderhasleft", "Bruno", "camera"),
            SampleLine("conf-waitforleader", "Clara", "astronaut"),
            SampleLine("vm-nobodyavail", "Alice", "astronaut", tempo=1.3, gap=0.12),
            SampleLine("vm-sorry", "Bruno", "camera", tempo=1.3, gap=0.12),
            SampleLine("privacy-incorrect", "Alice", "astronaut", tempo=1.3),
        ),
        "an episode with three characters: a face in profile, a voice that is not seen, and fast dialogue that hardly fits",
        targets=("es",),
        cast=("Alice", "Bruno", "Clara"),
        series="saga",
        episode="s01e01",
    ),
    SampleTitle(
        "saga-two",
        (
            SampleLine("conf-lockednow", "Bruno", "camera"),
            SampleLine("conf-noempty", "Alice", "astronaut"),
            SampleLine("queue-thankyou", "Clara", "chelsea"),
            SampleLine("conf-extended", "Alice", "astronaut"),
            SampleLine("conf-unlockednow", "Bruno", "camera"),
        ),
        "the next episode: sound in 5.1, a dialogue list with time codes, text in the picture, the cast list in another order",
        targets=("es",),
        script="csv",
        cast=("Clara", "Bruno", "Alice"),
        channels=6,
        series="saga",
        episode="s01e02",
        sign="NO ENTRY",
    ),
    SampleTitle(
        "corrupt",
        _said("demo-echodone", "demo-nomatch"),
        "bits of the file were flipped: failed",
        targets=("es",),
        spoil="corrupt",
    ),
    SampleTitle(
        "disguised",
        (),
        "a playlist renamed .mp4: refused",
        script="",
        memory=False,
        stems=False,
        spoil="playlist",
    ),
)
