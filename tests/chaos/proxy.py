"""A proxy before an S3 server that plants faults into requests, as its seed says; and a wire before any server, to be cut.

What becomes of a request follows from the seed, its method and path, and how often it was made: threads may come in any order. A path
names its object's digest or its pointer, so that a seed does the same to the same night again.
"""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# What can go wrong with each kind of request. "after": the server did it, and something between says otherwise.
FAULTS = {
    "PUT object": ("409", "500", "503", "500 after", "412 after", "lost", "short", "slow", "reset"),
    "PUT pointer": ("409", "500", "503", "500 after", "412 after", "lost", "slow", "reset"),
    "GET": ("500", "503", "truncated", "slow", "reset"),
    "HEAD": ("500", "503", "slow", "reset"),
    "DELETE": ("500", "503", "500 after", "lost", "slow", "reset"),
}
CODES = {409: "ConditionalRequestConflict", 412: "PreconditionFailed", 500: "InternalError", 503: "SlowDown"}
SLOW = 0.15  # seconds


class Proxy(ThreadingHTTPServer):
    """Listens on loopback; `rate` is the share of requests that meet a fault, `only` the faults that are planted."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str, seed: int, rate: float, only: Sequence[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seed, self.rate, self.only = seed, rate, only
        self.planted: Counter[str] = Counter()
        self.requests = 0
        self._upstream = urlsplit(upstream)
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._gone = (0.0, 0.0)  # from, until
        self._go_at = -1

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that ended in the middle: that is what they are here for."""

    def go(self, after: int, seconds: float) -> None:
        """Be away for some seconds, once so many more requests were made."""
        self._go_at, self._gone = self.requests + after, (0.0, seconds)

    def fault(self, method: str, path: str, headers: http.client.HTTPMessage) -> str:
        """Return what happens to a request; nothing where it goes through."""
        with self._lock:
            self.requests += 1
            name = f"{method} {path.partition('?')[0]}"
            self._times[name] += 1
            if self.requests == self._go_at:
                self._gone = (time.monotonic(), time.monotonic() + self._gone[1])
                self.planted["gone"] += 1
            if self._gone[0] <= time.monotonic() < self._gone[1] and self._gone[0]:
                return "reset"
            chance = random.Random(f"{self.seed} {name} {self._times[name]}")
            kind = f"PUT {'pointer' if '/pointers/' in path else 'object'}" if method == "PUT" else method
            conditional = "If-None-Match" in headers or "If-Match" in headers
            able = [known for known in FAULTS.get(kind, ()) if known in (self.only or (known,)) and (conditional or known != "412 after")]
            if not able or chance.random() >= self.rate:
                return ""
            fault = chance.choice(able)
            self.planted[fault] += 1
            return fault

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Ask the server and return status, headers and body."""
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=30)
        try:
            connection.request(method, path, body, headers | {"Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def meet(self) -> None:
        """Let one request through, or not."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault(self.command, self.path, self.headers)
        if fault.isdigit():
            self._refuse(int(fault))
        elif fault == "reset":
            self._cut()
        elif fault == "short":
            self._forward(body[: len(body) // 2])
            self._cut()
        elif fault == "lost":
            self._forward(body)
            self._cut()
        elif fault.endswith("after"):
            self._forward(body)
            self._refuse(int(fault.split()[0]))
        else:
            time.sleep(SLOW if fault == "slow" else 0.0)
            self._answer(*self._forward(body), cut=fault == "truncated")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = meet  # noqa: N815 - the library's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        passed = {name: value for name, value in self.headers.items() if name.lower() not in ("content-length", "expect", "connection")}
        return self.server.forward(self.command, self.path, passed, body)

    def _refuse(self, status: int) -> None:
        text = f"<Error><Code>{CODES[status]}</Code><Message>planted</Message></Error>".encode()
        self._answer(status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else text)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        lengths = {"content-length", "transfer-encoding", "connection"}
        for name, value in headers.items():
            if name.lower() not in lengths or (self.command == "HEAD" and name.lower() == "content-length"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._cut()

    def _cut(self) -> None:
        """End the connection at once, with a reset: whatever is on its way is lost."""
        self.close_connection = True
        self.wfile.flush()
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@contextmanager
def proxied(upstream: str, seed: int, rate: float, only: Sequence[str] = ()) -> Iterator[Proxy]:
    """Yield a proxy that is gone when the block ends."""
    proxy = Proxy(upstream, seed, rate, only)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


class Wire:
    """Passes bytes between a port of loopback and a server (a port, or the path of a socket) until it is cut."""

    def __init__(self, server: int | Path) -> None:
        self._server = server
        self._open: set[socket.socket] = set()
        self.whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, and each new one at once, until `mend`."""
        self.whole = False
        for end in list(self._open):
            _reset(end)

    def mend(self) -> None:
        """Let new connections through."""
        self.whole = True

    def close(self) -> None:
        """End for good."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = self._connect() if self.whole else None
                except OSError:  # the server is away
                    far = None
                if far is None:
                    _reset(near)
                    continue
                self._open |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        far = socket.socket(socket.AF_INET if isinstance(self._server, int) else socket.AF_UNIX)
        far.connect(("127.0.0.1", self._server) if isinstance(self._server, int) else str(self._server))
        return far

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            self._open.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()
