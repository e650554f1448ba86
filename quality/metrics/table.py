"""Every metric that a rule may name, from the modules that measure them. A policy that names another one is refused."""

from __future__ import annotations

from nightdub.quality.metrics import account, house, leakage, loudness, picture, speech, subtitles, timing, translation, words
from nightdub.quality.metrics.fact import MetricFact

_MODULES = (account, timing, words, translation, loudness, picture, house, subtitles, leakage, speech)

METRICS: dict[str, MetricFact] = {name: fact for module in _MODULES for name, fact in module.FACTS.items()}
