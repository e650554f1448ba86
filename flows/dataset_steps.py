"""The steps of a dataset: each clip's sound, its features, all clips together, the gate, the outputs, the version.

A clip's sound is keyed by its recording's bytes and stretch and by how it is cleaned, not by its text or labels: a corrected transcript
makes no sound again. Limits are applied to what was measured, in one step over all clips: another limit makes no sound again either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

from nightdub.datasets.assemble import assemble, pack, training_text
from nightdub.datasets.fingerprint import fingerprint
from nightdub.datasets.outputs import OUTPUTS, Options
from nightdub.datasets.recipe import Recipe
from nightdub.datasets.rows import RATE, Aligned, Excused, Featured, Measured, Prepared, Sample, SourceClip, TakenClip
from nightdub.datasets.selection import segment_statistics
from nightdub.datasets.sound.clean import Cleaning, decode, to_standard
from nightdub.datasets.sound.features import extract, write_features
from nightdub.flows.chain.parts import OneByOne, cause_of, one_by_one, param, rows_of, whole
from nightdub.flows.dataset_gate import Account, check
from nightdub.infra.build import Inputs, Step
from nightdub.infra.digests import canonical, digest_bytes
from nightdub.infra.errors import MachineLacks, MediaError, StepFailed
from nightdub.infra.media.raw import G722_RATE, g722_samples
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.data.page import write_pages
from nightdub.quality.metrics import signal
from nightdub.quality.metrics.predicted import Predictors, predict
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import write_rows
from nightdub.tasks.sound import Samples, read_mono, read_sound, to_mono, write_sound

SECONDS_A_CLIP = 0.01  # of work, about: clips last three seconds or so

# ---------------------------------------------------------------- each clip's sound


def _clips(inputs: Inputs) -> list[Item]:
    items = []
    for taken in inputs.rows("in.clips", TakenClip):
        stretch = {"start": taken.clip.start, "end": taken.clip.end, "raw_rate": taken.clip.raw_rate, "suffix": taken.suffix}
        items.append(Item(taken.clip.id, stretch, {"audio": taken.source}, SECONDS_A_CLIP))
    return items


def _prepare(item: Item, bench: Bench) -> Done:
    """Bring one recording, or a stretch of it, to the standard form and measure it; a sound that cannot be used is excused."""
    try:
        data = Path(item.places["audio"]).read_bytes()
    except OSError as error:
        return Done(failed=f"no-audio: {error.strerror}")  # failed, not excused for good: the next build looks again
    if digest_bytes(data) != item.blobs["audio"]:
        return Done(failed="source-changed: other bytes than when the dataset was planned")
    clip = SourceClip(item.id, "", "", "", start=item.payload["start"], end=item.payload["end"], raw_rate=item.payload["raw_rate"])
    try:
        samples, rate = _g722(data) if item.payload["suffix"] == ".g722" else decode(data, clip)
        cleaned = to_standard(samples, rate, clip.start, clip.end, param(bench, "clean", Cleaning))
    except MediaError as error:
        return Done(row={"what": error.what}, skipped="unreadable-audio")
    if not np.any(np.abs(cleaned.samples) > 0):
        return Done(row={"what": f"{cleaned.measured.seconds:.2f} s without a sound"}, skipped="silent")
    clipping = signal.clipped_share(_stretch(samples, rate, clip), rate)  # of the source: resampling rounds flat tops
    measured = _measure(cleaned.samples, cleaned.measured, clipping, dnsmos=bench.params["dnsmos"])
    row: dict[str, object] = {"measured": measured}
    if bench.params["select"]:
        row["statistics"] = pack(*segment_statistics(cleaned.samples, RATE))
    return Done({"sound": write_sound(bench.new("sound.wav"), cleaned.samples, RATE)}, msgspec.to_builtins(row))


def _g722(data: bytes) -> tuple[Samples, int]:
    return g722_samples(data).astype(np.float32) / np.float32(32768), G722_RATE


def _stretch(samples: Samples, rate: int, clip: SourceClip) -> Samples:
    end = None if clip.end is None else round(clip.end * rate)
    return to_mono(samples)[round(clip.start * rate) : end]


def _measure(sound: Sound, known: Measured, clipping: float | None, *, dnsmos: bool) -> Measured:
    return replace(
        known,
        clipping=clipping,
        bandwidth=signal.bandwidth(sound, RATE),
        snr=signal.noise_ratio(sound, RATE),
        dnsmos=_opinion(sound) if dnsmos else None,
        fingerprint=fingerprint(sound, RATE),
    )


def _opinion(sound: Sound) -> float | None:
    """Return the predicted opinion; None where a sound is too short for one. Raises: MachineLacks where the networks are not here."""
    if missing := [name for name in ("speechmos", "onnxruntime") if find_spec(name) is None]:
        raise MachineLacks(f"{missing[0]} is not installed", where="filters.dnsmos", fix="make setup")
    return predict(sound, RATE, Predictors())[0].get("dnsmos_ovrl")


def _prepared(_inputs: Inputs, results: Sequence[Result], scratch: Path) -> dict[str, Path]:
    rows = []
    for result in results:
        reason, what = result.skipped, str(result.row.get("what", ""))
        if result.failed:
            code, _, said = cause_of(result).partition(": ")
            reason, what = (code, said) if code in ("no-audio", "source-changed") else ("failed", cause_of(result))
        measured = msgspec.convert(result.row["measured"], Measured, strict=False) if "measured" in result.row else None
        rows.append(Prepared(result.id, result.files.get("sound", ""), reason, what, measured, result.row.get("statistics", "")))
    return {"clips": write_rows(scratch / "clips.jsonl", rows)}


# ---------------------------------------------------------------- features


def _sounds(inputs: Inputs) -> list[Item]:
    rows = inputs.rows("dataset_sound.clips", Prepared)
    return [Item(row.id, {}, {"sound": row.sound}, SECONDS_A_CLIP) for row in rows if row.sound]


def _features(item: Item, bench: Bench) -> Done:
    sound, rate = read_sound(bench.file(item.blobs["sound"]))
    return Done({"features": write_features(bench.new("features.npz"), extract(sound, rate, tuple(bench.params["features"])))})


def _featured(_inputs: Inputs, results: Sequence[Result], scratch: Path) -> dict[str, Path]:
    rows = [Featured(result.id, result.files.get("features", ""), cause_of(result)) for result in results]
    return {"clips": write_rows(scratch / "clips.jsonl", rows)}


# ---------------------------------------------------------------- alignment


def _spoken(inputs: Inputs) -> list[Item]:
    """Return an item for each clip that has a sound, and a text in a language that the aligner knows."""
    sounds = {row.id: row.sound for row in inputs.rows("dataset_sound.clips", Prepared) if row.sound}
    items = []
    for taken in inputs.rows("in.clips", TakenClip):
        text = training_text(inputs.params["normalise"], taken.clip)
        if taken.clip.language in inputs.params["languages"] and taken.clip.id in sounds and text:
            said = {"text": text, "language": taken.clip.language}
            items.append(Item(taken.clip.id, said, {"sound": sounds[taken.clip.id]}, SECONDS_A_CLIP * 10))
    return items


def _align(item: Item, bench: Bench) -> Done:
    (heard,) = bench.engine.align([read_mono(bench.file(item.blobs["sound"]))], [item.payload["text"]], item.payload["language"])
    return Done(row=msgspec.to_builtins({"score": heard.score, "failed": heard.failed, "words": heard.words}))


def _aligned(_inputs: Inputs, results: Sequence[Result], scratch: Path) -> dict[str, Path]:
    rows = [
        Aligned(row.id, error=cause_of(row)) if row.failed else msgspec.convert(row.row | {"id": row.id}, Aligned, strict=False)
        for row in results
    ]
    return {"clips": write_rows(scratch / "clips.jsonl", rows)}


# ---------------------------------------------------------------- all clips together, and the gate


def _assemble(item: Item, bench: Bench) -> Done:
    recipe = param(bench, "recipe", Recipe)
    clips, prepared = rows_of(bench, item, "in.clips", TakenClip), rows_of(bench, item, "dataset_sound.clips", Prepared)
    features = {row.id: row.features for row in rows_of(bench, item, "dataset_features.clips", Featured)}
    aligned = {row.id: row for row in rows_of(bench, item, "dataset_alignment.clips", Aligned)}
    found = assemble(recipe, clips, {row.id: row for row in prepared}, features, aligned)
    rows = (*found.excused, *rows_of(bench, item, "in.excused", Excused))
    excused = sorted(rows, key=lambda row: (row.id, row.code, row.what, row.where))
    placeless = [replace(row, where="") for row in excused]  # a version does not know in which order its corpus was written down
    files = {"samples": found.samples, "variants": found.variants, "excused": placeless, "notes": found.notes, "places": excused}
    return Done({name: write_rows(bench.new(f"{name}.jsonl"), rows) for name, rows in files.items()})


def _gate(item: Item, bench: Bench) -> Done:
    samples, variants = rows_of(bench, item, "dataset.samples", Sample), rows_of(bench, item, "dataset.variants", Sample)
    excused = rows_of(bench, item, "dataset.excused", Excused)
    earlier = rows_of(bench, item, "in.previous", Sample) if "in.previous" in item.blobs else None
    verdicts, measurements = check(param(bench, "recipe", Recipe), param(bench, "intake", Account), samples, variants, excused, earlier)
    files = {
        "verdicts": write_rows(bench.new("verdicts.jsonl"), verdicts),
        "measurements": write_rows(bench.new("measurements.jsonl"), measurements),
    }
    return Done(files | {f"page.{name}": path for name, path in write_pages(bench.scratch, verdicts).items()})


# ---------------------------------------------------------------- outputs


def _parts(inputs: Inputs) -> list[Item]:
    """Return one item for each part of an output; its rows are its key, so that a part in which nothing changed is taken over."""
    output, items = OUTPUTS[inputs.params["output"]], []
    for name, rows in sorted(output.parts(inputs.rows("dataset.samples", Sample), param(inputs, "options", Options)).items()):
        lines = b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in rows)
        items.append(Item(name, {"name": name, "rows": lines.decode()}, {}, SECONDS_A_CLIP * len(rows)))
    return items


def _write_part(item: Item, bench: Bench) -> Done:
    rows = msgspec.json.Decoder(Sample).decode_lines(item.payload["rows"])
    output, options = OUTPUTS[bench.params["output"]], param(bench, "options", Options)
    return Done(output.write_part(item.payload["name"], rows, bench.file, bench.file, bench.scratch, options))


def _written(inputs: Inputs, results: Sequence[Result], scratch: Path) -> dict[str, Path]:
    if failed := next((result for result in results if result.failed), None):
        raise StepFailed(cause_of(failed), where=f"part {failed.id}", fix="see the cause; the other parts are kept")
    sizes = {name: size for result in results for name, size in result.sizes.items()}
    digests = {name: digest for result in results for name, digest in result.files.items()}
    output = OUTPUTS[inputs.params["output"]]
    parts = output.parts(inputs.rows("dataset.samples", Sample), param(inputs, "options", Options))
    return output.finish(parts, sizes, digests, scratch)


def output_step(output: str) -> Step:
    """Return the step that writes one output; its parts are written beside each other."""
    asked = ("output", "options")
    return Step(f"dataset_{output}", 1, "title", ("dataset.samples",), _parts, one_by_one(_write_part), _written, params=asked)


# ---------------------------------------------------------------- the version


def _version(item: Item, bench: Bench) -> Done:
    """Write what a version is: the digest of every file in it, and of the recipe. Nothing of when, where or after what it was made."""
    path = bench.new("version.json")
    path.write_bytes(msgspec.json.format(canonical(item.payload), indent=1) + b"\n")
    return Done({"version": path})


def _everything(inputs: Inputs) -> list[Item]:
    return [Item("whole", dict(inputs.params))]


SOUND = Step(
    "dataset_sound",
    1,
    "title",
    ("in.clips",),
    _clips,
    OneByOne(_prepare),
    _prepared,
    params=("dataset", "clean", "dnsmos", "select"),
    tolerates_loss=True,
)
FEATURES = Step(
    "dataset_features", 1, "title", ("dataset_sound.clips",), _sounds, OneByOne(_features), _featured, params=("dataset", "features")
)
ALIGNMENT = Step(
    "dataset_alignment", 1, "title", ("in.clips", "dataset_sound.clips"), _spoken, OneByOne(_align), _aligned,
    verb="align", params=("dataset", "languages", "normalise"), tolerates_loss=True,
)  # fmt: skip
_ALL = ("in.clips", "in.excused", "dataset_sound.clips", "dataset_features.clips", "dataset_alignment.clips")
ASSEMBLE = Step("dataset", 1, "title", _ALL, whole(*_ALL, cost=2), one_by_one(_assemble), params=("recipe",))
_TABLES = ("dataset.samples", "dataset.variants", "dataset.excused", "in.previous")
GATE = Step("dataset_gate", 1, "title", _TABLES, whole(*_TABLES, cost=5), one_by_one(_gate), params=("recipe", "intake"))
VERSION = Step("dataset_version", 1, "title", (), _everything, one_by_one(_version), params=("name", "recipe", "parts"))


def steps_of(recipe: Recipe) -> set[str]:
    """Return the names of the steps that a recipe has."""
    own = [step.name for step, has in ((FEATURES, recipe.features), (ALIGNMENT, recipe.align)) if has]
    return {*(step.name for step in (SOUND, ASSEMBLE, GATE, VERSION)), *own, *(output_step(name).name for name in recipe.outputs)}
