"""Nothing that is delivered makes us open an address: only the operator's own settings name servers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nightdub.infra.errors import ConfigError, EngineError, NightdubError
from nightdub.tasks.catalogue import DELIVERED, OPTIONAL, REQUIRED, read_catalogue
from nightdub.tasks.engines.chat import Chat
from nightdub.tasks.formats.convert import Wanted, convert
from nightdub.tasks.formats.tmx import read_tmx
from nightdub.tasks.review_sheet import read_sheet

HOSTS = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "host.invalid")
SCHEMES = ("http", "https", "ftp", "s3", "file", "gopher", "HTTP", "tcp", "concat", "data")


class Listener:
    """Counts who calls; every GET and POST is sent on to itself once more, so that followed redirects count twice."""

    def __init__(self) -> None:
        self.hits: list[tuple[str, str]] = []
        self.status = 200
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ours.hits.append((self.path, self.headers.get("Authorization", "")))
                self.send_response(ours.status)
                self.send_header("Location", f"{ours.url}/second")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def addresses(port: int) -> list[str]:
    """Return ways to write an address of this machine, of a cloud's metadata, and of no machine."""
    urls = [f"{scheme}://{host}:{port}/film.mp4" for scheme in SCHEMES for host in HOSTS[:1]]
    urls += [f"http://{host}:{port}/film.mp4" for host in HOSTS[1:]]
    urls += [f"//127.0.0.1:{port}/x", "\\\\127.0.0.1\\share", f"http:/127.0.0.1:{port}/x", f"film.mp4|http://127.0.0.1:{port}/"]
    return [*urls, "file:/etc/passwd", f"http%3A%2F%2F127.0.0.1:{port}", "pipe:0", "/dev/stdin", "-i"]


@pytest.mark.parametrize("column", DELIVERED)
def test_no_column_of_a_catalogue_names_an_address(column: str, tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    urls = addresses(listener.port)
    head = [*REQUIRED, *([column] if column != "source" else [])]
    rows = [
        ["t" + str(index), url if column == "source" else "film.mp4", "en", "es", *([url] if column != "source" else [])]
        for index, url in enumerate(urls)
    ]
    path = tmp_path / "catalogue.csv"
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in [head, *rows]) + "\n")
    listed = read_catalogue(path, {"preview"})
    assert listed.titles == ()
    assert len({problem.row for problem in listed.problems}) == len(urls)
    assert all(re.search("unsafe|leaves|not reachable", problem.what) and column in problem.what for problem in listed.problems)
    assert listener.hits == []


@pytest.mark.parametrize("column", ["id", "language", "targets", *(name for name in OPTIONAL if name not in DELIVERED)])
def test_nor_does_any_other_column(column: str, tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    row = {"id": "t", "source": "film.mp4", "language": "en", "targets": "es"} | {column: f"{listener.url}/x"}
    path = tmp_path / "catalogue.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    listed = read_catalogue(path, {"preview"})
    assert listed.titles == ()
    assert column.rstrip("s") in listed.problems[0].what
    assert listener.hits == []


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE tt SYSTEM "{url}/dtd"><tt xmlns="http://www.w3.org/ns/ttml"/>',
        '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY x SYSTEM "{url}/x">]><tt xmlns="http://www.w3.org/ns/ttml">&x;</tt>',
        '<?xml version="1.0"?><?xml-stylesheet href="{url}/s.xsl" type="text/xsl"?><tt xmlns="http://www.w3.org/ns/ttml" '
        'xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="{url}/a {url}/b"><body><div><p begin="1s" end="2s">x<xi:include href="{url}/i"/></p></div></body></tt>',
        '<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "{url}/tmx14.dtd"><tmx version="1.4"><header/><body/></tmx>',
        '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.1" srcLang="en"><file href="{url}" original="{url}"><skeleton '
        'href="{url}/s"/><unit id="a"><segment><source>x<ph id="1" dataRef="{url}"/></source></segment></unit></file></xliff>',
        "WEBVTT\n\nSTYLE\n@import url({url}/s.css);\n\n00:01.000 --> 00:02.000\n<img src={url}/i> x\n",
        "[Script Info]\n[Fonts]\nfontname: {url}\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{url}\n",
        'start,end,speaker,text\n1,2,Ana,=WEBSERVICE("{url}")\n',
    ],
)
def test_no_script_or_memory_is_followed_to_an_address(text: str, tmp_path: Path, listener: Listener) -> None:
    data = text.replace("{url}", listener.url).encode()
    path = tmp_path / "given.xlf"
    path.write_bytes(data)
    for read in (lambda: convert(data, "given", "srt", Wanted(language="en")), lambda: read_tmx(path), lambda: read_sheet(path)):
        with suppress(NightdubError):
            read()
    assert listener.hits == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_chat_engine_follows_no_redirect_and_shows_its_key_to_nobody_else(
    status: int, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    listener.status = status
    with pytest.raises(EngineError, match=f"status {status}"):
        Chat(listener.url, "m").translate(["abc"], "en", "es")
    assert listener.hits == [("/chat/completions", "Bearer canary-key")]  # the operator's own endpoint, once


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/v1", "gopher://host/", "unix:///run/x", "//host/v1", "host/v1", "data:,x"]
)
def test_the_chat_engine_speaks_http_alone(url: str) -> None:
    with pytest.raises(ConfigError, match="no endpoint"):
        Chat(url, "m")
