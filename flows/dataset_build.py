"""From a recipe to a version of a dataset: take the corpus in, walk the steps, ask the gate.

What a step made before is taken over, clip by clip; where nothing has changed, no pool is started and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec

from nightdub.datasets.outputs import Options
from nightdub.datasets.recipe import Recipe, read_recipe
from nightdub.datasets.rows import Excused, Sample
from nightdub.flows.dataset_card import show_card
from nightdub.flows.dataset_gate import consented
from nightdub.flows.dataset_intake import Intake, take_in
from nightdub.flows.dataset_release import consenting, refusal
from nightdub.flows.dataset_steps import ALIGNMENT, ASSEMBLE, FEATURES, GATE, SOUND, VERSION, output_step
from nightdub.flows.dataset_versions import MUL, previous_version, read_version
from nightdub.flows.night import Books, Night, open_night
from nightdub.flows.recipe import FileDigests, identity
from nightdub.flows.release import Evidence, judge, recorded
from nightdub.infra.build import Ask, Built, Step, StoredInputs, read_manifest
from nightdub.infra.environment import environment
from nightdub.infra.errors import NightdubError
from nightdub.infra.logs import warn
from nightdub.infra.work import EngineLink
from nightdub.quality.policy import Policy, read_policy
from nightdub.tasks.engines import find_engine
from nightdub.tasks.engines.spelling import read_engine
from nightdub.tasks.rows import Measurement

Build = Callable[[Ask], Built]


class NotBuilt(NightdubError):
    """A job that has not been done yet; `ask` is what it would be."""

    def __init__(self, ask: Ask) -> None:
        super().__init__("not built", where=f"{ask.title}/{ask.step.name}")
        self.ask = ask


@dataclass(frozen=True)
class Made:
    """A walk through the steps: outputs by "step.name", the jobs, and the version's digest."""

    version: str
    outputs: dict[str, str]
    jobs: dict[str, Built]


@dataclass(frozen=True, slots=True)
class DatasetOutcome:
    """How a build ended."""

    name: str
    state: str  # released, held
    reasons: tuple[str, ...]
    version: str  # digest
    rows: int  # of the corpus
    samples: int
    excused: dict[str, int] = field(default_factory=dict)  # reason code -> rows
    made: int = 0  # items made in this build
    reused: int = 0
    previous: str = ""  # digest of the version that was out before
    page: str = ""  # of the card, in the working folder

    @property
    def balanced(self) -> bool:
        """Return whether every row of the corpus is in the dataset or excused."""
        return self.rows == self.samples + sum(self.excused.values())


def build_dataset(books: Books, name: str, build_in: Callable[..., Built] | None = None, *, retry: bool = False) -> DatasetOutcome:
    """Build a dataset and let the gate decide over its release.

    Args:
        books: Ledger and store.
        name: Of a recipe, or the path of its file.
        build_in: What builds one ask in a night, as `flows.policy.build_in_prefect` does; None = the night's own builder.
        retry: Try again the clips that failed before.

    Raises:
        ConfigError: the recipe or the corpus cannot be used.
        StepFailed: a step failed as a whole.
    """
    recipe, folder = read_recipe(name)
    policy = read_policy(recipe.policy, books.settings.policies)
    digests = FileDigests(books.ledger)
    intake = take_in(books, recipe, folder, digests)
    made = None if retry else _made_before(books, recipe, intake)
    if made and (standing := _standing(books, recipe, policy, intake, made)):
        return standing
    run = books.ledger.start_run("dataset", {"recipe": name, "dataset": recipe.name})
    try:
        if made is None:
            with open_night(books, {}, digests, run) as night:
                made = walk(books, recipe, intake, _builder(night, build_in, again=retry))
        outcome = _decide(books, recipe, policy, intake, made, run)
    except BaseException as error:
        warn("dataset failed", run=run, dataset=recipe.name, what=f"{type(error).__name__}: {error}")
        books.ledger.finish_run(run, "failed", {})
        raise
    account = {"rows": outcome.rows, "samples": outcome.samples, "excused": sum(outcome.excused.values()), "made": outcome.made}
    books.ledger.finish_run(run, "done", account)
    return outcome


# ---------------------------------------------------------------- the steps


