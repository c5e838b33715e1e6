"""What routes ask for: the house, the caller, and the scopes that the caller must have."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from assetmix.services import keys
from assetmix.services.context import Caller, House

MEGABYTE = 2**20


def house(request: Request) -> House:
    """Give the parts that this process shares."""
    shared: House = request.app.state.house
    return shared


def key_text(request: Request) -> str | None:
    """Find the key in the headers; one in the query string is never looked at."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key") or request.headers.get("x-ibm-access-token")


def allowed(scope: str) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """Make a dependency that gives the caller, who must have a scope."""

    async def caller(request: Request) -> Caller:
        found = await keys.authenticate(house(request), key_text(request))
        keys.require(found, scope)
        return found

    return caller


InHouse = Annotated[House, Depends(house)]
Reader = Annotated[Caller, Depends(allowed(keys.READ))]
Writer = Annotated[Caller, Depends(allowed(keys.WRITE))]
Runner = Annotated[Caller, Depends(allowed(keys.RUN))]


def most_bytes(inside: House, *, data: bool = False) -> int:
    """Most bytes of a body: of prices and risk models, or of anything else."""
    return (inside.settings.most_data_mb if data else inside.settings.most_body_mb) * MEGABYTE
