r"""Text with marks in it (`<i>`, `{\an8}`), taken apart; what SubRip and WebVTT have in common."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from nightdub.tasks.formats.line import STYLES

_ENTITY = re.compile(r"&(?:\w+|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});", re.ASCII)
_STYLE = re.compile(r"<(/?)([biu])(?:[. ][^<>]*)?>", re.IGNORECASE)


def unescaped(text: str) -> str:
    """Return text with its entities resolved; a lone "&" stays."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def marked_runs(text: str, mark: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (text, styles, the mark after it or "" at the end) for every stretch between two marks, entities resolved."""
    opened = dict.fromkeys(STYLES, 0)
    end = 0
    for found in mark.finditer(text):
        yield unescaped(text[end : found.start()]), "".join(kind for kind in STYLES if opened[kind]), found[0]
        end = found.end()
        if style := _STYLE.fullmatch(found[0]):
            kind = style[2].lower()
            opened[kind] = max(0, opened[kind] + (-1 if style[1] else 1))
    yield unescaped(text[end:]), "".join(kind for kind in STYLES if opened[kind]), ""
