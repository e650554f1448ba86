"""What a person wrote into a file and nobody would read is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from nightdub.infra.strict_yaml import read_yaml


@dataclass(frozen=True, slots=True)
class Leaf:
    size: float
    colour: str = "green"


@dataclass(frozen=True, slots=True)
class Tree:
    leaves: tuple[Leaf, ...]
    notes: dict[str, Any] = field(default_factory=dict)


def test_reads_what_the_type_says_and_leaves_free_mappings_free() -> None:
    text = b"leaves: [{size: 1}, {size: 2.5, colour: red}]\nnotes: {anything: {at: all}}\n"
    assert read_yaml(text, Tree) == Tree((Leaf(1.0), Leaf(2.5, "red")), {"anything": {"at": "all"}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"leaves: []\nleaves: []\n", r"'leaves' stands twice.*line 2"),
        (b"leaves: [{size: 1, size: 2}]\n", "'size' stands twice"),
        (b"notes: {a: 1, a: 2}\nleaves: []\n", "'a' stands twice"),
        (b"leaves: [{size: 1}, {size: 2, hue: red}]\nroots: 3\n", r"unknown field roots, leaves\.1\.hue"),
        (b"leaves: [{size: big}]\n", r"Expected `float`, got `str` - at `\$\.leaves\[0\]\.size`"),
        (b"notes: {}\n", "missing required field `leaves`"),
        (b"leaves: [\n", "while parsing"),
        (b"leaves: []\nnotes: !!python/object/apply:os.getcwd []\n", "tag .*os.getcwd: write plain values.*line 2"),
    ],
)
def test_refuses_the_rest_with_its_place(text: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_yaml(text, Tree)
