"""From prepared clips to the lines of a dataset: texts, limits, duplicates, selection, splits. One pure function over all of them.

Every clip that goes in comes out as a sample or as an excused row with one reason: the first that applies, in the order of this file.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from nightdub.datasets import selection, texts
from nightdub.datasets.duplicates import exact, find, repeated_texts
from nightdub.datasets.recipe import Duplicates, Filters, Recipe
from nightdub.datasets.rows import Aligned, Excused, Prepared, Sample, SourceClip, TakenClip
from nightdub.datasets.splits import gaps, split_rows

STEP = "build"  # where a clip was excused that the reader had let in
ALIKE = Duplicates().audio or 1.0  # likeness of clips that may not be in two splits
SALT = "nightdub"  # of the splits: the same speaker is in the same split of every dataset


@dataclass(frozen=True, slots=True)
class Assembly:
    """The lines of a dataset and what is not in it, both in the order of their ids."""

    samples: tuple[Sample, ...]
    variants: tuple[Sample, ...]  # augmented copies of training lines, made on demand
    excused: tuple[Excused, ...]
    notes: tuple[str, ...] = ()  # what a reader of the card should know


def assemble(
    recipe: Recipe,
    clips: Sequence[TakenClip],
    prepared: Mapping[str, Prepared],
    features: Mapping[str, str],
    aligned: Mapping[str, Aligned] = MappingProxyType({}),
) -> Assembly:
    """Return the dataset's lines.

    Args:
        recipe: Limits, and how to split.
        clips: All clips of the corpus whose recordings were found.
        prepared: Id -> what became of the clip's sound.
        features: Id -> digest of its features, where the recipe has any.
        aligned: Id -> what the aligner said, of the clips that it was asked about.
    """
    excused: list[Excused] = []
    samples: list[Sample] = []
    for taken in sorted(clips, key=lambda taken: taken.clip.id):
        row = prepared[taken.clip.id]
        said = aligned.get(taken.clip.id, Aligned(taken.clip.id))
        sample = replace(_sample(recipe, taken, row, features.get(taken.clip.id, "")), words=said.words)
        if found := _unfit(recipe, taken, row, sample) or _misaligned(recipe.filters, said):
            excused.append(Excused(sample.id, found[0], STEP, found[1]))
        else:
            samples.append(sample)
    samples, notes = _selected(recipe, _without_duplicates(recipe, samples, excused), prepared, excused)
    samples, lacking = _split(recipe, samples)
    excused.sort(key=lambda row: (row.id, row.code))
    return Assembly(tuple(samples), tuple(_variants(recipe, samples)), tuple(excused), (*notes, *lacking))


def _sample(recipe: Recipe, taken: TakenClip, row: Prepared, features: str) -> Sample:
    clip = taken.clip
    text = training_text(recipe.normalise, clip)
    return Sample(
        id=clip.id,
        audio_path=f"clips/{clip.id}.wav",
        text=text,
        language=clip.language,
        speaker=clip.speaker,
        emotion=clip.emotion,
        split="",
        seconds=row.measured.seconds if row.measured else 0.0,
        sound=row.sound,
        source=taken.source,
        source_start=clip.start,
        source_end=clip.end,
        recording=clip.recording,
        written="" if text == clip.text else clip.text,
        features=features,
        measured=row.measured,
        tags=clip.tags,
    )


def training_text(normalise: bool, clip: SourceClip) -> str:  # noqa: FBT001
    """Return a clip's text as training has it."""
    return texts.normalise(clip.text, clip.language) if normalise else " ".join(clip.text.split())


# ---------------------------------------------------------------- limits


def _unfit(recipe: Recipe, taken: TakenClip, row: Prepared, sample: Sample) -> tuple[str, str] | None:
    """Return the reason code why a clip is not in the dataset, and what was found; None where it is."""
    if row.reason:
        return row.reason, row.what
    if recipe.features and not sample.features:
        return "failed", "its features could not be made"
    if not texts.spoken_characters(sample.text):
        return "no-text", "nothing in it is spoken"
    return next((found for found in (*_out_of_limits(recipe.filters, taken, sample), _foreign(recipe.filters, sample)) if found), None)


def _out_of_limits(limits: Filters, taken: TakenClip, sample: Sample) -> Iterator[tuple[str, str] | None]:
    """Yield what is beyond a limit, in the order of the recipe's fields. What could not be measured is beyond none."""
    facts = sample.measured
    if facts is None:
        return
    rate = texts.rate(sample.text, sample.seconds)
    yield _below("too-short", sample.seconds, limits.shortest, "s")
    yield _above("too-long", sample.seconds, limits.longest, "s")
    yield _above("clipped", facts.clipping, limits.clipping, "%")
    yield _below("narrow-band", facts.bandwidth, limits.bandwidth, "Hz")
    yield _below("noisy", facts.snr, limits.snr, "dB")
    yield _below("poor-quality", facts.dnsmos, limits.dnsmos, "MOS")
    yield _below("odd-rate", rate, limits.slowest, "characters/s")
    yield _above("odd-rate", rate, limits.fastest, "characters/s")
    if taken.clip.length is not None:
        whole = sample.seconds + facts.trimmed_start + facts.trimmed_end
        yield _above("wrong-length", abs(whole - taken.clip.length), limits.length_difference, "s from what the corpus says")


