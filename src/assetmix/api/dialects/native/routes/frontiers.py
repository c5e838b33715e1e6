"""Efficient frontiers: the same life as a run."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.routes.runs import LAST, cancelled, submitted, watched
from assetmix.api.dialects.native.schemas import FRONTIER
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.services import optimizations

router = APIRouter()


@router.post(
    "/frontiers",
    status_code=202,
    openapi_extra=accepts("FrontierRequest", FRONTIER, headers=("Idempotency-Key", "Prefer")),
    responses={200: {"description": "Ended (Prefer: wait)"}, 202: {"description": "Accepted"}},
)
async def post_frontier(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Request the efficient frontier of two measures; the same inputs give the run that answers them already.

    `x` is optimized alone at each of `points` levels of `y`. With `Prefer: wait=n` the answer is
    200 where it ends within n seconds (at most 30).
    """
    wanted = reading.read_frontier(await read_json(request, FRONTIER, most_bytes(inside)))
    return await submitted(request, inside, caller, wanted)


@router.get("/frontiers")
async def list_frontiers(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List frontiers, newest first."""
    size = clamp(limit)
    where: dict[str, str | None] = {"kind": "frontier"}
    found = await optimizations.list_runs(inside, caller, where, after(cursor, "frontiers", LAST), size)
    items = [writing.write_run(one) for one in found]
    return page(items, size, "frontiers", items[-1]["id"] if items else LAST)


@router.get("/frontiers/{run_id}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_frontier(run_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a frontier with its status and progress; always 200 for a known id (304 for a known state)."""
    return await watched(request, inside, await optimizations.get_run(inside, caller, run_id, kind="frontier"))


@router.post("/frontiers/{run_id}/cancel", status_code=202)
async def cancel_frontier(run_id: str, inside: InHouse, caller: Runner) -> JSONResponse:
    """Cancel a frontier: at once if it is queued, else within seconds."""
    return await cancelled(inside, caller, run_id, "frontier")
