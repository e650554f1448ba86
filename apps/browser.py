"""Opening a page for a person, where there is one to see it."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path


def open_page(page: Path) -> None:
    """Open a local page in the desktop's browser; without a desktop nothing happens, since the summary names the page."""
    desktop = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if desktop and sys.stdout.isatty():
        webbrowser.open(page.resolve().as_uri())