def _below(code: str, value: float | None, limit: float | None, unit: str) -> tuple[str, str] | None:
    return (code, f"{value:.4g} {unit}, allowed at least {limit:g}") if value is not None and limit is not None and value < limit else None


def _above(code: str, value: float | None, limit: float | None, unit: str) -> tuple[str, str] | None:
    return (code, f"{value:.4g} {unit}, allowed at most {limit:g}") if value is not None and limit is not None and value > limit else None


def _misaligned(limits: Filters, said: Aligned) -> tuple[str, str] | None:
    if said.error:
        return "failed", said.error
    return ("misaligned", said.failed) if said.failed else _below("misaligned", said.score, limits.alignment, "log likelihood a frame")


def _foreign(limits: Filters, sample: Sample) -> tuple[str, str] | None:
    if not limits.languages:
        return None
    found = texts.guess_language(sample.text)
    return ("wrong-language", f"reads as {found}, labelled {sample.language}") if found not in ("", sample.language) else None


# ---------------------------------------------------------------- all clips against each other


def _without_duplicates(recipe: Recipe, samples: list[Sample], excused: list[Excused]) -> list[Sample]:
    figures, doubled = recipe.duplicates, dict[str, Excused]()
    for kept, other, like in near_duplicates(samples, figures.audio):
        doubled[other] = Excused(other, "duplicate-audio", STEP, f"{like:.2f} like {kept}")
    left = [row for row in samples if row.id not in doubled]
    if figures.texts is not None:
        what = f"{figures.texts} clips of the speaker have the same text"
        doubled |= {name: Excused(name, "duplicate-text", STEP, what) for name in repeated_texts(left, figures.texts)}
    excused += doubled.values()
    return [row for row in left if row.id not in doubled]


def near_duplicates(samples: Iterable[Sample], least: float | None) -> list[tuple[str, str, float]]:
    """Return pairs of clips with nearly the same sound, at least `least` alike: the one that stays, the other, how alike."""
    if least is None:
        return []
    rows = list(samples)
    same = exact((row.id, row.sound) for row in rows)  # also where a sound is too short for a fingerprint
    twice = {other for _, other, _ in same}
    prints = ((row.id, row.measured.fingerprint if row.measured else "", row.seconds) for row in rows if row.id not in twice)
    return [*same, *find(prints, least)]


def _selected(
    recipe: Recipe, samples: list[Sample], prepared: Mapping[str, Prepared], excused: list[Excused]
) -> tuple[list[Sample], list[str]]:
    if recipe.select is None or not samples:
        return samples, []
    means, variances = unpack([prepared[row.id].statistics for row in samples])
    classes = [tuple(getattr(row, name) for name in recipe.select.by) for row in samples]
    chosen = selection.select(samples, selection.homogeneity(means, variances, classes), quota=recipe.select.drop)
    excused += [Excused(name, "not-selected", STEP, why) for name, why in chosen.dropped.items()]
    notes = [
        f"{len(chosen.spared)} clips that the selection would have left out stay: their speaker, emotion or language would lose too many"
    ]
    return [row for row in samples if row.id not in chosen.dropped], notes if chosen.spared else []


def _split(recipe: Recipe, samples: list[Sample]) -> tuple[list[Sample], list[str]]:
    limit = recipe.duplicates.audio
    pairs = near_duplicates(samples, ALIKE) if limit is None or limit > ALIKE else []  # what stays although it is alike stays together
    found = split_rows(samples, recipe.splits.shares, recipe.splits.by, SALT, pairs)
    rows = [replace(row, split=found[row.id]) for row in samples]
    return rows, gaps(rows, recipe.splits.shares)


def _variants(recipe: Recipe, samples: Sequence[Sample]) -> Iterator[Sample]:
    """Yield the augmented copies of the training lines: the parent's sound, to be changed when it is loaded."""
    for row in samples:
        for variant in recipe.augment if row.split == "train" else ():
            name = f"{row.id}+{variant}"
            yield replace(row, id=name, audio_path=f"clips/{name}.wav", parent=row.id, variant=variant, features="", measured=None)


# ---------------------------------------------------------------- statistics on their way from the workers


def pack(means: npt.NDArray[np.float64], variances: npt.NDArray[np.float64]) -> str:
    """Return the statistics of a clip's one segment as text: float32, means and then variances."""
    return base64.b64encode(np.concatenate([means[0], variances[0]]).astype("<f4").tobytes()).decode()


def unpack(packed: Sequence[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the means and the variances of many clips, shape (clips, bands) each."""
    both = np.frombuffer(b"".join(base64.b64decode(text) for text in packed), "<f4").astype(np.float64).reshape(len(packed), -1)
    return both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :]
