"""One title's way through the chain: what belongs to the title once, then every language by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from nightdub.flows.chain import LANGUAGE_STEPS, TITLE_STEPS
from nightdub.flows.kept import approved_lines
from nightdub.flows.night import Night
from nightdub.flows.plan import Planned
from nightdub.flows.recipe import House, identity
from nightdub.flows.release import decide_and_release
from nightdub.flows.voices import enter_characters, voice_inputs
from nightdub.flows.watch import Event, tell
from nightdub.infra.build import Ask, Built, Step
from nightdub.infra.errors import LedgerUnavailable, MachineLacks, NightdubError, StepFailed
from nightdub.infra.ledger import TitleLanguage, TitleState
from nightdub.infra.logs import note, warn
from nightdub.infra.work import EngineLink
from nightdub.quality.instruments import instruments
from nightdub.tasks.catalogue import DELIVERED
from nightdub.tasks.engines import find_engine
from nightdub.tasks.rows import Language, Title

LEDGER_PAUSES = (1.0, 5.0, 20.0)  # seconds between tries to write a title-language's state

Outputs = dict[str, str]  # "step.output" or "in.column" -> digest
BuildStep = Callable[..., Built]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one title-language ended."""

    title: str
    language: Language
    state: TitleState
    reasons: tuple[str, ...] = ()
    package: str = ""  # digest of the film
    built_steps: int = 0
    made: int = 0  # items made
    reused: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Perceived:
    """What a title's languages have in common, or why there will be none."""

    outputs: Outputs
    heads: Mapping[str, str]  # step -> key
    built_steps: int = 0
    made: int = 0
    error: NightdubError | None = None


def build_step(night: Night, ask: Ask, *, retry: bool) -> Built:
    """Build one step of one title; the unit that Prefect sees and retries."""
    tell(Event("step", ask.title, ask.language, ask.step.name))
    return night.builder.build(ask, retry=retry, progress=lambda n: tell(Event("items", ask.title, ask.language, ask.step.name, n)))


def perceive(night: Night, planned: Planned, build: BuildStep = build_step) -> Perceived:
    """Do all that does not depend on a target language; an error is kept for the languages to report."""
    title, house = planned.title, night.houses[planned.title.profile]
    try:
        outputs = _deliver(night, title, anew=_retry(planned))
        built = _walk(night, house, title, "", TITLE_STEPS, outputs, build, retry=_retry(planned))
        return Perceived(outputs, *_sums(built))
    except Exception as error:
        return Perceived({}, {}, error=_ours(error, title))


def settle(night: Night, planned: Planned, perceived: Perceived, _earlier: object = None) -> Perceived:
    """Enter the characters of an episode into the voice book before any of its languages starts.

    Of two episodes in one night the first in the plan comes first: `_earlier` is the other's result, which has only to be there.
    """
    if perceived.error:
        return perceived
    try:
        enter_characters(night.books, planned.title, perceived.outputs)
    except Exception as error:
        return replace(perceived, error=_ours(error, planned.title))
    return perceived


def localise(night: Night, planned: Planned, perceived: Perceived, build: BuildStep = build_step) -> Outcome:
    """Make one title-language and let the gate decide; whatever goes wrong ends as its state, never as an exception.

    Raises: only what no retry and no other title can outlive (the ledger itself is gone).
    """
    title, language = planned.title, planned.language
    started = time.perf_counter()
    _note(night, planned, Outcome(title.id, language, "building"))
    try:
        outcome = _dub(night, planned, perceived, build)
    except Exception as error:
        outcome = Outcome(title.id, language, "failed", (_cause(_ours(error, title)),))
    outcome = replace(outcome, seconds=time.perf_counter() - started)
    _note(night, planned, outcome)
    tell(Event("finished", title.id, language, detail=outcome.state))
    say = warn if outcome.state == "failed" else note
    say("title-language ended", title=title.id, language=language, run=night.run, state=outcome.state, reasons=outcome.reasons)
    return outcome


def _dub(night: Night, planned: Planned, perceived: Perceived, build: BuildStep) -> Outcome:
    """Walk a language's steps and ask the gate. Raises: whatever the title's own steps or these raised."""
    if perceived.error:
        raise perceived.error
    title, language, house = planned.title, planned.language, night.houses[planned.title.profile]
    outputs = perceived.outputs | _settled(night, planned, perceived.outputs)
    built = _walk(night, house, title, language, LANGUAGE_STEPS, outputs, build, retry=_retry(planned))
    _, steps, made = _sums(built)
    state, reasons = decide_and_release(night, planned, house, outputs)
    return Outcome(title.id, language, state, reasons, outputs["package.film"], steps, made, sum(step.reused for step in built.values()))


def _settled(night: Night, planned: Planned, outputs: Outputs) -> Outputs:
    """Put what people settled into the store: what the plan saw, the voice book as it is now, and the lines that were approved since."""
    approved = approved_lines(night.books.ledger, planned.title.language, planned.language)
    voices = voice_inputs(night.books, planned.title, planned.language, outputs)
    rows = {"corrections": planned.kept.get("corrections", b""), **voices, "approved": approved}
    return {f"in.{name}": night.books.store.put_bytes(lines) for name, lines in rows.items() if lines}


