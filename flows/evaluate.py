"""Evaluation: an engine over a set, scored; a candidate held against another engine on the same sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from nightdub.datasets.evaluation import EvaluationSet
from nightdub.flows.night import Books, Night, open_night
from nightdub.flows.recipe import FileDigests, identity
from nightdub.flows.trials import DNSMOS, RATE, RECOGNISE, SPEAK, TRANSLATE, Hypothesis
from nightdub.infra.build import Ask, Built, Step
from nightdub.infra.digests import digest_of
from nightdub.infra.environment import environment
from nightdub.infra.errors import ConfigError, MachineLacks
from nightdub.infra.ledger import RecordedComparison, RecordedEvaluation
from nightdub.infra.work import EngineLink
from nightdub.quality.compare import Comparison, Contrast, contrast, judge
from nightdub.quality.metrics.predicted import Predictors
from nightdub.quality.metrics.predicted import engines as rating_engines
from nightdub.quality.score import Score, mean_score, translation_scores, word_scores
from nightdub.tasks.engines import TABLE, find_engine
from nightdub.tasks.engines.spelling import read_engine, spell_engine
from nightdub.tasks.rows import Language

STEPS: Mapping[str, Step] = {"recognise": RECOGNISE, "translate": TRANSLATE, "speak": SPEAK}
ALIASES = ("stable", "candidate")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One evaluation with the ledger's row, and how much of it had to be made."""

    row: RecordedEvaluation
    made: int
    reused: int


def resolve(books: Books, verb: str, engine: str) -> str:
    """Return the one spelling of an engine, an alias being looked up. Raises: ConfigError where there is no such engine or alias."""
    if verb not in STEPS:
        raise ConfigError(f"nothing evaluates {verb!r}", allowed=", ".join(STEPS))
    if engine in ALIASES:
        moves = books.ledger.alias_moves(verb, engine)
        if not moves or not moves[0].target:
            raise ConfigError(f"no engine is {engine} for {verb}", fix=f"nightdub promote {verb} ENGINE, or name the engine itself")
        return moves[0].target
    name, settings = read_engine(engine)
    find_engine(verb, name)
    return spell_engine(name, settings)


def evaluate(books: Books, verb: str, engine: str, sets: Sequence[EvaluationSet], *, fresh: bool = False) -> list[Evaluated]:
    """Run an engine over sets, keep every hypothesis, and record the scores; what was made before is taken over.

    Args:
        books: Ledger and store.
        verb: "recognise", "translate" or "speak".
        engine: An engine's spelling, or an alias.
        sets: What `read_set` gave.
        fresh: Make everything again, under this machine's environment, although no input has changed.

    Raises:
        ConfigError: the engine does not know a set's language, or a set has nothing for this verb.
        MachineLacks: the engine, its weights, or the listener of spoken lines are not here.
        StepFailed: the engine failed at every line.
    """
    spelled = resolve(books, verb, engine)
    work = [(found, _links(books, verb, spelled, found)) for found in sets]
    identities = [[identity(link) for link in links] for _, links in work]  # before a pool is started for what cannot be done
    run = books.ledger.start_run("evaluate", {"verb": verb, "engine": spelled, "sets": [found.name for found in sets]})
    try:
        with open_night(books, {}, FileDigests(books.ledger), run) as night:
            done = [
                _evaluate(night, verb, spelled, found, links, known, fresh=fresh)
                for (found, links), known in zip(work, identities, strict=True)
            ]
    except BaseException:
        books.ledger.finish_run(run, "failed", {})
        raise
    books.ledger.finish_run(run, "done", {"made": sum(one.made for one in done), "reused": sum(one.reused for one in done)})
    return done


def compare(books: Books, candidates: Sequence[RecordedEvaluation], stables: Sequence[RecordedEvaluation]) -> RecordedComparison:
    """Hold evaluations of a candidate against those of another engine on the same sets, and record the answer.

    Raises: ConfigError where the sets differ, or another recogniser listened.
    """
    contrasts: list[Contrast] = []
    for one, other in zip(candidates, stables, strict=True):
        if (one.verb, one.dataset_digest, one.identities[1:]) != (other.verb, other.dataset_digest, other.identities[1:]):
            raise ConfigError(f"{one.engine}, {other.engine}: another set or listener", where=one.dataset, fix="evaluate both again")
        contrasts += _contrasts(books, one, other)
    answer = judge(contrasts)
    row = _comparison(candidates, stables, answer)
    return replace(row, id=books.ledger.record_comparison(row))