def _builder(night: Night, build_in: Callable[..., Built] | None, *, again: bool) -> Build:
    """Return what builds an ask. Clips that failed are tried again each time: a recording may be back, and what failed is few."""

    def build(ask: Ask) -> Built:
        job = night.books.ledger.jobs([ask.key]).get(ask.key)
        retry = again or (job is not None and job.state == "partial")
        return build_in(night, ask, retry=retry) if build_in else night.builder.build(ask, retry=retry)

    return build


def known_job(books: Books) -> Build:
    """Return what finds a finished job and makes nothing. It raises NotBuilt where there is none, or its outputs are gone."""

    def find(ask: Ask) -> Built:
        job = books.ledger.jobs([ask.key]).get(ask.key)
        if job is None or job.state != "done" or not job.manifest:
            raise NotBuilt(ask)
        try:
            manifest = read_manifest(books.store, job.manifest)
            if not all(books.store.exists(digest) for digest in manifest.outputs.values()):
                raise NotBuilt(ask)
        except NightdubError as error:
            raise NotBuilt(ask) from error
        return Built(ask.key, job.manifest, manifest.outputs, manifest.items, 0, len(manifest.items))

    return find


def _made_before(books: Books, recipe: Recipe, intake: Intake) -> Made | None:
    """Return what was made of this very corpus before; None where something has to be made."""
    try:
        return walk(books, recipe, intake, known_job(books))
    except NotBuilt:
        return None


def walk(books: Books, recipe: Recipe, intake: Intake, build: Build, *, settle: bool = True) -> Made:
    """Go through the steps in order, each on the outputs of those before it; `settle`: what was built counts as the newest from now on.

    Raises: whatever `build` raises.
    """
    plain = msgspec.to_builtins(recipe)
    outputs = {"in.clips": _put(books, intake.clips), "in.excused": _put(books, intake.excused)}
    jobs: dict[str, Built] = {}

    def step(declared: Step, params: dict[str, object], inputs: tuple[str, ...] = (), chain: tuple[EngineLink, ...] = ()) -> Built:
        found = {name: outputs[name] for name in inputs or declared.inputs if name in outputs}
        places = intake.places if declared is SOUND else {}
        ask = Ask(declared, recipe.title, "", found, params, chain, tuple(identity(link) for link in chain), places)
        built = jobs[declared.name] = build(ask)
        if settle:
            books.ledger.set_heads(recipe.title, "", {declared.name: built.key})
        outputs.update({f"{declared.name}.{name}": digest for name, digest in built.outputs.items()})
        return built

    own = {"dataset": recipe.name}  # two datasets share objects and no job: what is erased from one stays in the other
    step(SOUND, own | {"clean": plain["clean"], "dnsmos": recipe.filters.dnsmos is not None, "select": recipe.select is not None})
    if recipe.features:
        step(FEATURES, own | {"features": sorted(recipe.features)})
    if recipe.align:
        name, settings = read_engine(recipe.align)
        known = {"languages": sorted(find_engine("align", name).languages), "normalise": recipe.normalise}
        step(ALIGNMENT, own | known, chain=(EngineLink("align", name, settings),))
    step(ASSEMBLE, {"recipe": plain})
    if earlier := previous_version(books, recipe, outputs["dataset.samples"]):
        outputs["in.previous"] = read_version(books, earlier).parts["dataset.samples"]
    step(GATE, {"recipe": plain, "intake": {"rows": intake.rows, "unread": intake.unread}})
    parts = {name: outputs[name] for name in ("dataset.samples", "dataset.variants", "dataset.excused", "dataset.notes")}
    for name in recipe.outputs:
        options = Options(recipe.name, recipe.licence, tuple(sorted(recipe.features)))
        built = step(output_step(name), {"output": name, "options": msgspec.to_builtins(options)})
        files = {file: digest for item in built.items for file, digest in item.files.items()} | built.outputs
        parts |= {f"{name}/{file}": digest for file, digest in files.items()}
    step(VERSION, {"name": recipe.name, "recipe": recipe.digest, "consents": recipe.consents == "required", "parts": parts})
    return Made(outputs["dataset_version.version"], outputs, jobs)


def _put(books: Books, rows: tuple[object, ...]) -> str:
    return books.store.put_bytes(b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in rows))


