"""A title-language's recipe: every input that its dub depends on, by name and digest.

The ledger keeps the recipe of the last finished dub. Where it equals today's, nothing has to be built; where it does not, the names
that differ are the reason. Comparing recipes costs no look at any step, so that a night with nothing changed costs one query.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import msgspec

from nightdub.flows.chain import CHAIN
from nightdub.infra.build import Step
from nightdub.infra.digests import digest_file, digest_of
from nightdub.infra.errors import ConfigError, MachineLacks
from nightdub.infra.ledger import Ledger, Source
from nightdub.infra.work import EngineLink
from nightdub.quality.instruments import instruments
from nightdub.quality.policy import Policy, read_policy
from nightdub.tasks.catalogue import DELIVERED
from nightdub.tasks.engines import find_engine, load_engine
from nightdub.tasks.engines.spelling import read_engine
from nightdub.tasks.profile import EngineChoice, Profile, read_profile
from nightdub.tasks.rows import Language, Title

PROFILES = Path(__file__).parent / "profiles"
STABLE = "stable"  # in place of an engine's or a profile's name: what the ledger's alias names


@dataclass(frozen=True, slots=True)
class HouseParts:
    """The parts that all titles of one profile and language pair have in common, digested once."""

    parts: Mapping[str, str]
    digest: str
    lacks: tuple[str, ...] = ()  # what this machine lacks of the profile's engines, each with the command that mends it


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one title-language is made from."""

    house: HouseParts
    files: Mapping[str, str]  # column of the catalogue -> digest of the file's bytes

    @property
    def parts(self) -> dict[str, str]:
        """Return name of the input -> digest, of all inputs."""
        return {**self.house.parts, **self.files}

    @property
    def digest(self) -> str:
        """Return one digest over all parts."""
        return hashlib.sha256(self.house.digest.encode() + msgspec.json.encode(self.files, order="sorted")).hexdigest()

    def changed_since(self, earlier: Mapping[str, str]) -> list[str]:
        """Return the names of the inputs that differ from an earlier recipe."""
        parts = self.parts
        return sorted(name for name in parts.keys() | earlier.keys() if parts.get(name) != earlier.get(name))


@dataclass(frozen=True)
class House:
    """A profile and its policy, read once a night."""

    profile: Profile
    policy: Policy
    _parts: dict[tuple[Language, Language], HouseParts] = field(default_factory=dict, repr=False)  # by source and target

    def links(self, step: Step, title: Title, language: Language) -> tuple[EngineLink, ...]:
        """Return the fallback chain of a step's verb, without engines that do not know the language."""
        return _links(self.profile.engines.get(step.verb, ()), step.verb, _languages_needed(step, title, language))

    def refused_links(self) -> list[EngineLink]:
        """Return the engines of the profile whose licence forbids commercial use."""
        chosen = [(verb, choice) for verb, choices in self.profile.engines.items() for choice in choices]
        return [
            EngineLink(verb, choice.name, choice.settings)
            for verb, choice in chosen
            if not find_engine(verb, choice.name).allows_commercial(choice.settings)
        ]

    def parts(self, title: Title, language: Language) -> HouseParts:
        """Return the parts that come from profile, policy, engines and code, not from the title's files."""
        pair = (title.language, language)
        if pair not in self._parts:
            self._parts[pair] = _house_parts(self, *pair)
        return self._parts[pair]


def open_house(name: str, profiles: Path | None, policies: Path | None, stable: Mapping[str, str] | None = None) -> House:
    """Read a profile and the policy that it names; where either says `stable`, take what that stands for. Raises: ConfigError.

    `stable` holds verb -> an engine's spelling, and "profile" -> a profile's name.
    """
    stable = stable or {}
    if name == STABLE:
        name = _stands_for("profile", stable)
    own = profiles / f"{name}.yaml" if profiles else None
    profile = read_profile(own if own and own.exists() else PROFILES / f"{name}.yaml")
    engines = {verb: tuple(_chosen(verb, choice, stable) for choice in choices) for verb, choices in profile.engines.items()}
    profile = replace(profile, engines=engines)
    house = House(profile, read_policy(profile.policy, policies))
    if profile.commercial and (refused := house.refused_links()):
        names = ", ".join(f"{link.verb}: {link.name}" for link in refused)
        raise ConfigError(
            f"not licensed for commercial use: {names}", where=f"profile {name}", fix="name other engines, or set commercial: false"
        )
    return house


def _chosen(verb: str, choice: EngineChoice, stable: Mapping[str, str]) -> EngineChoice:
    return EngineChoice(*read_engine(_stands_for(verb, stable))) if choice.name == STABLE else choice