def hypotheses(books: Books, row: RecordedEvaluation) -> list[Hypothesis]:
    """Return what an engine made of every line of a set."""
    return msgspec.json.Decoder(Hypothesis).decode_lines(books.store.get_bytes(row.hypotheses))


def present_identity(books: Books, verb: str, engine: str, found: EvaluationSet) -> str:
    """Return the digest of what an engine, and the listener of what it speaks, are today. Raises: MachineLacks."""
    return digest_of([identity(link) for link in _links(books, verb, engine, found)])


def _links(books: Books, verb: str, engine: str, found: EvaluationSet) -> list[EngineLink]:
    """Return the engine, and for spoken lines the recogniser that listens to them. Raises: ConfigError."""
    link, languages = _link(verb, engine), (found.language, found.target) if verb == "translate" else (found.language,)
    if lacking := [language for language in languages if language and not _knows(link, language)]:
        allowed = ", ".join(find_engine(verb, link.name).languages)
        raise ConfigError(f"{link.name} does not know {', '.join(lacking)}", where=found.name, allowed=allowed, fix="name another set")
    if (verb == "translate" and not found.target) or (verb == "recognise" and not found.files):
        raise ConfigError(f"nothing to {verb}", where=found.name, fix="docs/evaluation.md says which set serves which verb")
    return [link, *_listeners(books, found.language)] if verb == "speak" else [link]


def _link(verb: str, engine: str) -> EngineLink:
    name, settings = read_engine(engine)
    return EngineLink(verb, name, settings)


def _listeners(books: Books, language: Language) -> list[EngineLink]:
    """Return the stable recogniser, else the first of the table that knows the language and is here; none where there is none."""
    moves = books.ledger.alias_moves("recognise", "stable")
    links = [_link("recognise", moves[0].target)] if moves else []
    links += [EngineLink("recognise", spec.name) for spec in TABLE if spec.verb == "recognise"]
    usable = [link for link in links if _knows(link, language) and _is_here(link)]
    if not usable and not _predictor():
        raise MachineLacks(f"nothing listens to {language!r}", fix="make engines-neural, or pip install speechmos")
    return usable[:1]


def _is_here(link: EngineLink) -> bool:
    try:
        identity(link)
    except MachineLacks:
        return False
    return True


def _knows(link: EngineLink, language: Language) -> bool:
    known = find_engine(link.verb, link.name).languages
    return not known or language in known


def _predictor() -> str:
    """Return the name and version of what rates speech; empty where it is not installed."""
    return " ".join(rating_engines(Predictors()).get(DNSMOS, ()))


def _evaluate(
    night: Night, verb: str, engine: str, found: EvaluationSet, links: list[EngineLink], known: list[dict[str, Any]], *, fresh: bool
) -> Evaluated:
    books, facts = night.books, night.books.ledger.record_environment(environment())
    params = {"language": found.language, "target": found.target, "environment": facts if fresh else "", "predictor": _predictor()}
    version = _stored(books, found)
    trial = Trial(night, engine, found, params)
    built = [trial.build(STEPS[verb], {"in.set": version}, links[0], known[0])]
    if verb == "speak":
        built += _judged(trial, built[0].outputs["set"], links[1:], known[1:])
    made, digest = sum(one.made for one in built), built[-1].outputs["hypotheses"]
    rows = msgspec.json.Decoder(Hypothesis).decode_lines(books.store.get_bytes(digest))
    row = RecordedEvaluation(
        verb=verb,
        engine=engine,
        identity=digest_of(known),
        dataset=found.name,
        dataset_digest=version,
        language=found.languages if verb == "translate" else found.language,
        run=night.run,
        items=len(rows),
        failed=sum(bool(row.failed) for row in rows),
        hypotheses=digest,
        metrics=[_metric(score, rows, links[1:]) for score in _scores(verb, found.target if verb == "translate" else found.language, rows)],
        identities=known,
        environment=facts if made else _made_in(books, digest) or facts,
    )
    return Evaluated(replace(row, id=books.ledger.record_evaluation(row)), made, sum(one.reused for one in built))


