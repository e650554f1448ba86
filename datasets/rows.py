"""The rows of a dataset on their way from a corpus to a release. Times are seconds from the start of the recording."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightdub.tasks.rows import Decibel, Hertz, Language, Seconds, Word

RATE = 22_050  # Hz of the standard form: mono, 16 bits

# Why a clip is not in a dataset: reason code -> what it means. Every reader and every step counts by these, and by no others.
REASONS: dict[str, str] = {
    "bad-row": "the row of the manifest cannot be read",
    "no-audio": "the recording is missing",
    "unsafe-path": "the row names something else than a file below the corpus: an address, a command, another folder",
    "no-text": "there is no text, or nothing in it that is spoken",
    "bad-label": "a label that the corpus' own rules, or the languages and emotions known here, exclude",
    "duplicate-id": "an earlier row has the same id",
    "unreadable-audio": "the recording cannot be decoded",
    "source-changed": "the recording changed while the dataset was built",
    "wrong-length": "the recording is not as long as the corpus says",
    "silent": "nothing is heard",
    "too-short": "less sound than the recipe allows",
    "too-long": "more sound than the recipe allows",
    "clipped": "more samples on flat tops than the recipe allows",
    "narrow-band": "less bandwidth than the recipe allows",
    "noisy": "a lower signal-to-noise ratio than the recipe allows",
    "poor-quality": "a lower predicted opinion than the recipe allows",
    "odd-rate": "more or fewer characters a second than the recipe allows",
    "wrong-language": "the text is in another language",
    "misaligned": "the sound does not say the text",
    "duplicate-audio": "another clip has the same or nearly the same sound",
    "duplicate-text": "as many clips as the recipe allows have the same text",
    "not-selected": "left out by the selection of the recipe",
    "erased": "the speaker was erased",
    "no-consent": "the recipe asks for consents and none holds for the speaker",
    "over-limit": "beyond the number of clips that the recipe asks for",
    "failed": "a step failed at the clip, through no fault of its own",
}


@dataclass(frozen=True, slots=True)
class SourceClip:
    """One spoken line as a corpus has it: a recording, or a stretch of one."""

    id: str  # unique in the corpus: letters, digits and ._-/
    audio: str  # absolute path of the recording
    text: str  # as written in the corpus
    language: Language
    speaker: str = ""
    emotion: str = ""  # of `tasks.emotions.EMOTIONS`, or empty
    start: Seconds = 0.0
    end: Seconds | None = None  # None = to the recording's end
    recording: str = ""  # id of the recording where several clips are stretches of one; empty = the clip's own id
    raw_rate: int = 0  # Hz of a headerless recording of 16-bit little-endian mono PCM; 0 = the file says itself
    length: Seconds | None = None  # of the clip, as the corpus states it
    tags: dict[str, str] = field(default_factory=dict)  # what else the corpus says: gender, age, accent, intensity
    where: str = ""  # place of its row: "metadata.csv:12"


@dataclass(frozen=True, slots=True)
class Excused:
    """One row of a corpus, or one clip, that is not in the dataset, and why."""

    id: str  # the clip's where it is known, else empty
    code: str  # of `REASONS`
    where: str  # place of its row, or the step
    what: str  # in words, one line


@dataclass(frozen=True, slots=True)
class TakenClip:
    """A clip whose recording was found: `clip` names no path any more, `source` is the digest of the recording's bytes."""

    clip: SourceClip
    source: str
    suffix: str  # of the recording's file name


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one clip's sound in its standard form. None = cannot be told of this sound."""

    seconds: Seconds
    rate: Hertz  # of the source
    channels: int  # of the source
    trimmed_start: Seconds  # left out before it
    trimmed_end: Seconds  # left out after it
    loudness: float | None = None  # LUFS before it was levelled; None under 0.4 s
    gain: Decibel = 0.0  # applied
    peak: Decibel = -120.0  # dBFS, after it
    clipping: float | None = None  # %
    bandwidth: Hertz | None = None
    snr: Decibel | None = None
    dnsmos: float | None = None  # overall opinion, P.835
    fingerprint: str = ""  # as `datasets.fingerprint` packs it


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of one clip's sound."""

    id: str
    sound: str = ""  # digest of the standard form's bytes; empty = excused
    reason: str = ""  # of `REASONS`
    what: str = ""
    measured: Measured | None = None
    statistics: str = ""  # as `datasets.selection` packs them, where the recipe selects


@dataclass(frozen=True, slots=True)
class Featured:
    """What became of one clip's features."""

    id: str
    features: str = ""  # digest of the file's bytes; empty = failed
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Aligned:
    """What an aligner made of one clip and its text."""

    id: str
    score: float | None = None  # mean log likelihood of a frame
    failed: str = ""  # why the text was not found in the sound
    words: tuple[Word, ...] = ()  # times from the clip's start
    error: str = ""  # why nothing can be said: the aligner itself failed


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a dataset's manifest: a clip in its standard form. The first six fields are the exchange format's."""

    id: str
    audio_path: str  # below the dataset's folder
    text: str  # normalised
    language: Language
    speaker: str
    emotion: str
    split: str  # train, validation or test
    seconds: Seconds
    sound: str  # digest of the standard form's bytes
    source: str  # digest of the source recording's bytes
    source_start: Seconds = 0.0  # the stretch of the recording
    source_end: Seconds | None = None
    recording: str = ""  # id of the recording that it is a stretch of
    parent: str = ""  # id of the clip that it is an augmented copy of
    variant: str = ""  # how it was augmented
    written: str = ""  # the text as the corpus writes it, where the normalised one differs
    features: str = ""  # digest of its features' bytes
    measured: Measured | None = None
    tags: dict[str, str] = field(default_factory=dict)
    words: tuple[Word, ...] = ()  # where the text lies in the clip, where the recipe aligns
