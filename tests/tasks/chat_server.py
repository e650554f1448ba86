"""A chat endpoint on this machine, whose answers a test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


@dataclass
class Endpoint:
    """What was asked: bodies and headers in order; `answer` makes each reply from the body."""

    url: str = ""
    answer: Callable[[dict[str, Any]], Answer] = field(default=lambda body: completion(texts(body)))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def asked(self) -> list[list[str]]:
        """Return the lines of each request."""
        return [[line["text"] for line in lines(body)] for body in self.bodies]


def lines(body: dict[str, Any]) -> list[dict[str, Any]]:
    return json.loads(body["messages"][1]["content"])["lines"]


def texts(body: dict[str, Any]) -> dict[str, Any]:
    """Return a well-formed answer: each line turned round."""
    return {"lines": [{"id": line["id"], "texts": [line["text"][::-1]]} for line in lines(body)]}


def completion(content: Any) -> Answer:
    said = content if isinstance(content, str) else json.dumps(content)
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()


@contextmanager
def serving() -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.bodies.append(body)
            endpoint.headers.append(dict(self.headers))
            status, content, *more = endpoint.answer(body)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | (more[0] if more else {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
