"""From key to artifact: a step is a pure function of its inputs, and what the ledger knows is not made again.

One job goes: claim (lease and fencing token) -> split into items -> take over the items whose keys stand in an earlier manifest ->
make the rest on the compute pool -> join -> put objects -> commit in one transaction, refused if the token is stale. It may be killed
between any two of these and run again: same bytes, one row.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from nightdub.infra.code import check_files, replaced, unchanged
from nightdub.infra.compute import Compute, orders_by_cost
from nightdub.infra.digests import digest_of, prune
from nightdub.infra.errors import DigestMismatch, JobBusy, LeaseLost, NightdubError, ObjectMissing, StepFailed, error_row
from nightdub.infra.lease import Draft, Lease, timeless
from nightdub.infra.ledger import Artifact, Claim, Ledger
from nightdub.infra.logs import about, carried
from nightdub.infra.scratch import Scratch
from nightdub.infra.store import Store
from nightdub.infra.work import EngineLink, Item, Order, Result, Work

TAKEN_OVER = 3  # leases that a builder may lose to others in one job before it says so

Row = Any


class Inputs(Protocol):
    """What a step may read of its inputs; satisfied by `StoredInputs`."""

    @property
    def params(self) -> Mapping[str, Any]: ...
    def has(self, name: str) -> bool: ...
    def digest(self, name: str) -> str: ...
    def path(self, name: str) -> Path: ...
    def rows(self, name: str, kind: type[Any]) -> list[Any]: ...


@dataclass(frozen=True)
class Step:
    """The declaration of one step of the chain.

    `inputs` names outputs of earlier steps ("audio.mix") and files of the catalogue ("in.source"); a trailing "?" marks one that may
    be absent. `version` is raised by hand whenever the step's output changes. `params` names the fields of the profile and title
    that the step depends on. A step that does not split has one item, and its failure is the job's.
    """

    name: str
    version: int
    scope: Literal["title", "language"]
    inputs: tuple[str, ...]
    split: Callable[[Inputs], list[Item]]
    work: Work
    join: Callable[[Inputs, Sequence[Result], Path], dict[str, Path]] | None = None  # None: the only item's files are the outputs
    verb: str = ""
    params: tuple[str, ...] = ()
    needs_engine: bool = True  # False: the work function has a documented way without one
    tolerates_loss: bool = False  # the join has a way for a step in which every item failed
    optional: bool = False  # left out where an input is absent or no engine serves the language
    advice: str = ""  # what a person can do where an input is absent

    @property
    def whole(self) -> bool:
        """Return whether the step makes its output as one item."""
        return self.join is None


@dataclass(frozen=True)
class Ask:
    """One step wanted for one title (and language), with all that its key depends on."""

    step: Step
    title: str
    language: str  # "" where the step belongs to the title
    inputs: dict[str, str]  # name -> digest
    params: dict[str, Any]
    chain: tuple[EngineLink, ...] = ()
    identities: tuple[dict[str, Any], ...] = ()  # of the chain's engines, in its order
    places: Mapping[str, str] = field(default_factory=dict)  # digest -> path of files that workers read where they lie; in no key

    @property
    def base(self) -> dict[str, Any]:
        """Return what the keys of the job and of its items have in common."""
        return {"step": self.step.name, "version": self.step.version, "params": self.params, "engines": list(self.identities)}

    @property
    def key(self) -> str:
        """Return the job's key."""
        return digest_of(self.base | {"inputs": self.inputs, "language": self.language})

    def item_key(self, item: Item) -> str:
        """Return the key of one item: not its id, so that a line that only moved is not made again."""
        return digest_of(self._pruned_base | {"payload": item.payload, "blobs": item.blobs, "language": self.language})

    @cached_property
    def _pruned_base(self) -> dict[str, Any]:
        """Return `base` without empty fields, once for all items: a key is the same with and without them."""
        pruned: dict[str, Any] = prune(self.base)
        return pruned


@dataclass(frozen=True)
class Built:
    """A finished job: its outputs by name, and what it took."""

    key: str
    manifest: str
    outputs: dict[str, str]  # name -> digest
    items: tuple[Result, ...] = ()
    made: int = 0  # items made in this call
    reused: int = 0
    partial: bool = False  # some items failed


@dataclass(frozen=True)
class Manifest:
    """What is stored for a job: outputs and one line per item, without anything that differs between two runs."""

    step: str
    version: int
    outputs: dict[str, str]
    items: tuple[Result, ...] = field(default_factory=tuple)


def read_manifest(store: Store, digest: str) -> Manifest:
    """Return a stored manifest."""
    return msgspec.json.decode(store.get_bytes(digest), type=Manifest)


