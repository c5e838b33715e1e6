"""A receiver of messages on this machine that answers as it is told, and remembers what came."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Came:
    """One request: its headers, and its body to the byte."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """Answers each path by its plan: a status for each request, the last one for ever; `hang` and `cut` too."""

    port: int = 0
    plans: dict[str, list[str]] = field(default_factory=dict)
    came: dict[str, list[Came]] = field(default_factory=lambda: defaultdict(list))
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def plan_for(self, path: str) -> str:
        plan = self.plans.get(path, ["200"])
        return plan[min(len(self.came[path]), len(plan)) - 1]


class Handler(BaseHTTPRequestHandler):
    """Answers for the receiver of its server."""

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.came[self.path].append(Came(self.path, headers, body))
        answer = receiver.plan_for(self.path)
        if answer == "hang":
            receiver.release.wait(30)
        elif answer == "cut":
            self.connection.close()
        else:
            self._answer(receiver, answer.split())

    def _answer(self, receiver: Receiver, words: list[str]) -> None:
        self.send_response(int(words[0]))
        if "location" in words:
            self.send_header("Location", receiver.url("/elsewhere"))
        if "retry-after" in words:
            self.send_header("Retry-After", words[-1])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.receiver = receiver  # type: ignore[attr-defined]
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        server.shutdown()
        server.server_close()