def _stands_for(subject: str, stable: Mapping[str, str]) -> str:
    if found := stable.get(subject):
        return found
    raise ConfigError(f"nothing is stable for {subject!r} yet", fix=f"nightdub promote {subject} NAME, or name it itself")


def identity(link: EngineLink) -> dict[str, object]:
    """Return an engine's identity as plain values, asked once per process."""
    return _identity(link.verb, link.name, msgspec.json.encode(link.settings, order="sorted"))


@lru_cache(maxsize=256)
def _identity(verb: str, name: str, settings: bytes) -> dict[str, object]:
    values: dict[str, object] = msgspec.to_builtins(load_engine(verb, name, msgspec.json.decode(settings)).identity())
    return values


def _links(choices: tuple[EngineChoice, ...], verb: str, languages: tuple[Language, ...]) -> tuple[EngineLink, ...]:
    specs = [(choice, find_engine(verb, choice.name)) for choice in choices]
    return tuple(
        EngineLink(verb, choice.name, choice.settings)
        for choice, spec in specs
        if not spec.languages or all(language in spec.languages for language in languages)
    )


def _languages_needed(step: Step, title: Title, language: Language) -> tuple[Language, ...]:
    """Return the languages that an engine of this step must know: the source's, the target's, or both."""
    named = {"source": title.language, "target": language}
    return tuple(named[name] for name in ("source", "target") if name in step.params)


def _house_parts(house: House, source: Language, target: Language) -> HouseParts:
    title = Title("", "", source, (target,))
    lacks: set[str] = set()
    engines = {f"engine:{step.verb}:{step.name}": _engines_part(house.links(step, title, target), lacks) for step in CHAIN if step.verb}
    figures = msgspec.to_builtins(house.profile)
    named = ("translation", "sound", "fit", "subtitles", "picture", "commercial")
    figures = {f"profile:{name}": digest_of(figures[name]) for name in named}
    code = {f"code:{step.name}": str(step.version) for step in CHAIN}
    languages = {"title:language": source, "title:target": target}
    parts = engines | figures | code | languages | {"policy": house.policy.digest, "instruments": digest_of(instruments().known)}
    return HouseParts(parts, digest_of(parts), tuple(sorted(lacks)))


def _engines_part(links: tuple[EngineLink, ...], lacks: set[str]) -> str:
    """Return the digest of a fallback chain; a link that this machine lacks is named as missing, since a plan needs no engine."""
    return digest_of([_identity_or_lack(link, lacks) for link in links])


def _identity_or_lack(link: EngineLink, lacks: set[str]) -> object:
    try:
        return identity(link)
    except MachineLacks as error:
        lacks.add(str(error))
        return f"missing: {link.name}"


def delivered(title: Title, digest: Callable[[str], str]) -> dict[str, str]:
    """Return column -> digest of the title's files; `digest` gives the digest of a file's bytes by path.

    A file that cannot be read has its cause in that place: it fails when its title is built, and stops no other.
    """
    files = {}
    for name in DELIVERED:
        if path := getattr(title, name):
            try:
                files[name] = digest(path)
            except OSError as error:
                files[name] = f"unreadable: {error.strerror}"
    return files


def title_recipe(house: House, title: Title, language: Language, files: Mapping[str, str]) -> Recipe:
    """Return the recipe of one title-language from the digests of its files."""
    place = {f"title:{name}": value for name, value in (("series", title.series), ("episode", title.episode)) if value}
    return Recipe(house.parts(title, language), {**files, **place} if place else files)


class FileDigests:
    """Digests of the catalogue's files, remembered by size and modification time as version control does.

    A file that was rewritten within the clock's resolution and kept its size would be missed; sources in object storage do not
    change in place.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known = ledger.known_sources()
        self._seen: dict[str, str] = {}
        self._fresh: list[Source] = []

    def __call__(self, path: str) -> str:
        """Return the digest of a file, hashing it only where size or time differ from what is known."""
        if path not in self._seen:
            self._seen[path] = self._digest(path)
        return self._seen[path]

    def _digest(self, path: str) -> str:
        facts = os.stat(path)  # noqa: PTH116  (a Path for each file takes four times as long)
        known = self._known.get(path)
        if known and (known[0], known[1]) == (facts.st_size, facts.st_mtime_ns):
            return str(known[2])
        digest = digest_file(Path(path))
        self._fresh.append(Source(path, facts.st_size, facts.st_mtime_ns, digest))
        return digest

    def remember(self) -> None:
        """Write what was newly hashed to the ledger."""
        self._ledger.remember_sources(self._fresh)
        self._fresh = []


def prepare(
    titles: Iterable[Title], profiles: Path | None, policies: Path | None, stable: Mapping[str, str] | None = None
) -> dict[str, House]:
    """Read every profile that the titles name."""
    return {name: open_house(name, profiles, policies, stable) for name in sorted({title.profile for title in titles})}
