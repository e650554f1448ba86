"""What the ledger takes and gives: frozen rows; every moment is in UTC, every duration in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

JobState = Literal["claimed", "done", "partial", "failed"]
TitleState = Literal["released", "held", "failed", "building"]
DecisionOutcome = Literal["pass", "fail", "cannot_tell"]
ReleaseAction = Literal["release", "rollback", "withdraw"]
Alias = Literal["stable", "candidate"]
AliasAction = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True)
class Run:
    """One night, or one command that built something."""

    id: str
    kind: str
    started: datetime
    ended: datetime | None
    state: str  # "running" until it is finished
    host: str
    options: dict[str, Any]
    account: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TitleLanguage:
    """What stands for one title in one language, and the inputs that it was made from."""

    title: str
    language: str
    profile: str
    recipe: str  # digest of all that the plan compares
    inputs: dict[str, str]  # input name -> digest
    state: TitleState
    reasons: list[Any]
    package: str  # digest; empty = none
    run: str
    updated: datetime | None = None  # set by the ledger when it is put


class Standing(NamedTuple):
    """What a plan needs of a title-language where nothing has changed: the inputs, nine tenths of a row, are left out."""

    recipe: str
    state: TitleState
    reasons: list[Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A file whose bytes were read once; as long as size and time stay, its digest is believed."""

    path: str
    size: int  # bytes
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim: work is to be done only where `outcome` is "granted".

    `manifest` is the last one committed under the key, also where a partial job is granted again. `lease_until` is the holder's, and
    the moment to ask again where the job is busy.
    """

    outcome: Literal["granted", "done", "partial", "failed", "busy"]
    fence: int = 0
    manifest: str = ""
    error: dict[str, Any] = field(default_factory=dict)
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One step of one title-language (`language` is empty where the step serves them all)."""

    key: str
    step: str
    version: int  # of the step's code
    title: str
    language: str
    state: JobState
    owner: str
    lease_until: datetime | None
    fence: int
    manifest: str
    error: dict[str, Any]
    run: str
    created: datetime
    finished: datetime | None

    @property
    def attempts(self) -> int:
        """Return how often the job was granted: each grant raises the fence by one."""
        return self.fence


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes that a job made."""

    name: str
    digest: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt took: seconds, and items made and found made."""

    wall: float = 0.0
    cpu: float = 0.0
    engine: float = 0.0
    built: int = 0
    reused: int = 0


@dataclass(frozen=True, slots=True)
class CostLine:
    """The cost of one step of one title-language in one run, over all its attempts; what lost ones took is not known."""

    title: str
    language: str
    step: str
    wall: float
    cpu: float
    engine: float
    built: int
    reused: int
    attempts: int
    lost: int


@dataclass(frozen=True, slots=True)
class RecordedMeasurement:
    """One measured number, or the reason why there is none (`value` is None then)."""

    run: str
    metric: str
    value: float | None = None
    unit: str = ""
    n: int = 0
    engine: str = ""
    stand_in: bool = False
    not_measured: str = ""
    worst: list[Any] = field(default_factory=list)
    detail: str = ""
    interval_low: float | None = None  # 95 % interval of the value; None = a count or a fact, or not estimated
    interval_high: float | None = None
    weights: str = ""  # sha256 of the model file
    inputs: dict[str, str] = field(default_factory=dict)  # what was measured: name -> digest
    environment: str = ""  # digest of an environment
    not_applicable: str = ""  # why there is nothing that could be measured


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """What the gate said of one title-language, by which policy, and why."""

    id: int
    title: str
    language: str
    run: str
    recipe: str
    policy: str
    policy_digest: str
    outcome: DecisionOutcome
    reasons: list[Any]
    rules: list[Any]
    created: datetime


@dataclass(frozen=True, slots=True)
class RecordedRelease:
    """One move of a title-language's release pointer; `package` is out after it, `previous` was out before it."""

    id: int
    title: str
    language: str
    action: ReleaseAction
    package: str
    decision: int | None
    previous: str
    who: str
    why: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """A reviewer's word on one rule of the gate, for a time; "*" stands for every title or every language."""

    id: int
    title: str
    language: str
    metric: str
    reviewer: str
    reason: str
    created: datetime
    expires: datetime
    revoked: datetime | None

    def holds(self, at: datetime) -> bool:
        """Return whether the override counts at a moment."""
        return self.created <= at < self.expires and (self.revoked is None or at < self.revoked)


