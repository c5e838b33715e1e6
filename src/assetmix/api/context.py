"""What belongs to one request, kept in the ASGI scope: its id, and headers that every answer to it has."""

import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from ulid import ULID

from assetmix import traces

Scope = MutableMapping[str, Any]
"""What ASGI knows of a request."""

TRACE = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")
ACCEPTABLE = re.compile(rb"[A-Za-z0-9_-]{1,64}\Z")


def request_id(scope: Scope) -> str:
    """Give the request's id: the caller's `X-Request-Id` where it is acceptable, else a new one."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = dict(scope.get("headers", ())).get(b"x-request-id", b"")
        state["request_id"] = given.decode() if ACCEPTABLE.match(given) else str(ULID())
    return str(state["request_id"])


def arrived(scope: Scope) -> int:
    """Give the moment at which the request came, nanoseconds since 1970."""
    return int(scope.setdefault("state", {}).setdefault("arrived", time.time_ns()))


def traceparent(scope: Scope) -> str | None:
    """Give the trace that the request belongs to (W3C Trace Context): our span's, else the caller's, None for none."""
    own = traces.current()
    if own is not None:
        return own
    given = dict(scope.get("headers", ())).get(b"traceparent", b"").strip()
    return given.decode() if TRACE.match(given) else None


def add_headers(scope: Scope, headers: Mapping[str, str]) -> None:
    """Have whatever answers the request carry these headers."""
    scope.setdefault("state", {}).setdefault("headers", {}).update(headers)


def added_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Give the headers that were added, as ASGI has them."""
    added = scope.get("state", {}).get("headers", {})
    return [(name.lower().encode(), value.encode()) for name, value in added.items()]
