"""Who says each line: the script's names, the cast list, and, where both are silent, clusters of MFCC means and pitch.

The clusters are not speaker embeddings: they tell voices apart that differ in register or timbre, and join similar ones. Measured on 12
one-to-five-second clips a voice: with the number of voices known no line of 7 mixtures was confused; without it, every count was
right but for two real women of one register, who were taken for one (the voices that the constants below were set on).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.dialogue_list import csv_rows
from nightdub.tasks.formats.line import decode
from nightdub.tasks.rows import CastMember, Features, Segment, Speaker

GENDERS = ("", "female", "male")

# Standard deviations between lines of one voice (three recorded, four synthetic voices, 30 to 60 lines each): MFCC means 1 to 12
# and pitch in octaves. The zeroth coefficient is the level, which is the microphone's.
_MFCC_SPREAD = np.array([15, 9, 8, 5.5, 5, 5, 4.5, 4, 4, 3, 3, 3])
_PITCH_SPREAD = 0.12
_PITCH_WEIGHT = 0.5
_APART = 2.4  # mean distance from which two groups of lines are two voices

_Vectors = npt.NDArray[np.float64]


def read_cast(path: Path, name: str = "") -> list[CastMember]:
    """Read a cast list: CSV with a column speaker and, where known, voice, gender ("female" or "male") and consent.

    Raises:
        ScriptError: the file cannot be read, has no such column, names nobody or somebody twice, or has another gender.
    """
    where = name or str(path)
    try:
        rows = list(csv_rows(decode(path.read_bytes(), where), where))
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=where, fix="check the cast list's path in the catalogue") from None
    members: dict[str, CastMember] = {}
    for number, row in rows:
        member = CastMember(row.get("speaker", ""), row.get("voice", ""), row.get("gender", "").lower(), row.get("consent", ""))
        _check(member, members, f"{where}, line {number}")
        members[_key(member.speaker)] = member
    if not members:
        raise ScriptError("the cast list names nobody", where=where, fix="fill it, or leave it out of the catalogue")
    return list(members.values())


def assign(
    segments: Sequence[Segment], features: Sequence[Features], cast: Sequence[CastMember] = ()
) -> tuple[list[Segment], list[Speaker]]:
    """Return the lines with their speakers, and the speakers by first appearance.

    A name from the script stays, spelled as the cast list spells it. Lines without one are clustered by sound, into as many voices as
    the cast list has names that the script does not use, or as many as differ clearly where there is no such list. These speakers are
    called S1, S2, ..., or by the one name that the cast list leaves. Voice and gender come from the cast list: by register where every
    gender is given, else by first appearance.
    """
    known = {_key(member.speaker): member for member in cast}
    by_id = {row.segment: row for row in features}
    named = [replace(line, speaker=known[_key(line.speaker)].speaker) if _key(line.speaker) in known else line for line in segments]
    members = {member.speaker: member for member in cast}
    unnamed = [line for line in named if not line.speaker]
    if unnamed:
        taken = {line.speaker for line in named}
        free = [member for member in cast if member.speaker not in taken]
        names = _names(_cluster(unnamed, by_id, len(free)), taken, free)
        found = dict(zip((line.id for line in unnamed), names, strict=True))
        named = [replace(line, speaker=found.get(line.id, line.speaker)) for line in named]
        members |= _cast_clusters(_summed(unnamed, found, by_id), free)
    known_names = {line.speaker for line in segments if line.speaker} | {member.speaker for member in cast}
    speakers = [_speaker(name, named, by_id, members.get(name)) for name in dict.fromkeys(line.speaker for line in named)]
    return named, [replace(speaker, named=speaker.id in known_names) for speaker in speakers]


def _check(member: CastMember, members: Mapping[str, CastMember], where: str) -> None:
    if not member.speaker:
        raise ScriptError("no speaker's name", where=where, allowed="columns speaker,voice,gender,consent")
    if _key(member.speaker) in members:
        raise ScriptError(f"{member.speaker!r} is named twice", where=where, fix="keep one line for each speaker")
    if member.gender not in GENDERS:
        raise ScriptError(f"gender {member.gender!r}", where=where, allowed="female, male, or empty")


def _cluster(lines: Sequence[Segment], features: Mapping[str, Features], voices: int) -> list[int]:
    """Return a cluster number for each line; one without voiced sound goes with the line before it."""
    vectors = {line.id: _vector(row) for line in lines if (row := features.get(line.id)) and row.pitch_median > 0}
    labels = dict(zip(vectors, _labels(np.array(list(vectors.values())), voices), strict=True))
    current = next(iter(labels.values()), 0)
    clusters = []
    for line in lines:
        current = labels.get(line.id, current)
        clusters.append(current)
    return clusters


def _labels(vectors: _Vectors, voices: int) -> list[int]:
    """Return cluster numbers: exactly `voices` of them where it is given and there are lines enough."""
    from sklearn.cluster import AgglomerativeClustering

    if len(vectors) < 2 or voices == 1:
        return [0] * len(vectors)
    if voices:
        model = AgglomerativeClustering(min(voices, len(vectors)), linkage="ward")
    else:
        model = AgglomerativeClustering(None, linkage="average", distance_threshold=_APART)
    return [int(label) for label in model.fit_predict(vectors)]


def _vector(row: Features) -> _Vectors:
    timbre = np.array(row.mfcc[1:]) / _MFCC_SPREAD / np.sqrt(len(_MFCC_SPREAD))
    return np.append(timbre, _PITCH_WEIGHT * np.log2(row.pitch_median) / _PITCH_SPREAD)


def _names(clusters: Sequence[int], taken: set[str], free: Sequence[CastMember]) -> list[str]:
    """Return S1, S2, ... by first appearance, passing over names that the script uses; the one name left, where there is one."""
    numbered = (name for number in count(1) if (name := f"S{number}") not in taken)
    pool = iter([free[0].speaker]) if len(free) == 1 else numbered
    names = {cluster: next(pool) for cluster in dict.fromkeys(clusters)}
    return [names[cluster] for cluster in clusters]


def _summed(lines: Sequence[Segment], found: Mapping[str, str], features: Mapping[str, Features]) -> list[Speaker]:
    spoken = [replace(line, speaker=found[line.id]) for line in lines]
    return [_speaker(name, spoken, features, None) for name in dict.fromkeys(found.values())]


def _cast_clusters(speakers: Sequence[Speaker], free: Sequence[CastMember]) -> dict[str, CastMember]:
    """Return which cast member each cluster is taken for: higher voices for women where every gender is given."""
    if not all(member.gender for member in free):
        return {speaker.id: member for speaker, member in zip(speakers, free, strict=False)}
    women = [member for member in free if member.gender == "female"]
    men = [member for member in free if member.gender == "male"]
    by_register = sorted((speaker.pitch_median for speaker in speakers), reverse=True)
    high = [speaker for speaker in speakers if speaker.pitch_median in by_register[: len(women)]]
    low = [speaker for speaker in speakers if speaker not in high]
    return {speaker.id: member for speaker, member in [*zip(high, women, strict=False), *zip(low, men, strict=False)]}


def _speaker(name: str, lines: Sequence[Segment], features: Mapping[str, Features], member: CastMember | None) -> Speaker:
    """Sum up one voice: medians over its lines with voiced sound."""
    own = tuple(line.id for line in lines if line.speaker == name)
    voiced = [row for identifier in own if (row := features.get(identifier)) and row.pitch_median > 0]
    formants = [row.formants for row in voiced if row.formants]
    return Speaker(
        name,
        own,
        pitch_median=_median([row.pitch_median for row in voiced]),
        pitch_low=_median([row.pitch_low for row in voiced]),
        pitch_high=_median([row.pitch_high for row in voiced]),
        formants=tuple(np.median(formants, axis=0).tolist()) if formants else (),
        voice=member.voice if member else "",
        gender=member.gender if member else "",
        consent=member.consent if member else "",
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