def _deliver(night: Night, title: Title, *, anew: bool) -> Outputs:
    """Put the title's delivered files into the store, so that any worker reaches them by digest; `anew`, also those that are there.

    Raises: StepFailed where a file is gone, cannot be read, or is another one than the night was planned for.
    """
    outputs = {}
    for name in DELIVERED:
        if path := getattr(title, name):
            try:
                digest = night.digests(path)
                same = (not anew and night.books.store.exists(digest)) or night.books.store.put_file(Path(path)) == digest
            except OSError as error:
                what = f"{name} cannot be read: {error.strerror}"
                raise StepFailed(what, cause="SourceUnreadable", where=title.id, fix="deliver it again") from error
            if not same:
                raise StepFailed(f"{name} changed while the night ran", cause="SourceChanged", where=title.id, fix="run again")
            outputs[f"in.{name}"] = digest
    return outputs


def _walk(
    night: Night,
    house: House,
    title: Title,
    language: Language,
    steps: tuple[Step, ...],
    outputs: Outputs,
    build: BuildStep,
    *,
    retry: bool,
) -> dict[str, Built]:
    """Build the steps in order, adding each one's outputs; a step without a usable engine or an input is left out."""
    built: dict[str, Built] = {}
    for step in steps:
        ask = make_ask(house, title, language, step, outputs)
        if ask is None:
            continue
        built[step.name] = build(night, ask, retry=retry)
        night.books.ledger.set_heads(title.id, language, {step.name: built[step.name].key})
        outputs |= {f"{step.name}.{name}": digest for name, digest in built[step.name].outputs.items()}
    return built


def make_ask(house: House, title: Title, language: Language, step: Step, outputs: Mapping[str, str]) -> Ask | None:
    """Return what to ask for one step, or None where it does not apply to this title.

    Raises: StepFailed where a step that must run lacks an input.
    """
    inputs, lacking = {}, []
    for want in step.inputs:
        names = want.rstrip("?").split("|")
        found = next((name for name in names if name in outputs), "")
        if found:
            inputs[names[0]] = outputs[found]
        elif not want.endswith("?"):
            lacking.append(" or ".join(names))
    links = house.links(step, title, language) if step.verb else ()
    engineless = bool(step.verb) and step.needs_engine and not links
    if step.optional and (lacking or engineless):
        return None
    if lacking:
        raise StepFailed(f"needs {', '.join(lacking)}", cause="InputMissing", where=f"{title.id}/{step.name}", fix=step.advice)
    if engineless:
        raise StepFailed(
            f"no engine of profile {house.profile.name!r} serves {title.language} -> {language or title.language}",
            cause="EngineMissing",
            where=f"{title.id}/{step.name}",
            fix="nightdub engines lists languages; name another engine in the profile",
        )
    params = _params(house, title, language, step)
    usable = _usable(links)
    return Ask(step, title.id, language, inputs, params, tuple(link for link, _ in usable), tuple(known for _, known in usable))


def _usable(links: Sequence[EngineLink]) -> list[tuple[EngineLink, dict[str, object]]]:
    """Return the links of a chain that this machine has, with their identities. Raises: MachineLacks where it has none of them."""
    usable: list[tuple[EngineLink, dict[str, object]]] = []
    lack: MachineLacks | None = None
    for link in links:
        try:
            usable.append((link, identity(link)))
        except MachineLacks as error:
            lack = error
    if lack and not usable:
        raise lack
    return usable


def _params(house: House, title: Title, language: Language, step: Step) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(house.profile)
    values |= {"source": title.language, "target": language, "suffix": Path(title.source).suffix.lower()}
    values["line_rules"] = msgspec.to_builtins(house.policy.line_rules)
    values["instruments"] = msgspec.to_builtins(instruments())
    values["reads_context"] = any(find_engine(link.verb, link.name).reads_context for link in house.links(step, title, language))
    values["refused"] = sorted({link.name for link in house.refused_links()})
    return {name: values[name] for name in step.params}


def _sums(built: Mapping[str, Built]) -> tuple[dict[str, str], int, int]:
    """Return heads, steps in which something was made, and items made."""
    return (
        {name: step.key for name, step in built.items()},
        sum(step.made > 0 for step in built.values()),
        sum(step.made for step in built.values()),
    )


def _retry(planned: Planned) -> bool:
    return "failed before" in planned.because


def _ours(error: Exception, title: Title) -> NightdubError:
    """Return any error as one of ours: a fault in our own code stops the title under which it shows, and no other."""
    if isinstance(error, NightdubError):
        return error
    what = f"{type(error).__name__}: {error}"
    return StepFailed(what, cause=type(error).__name__, where=title.id, fix="report this: the other titles go on")


def _cause(error: NightdubError) -> str:
    code = getattr(error, "cause", "") or error.code
    return f"{error} [{'transient' if error.transient else code}]"


def _note(night: Night, planned: Planned, outcome: Outcome) -> None:
    """Write the title-language's state to the ledger."""
    row = TitleLanguage(
        title=outcome.title,
        language=outcome.language,
        profile=planned.title.profile,
        recipe=planned.recipe.digest,
        inputs=dict(planned.recipe.parts),
        state=outcome.state,
        reasons=list(outcome.reasons),
        package=outcome.package,
        run=night.run,
    )
    for pause in LEDGER_PAUSES:
        try:
            return night.books.ledger.put_title_languages([row])
        except LedgerUnavailable:
            time.sleep(pause)
    return night.books.ledger.put_title_languages([row])
