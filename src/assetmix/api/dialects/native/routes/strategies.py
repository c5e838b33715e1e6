"""Strategies by name."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import writing
from assetmix.api.etag import quoted, wanted_tag
from assetmix.api.openapi import accepts
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.codec.documents import STRATEGY
from assetmix.services import strategies

router = APIRouter()


@router.post("/strategies/validate", openapi_extra=accepts("Strategy", STRATEGY))
async def validate_strategy(request: Request, inside: InHouse, caller: Reader) -> dict[str, Any]:  # noqa: ARG001 - a key is needed
    """Check a strategy without storing it."""
    strategies.check_only(await read_json(request, STRATEGY, most_bytes(inside)))
    return {"valid": True}


@router.put(
    "/strategies/{name}",
    openapi_extra=accepts("Strategy", STRATEGY),
    responses={200: {"description": "Replaced"}, 201: {"description": "Created"}},
)
async def put_strategy(name: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a strategy, or add a version to it; the number stays."""
    given = await read_json(request, STRATEGY, most_bytes(inside))
    stored, created = await strategies.put_strategy(inside, caller, name, given, wanted_tag(request))
    status = 201 if created else 200
    return JSONResponse(writing.write_strategy(stored), status_code=status, headers={"ETag": quoted(stored.tag)})


@router.get("/strategies")
async def list_strategies(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List strategies by number."""
    size = clamp(limit)
    found = await strategies.list_strategies(inside, caller, after(cursor, "strategies", 0), size)
    items = [writing.write_strategy(one) for one in found]
    return page(items, size, "strategies", items[-1]["strategy_id"] if items else 0)


@router.get("/strategies/{name}")
async def get_strategy(name: str, response: Response, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give a strategy as it is now."""
    stored = await strategies.get_strategy(inside, caller, name)
    response.headers["ETag"] = quoted(stored.tag)
    return writing.write_strategy(stored)


@router.get("/strategies/{name}/versions")
async def list_versions(name: str, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give every version of a strategy, oldest first."""
    return {"items": await strategies.list_versions(inside, caller, name), "next": None}


@router.delete("/strategies/{name}", status_code=204)
async def delete_strategy(name: str, inside: InHouse, caller: Writer) -> None:
    """Delete a strategy; runs that used it keep their own copy."""
    await strategies.delete_strategy(inside, caller, name)
