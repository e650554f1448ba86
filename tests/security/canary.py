"""What hostile files are to reach for: a server that counts its callers, and a film that nobody was to open."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Canary:
    """Listens on loopback, TCP and UDP on one port each; `hits` are the requests, `film` is what it serves."""

    def __init__(self, film: bytes) -> None:
        self.hits: list[str] = []
        hits = self.hits

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hits.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(film)))
                self.end_headers()
                self.wfile.write(film)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        self.udp = f"udp://127.0.0.1:{self._udp.getsockname()[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def packets(self) -> int:
        """Return how many datagrams came since the last time."""
        count = 0
        try:
            while self._udp.recv(65_536):
                count += 1
        except BlockingIOError:
            return count
        return count

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._udp.close()


def bare(*words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program as anyone would, with none of our guards: the control that shows that a hostile file does bite."""
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def opens(path: Path, *options: str) -> bool:
    """Return whether a bare ffmpeg decodes at least one picture of a file."""
    done = bare("ffmpeg", "-nostdin", "-v", "error", "-progress", "pipe:1", *options, "-i", str(path), "-frames:v", "1", "-f", "null", "-")
    return _pictures(done.stdout.decode().splitlines()) > 0


def _pictures(lines: Sequence[str]) -> int:
    return max([0, *(int(line.partition("=")[2]) for line in lines if line.startswith("frame="))])