@dataclass(frozen=True, slots=True)
class RecordedEvaluation:
    """One engine's work on one evaluation set."""

    verb: str
    engine: str  # as it is written: "name" or "name:setting=value,..."
    identity: str  # digest of `identities`
    dataset: str
    dataset_digest: str
    language: str
    run: str
    items: int
    failed: int
    hypotheses: str  # digest of the stored rows
    metrics: list[Any]
    identities: list[Any]  # name, version, weights and settings of every engine that took part
    environment: str  # digest
    id: int = 0  # given by the ledger
    created: datetime | None = None  # given by the ledger


@dataclass(frozen=True, slots=True)
class RecordedComparison:
    """A candidate held against a stable engine on one or more evaluation sets."""

    verb: str
    candidate: str
    stable: str
    evaluations: list[Any]  # pairs of ids: the candidate's, the stable one's
    outcome: DecisionOutcome
    verdicts: list[Any]
    id: int = 0  # given by the ledger
    created: datetime | None = None  # given by the ledger


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One move of an alias; `target` is what it names after it, `previous` what it named before."""

    id: int
    subject: str  # a verb of the engine table, or "profile"
    alias: Alias
    target: str
    previous: str
    action: AliasAction
    who: str
    why: str
    evidence: list[Any]  # ids of comparisons
    created: datetime


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """A release made while an alias named what was taken back later: to be judged again."""

    title: str
    language: str
    package: str
    subject: str
    taken_back: str
    why: str
    created: datetime  # of the rollback


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """The voice of a character, kept from episode to episode."""

    series: str  # or the title's id where it belongs to none
    character: str
    language: str = "*"  # "*" = every language without an entry of its own; "" = as first heard, which the others complete
    voice: str = ""  # a synthesiser's voice or variant; empty = chosen by acoustics
    gender: str = ""
    reference: str = ""  # digest of a clip of the character's own voice; empty = none
    origin: str = ""  # where the clip is from: title, start and end in seconds
    acoustics: dict[str, Any] = field(default_factory=dict)  # pitch and formants of the character
    model: str = ""  # digest of a voice conversion model of the character; empty = none
    model_index: str = ""  # digest of the model's retrieval index; empty = none
    consent: str = ""  # id of the record that allows cloning
    who: str = ""
    why: str = ""
    id: int = 0  # given by the ledger
    created: datetime | None = None  # given by the ledger


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's permission to clone their voice."""

    id: str
    speaker: str  # the person
    scope: str  # "series:ID", "title:ID", or "*" = whatever is made
    languages: list[Any]  # empty = every language
    expires: datetime | None = None
    document: str = ""  # digest of the signed paper
    who: str = ""  # recorded it
    withdrawn: datetime | None = None
    created: datetime | None = None  # given by the ledger

    def holds(self, at: datetime) -> bool:
        """Return whether the consent counts at a moment."""
        return all(end is None or at < end for end in (self.expires, self.withdrawn))


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person settled about one line of one title-language; what is empty or None stays as it is made."""

    title: str
    language: str
    segment: str
    text: str = ""  # in the target language
    speaker: str = ""
    start: float | None = None  # seconds from the programme's start
    end: float | None = None
    locked: bool = False  # no later run touches the line
    pinned: dict[str, Any] = field(default_factory=dict)  # a locked line as it was: its rows and the digest of its sound
    who: str = ""
    why: str = ""
    id: int = 0  # given by the ledger
    created: datetime | None = None  # given by the ledger
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApprovedLine:
    """A translation that a person approved: part of the memory from then on."""

    source_language: str
    target_language: str
    source: str
    target: str
    title: str = ""
    segment: str = ""
    who: str = ""
    id: int = 0  # given by the ledger
    created: datetime | None = None  # given by the ledger
    revoked: datetime | None = None
