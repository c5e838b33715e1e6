"""The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header-07, expired in April 2026)."""

import hashlib
from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette.responses import Response

from assetmix.api.problems import Problem
from assetmix.persistence.idempotency import Answered
from assetmix.services.idempotency import Once

LONGEST = 255

Answer = Callable[[Any], Response]
"""Writes the answer to what was just done, mostly a run that was stored, in the dialect of the route."""


async def once(request: Request, write: Answer) -> Once | None:
    """Read the key of a request and what it asks; None for a request without a key.

    Raises
    ------
    Problem
        400 for a key that is empty, too long or not of visible characters
    """
    key = require_usable_key(request)
    if key is None:
        return None
    asked = [request.url.query.encode(), await request.body()]
    fingerprint = hashlib.sha256(b"\n".join(asked)).hexdigest()
    route = f"{request.method} {request.scope['path'].rstrip('/')}"
    return Once(route, key, fingerprint, lambda done: _parts(write(done)))


def require_usable_key(request: Request) -> str | None:
    """Read the key of a request, None where it has none.

    Raises
    ------
    Problem
        400 for a key that cannot be one
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.strip().removeprefix('"').removesuffix('"')
    if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise Problem(400, "idempotency-key-invalid", f"an Idempotency-Key has 1 to {LONGEST} visible ASCII characters")
    return key


def replayed(before: Answered) -> Response:
    """Give the answer of the first request again."""
    headers = before.headers | {"Idempotency-Replayed": "true"}
    return Response(before.body, status_code=before.status, headers=headers)


def _parts(response: Response) -> tuple[int, dict[str, str], str]:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return response.status_code, headers, bytes(response.body).decode()
