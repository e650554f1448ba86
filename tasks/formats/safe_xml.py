"""XML from strangers: no declarations that grow, no deep nesting, nothing fetched."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree import ElementTree

from nightdub.infra.errors import ScriptError

Element = ElementTree.Element

XML = "{http://www.w3.org/XML/1998/namespace}"
DEEPEST = 64  # elements inside one another; scripts have about ten


class _Shallow(ElementTree.TreeBuilder):
    """Builds a tree and stops where it becomes too deep."""

    depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ScriptError(f"more than {DEEPEST} elements inside one another", where="XML", fix="export it again")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self.depth -= 1
        return super().end(tag)


def parse(text: str, name: str, roots: Collection[str]) -> Element:
    """Return the outermost element of an XML text.

    Raises:
        ScriptError: broken XML, a document type (whose entities can grow without bound), elements too deep, or another root.
    """
    text = text.lstrip()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ScriptError("a document type declaration", where=name, allowed="XML without one", fix="export it again without")
    try:
        parser = ElementTree.XMLParser(target=_Shallow())  # noqa: S314 - documents that declare entities were refused above
        parser.feed(text)
        root: Element = parser.close()
    except ElementTree.ParseError as error:
        raise ScriptError(f"broken XML: {error}", where=name, fix="export it again") from None
    except ScriptError as error:
        raise ScriptError(error.what, where=name, fix=error.fix) from None
    if local(root.tag) not in roots:
        raise ScriptError(f"XML of <{local(root.tag)}>", where=name, allowed=f"the outermost element <{'>, <'.join(sorted(roots))}>")
    return root


def local(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


def space(tag: str) -> str:
    """Return the namespace of an element's name, "" where it has none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""
