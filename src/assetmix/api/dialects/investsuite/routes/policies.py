"""Policies: created and replaced here, where InvestSuite's users have to use a console."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.investsuite.reading.policy import read_policy
from assetmix.api.dialects.investsuite.routes.pages import Page, Version, listed, versioned
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.policy import POLICY
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.etag import expected, quoted
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.services import policies, records
from assetmix.services.context import House
from assetmix.services.policies import Policy

router = APIRouter(prefix="/robo-advisor/policies", tags=["investsuite"])

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Created"}}


@both(router, "POST", "/", status_code=201, responses=CREATED, openapi_extra=accepts("InvestSuitePolicy", POLICY))
async def create_policy(request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a policy, which is a strategy too."""
    stored = await policies.create(inside, caller, await _read(request, inside))
    return JSONResponse(writing.write_record(stored), status_code=201, headers={"ETag": quoted(stored.tag)})


@both(router, "GET", "/")
async def list_policies(
    page: Annotated[Page, Depends()], request: Request, inside: InHouse, caller: Reader
) -> Response:
    """List the policies that a query finds."""
    found, count = await records.search(inside, caller, "policy", page.wanted)
    return await listed(page, request, inside, caller, [writing.write_record(one) for one in found], count)


@both(router, "GET", "/{policy_id}/", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_policy(
    policy_id: str, request: Request, inside: InHouse, caller: Reader, version: Version = None
) -> Response:
    """Give a policy as it is now, or an earlier version."""
    return await versioned(request, inside, caller, ("policy", policy_id), version)


@both(router, "PUT", "/{policy_id}/", openapi_extra=accepts("InvestSuitePolicy", POLICY, headers=("If-Match",)))
async def replace_policy(policy_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Replace a policy; every portfolio that follows it is optimized anew."""
    stored = await policies.replace(inside, caller, policy_id, await _read(request, inside), expected(request))
    return JSONResponse(writing.write_record(stored), headers={"ETag": quoted(stored.tag)})


async def _read(request: Request, inside: House) -> Policy:
    body = await read_json(request, POLICY, most_bytes(inside))
    read = read_policy(body)
    currency = body.config.algorithm_settings.execution_settings.base_currency
    return Policy(body.model_dump(mode="json"), read.strategy, currency, read.pointed)
