"""Other versions of a clip, each spelled in a few words and made on demand: "tempo=1.1", "noise=15:pink+codec=gsm"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from nightdub.datasets.sound import effects
from nightdub.datasets.sound.clean import check_samples
from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples

MOST_CHANGES = 8  # of one variant
SHORTEST: Seconds = 0.05  # below it there is no pitch to keep or to move
VOICED = ("tempo", "pitch", "formant")
KINDS = ("white", "pink", "babble")
TRIES = 50  # draws for each variant wanted, before a recipe counts as used up


class Span(NamedTuple):
    """What a number of a change may be."""

    least: float
    most: float
    unit: str


NUMBERS: dict[str, tuple[Span, ...]] = {
    "tempo": (Span(0.5, 2, "times as fast"),),
    "pitch": (Span(-12, 12, "semitones"),),
    "speed": (Span(0.5, 2, "times as fast"),),
    "noise": (Span(-10, 60, "dB of signal to noise"),),
    "low_shelf": (Span(20, 10_000, "Hz"), Span(-24, 24, "dB")),
    "high_shelf": (Span(20, 10_000, "Hz"), Span(-24, 24, "dB")),
    "formant": (Span(0.7, 1.4, "times as high"),),
    "room": (Span(0.15, 0.8, "s of decay by 60 dB"),),
    "clip": (Span(0.05, 1, "of the highest peak"),),
    "gain": (Span(-40, 40, "dB"),),
}
CODECS: dict[str, tuple[Span, ...]] = {"mp3": (Span(16, 160, "kbit/s"),), "ogg": (), "g711": (), "gsm": ()}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its name, its word ("pink", "gsm") and its numbers."""

    name: str
    numbers: tuple[float, ...] = ()
    word: str = ""

    def __str__(self) -> str:
        numbers = [f"{value:.10g}" for value in self.numbers]
        parts = [self.word, *numbers] if self.name == "codec" else [*numbers, self.word]
        return f"{self.name}={':'.join(part for part in parts if part)}"


@dataclass(frozen=True, slots=True)
class Variant:
    """Changes in the order in which they are made; as text, the one spelling that the variant has."""

    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return "+".join(map(str, self.changes))


def parse_variant(text: str) -> Variant:
    """Return the variant that a spelling means. Raises: ConfigError: a name, word or number that there is not."""
    parts = text.replace(" ", "").split("+")
    if len(parts) > MOST_CHANGES:
        raise ConfigError(f"{len(parts)} changes", where=text[:80], allowed=f"at most {MOST_CHANGES}", fix="make two variants of it")
    return Variant(tuple(_parse_change(part) for part in parts))


def variants_of(clip_id: str, recipes: Sequence[str], count: int) -> list[Variant]:
    """Return `count` different variants of a clip, drawn by its id: the recipes in turn, "pitch=-2..2" as a number between the two.

    Numbers are drawn in hundredths. Asking for more returns the same ones first.

    Raises: ConfigError: a recipe that is no variant, or too few for as many different variants.
    """
    for recipe in recipes:
        for end in (1, 2):
            parse_variant(_RANGE.sub(rf"\{end}", recipe))
    order = _rng(clip_id, "order").permutation(len(recipes))
    found: dict[str, Variant] = {}
    for turn in range(count * TRIES if recipes else 0):
        if len(found) == count:
            break
        recipe = recipes[order[turn % len(recipes)]]
        variant = parse_variant(_drawn(recipe, _rng(clip_id, recipe, turn)))
        found.setdefault(str(variant), variant)
    if len(found) < count:
        raise ConfigError(f"{count} variants", where="augmentation", allowed=f"{len(found)} from these recipes", fix="give more, or ranges")
    return list(found.values())


