"""What belongs to one request: its id, kept in the ASGI scope."""

import re
from typing import Any

from ulid import ULID

ACCEPTABLE = re.compile(rb"[A-Za-z0-9_-]{1,64}\Z")


def request_id(scope: Any) -> str:  # noqa: ANN401 - an ASGI scope
    """Give the request's id: the caller's `X-Request-Id` where it is acceptable, else a new one."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = dict(scope.get("headers", ())).get(b"x-request-id", b"")
        state["request_id"] = given.decode() if ACCEPTABLE.match(given) else str(ULID())
    return str(state["request_id"])
