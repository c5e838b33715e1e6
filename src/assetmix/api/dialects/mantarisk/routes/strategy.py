"""`/strategy`: by number; made without one, replaced with one."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.mantarisk import reading, writing
from assetmix.api.dialects.mantarisk.schemas import STRATEGY
from assetmix.api.etag import expected, quoted, unchanged
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.services import strategies

router = APIRouter(prefix="/strategy")

MOST_STRATEGIES = 10_000
DESCRIBED = accepts("MantaRiskStrategy", STRATEGY, headers=("If-Match", "If-None-Match"))
WRITTEN: dict[int | str, dict[str, Any]] = {200: {"description": "Replaced"}, 201: {"description": "Created"}}


@router.get("")
async def list_strategies(inside: InHouse, caller: Reader) -> list[dict[str, Any]]:
    """List the strategies by number; the default one is there from the start."""
    await strategies.ensure(inside, caller, reading.read_strategy(reading.DEFAULT))
    found = await strategies.list_strategies(inside, caller, 0, MOST_STRATEGIES)
    return [writing.write_strategy(one) for one in found]


@router.put("", openapi_extra=DESCRIBED, responses=WRITTEN)
async def create_strategy(request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Make a strategy; the same document under the same name gives the strategy that there is."""
    return await _put(None, request, inside, caller)


@router.put("/{strategy_id}", openapi_extra=DESCRIBED, responses=WRITTEN)
async def replace_strategy(strategy_id: int, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Add a version to a strategy; its number and its name stay."""
    return await _put(strategy_id, request, inside, caller)


async def _put(number: int | None, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    named = reading.read_strategy(await read_json(request, STRATEGY, most_bytes(inside)))
    stored, created = await strategies.put_numbered(inside, caller, number, named, expected(request))
    headers = {"ETag": quoted(stored.tag), "Location": f"/strategy/{stored.strategy_id}"}
    return JSONResponse(writing.write_strategy(stored), status_code=201 if created else 200, headers=headers)


@router.get("/{strategy_id}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_strategy(strategy_id: int, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a strategy as it is now."""
    stored = await strategies.get_numbered(inside, caller, strategy_id)
    document = writing.write_strategy(stored)
    return unchanged(request, stored.tag) or JSONResponse(document, headers={"ETag": quoted(stored.tag)})


@router.get("/{strategy_id}/versions")
async def list_versions(strategy_id: int, inside: InHouse, caller: Reader) -> list[dict[str, Any]]:
    """Give every version of a strategy, oldest first."""
    stored = await strategies.get_numbered(inside, caller, strategy_id)
    return [writing.write_version(one) for one in await strategies.list_versions(inside, caller, stored.name)]


@router.delete("/{strategy_id}", status_code=204, openapi_extra=takes("If-Match"))
async def delete_strategy(strategy_id: int, request: Request, inside: InHouse, caller: Writer) -> None:
    """Delete a strategy; runs that used it keep their own copy. The default one comes back when it is listed."""
    stored = await strategies.get_numbered(inside, caller, strategy_id)
    await strategies.delete_strategy(inside, caller, stored.name, expected(request))
