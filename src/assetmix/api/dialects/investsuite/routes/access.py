"""Logging in with the two parts of a key, and staying logged in."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, count_failure, most_bytes
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.access import LOGIN, REFRESH
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.openapi import accepts
from assetmix.errors import Unauthenticated
from assetmix.services import keys
from assetmix.services.context import House
from assetmix.services.tokens import Tokens

router = APIRouter(tags=["investsuite"])

UNCACHED = {"Cache-Control": "no-store"}
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "Tokens"}}


@both(router, "POST", "/auth/login/", responses=RESPONSES, openapi_extra=accepts("InvestSuiteLogin", LOGIN))
async def log_in(request: Request, inside: InHouse) -> JSONResponse:
    """Give an access token for five minutes and a refresh token for a day; both die with the key."""
    body = await read_json(request, LOGIN, most_bytes(inside))
    return await _given(request, inside, keys.log_in(inside, body.access_key_id, body.secret_access_key))


@both(router, "POST", "/auth/refresh-token/", responses=RESPONSES, openapi_extra=accepts("InvestSuiteRefresh", REFRESH))
async def refresh(request: Request, inside: InHouse) -> JSONResponse:
    """Give new tokens for a refresh token."""
    body = await read_json(request, REFRESH, most_bytes(inside))
    return await _given(request, inside, keys.refresh(inside, body.refresh_token))


async def _given(request: Request, inside: House, tokens: Any) -> JSONResponse:  # noqa: ANN401 - a coroutine
    try:
        given: Tokens = await tokens
    except Unauthenticated:
        count_failure(request, inside)
        raise
    return JSONResponse(writing.write_token(given), headers=UNCACHED)
