"""Pages show whatever titles, lines and errors say as text: nothing in them runs, and nothing is fetched."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.flows.night import Books, open_books
from nightdub.flows.page import render_page
from nightdub.flows.report import Metric, NightReport, TitleResult, summary_markdown
from nightdub.infra.settings import load_settings
from nightdub.quality.data.page import index, page
from nightdub.quality.data.verdict import DataVerdict, ExpectationVerdict
from nightdub.tasks.rows import Worst

HOSTILE = """x"'></title></style><script>document.body.dataset.ran="yes"</script><img src=x onerror="document.body.dataset.ran='yes'">"""
HOSTILE += (
    """<svg onload=document.body.dataset.ran="yes"><iframe srcdoc="<script>parent.document.body.dataset.ran='yes'</script>">{{ 7*7 }}"""
)
ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "p",
    "section",
    "div",
    "b",
    "span",
    "ul",
    "li",
    "details",
    "summary",
}
ALLOWED |= {"a", "code", "svg", "polygon", "audio", "br", "table", "thead", "tbody", "tr", "th", "td"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, attributes, and Content-Security-Policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.policy: dict[str, str] = {}
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= given.keys()
        self.links += [given[name] or "" for name in ("href", "src") if name in given]
        if given.get("http-equiv") == "Content-Security-Policy":
            parts = (part.split(maxsplit=1) for part in str(given["content"]).split(";"))
            self.policy = dict(parts)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def hostile_report(tmp_path: Path) -> str:
    """A night's page in which every text is hostile."""
    worst = Worst(HOSTILE, 1.0, HOSTILE)
    metric = Metric(HOSTILE, 1.0, HOSTILE, 3, HOSTILE, True, "", "fail", (worst,), (0.5, 1.5))
    states = (HOSTILE,)
    result = TitleResult(
        HOSTILE, HOSTILE, "held", False, states, states, HOSTILE, HOSTILE, HOSTILE, HOSTILE, metrics=(metric, replace(metric, verdict=""))
    )
    counts = dict.fromkeys(("titles", "title_languages", "released", "held", "failed", "unchanged", "left", "built_steps"), 1)
    lines = {"in": 1, "spoken": 1, "excused": 0, "failed": 0}
    rest = {"balanced": True, "segments": lines, "cpu_seconds": 1.0, "engine_seconds": 1.0, "problems": states, "results": (result,)}
    report = NightReport(HOSTILE, HOSTILE, 0.0, 1.0, **counts, **rest, engines=states)
    with open_books(load_settings(home=tmp_path, compute="threads")) as books:
        return render_page(_without_titles(books), report)


def _without_titles(books: Books) -> Books:
    """Return the books of a ledger that knows no title: names that are none never get into it."""

    class Nobody:
        def heads(self, *_: str) -> dict[str, Any]:
            return {}

        def jobs(self, *_: Any) -> dict[str, Any]:
            return {}

    return replace(books, ledger=Nobody())  # type: ignore[arg-type]


@pytest.fixture
def hostile_gate() -> list[str]:
    """A gate's page and index in which every text is hostile."""
    bad = DataVerdict("script", False, 3, (ExpectationVerdict(HOSTILE, HOSTILE, False, 3, 1, 33.0, HOSTILE),), (HOSTILE,), HOSTILE)
    return [page(bad, HOSTILE), index([bad], HOSTILE)]


def test_hostile_texts_stay_texts(hostile_report: str, hostile_gate: list[str]) -> None:
    for text in (hostile_report, *hostile_gate):
        seen = Seen(text)
        assert seen.tags <= ALLOWED
        assert not {name for name in seen.attributes if name.startswith("on") or name in ("style", "srcdoc", "action")}
        assert not [link for link in seen.links if link.strip().lower().startswith(("javascript:", "data:", "http"))]
        assert '<script>document.body.dataset.ran="yes"</script>' in seen.text  # shown, as it was written


def test_pages_may_fetch_nothing_but_the_sounds_beside_them(hostile_report: str, hostile_gate: list[str]) -> None:
    for text in (hostile_report, *hostile_gate):
        policy = Seen(text).policy
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy.keys() <= {"default-src", "style-src", "media-src", "base-uri", "form-action"}
        assert "http" not in text.partition("<body>")[0].replace("http-equiv", "")


def test_the_parser_sees_what_is_not_escaped() -> None:
    seen = Seen(f"<p>{HOSTILE}</p>")
    assert {"script", "img", "iframe"} <= seen.tags
    assert {"onerror", "srcdoc"} <= seen.attributes


def test_reasons_on_the_night_s_page_of_prefect_are_no_markup() -> None:
    result = msgspec.convert(
        {
            "title": "t",
            "language": "es",
            "state": "held",
            "unchanged": False,
            "reasons": ["![](http://host/x) [a](javascript:b) <img src=x> | `c`"],
            "because": [],
            "profile": "p",
        },
        TitleResult,
    )
    row = summary_markdown(_Report((result,))).splitlines()[-1]  # type: ignore[arg-type]
    assert row == r"| t | es | held | \!\[\](http://host/x) \[a\](javascript:b) &lt;img src=x&gt; \| \`c\` |"


class _Report:
    title_languages = released = held = failed = unchanged = left = 1
    wall_seconds = 1.0

    def __init__(self, results: tuple[TitleResult, ...]) -> None:
        self.results = results


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; the parser's tests above look at the same pages")
def test_nothing_runs_in_a_browser(hostile_report: str, hostile_gate: list[str], tmp_path: Path) -> None:
    bare = f"<!doctype html><body><p>{HOSTILE}</p></body>"  # the control: unescaped, and without a policy
    policy = hostile_gate[0][hostile_gate[0].index("<meta http-equiv") : hostile_gate[0].index('<meta name="viewport"')]
    guarded = f"<!doctype html><head>{policy}</head><body><p>{HOSTILE}</p></body>"  # unescaped: the policy alone must hold
    pages = {"bare": bare, "guarded": guarded, "report": hostile_report, "verdict": hostile_gate[0], "index": hostile_gate[1]}
    ran = {name: 'data-ran="yes"' in _opened(tmp_path / f"{name}.html", text) for name, text in pages.items()}
    assert ran == dict.fromkeys(pages, False) | {"bare": True}


def _opened(path: Path, text: str) -> str:
    """Return the document that Chromium makes of a page."""
    path.write_text(text, encoding="utf-8")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={path.parent / 'profile'}")
    command = [str(CHROMIUM), *quiet, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout
