"""YAML into typed values, where nothing is passed over in silence: no name twice, no field that nobody reads, no wrong type.

Nothing in it can grow or run: no aliases, no merges, no tags, and no more bytes or depth than a person writes.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import yaml

LARGEST = 256 << 10  # bytes; the longest shipped policy has under 10,000
DEEPEST = 20  # mappings and lists inside one another; profiles have five
_MERGE = "tag:yaml.org,2002:merge"

Value = TypeVar("Value")


def read_yaml(text: bytes, kind: type[Value]) -> Value:
    """Return YAML as a value of a type.

    Raises:
        ValueError: not YAML, too large or deep, an alias, merge or tag, a name that stands twice in one mapping, a field that the type
            does not have, or a value of another type; the message names the line or the field.
    """
    if len(text) > LARGEST:
        raise ValueError(f"{len(text)} bytes; allowed: at most {LARGEST}")
    try:
        given = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    value = msgspec.convert(given, kind, strict=True)
    if unknown := _unread(given, msgspec.to_builtins(value), ""):
        raise ValueError(f"unknown field {', '.join(unknown)}")
    return value


class _Strict(yaml.SafeLoader):
    """PyYAML's safe loader, which by itself lets the second of two equal names win, and a few hundred bytes unfold to gigabytes."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node, which is written out in its place and means what it looks like."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, f"alias *{event.anchor}: write the value again", mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(None, None, f"tag {event.tag}: write plain values", mark)
        if self.depth == DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"more than {DEEPEST} lists and mappings in one another", mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return a mapping whose names are all different."""
        seen: set[str] = set()
        for name in (name for name, _ in node.value if isinstance(name, yaml.ScalarNode)):
            if name.value in seen or name.tag == _MERGE:
                what = "stands twice" if name.value in seen else "merges another mapping: write its fields"
                raise yaml.constructor.ConstructorError(None, None, f"{name.value!r} {what}", name.start_mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


def _unread(given: Any, read: Any, place: str) -> list[str]:
    """Return the fields of what was given that are not in what was read of it."""
    if isinstance(given, dict) and isinstance(read, dict):
        below = [_unread(value, read[name], f"{place}{name}.") for name, value in given.items() if name in read]
        return [f"{place}{name}" for name in given if name not in read] + [field for fields in below for field in fields]
    if isinstance(given, list) and isinstance(read, list | tuple):
        return [
            field for index, (one, other) in enumerate(zip(given, read, strict=True)) for field in _unread(one, other, f"{place}{index}.")
        ]
    return []