def apply(samples: Samples, rate: int, variant: Variant, clip_id: str) -> Samples:
    """Return another version of mono sound, drawn by the clip's id and the variant's spelling: the same wherever and whenever it is made.

    What would pass full scale is brought down as a whole. Tempo and speed change the length, nothing else does.

    Raises:
        MediaError: samples that are no finite numbers; under 0.05 s where the change needs a voice. MachineLacks: a program or library.
    """
    check_samples(samples, clip_id)
    sound = np.asarray(samples, np.float32)
    for index, change in enumerate(variant.changes if sound.size else ()):
        if change.name in VOICED and sound.size < int(SHORTEST * rate):
            raise MediaError(f"{sound.size / rate:.3f} s", where=clip_id, allowed=f"{SHORTEST:g} s for {change}", fix="leave it out")
        sound = _MADE[change.name](sound, rate, change, _rng(clip_id, str(variant), index))
    highest = np.abs(sound).max(initial=0.0)
    return sound / highest if highest > 1.0 else sound


def _parse_change(text: str) -> Change:
    name, _, rest = text.partition("=")
    numbers, word, spans = rest.split(":"), "", NUMBERS.get(name)
    if name == "codec":
        word = numbers.pop(0)
        spans = CODECS.get(word)
    elif name == "noise":
        word = numbers.pop() if len(numbers) == 2 else KINDS[0]
        spans = spans if word in KINDS else None
    if spans is None or len(numbers) != len(spans):
        raise ConfigError(repr(text), where="variant", allowed=spellings(), fix="correct the recipe")
    return Change(name, tuple(_parse_number(text, number, span) for number, span in zip(numbers, spans, strict=True)), word)


def _parse_number(text: str, number: str, span: Span) -> float:
    value = round(float(number), 0 if span.unit == "kbit/s" else 4) if _NUMBER.fullmatch(number) else float("nan")
    if not span.least <= value <= span.most:
        raise ConfigError(repr(text), where="variant", allowed=f"{span.least:g} to {span.most:g} {span.unit}", fix="correct the recipe")
    return value + 0.0  # no minus zero


def spellings() -> str:
    """Return all that may be said, as one line."""
    plain = {name: ":".join(f"{span.least:g}..{span.most:g}" for span in spans) for name, spans in NUMBERS.items()}
    plain["noise"] += f"[:{'|'.join(KINDS)}]"
    codecs = (":".join([name, *(f"{span.least:g}..{span.most:g}" for span in spans)]) for name, spans in CODECS.items())
    return ", ".join([*(f"{name}={values}" for name, values in plain.items()), f"codec={'|'.join(codecs)}"])


def _drawn(recipe: str, rng: np.random.Generator) -> str:
    def number(found: re.Match[str]) -> str:
        low, high = sorted((float(found[1]), float(found[2])))
        return f"{round(rng.uniform(low, high), 2):.10g}"

    return _RANGE.sub(number, recipe)


def _rng(clip_id: str, spelling: str, index: int = 0) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(sha256(f"{clip_id}\0{spelling}\0{index}".encode()).digest()))


_MADE: dict[str, Callable[[Samples, int, Change, np.random.Generator], Samples]] = {
    "tempo": lambda sound, rate, change, _: effects.tempo(sound, rate, change.numbers[0]),
    "pitch": lambda sound, rate, change, _: effects.pitch(sound, rate, change.numbers[0]),
    "speed": lambda sound, _rate, change, _: effects.speed(sound, change.numbers[0]),
    "noise": lambda sound, _rate, change, rng: effects.noise(sound, change.numbers[0], change.word, rng),
    "low_shelf": lambda sound, rate, change, _: effects.shelf(sound, rate, *change.numbers, high=False),
    "high_shelf": lambda sound, rate, change, _: effects.shelf(sound, rate, *change.numbers, high=True),
    "formant": lambda sound, rate, change, _: effects.formant(sound, rate, change.numbers[0]),
    "room": lambda sound, rate, change, rng: effects.room(sound, rate, change.numbers[0], rng),
    "codec": lambda sound, rate, change, _: effects.codec(sound, rate, change.word, round(sum(change.numbers))),
    "clip": lambda sound, _rate, change, _: effects.clip(sound, change.numbers[0]),
    "gain": lambda sound, _rate, change, _: np.asarray(sound * np.float32(10 ** (change.numbers[0] / 20)), np.float32),
}
