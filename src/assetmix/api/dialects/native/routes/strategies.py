"""Strategies by name."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from assetmix.api.body import parse, read_body, read_json
from assetmix.api.deps import InHouse, Reader, Runner, Writer, most_bytes, retry_after
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import ANYTHING, VALIDATION, ValidationBody
from assetmix.api.etag import expected, quoted, unchanged
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.api.prefer import preferred_wait
from assetmix.codec.documents import STRATEGY
from assetmix.services import optimizations, strategies
from assetmix.services.waiting import wait_for_end

router = APIRouter()

VALIDATION_SECONDS = 10.0


@router.post(
    "/strategies/validate",
    openapi_extra=accepts("StrategyValidation", VALIDATION, headers=("Prefer",)),
    responses={200: {"description": "Valid"}, 202: {"description": "Valid; whether it is feasible is still found out"}},
)
async def validate_strategy(request: Request, inside: InHouse, caller: Runner) -> JSONResponse:
    """Check a strategy without storing it: the strategy alone, or `{"strategy": …, "portfolio": …}`.

    With a portfolio a solver finds out whether the limits can hold together there, and if not
    which ones clash. That takes a run: where it has not ended within n seconds (`Prefer: wait=n`,
    10 unless said), the answer is 202 with its `Location`.
    """
    _, body = await read_body(request, ("application/json",), most_bytes(inside))
    given = await _read_validation(body)
    if given.portfolio is None:
        await strategies.check_only(inside, caller, given.strategy)
        return JSONResponse({"valid": True})
    wanted = reading.read_feasibility(given, given.portfolio)
    seconds = preferred_wait(request) or VALIDATION_SECONDS
    run = await wait_for_end(inside, caller, await optimizations.submit(inside, caller, wanted), seconds)
    status = 202 if run.is_active else 200
    headers = writing.accepted_headers(run, await retry_after(inside))
    return JSONResponse(writing.write_validation(run), status_code=status, headers=headers)


async def _read_validation(body: bytes) -> ValidationBody:
    """Read either form; a strategy of its own has no member called `strategy`."""
    document = await parse(ANYTHING, body)
    if isinstance(document, dict) and "strategy" in document:
        return await parse(VALIDATION, body)
    alone = await parse(STRATEGY, body)
    return ValidationBody.model_construct(strategy=alone, portfolio=None)


@router.put(
    "/strategies/{name}",
    openapi_extra=accepts("Strategy", STRATEGY, headers=("If-Match", "If-None-Match")),
    responses={200: {"description": "Replaced"}, 201: {"description": "Created"}},
)
async def put_strategy(name: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a strategy, or add a version to it; the number stays."""
    given = await read_json(request, STRATEGY, most_bytes(inside))
    stored, created = await strategies.put_strategy(inside, caller, name, given, expected(request))
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


@router.get("/strategies/{name}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_strategy(name: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a strategy as it is now."""
    stored = await strategies.get_strategy(inside, caller, name)
    document = writing.write_strategy(stored)
    return unchanged(request, stored.tag) or JSONResponse(document, headers={"ETag": quoted(stored.tag)})


@router.get("/strategies/{name}/versions")
async def list_versions(name: str, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give every version of a strategy, oldest first."""
    return {"items": await strategies.list_versions(inside, caller, name), "next": None}


@router.delete("/strategies/{name}", status_code=204, openapi_extra=takes("If-Match"))
async def delete_strategy(name: str, request: Request, inside: InHouse, caller: Writer) -> None:
    """Delete a strategy; runs that used it keep their own copy."""
    await strategies.delete_strategy(inside, caller, name, expected(request))
