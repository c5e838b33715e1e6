"""The HTTP server: slow callers are not waited for, and an end is announced before it comes.

uvicorn waits for a request's headers for ever, and stops listening the moment it is asked to end.
"""

import asyncio
import json
import signal
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assetmix.api.context import request_id
from assetmix.api.problems import MEDIA_TYPE, Problem, document
from assetmix.services.draining import DRAIN


class HurriedH11(H11Protocol):
    """HTTP/1.1 with a limit on how long a request's headers may take, also once the server ends."""

    patience_seconds = 10.0
    last_call_seconds = 1.0
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says so too
        """Expect headers from now on."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take a piece; once headers have begun, the rest of them is expected soon."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Answer done; what came of the next request meanwhile is looked at now."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_expecting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End when idle; a request that is on its way to a connection that was taken still gets its answer."""
        if self._due is None:
            super().shutdown()
            return
        self._stop_expecting()
        self._due = self.loop.call_later(self.last_call_seconds, super().shutdown)

    def _look(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_expecting()
        elif self._due is None and self.conn.trailing_data[0]:
            self._expect()

    def _expect(self) -> None:
        self._due = self.loop.call_later(self.patience_seconds, self._refuse)

    def _stop_expecting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _refuse(self) -> None:
        problem = Problem(
            408, "request-timeout", f"the headers of a request come within {self.patience_seconds:g} seconds"
        )
        body = json.dumps(document(problem, request_id({}))).encode()
        head = f"HTTP/1.1 408 Request Timeout\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class Server(uvicorn.Server):
    """A server that says for a while that it will end: `/readyz` is 503, and connections are not kept."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; end when load balancers have had the time to notice, or when told again."""
        if DRAIN.is_on or not self._drain_seconds or sig == signal.SIGINT:
            DRAIN.begin()
            super().handle_exit(sig, frame)
            return
        DRAIN.begin()
        asyncio.get_running_loop().call_later(self._drain_seconds, super().handle_exit, sig, frame)
