"""What routes ask for: the house, the caller, and the scopes that the caller must have."""

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from assetmix import logs
from assetmix.api.context import add_headers, request_id, traceparent
from assetmix.errors import QuotaExceeded, Unauthenticated
from assetmix.services import keys
from assetmix.services.context import Caller, House, Origin
from assetmix.services.quotas import Spent
from assetmix.services.tenant_settings import effective

log = logging.getLogger(__name__)

MEGABYTE = 2**20
IN_ADDRESS = {"token", "key", "api_key", "apikey", "access_token"}
"""Parameters in which clients are known to send keys."""


async def house(request: Request) -> House:
    """Give the parts that this process shares; a coroutine, for anything else is called in a thread of its own."""
    shared: House = request.app.state.house
    return shared


InHouse = Annotated[House, Depends(house)]


def key_text(request: Request) -> str | None:
    """Find the key in the headers; one in the query string is never looked at."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key") or request.headers.get("x-ibm-access-token")


def allowed(scope: str) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """Make a dependency that gives the caller, who must have a scope."""

    async def caller(request: Request, inside: InHouse) -> Caller:
        found = await _authenticated(request, inside)
        keys.require(found, scope)
        return found

    return caller


async def _authenticated(request: Request, inside: House) -> Caller:
    try:
        origin = Origin(request_id(request.scope), traceparent(request.scope))
        found = await keys.authenticate(inside, key_text(request), origin)
    except Unauthenticated as error:
        _warn(request)
        count_failure(request, inside)
        if IN_ADDRESS & set(request.query_params):
            raise Unauthenticated(_IN_ADDRESS) from error
        raise
    logs.add(tenant=found.tenant_id, key=found.key_id)
    quota = effective(inside.settings, found.settings)["requests_per_minute"]
    spent = inside.quotas.spend(found.tenant_id, quota)
    add_headers(request.scope, limit_headers(spent))
    if not spent.allowed:
        request.app.state.meters.refused("requests")
        raise QuotaExceeded(f"more than {quota} requests in a minute", spent.retry_seconds)
    return found


def count_failure(request: Request, inside: House) -> None:
    """Count a key that was refused.

    Raises
    ------
    QuotaExceeded
        when too many were, from one address
    """
    address = request.client.host if request.client else ""
    spent = inside.quotas.spend(f"failures {address}", inside.settings.failures_per_minute)
    if not spent.allowed:
        request.app.state.meters.refused("failures")
        raise QuotaExceeded("too many refused keys from this address", spent.retry_seconds) from None


_IN_ADDRESS = (
    "a key in the address is not looked at, for it ends in logs: revoke it and make another one, and send that in the "
    "header Authorization: Bearer am_live_… or X-API-Key"
)


def _warn(request: Request) -> None:
    """Tell the operator of keys in addresses, which end in the logs of every proxy on the way."""
    if IN_ADDRESS & set(request.query_params):
        log.warning("a key came in the address of a request and was not looked at; it should be revoked")


def limit_headers(spent: Spent) -> dict[str, str]:
    """Say what is left (draft-ietf-httpapi-ratelimit-headers-11, a draft)."""
    return {
        "RateLimit-Policy": f'"requests";q={spent.quota};w=60',
        "RateLimit": f'"requests";r={spent.remaining};t={spent.reset_seconds}',
    }


async def retry_after(inside: House) -> int:
    """Seconds after which it is worth asking again for a run that has not ended."""
    return 1 if inside.backlog is None else await inside.backlog.retry_after()


Reader = Annotated[Caller, Depends(allowed(keys.READ))]
Writer = Annotated[Caller, Depends(allowed(keys.WRITE))]
Runner = Annotated[Caller, Depends(allowed(keys.RUN))]


def most_bytes(inside: House, *, data: bool = False) -> int:
    """Most bytes of a body: of prices and risk models, or of anything else."""
    return (inside.settings.most_data_mb if data else inside.settings.most_body_mb) * MEGABYTE
