"""Runs."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.routes.runs import LAST, cancelled, submitted, watched
from assetmix.api.dialects.native.schemas import RUN
from assetmix.api.idempotency import require_usable_key
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.services import optimizations

router = APIRouter()


@router.post(
    "/optimizations",
    status_code=202,
    openapi_extra=accepts("OptimizationRequest", RUN, headers=("Idempotency-Key", "Prefer")),
    responses={
        200: {"description": "Valid (validate_only), or ended (Prefer: wait)"},
        202: {"description": "Accepted"},
    },
)
async def post_optimization(
    request: Request, inside: InHouse, caller: Runner, *, validate_only: bool = False
) -> Response:
    """Request a run; the same inputs give the run that answers them already.

    With `Prefer: wait=n` the answer is 200 with the ended run where it ends within n seconds (at most 30).
    """
    wanted = reading.read_run(await read_json(request, RUN, most_bytes(inside)))
    require_usable_key(request)
    if validate_only:
        await optimizations.check_only(inside, caller, wanted)
        return JSONResponse({"valid": True})
    return await submitted(request, inside, caller, wanted)


@router.get("/optimizations")
async def list_optimizations(  # noqa: PLR0913, PLR0917 - each is a query parameter
    inside: InHouse,
    caller: Reader,
    portfolio: str | None = None,
    status: str | None = None,
    limit: int = DEFAULT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List runs, newest first."""
    size = clamp(limit)
    where = {"portfolio": portfolio, "status": status}
    found = await optimizations.list_runs(inside, caller, where, after(cursor, "optimizations", LAST), size)
    items = [writing.write_run(one) for one in found]
    return page(items, size, "optimizations", items[-1]["id"] if items else LAST)


@router.get("/optimizations/{run_id}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_optimization(run_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a run with its status; always 200 for a known id (304 for one that the caller knows as it is)."""
    return await watched(request, inside, await optimizations.get_run(inside, caller, run_id))


@router.post("/optimizations/{run_id}/cancel", status_code=202)
async def cancel_optimization(run_id: str, inside: InHouse, caller: Runner) -> JSONResponse:
    """Cancel a run: at once if it is queued, else within seconds."""
    return await cancelled(inside, caller, run_id)