# ---------------------------------------------------------------- what would be done


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """What a build would do: the first step that has to be made, and how much of it is there."""

    name: str
    rows: int
    clips: int
    excused: int
    step: str = ""  # empty = nothing has to be made
    items: int = 0  # of that step
    missing: int = 0  # of those: new or changed


def plan_dataset(books: Books, name: str) -> DatasetPlan:
    """Return what a build would do now; nothing is made."""
    recipe, folder = read_recipe(name)
    intake = take_in(books, recipe, folder, FileDigests(books.ledger))
    found = DatasetPlan(recipe.name, intake.rows, len(intake.clips), len(intake.excused))
    try:
        walk(books, recipe, intake, known_job(books), settle=False)
    except NotBuilt as error:
        ask = error.ask
        items = ask.step.split(StoredInputs(books.store, ask.inputs, ask.params))
        known = _known_items(books, ask)
        return replace(found, step=ask.step.name, items=len(items), missing=sum(ask.item_key(item) not in known for item in items))
    return found


def _known_items(books: Books, ask: Ask) -> set[str]:
    """Return the keys of the items that the step made last."""
    head = books.ledger.heads(ask.title, ask.language).get(ask.step.name)
    job = books.ledger.jobs([head]).get(head) if head else None
    if job is None or not job.manifest or not books.store.exists(job.manifest):
        return set()
    return {item.key for item in read_manifest(books.store, job.manifest).items if not item.failed}


# ---------------------------------------------------------------- the gate


def _decide(books: Books, recipe: Recipe, policy: Policy, intake: Intake, made: Made, run: str) -> DatasetOutcome:
    """Record what was measured, let the gate decide, and lay the card where people look."""
    samples = msgspec.json.Decoder(Sample).decode_lines(books.store.get_bytes(made.outputs["dataset.samples"]))
    rows = msgspec.json.Decoder(Measurement).decode_lines(books.store.get_bytes(made.outputs["dataset_gate.measurements"]))
    rows.append(consented(recipe, samples, consenting(books)))
    here = {"environment": books.ledger.record_environment(environment())}
    books.ledger.record_measurements(run, recipe.title, MUL, [recorded(row) | here for row in rows])
    previous = next((row.package for row in books.ledger.releases(recipe.title, MUL)), "")
    if why := _overtaken(books, recipe, run) or refusal(books, recipe.title, made.version):
        outcome = _outcome(books, recipe, intake, made, "held", (why,))
    else:
        evidence = Evidence(recipe.title, MUL, run, made.version, made.version, tuple(rows))
        outcome = _outcome(books, recipe, intake, made, *judge(books, policy, evidence))
    page = show_card(books, recipe, made.version, books.store.get_bytes(made.outputs["dataset.places"]))
    return replace(outcome, previous=previous if previous != made.version else "", page=page)


def _overtaken(books: Books, recipe: Recipe, run: str) -> str:
    """Return why an older build may not replace what a later one has let out; empty where none has."""
    decision = next(iter(books.ledger.decisions(recipe.title, MUL)), None)
    return "a build that began later was judged meanwhile: build again" if decision and decision.run > run else ""


def _standing(books: Books, recipe: Recipe, policy: Policy, intake: Intake, made: Made) -> DatasetOutcome | None:
    """Return how the dataset stands where this very version was judged by this very policy and let out; else None: it is judged again."""
    decision = next(iter(books.ledger.decisions(recipe.title, MUL)), None)
    move = next(iter(books.ledger.releases(recipe.title, MUL)), None)
    if decision is None or move is None or move.package != made.version or move.action == "withdraw":
        return None
    if (decision.recipe, decision.policy_digest) != (made.version, policy.digest) or recipe.consents == "required":
        return None
    return _outcome(books, recipe, intake, made, "released", ())


def _outcome(books: Books, recipe: Recipe, intake: Intake, made: Made, state: str, reasons: tuple[str, ...]) -> DatasetOutcome:
    excused = msgspec.json.Decoder(Excused).decode_lines(books.store.get_bytes(made.outputs["dataset.excused"]))
    samples = books.store.get_bytes(made.outputs["dataset.samples"]).count(b"\n")
    return DatasetOutcome(
        recipe.name,
        state,
        reasons,
        made.version,
        intake.rows,
        samples,
        dict(Counter(row.code for row in excused).most_common()),
        sum(job.made for job in made.jobs.values()),
        sum(job.reused for job in made.jobs.values()),
    )
