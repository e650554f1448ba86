"""What a network learned, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """Where a network comes from."""

    corpus: str = ""  # what it learned from; empty = nothing
    acted: bool = False  # by rule, in synthesised speech
    seed: int = 0
    examples: int = 0
    epochs: int = 0
    figures: dict[str, float] = field(default_factory=dict)  # measured on speakers that it did not learn from; with chance and majority


@dataclass(frozen=True, slots=True)
class Trained:
    """A network: its labels in the order of its scores, and its weights by name."""

    labels: tuple[str, ...]
    weights: dict[str, Any]  # float32 arrays, and int64 counters
    about: About

    @property
    def stand_in(self) -> str:
        """Return why its labels say nothing about people's emotions; empty where that is not known. A gate takes no such label."""
        if not self.about.examples:
            return "the network learned nothing: its labels are chance"
        if self.about.acted:
            return "the network learned from speech that was acted by rule: its labels name rules, not feelings"
        return ""
