"""Backtests: the same life as a run, with their progress as a stream and their decisions page by page."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import EventSourceResponse
from fastapi.sse import ServerSentEvent
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.routes.runs import LAST, cancelled, submitted, told, watched
from assetmix.api.dialects.native.schemas import BACKTEST
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.persistence.optimizations import Run
from assetmix.services import backtests, optimizations
from assetmix.services.waiting import changes_of

router = APIRouter()


@router.post(
    "/backtests",
    status_code=202,
    openapi_extra=accepts("BacktestRequest", BACKTEST, headers=("Idempotency-Key", "Prefer")),
    responses={200: {"description": "Ended (Prefer: wait)"}, 202: {"description": "Accepted"}},
)
async def post_backtest(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Request a walk-forward backtest of a strategy; the same inputs give the run that answers them already.

    At each decision only what was known at its close is used. With `Prefer: wait=n` the answer is
    200 where it ends within n seconds (at most 30).
    """
    wanted = reading.read_backtest(await read_json(request, BACKTEST, most_bytes(inside)))
    return await submitted(request, inside, caller, wanted)


@router.get("/backtests")
async def list_backtests(
    inside: InHouse, caller: Reader, portfolio: str | None = None, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List backtests, newest first, of one portfolio if it is named; without their results."""
    size = clamp(limit)
    where = {"kind": "backtest", "portfolio": portfolio}
    found = await optimizations.list_runs(inside, caller, where, after(cursor, "backtests", LAST), size)
    items = [writing.write_run(one) for one in found]
    return page(items, size, "backtests", items[-1]["id"] if items else LAST)


@router.get("/backtests/{run_id}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_backtest(run_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a backtest with its status and progress; always 200 for a known id (304 for a known state)."""
    return await watched(request, inside, await optimizations.get_run(inside, caller, run_id, kind="backtest"))


async def known_backtest(run_id: str, inside: InHouse, caller: Reader) -> Run:
    """Give a backtest before its stream begins, so that an unknown one is refused."""
    return await optimizations.get_run(inside, caller, run_id, kind="backtest")


@router.get("/backtests/{run_id}/events", response_class=EventSourceResponse)
async def stream_backtest(
    run: Annotated[Run, Depends(known_backtest)], inside: InHouse, caller: Reader
) -> AsyncIterator[ServerSentEvent]:
    """Stream `progress` events (status, progress 0 to 1) until the backtest has ended, which an `end` event says."""
    async for seen in changes_of(inside, caller, run):
        yield told(seen)


@router.get("/backtests/{run_id}/rebalances")
async def list_rebalances(
    run_id: str, inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List the decisions of a backtest with weights and trades, oldest first, as far as they are made."""
    listing = f"rebalances of {run_id}"
    size, first = clamp(limit), after(cursor, listing, 0)
    items = await backtests.decisions(inside, caller, run_id, first, size)
    return page(items, size, listing, first + len(items))


@router.post("/backtests/{run_id}/cancel", status_code=202)
async def cancel_backtest(run_id: str, inside: InHouse, caller: Runner) -> JSONResponse:
    """Cancel a backtest: at once if it is queued, else within seconds."""
    return await cancelled(inside, caller, run_id, "backtest")
