"""Users: the owners of portfolios."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.investsuite.routes.pages import Page, Version, listed, versioned
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.portfolio import USER
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.etag import expected, quoted
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.services import records

router = APIRouter(tags=["investsuite"])

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Created"}}


@both(router, "POST", "/users/", status_code=201, responses=CREATED, openapi_extra=accepts("InvestSuiteUser", USER))
async def create_user(request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a user; nothing is required."""
    body = (await read_json(request, USER, most_bytes(inside))).model_dump(mode="json")
    stored = await records.create(inside, caller, "user", body, body["external_id"])
    return JSONResponse(writing.write_record(stored), status_code=201, headers={"ETag": quoted(stored.tag)})


@both(router, "GET", "/users/")
async def list_users(page: Annotated[Page, Depends()], request: Request, inside: InHouse, caller: Reader) -> Response:
    """List the users that a query finds."""
    found, count = await records.search(inside, caller, "user", page.wanted)
    return await listed(page, request, inside, caller, [writing.write_record(one) for one in found], count)


@both(router, "GET", "/users/{user_id}/", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_user(
    user_id: str, request: Request, inside: InHouse, caller: Reader, version: Version = None
) -> Response:
    """Give a user as it is now, or an earlier version."""
    return await versioned(request, inside, caller, ("user", user_id), version)


@both(router, "PATCH", "/users/{user_id}/", openapi_extra=accepts("InvestSuiteUser", USER, headers=("If-Match",)))
async def change_user(user_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Change what is given of a user."""
    body = await read_json(request, USER, most_bytes(inside))
    changes = body.model_dump(mode="json", exclude_unset=True)
    stored = await records.change(inside, caller, "user", user_id, changes, expected(request))
    return JSONResponse(writing.write_record(stored), headers={"ETag": quoted(stored.tag)})


@both(router, "DELETE", "/users/{user_id}/", openapi_extra=takes("If-Match"))
async def delete_user(user_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Delete a user; its versions stay readable."""
    stored = await records.delete(inside, caller, "user", user_id, expected(request))
    return JSONResponse(writing.write_record(stored))
