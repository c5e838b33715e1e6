"""What every request passes before any route: pure ASGI, so that nothing downstream is disturbed.

It refuses requests without a usable Host, with compressed bodies and with bodies that are too
large (declared or not), and puts the request id on every response.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from assetmix import logs
from assetmix.api.context import Scope, added_headers, arrived, request_id, traceparent
from assetmix.api.metrics import Meters
from assetmix.api.problems import MEDIA_TYPE, Problem, document, problem_of
from assetmix.services.draining import DRAIN

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_HEADERS = 100
BODY_SECONDS = 120.0
"""How long a whole body may take."""

QUIET = {"/healthz", "/readyz", "/metrics"}
"""Routes that are asked every few seconds by machines."""

HEADER_BYTES = 16_384

HOST = re.compile(rb"[A-Za-z0-9.\-_]+(:\d{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:\d{1,5})?\Z")


@dataclass(frozen=True, slots=True)
class Patience:
    """How many bytes of a body are taken, and how long the next piece of it may take."""

    most_bytes: int
    seconds: float


class Gate:
    """The outermost application."""

    def __init__(self, app: App, patience: Patience, meters: Meters) -> None:
        self._app = app
        self._patience = patience
        self._most_bytes = patience.most_bytes
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived(scope)
        trace = traceparent(scope)
        with logs.about(request_id=request_id(scope), trace_id=None if trace is None else trace.split("-")[1]):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity, started, status = request_id(scope).encode(), time.perf_counter(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identity), *added_headers(scope)]
                if DRAIN.is_on:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        problem = self._refusal(scope["headers"]) or _hidden_nul(scope)
        if problem is None:
            problem = await self._pass(scope, receive, named)
        if problem is not None:
            await _refuse(problem, identity.decode(), named)
        self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = template(scope)
        self._meters.answered(route, scope["method"], status, seconds)
        level = logging.DEBUG if route in QUIET else logging.INFO
        about = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds, 3)}
        log.log(level, "answered", extra=about)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> Problem | None:
        """Let a request through; what nobody handled is logged here, so that the connection stays whole."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, self._counted(receive), noting)
        except Problem as problem:
            return None if started else problem
        except Exception:
            log.exception("request %s failed", request_id(scope))
            return None if started else problem_of(RuntimeError())
        return None

    def _refusal(self, given: list[tuple[bytes, bytes]]) -> Problem | None:
        headers = dict(given)
        unclear = _unclear(headers)
        if unclear is not None:
            return unclear
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            problem = Problem(415, "unsupported-content-encoding", "send the body uncompressed")
            problem.headers["Accept-Encoding"] = "identity"
            return problem
        if len(given) > MOST_HEADERS or sum(len(name) + len(value) for name, value in given) > HEADER_BYTES:
            return Problem(431, "headers-too-large", f"at most {MOST_HEADERS} headers of {HEADER_BYTES} bytes in all")
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._most_bytes:
            return too_large(self._most_bytes)
        return None

    def _counted(self, receive: Receive) -> Receive:
        received, whole = 0, False
        clock = asyncio.get_running_loop().time
        deadline = clock() + BODY_SECONDS

        async def counting() -> Message:
            nonlocal received, whole
            if whole:
                return await receive()  # when the caller hangs up
            try:
                async with asyncio.timeout(min(self._patience.seconds, deadline - clock())):
                    message = await receive()
            except TimeoutError:
                detail = f"a body comes within {BODY_SECONDS:g} seconds, with no pause of {self._patience.seconds:g}"
                raise Problem(408, "request-timeout", detail) from None
            whole = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise too_large(self._most_bytes)
            return message

        return counting


def _unclear(headers: dict[bytes, bytes]) -> Problem | None:
    """Refuse what a proxy before us may have read differently."""
    if not HOST.match(headers.get(b"host", b"")):
        return Problem(400, "bad-request", "the Host header is missing or malformed")
    if b"content-length" in headers and b"transfer-encoding" in headers:
        return Problem(400, "bad-request", "the body is framed in two ways; send Content-Length or chunks")
    return None


def template(scope: Scope) -> str:
    """Give a request's path with the names of its parameters in place of their values; `none` where no route is."""
    if "route" not in scope:
        return "none"
    parts = scope["path"].rstrip("/").split("/")
    for name, value in scope.get("path_params", {}).items():
        for place in range(len(parts) - 1, -1, -1):
            if parts[place] == str(value):
                parts[place] = f"{{{name}}}"
                break
    return "/".join(parts)


def too_large(most_bytes: int) -> Problem:
    """Refuse a body beyond the limit."""
    return Problem(413, "payload-too-large", f"a body here has at most {most_bytes} bytes; send less at a time")


def _hidden_nul(scope: Scope) -> Problem | None:
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        return Problem(400, "bad-request", "an address does not hold the character U+0000")
    return None


async def _refuse(problem: Problem, identity: str, send: Send) -> None:
    body = json.dumps(document(problem, identity)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