def _made_in(books: Books, hypotheses: str) -> str:
    """Return the environment in which hypotheses were made that are taken over; empty where no evaluation knows them."""
    return next((row.environment for row in books.ledger.evaluations() if row.hypotheses == hypotheses), "")


def _stored(books: Books, found: EvaluationSet) -> str:
    """Put a set and its recordings into the store; return the set's digest."""
    for digest, path in found.files.items():
        if not books.store.exists(digest):
            books.store.put_file(path)
    return books.store.put_bytes(found.manifest())


def _judged(trial: Trial, spoken: str, links: list[EngineLink], known: list[dict[str, Any]]) -> list[Built]:
    """Let a recogniser listen to what was spoken, where one knows the language, and a network rate it, where one is here."""
    built = [trial.build(RECOGNISE, {"in.set": spoken}, link, fact) for link, fact in zip(links, known, strict=True)]
    if trial.params["predictor"]:
        heard = {"in.heard": built[0].outputs["hypotheses"]} if built else {}
        built.append(trial.build(RATE, {"in.set": spoken} | heard))
    return built


@dataclass(frozen=True)
class Trial:
    """What the steps of one evaluation have in common."""

    night: Night
    engine: str
    found: EvaluationSet
    params: dict[str, str]

    def build(self, step: Step, inputs: dict[str, str], link: EngineLink | None = None, known: dict[str, Any] | None = None) -> Built:
        """Build one step under the name of engine and set, so that a longer or mended set takes over what was made for this one."""
        title, language = f"evaluation of {self.engine} on {self.found.whole}", self.found.language
        params = {name: self.params[name] for name in step.params}
        ask = Ask(step, title, language, inputs, params, (link,) if link else (), (known,) if known else ())
        built = self.night.builder.build(ask)
        self.night.books.ledger.set_heads(title, language, {step.name: built.key})
        return built


def _scores(verb: str, language: Language, rows: Sequence[Hypothesis]) -> list[Score]:
    """Return what can be said of a verb's hypotheses; a line that was not spoken has the lowest opinion."""
    lines = [(row.ref, row.hyp) for row in rows]
    if verb == "translate":
        return translation_scores(lines, language)
    scores = word_scores(lines, language) if verb == "recognise" or any(row.hyp for row in rows) else []
    rated = [1.0 if row.dnsmos is None else row.dnsmos for row in rows]
    return [*scores, mean_score("dnsmos", "MOS", rated, "DNSMOS P.835")] if any(row.dnsmos is not None for row in rows) else scores


def _metric(score: Score, rows: Sequence[Hypothesis], listeners: Sequence[EngineLink]) -> dict[str, Any]:
    """Return a score as the ledger keeps it: `engine` is what counted, `listener` who heard the words that were counted."""
    interval = score.interval([row.cluster for row in rows])
    heard = ", ".join(link.name for link in listeners) if score.metric in ("wer", "cer") else ""
    stand_in = bool(heard) and any(find_engine(link.verb, link.name).stand_in for link in listeners)
    known = {"metric": score.metric, "value": score.value, "unit": score.unit, "interval": list(interval or ()), "engine": score.engine}
    return known | {"listener": heard, "stand_in": stand_in}


def _contrasts(books: Books, one: RecordedEvaluation, other: RecordedEvaluation) -> list[Contrast]:
    made, known = hypotheses(books, one), {row.id: row for row in hypotheses(books, other)}
    language = one.language.rpartition("-")[2]
    pairs = zip(_scores(one.verb, language, made), _scores(one.verb, language, [known[row.id] for row in made]), strict=True)
    doubtful = {metric["metric"] for metric in (*one.metrics, *other.metrics) if metric["stand_in"]}
    found = [contrast(one.language, mine, its, [row.cluster for row in made]) for mine, its in pairs]
    return [replace(row, stand_in=row.metric in doubtful) for row in found]


def _comparison(candidates: Sequence[RecordedEvaluation], stables: Sequence[RecordedEvaluation], answer: Comparison) -> RecordedComparison:
    pairs = [[one.id, other.id] for one, other in zip(candidates, stables, strict=True)]
    verdicts = [msgspec.to_builtins(verdict) for verdict in answer.verdicts]
    return RecordedComparison(candidates[0].verb, candidates[0].engine, stables[0].engine, pairs, answer.outcome, verdicts)
