"""A profile: which engines work, what is delivered, and which policy decides. One YAML file each, typed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nightdub.infra.errors import ConfigError
from nightdub.infra.strict_yaml import read_yaml


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """One link of a verb's fallback chain."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)  # keyword arguments of the engine


@dataclass(frozen=True, slots=True)
class TranslationFigures:
    nearly: float = 0.85  # likeness from which the memory's translation of another line is taken; 1 = the same but for numbers
    scene_pause: float = 4.0  # seconds without a line that part two scenes
    before: int = 3  # lines of the scene that a translator reads with one, where it reads any
    after: int = 2


@dataclass(frozen=True, slots=True)
class SoundFigures:
    loudness: float = -27.0  # LKFS where the gate is open
    gating: Literal["dialogue", "programme"] = "dialogue"  # what the loudness is measured over: the lines, or all of it (EBU R128)
    true_peak: float = -2.0  # dBTP, upper limit
    ducking: float = -9.0  # dB taken off the bed under speech where there is no clean M&E


@dataclass(frozen=True, slots=True)
class FitFigures:
    rate_slowest: float = 0.9  # speaking rate that an engine may be asked for
    rate_fastest: float = 1.3
    stretch_normal: float = 1.2
    stretch_hard: float = 1.3
    borrow: float = 0.6  # seconds of silence that a line may take on each side
    rest: float = 0.08  # seconds kept between two lines
    into: float = 0.0  # share of its slot by which a line may reach into another speaker's, which then begins later
    prefer: Literal["tight", "sync", "even", "natural"] = "sync"  # point of the frontier between sync and speed (docs/timing.md)
    shorten: bool = True  # a line that does not fit may be said with fewer words


@dataclass(frozen=True, slots=True)
class SubtitleFigures:
    lines: int = 2
    shortest: float = 5 / 6  # seconds on screen
    longest: float = 7.0
    gap_frames: int = 2
    audience: Literal["adults", "children"] = "adults"  # whose reading speed counts


@dataclass(frozen=True, slots=True)
class PictureFigures:
    crf: int = 20  # x264 quality
    preset: str = "veryfast"
    smallest_face: int = 48  # pixels of face height below which no mouth is moved


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """How delivered files are called. Both are templates; docs/packages.md lists what may stand in braces."""

    name: str = "{title}.{language}"
    headline: str = "{title} ({language_name})"  # the film's title, as players show it


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    policy: str  # name of a file in quality/policies
    commercial: bool  # True refuses engines and voices that may not be used commercially
    engines: dict[str, tuple[EngineChoice, ...]]  # verb -> fallback chain, first choice first
    translation: TranslationFigures = field(default_factory=TranslationFigures)
    sound: SoundFigures = field(default_factory=SoundFigures)
    fit: FitFigures = field(default_factory=FitFigures)
    subtitles: SubtitleFigures = field(default_factory=SubtitleFigures)
    picture: PictureFigures = field(default_factory=PictureFigures)
    delivery: DeliveryFigures = field(default_factory=DeliveryFigures)


def read_profile(path: Path) -> Profile:
    """Read a profile. Raises: ConfigError with the YAML path of what does not fit."""
    try:
        return read_yaml(path.read_bytes(), Profile)
    except FileNotFoundError:
        names = ", ".join(sorted(other.stem for other in path.parent.glob("*.yaml")))
        raise ConfigError(f"no profile {path.stem!r}", where=str(path), allowed=names, fix="name one of these, or add a file") from None
    except ValueError as error:
        raise ConfigError(str(error), where=str(path), fix="docs/profiles.md lists every field") from error