@dataclass(frozen=True)
class StoredInputs:
    """Inputs as files and rows out of the store."""

    store: Store
    digests: Mapping[str, str]
    params: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Return whether an optional input was given."""
        return name in self.digests

    def digest(self, name: str) -> str:
        """Return the digest of an input."""
        return self.digests[name]

    def path(self, name: str) -> Path:
        """Return a local, read-only file with the input's bytes."""
        return self.store.fetch(self.digests[name])

    def rows(self, name: str, kind: type[Any]) -> list[Any]:
        """Return the input's JSON lines as rows."""
        return msgspec.json.Decoder(kind).decode_lines(self.store.get_bytes(self.digests[name]))


@dataclass(frozen=True)
class Builder:
    """Builds asks: the ledger arbitrates, the store keeps, the compute pool works."""

    store: Store
    ledger: Ledger
    compute: Compute
    loader: Callable[[str, str, dict[str, Any]], Any]  # verb, name, settings -> engine, on the worker
    store_options: dict[str, Any]
    run: str
    workers: int
    batch_seconds: float = 1.0
    lease_seconds: float = 60.0
    busy_seconds: float = 3600.0  # how long to wait for another builder of the same job
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")

    def build(self, ask: Ask, *, retry: bool = False, progress: Callable[[int], None] | None = None) -> Built:
        """Return the job's outputs, making only what is missing.

        Args:
            ask: The step and all that its key depends on.
            retry: Try again what failed for good before (lines or the whole job).
            progress: Called with the number of items that were just finished.

        Raises:
            StepFailed: the step cannot produce its outputs; says what failed.
            JobBusy: another builder holds the job and does not finish in time, or takes it over again and again.
            NightdubError: transient ones (store, ledger, lost scheduler), to be tried again by the caller.
        """
        for _ in range(TAKEN_OVER):
            try:
                return self._build(ask, progress or (lambda _: None), retry=retry)
            except LeaseLost:
                retry = False  # whoever took the job over makes it now: what comes of that is ours as well
        raise JobBusy(f"taken over {TAKEN_OVER} times", where=_place(ask), fix="raise lease_seconds: heartbeats do not come through")

    def _build(self, ask: Ask, progress: Callable[[int], None], *, retry: bool) -> Built:
        """Build once. Raises: as `build`, and LeaseLost where another builder took the job over meanwhile."""
        fresh = False
        while (claim := self._claim(ask, retry)).outcome in ("done", "partial"):
            if known := self._known(ask, claim, closely=retry):
                return known
            fresh = True
        if claim.outcome == "failed":
            raise _step_failed(ask, claim.error or {})
        lease = Lease(self.ledger, ask.key, self.owner, claim.fence, self.lease_seconds)
        with about(title=ask.title, language=ask.language, step=ask.step.name, run=self.run), lease:
            try:
                return self._make(ask, lease, progress, fresh=fresh)
            except NightdubError as error:
                if not isinstance(error, LeaseLost):
                    row = error.to_row() | {"code": getattr(error, "cause", "") or error.code}
                    self.ledger.fail(ask.key, self.owner, claim.fence, row, lease.cost)
                if error.transient or isinstance(error, LeaseLost | StepFailed):
                    raise
                raise _step_failed(ask, error.to_row()) from error
            except Exception as error:
                if not unchanged():  # the cause may be that: two halves of two versions
                    self.ledger.fail(ask.key, self.owner, claim.fence, replaced().to_row(), lease.cost)
                    raise replaced() from error
                self.ledger.fail(ask.key, self.owner, claim.fence, error_row(error), lease.cost)
                raise StepFailed(str(error) or type(error).__name__, where=_place(ask)) from error

    def _claim(self, ask: Ask, retry: bool) -> Claim:  # noqa: FBT001
        """Claim the job, waiting while another builder holds it."""
        deadline = time.monotonic() + self.busy_seconds
        pause = 0.05
        while True:
            claim = self.ledger.claim(
                ask.key, ask.step.name, ask.step.version, ask.title, ask.language, self.owner, self.run, self.lease_seconds, retry=retry
            )
            if claim.outcome != "busy":
                return claim
            if time.monotonic() > deadline:
                raise JobBusy(
                    "held by another builder", where=_place(ask), fix="nightdub status shows who; its lease frees it if it is dead"
                )
            left = (claim.lease_until - datetime.now(UTC)).total_seconds() if claim.lease_until else pause
            time.sleep(min(pause, max(left, 0.05)))  # a dead builder's job is asked for as its lease ends
            pause = min(pause * 1.5, 2.0)

    def _known(self, ask: Ask, claim: Claim, *, closely: bool) -> Built | None:
        """Return what a finished job made, or None where that is no longer in the store: the job can then be claimed again.

        Outputs are looked for; `closely`, all that the job made is read and held against its digests.
        """
        digest = claim.manifest or ""
        try:
            manifest = read_manifest(self.store, digest)
            for output in manifest.outputs.values():
                self.store.size(output)
            for name in {*manifest.outputs.values(), *(name for item in manifest.items for name in item.files.values())} if closely else ():
                self.store.fetch(name)
        except (ObjectMissing, DigestMismatch) as error:
            self.ledger.reopen(ask.key, error.to_row())
            return None
        return Built(ask.key, digest, manifest.outputs, manifest.items, 0, len(manifest.items), claim.outcome == "partial")

    def _make(self, ask: Ask, lease: Lease, progress: Callable[[int], None], *, fresh: bool) -> Built:
        inputs = StoredInputs(self.store, ask.inputs, ask.params)
        items = [_placed(item, ask.places) for item in ask.step.split(inputs)] if ask.places else ask.step.split(inputs)
        keys = [ask.item_key(item) for item in items]
        known = {} if fresh else self._earlier(ask)
        results = self._fill(ask, items, keys, known, lease, progress)
        _refuse_total_loss(ask, results)
        outputs = self._join(ask, inputs, results)
        manifest = Manifest(ask.step.name, ask.step.version, outputs, tuple(timeless(result) for result in results))
        digest = self.store.put_bytes(msgspec.json.encode(manifest, order="sorted"))
        partial = any(result.failed for result in results)
        artifacts = [Artifact(name, output, self.store.size(output)) for name, output in outputs.items()]
        check_files()  # the join ran here
        lease.check()
        self.ledger.commit(ask.key, self.owner, lease.fence, digest, artifacts, ask.inputs, lease.cost, partial=partial)
        self._drop_draft(ask)
        made = sum(not result.reused for result in results)
        return Built(ask.key, digest, outputs, tuple(results), made, len(results) - made, partial)

    def _fill(
        self, ask: Ask, items: list[Item], keys: list[str], known: dict[str, Result], lease: Lease, progress: Callable[[int], None]
    ) -> list[Result]:
        """Return one result per item: taken over from an earlier manifest where the key is the same, else made."""
        draft = Draft(self.store, f"drafts/{ask.key}")
        known = known | draft.read()
        found = {key: known[key] for key in keys if key in known}
        progress(sum(key in found for key in keys))
        missing = {key: item for item, key in zip(items, keys, strict=True) if key not in found}
        where = (self.store.url, self.store_options)
        order = Order(ask.step.work, tuple(missing.values()), tuple(missing), ask.params, ask.chain, self.loader, *where, context=carried())

        def keep(results: list[Result]) -> None:
            lease.spend(results)
            if not ask.step.whole:
                draft.add(results)
            progress(len(results))

        batches = orders_by_cost(order, self.batch_seconds, self.workers) if missing else []
        made = {result.key: result for results in self.compute.run(batches, keep) for result in results}
        lease.reused = len(found)
        return [
            replace(made[key], id=item.id) if key in made else replace(found[key], id=item.id, reused=True)
            for item, key in zip(items, keys, strict=True)
        ]

    def _earlier(self, ask: Ask) -> dict[str, Result]:
        """Return the good results of the job that this title's step used last."""
        head = self.ledger.heads(ask.title, ask.language).get(ask.step.name)
        job = self.ledger.jobs([head]).get(head) if head else None
        if job is None or not job.manifest or ask.step.whole:
            return {}
        try:
            return {result.key: result for result in read_manifest(self.store, job.manifest).items if not result.failed}
        except (ObjectMissing, DigestMismatch):
            return {}  # what cannot be read is made again

    def _join(self, ask: Ask, inputs: StoredInputs, results: list[Result]) -> dict[str, str]:
        if ask.step.join is None:
            return dict(results[0].files)
        with Scratch("join") as scratch:
            files = ask.step.join(inputs, results, Path(scratch))
            return {name: self.store.put_file(path) for name, path in files.items()}

    def _drop_draft(self, ask: Ask) -> None:
        if not ask.step.whole:
            self.store.delete_pointer(f"drafts/{ask.key}")


def _placed(item: Item, places: Mapping[str, str]) -> Item:
    """Return the item with the paths of those of its blobs that are no objects of the store."""
    return replace(item, places={name: places[digest] for name, digest in item.blobs.items() if digest in places})


def _refuse_total_loss(ask: Ask, results: Sequence[Result]) -> None:
    """Raise StepFailed where nothing at all could be made."""
    tried = [result for result in results if not result.skipped]
    if tried and not ask.step.tolerates_loss and all(result.failed for result in tried):
        raise _step_failed(ask, tried[0].failed)


def _step_failed(ask: Ask, row: dict[str, Any]) -> StepFailed:
    within, place = row.get("where", ""), _place(ask)
    if within and not within.startswith((place, "/")):  # a path of the store tells nobody anything
        place = f"{place}: {within}"
    return StepFailed(
        row.get("what", "unknown cause"), cause=row.get("code", ""), where=place, allowed=row.get("allowed", ""), fix=row.get("fix", "")
    )


def _place(ask: Ask) -> str:
    return "/".join(part for part in (ask.title, ask.language, ask.step.name) if part)
