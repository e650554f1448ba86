"""YAML into typed values, where nothing is passed over in silence: no name twice, no field that nobody reads, no wrong type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import yaml

Value = TypeVar("Value")


def read_yaml(text: bytes, kind: type[Value]) -> Value:
    """Return YAML as a value of a type.

    Raises:
        ValueError: not YAML, a name that stands twice in one mapping, a field that the type does not have, or a value of another type;
            the message names the line or the field.
    """
    try:
        given = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    value = msgspec.convert(given, kind, strict=True)
    if unknown := _unread(given, msgspec.to_builtins(value), ""):
        raise ValueError(f"unknown field {', '.join(unknown)}")
    return value


class _Strict(yaml.SafeLoader):
    """PyYAML's safe loader, which by itself lets the second of two equal names win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return a mapping whose names are all different."""
        seen: set[str] = set()
        for name in (name for name, _ in node.value if isinstance(name, yaml.ScalarNode)):
            if name.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name.value!r} stands twice", name.start_mark)
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
