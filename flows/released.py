"""What is out of a title-language: the film, the steps that had a part in it, and what is said of it wherever it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nightdub.flows.chain import CHAIN
from nightdub.flows.chain.gather import Shelf
from nightdub.flows.lineage import Lineage, lineage
from nightdub.flows.night import Books, stable_names
from nightdub.flows.pointer import released_package
from nightdub.flows.recipe import House, identity, open_house
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import TitleLanguage
from nightdub.tasks.delivery_names import fields_of, file_name, filled
from nightdub.tasks.engines import TABLE
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.package import MARK
from nightdub.tasks.rows import Clip, Language, ShotClip, Title

PUBLIC = ("made_by", "title", "headline", "language", "source_language", "synthetic", "engines")  # names nobody


@dataclass(frozen=True)
class Released:
    """A released film, what it was made of, and how its files are called."""

    books: Books
    row: TitleLanguage
    house: House
    film: str  # digest
    made: Lineage
    name: str
    headline: str

    @property
    def language(self) -> Language:
        """Return the dub's language."""
        return self.row.language

    @property
    def source(self) -> Language:
        """Return the original's language."""
        return self.row.inputs["title:language"]

    @property
    def shelf(self) -> Shelf:
        """Return the outputs of the steps that had a part in the film."""
        return self.made.shelf(self.books)

    @property
    def mark(self) -> str:
        """Return what says that the film is synthetic, in words."""
        return MARK.format(LANGUAGES[self.language].name)

    def path(self, output: str) -> Path:
        """Return a local file with an output of a step."""
        return self.shelf.path(output)

    def has(self, output: str) -> bool:
        """Return whether a step made an output."""
        return output in self.made.digests


def find_released(books: Books, title: str, language: Language) -> Released:
    """Return what is out of a title-language.

    Raises:
        LedgerError: nothing is, or the ledger no longer knows what it was made of.
        ConfigError: a name that the profile's templates make cannot be.
    """
    film, row = released_package(books, title, language), books.ledger.title_languages(title).get((title, language))
    if not film or row is None:
        fix = "nightdub status says why; nightdub release lets it out by a person's word"
        raise LedgerError("nothing is released", where=f"{title}/{language}", fix=fix)
    house = open_house(row.profile, books.settings.profiles, books.settings.policies, stable_names(books.ledger))
    figures, where = house.profile.delivery, f"profile {row.profile}: delivery"
    series, episode = (row.inputs.get(f"title:{name}", "") for name in ("series", "episode"))
    fields = fields_of(title, series, episode, row.inputs["title:language"], language)
    name, headline = file_name(figures.name, fields, f"{where}.name"), filled(figures.headline, fields, f"{where}.headline")
    return Released(books, row, house, film, lineage(books, title, language, film), name, headline)


def statement(found: Released) -> dict[str, Any]:
    """Return what is said of a film wherever it goes: that it is synthetic, who made what, by whose leave, and by whose decision."""
    clips = found.shelf.rows("lips.clips", ShotClip)
    redrawn = sum(clip.moved > 0 for clip in clips)
    return {
        "made_by": f"nightdub {version('nightdub')}",
        "title": found.row.title,
        "headline": found.headline,
        "language": found.language,
        "source_language": found.source,
        "synthetic": {"speech": True, "shots_redrawn": redrawn, "shots": len(clips), "says": found.mark},
        "engines": list(_engines(found)),
        "consents": list(_consents(found)),
        "release": _release(found),
        "film": found.film,
    }


def _engines(found: Released) -> Iterator[dict[str, Any]]:
    """Yield every engine that had a part in the film; its version and weights where they can still be told."""
    specs = {(spec.verb, spec.name): spec for spec in TABLE}
    for step in CHAIN:
        if step.name not in found.made.parts:
            continue
        known = _identities(found, step.name)
        for name in found.made.parts[step.name].engines:
            spec, facts = specs.get((step.verb, name)), known.get(name, {})
            licence = {"licence": spec.licence, "stand_in": spec.stand_in} if spec else {"licence": "", "stand_in": False}
            version_ = {"version": facts.get("version", ""), "weights": facts.get("weights", "")}
            yield {"step": step.name, "verb": step.verb, "engine": name, **version_, **licence}


def _identities(found: Released, step: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the identities of a step's engines where the film's recipe and this machine agree on them; else nothing."""
    title, declared = Title("", "", found.source, (found.language,)), next(row for row in CHAIN if row.name == step)
    part = f"engine:{declared.verb}:{step}"
    same = found.row.package == found.film and found.house.parts(title, found.language).parts.get(part) == found.row.inputs.get(part)
    return {link.name: identity(link) for link in found.house.links(declared, title, found.language)} if same and declared.verb else {}


def _consents(found: Released) -> Iterator[dict[str, Any]]:
    """Yield every consent record that a voice of the film rests on."""
    known = {row.id: row for row in found.books.ledger.consents()}
    for name in sorted({clip.consent for clip in found.shelf.rows("stretch.clips", Clip) if clip.consent}):
        row = known.get(name)
        yield {"id": name, "speaker": row.speaker, "scope": row.scope, "document": row.document} if row else {"id": name}


def _release(found: Released) -> dict[str, Any]:
    """Return the move that let the film out, and the decision of the gate that it rests on; empty where the ledger lost it."""
    ledger, title = found.books.ledger, found.row.title
    move = next((move for move in ledger.releases(title, found.language) if move.package == found.film), None)
    if move is None:
        return {}
    told = {"action": move.action, "by": move.who, "why": move.why, "at": move.created.isoformat()}
    decision = next((row for row in ledger.decisions(title, found.language) if row.id == move.decision), None)
    if decision is None:
        return told
    facts = {"policy": decision.policy, "digest": decision.policy_digest, "outcome": decision.outcome, "reasons": decision.reasons}
    return told | {"decision": facts | {"overridden": [rule["rule"] for rule in decision.rules if rule.get("override")]}}
