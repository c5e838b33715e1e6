"""Batches: one strategy for many portfolios, with the life of a run and an answer for each portfolio."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import EventSourceResponse
from fastapi.sse import ServerSentEvent
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.routes.runs import LAST, answered, cancelled, told, watched
from assetmix.api.dialects.native.schemas import BATCH
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.persistence.batches import Sought
from assetmix.persistence.optimizations import Run
from assetmix.services import batches, optimizations
from assetmix.services.idempotency import Once, Repeated, Submitted
from assetmix.services.waiting import changes_of

router = APIRouter()


@router.post(
    "/batches",
    status_code=202,
    openapi_extra=accepts("BatchRequest", BATCH, headers=("Idempotency-Key", "Prefer")),
    responses={200: {"description": "Ended (Prefer: wait)"}, 202: {"description": "Accepted"}},
)
async def post_batch(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Request the best portfolio of many accounts under one strategy; the same inputs give the run that has them.

    Portfolios are named, or selected by a `query`. Each has a status of its own: one that cannot be
    answered does not keep the others from it. A batch is a calculation: it does not become the
    latest optimization of any portfolio, and none waits for it.
    """
    wanted = reading.read_batch(await read_json(request, BATCH, most_bytes(inside)))

    async def submit(once: Once | None) -> Submitted | Repeated:
        return await batches.submit_once(inside, caller, wanted, once)

    return await answered(request, inside, caller, submit)


@router.get("/batches")
async def list_batches(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List batches, newest first."""
    size = clamp(limit)
    found = await optimizations.list_runs(inside, caller, {"kind": "batch"}, after(cursor, "batches", LAST), size)
    items = [writing.write_run(one) for one in found]
    return page(items, size, "batches", items[-1]["id"] if items else LAST)


@router.get("/batches/{run_id}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_batch(run_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a batch with its status, its progress and, once it has ended, how many accounts ended how."""
    return await watched(request, inside, await optimizations.get_run(inside, caller, run_id, kind="batch"))


async def known_batch(run_id: str, inside: InHouse, caller: Reader) -> Run:
    """Give a batch before its stream begins, so that an unknown one is refused."""
    return await optimizations.get_run(inside, caller, run_id, kind="batch")


@router.get("/batches/{run_id}/events", response_class=EventSourceResponse)
async def stream_batch(
    run: Annotated[Run, Depends(known_batch)], inside: InHouse, caller: Reader
) -> AsyncIterator[ServerSentEvent]:
    """Stream `progress` events (status, progress, counts by status) until the batch has ended: an `end` event."""
    async for seen in changes_of(inside, caller, run):
        yield told(seen, counts=await batches.counts(inside, caller, seen))


class ItemQuery:
    """Which items are listed."""

    def __init__(
        self,
        status: Annotated[str | None, Query(description="succeeded, infeasible, refused or failed")] = None,
        portfolio: str | None = None,
        limit: int = DEFAULT,
        cursor: str | None = None,
    ) -> None:
        self.limit = clamp(limit)
        self._named = {"status": status, "portfolio": portfolio}
        self._cursor = cursor

    def sought(self, listing: str) -> Sought:
        """The same for a listing that its cursors belong to."""
        return Sought(after(self._cursor, listing, 0), self.limit, **self._named)


@router.get("/batches/{run_id}/items")
async def list_items(
    run_id: str, inside: InHouse, caller: Reader, which: Annotated[ItemQuery, Depends()]
) -> dict[str, Any]:
    """List what was answered to each portfolio, in their order, as far as they are answered; without whole results."""
    listing = f"items of {run_id}"
    found = await batches.items(inside, caller, run_id, which.sought(listing))
    following = found[-1].number + 1 if found else 0
    return page([writing.write_item(one) for one in found], which.limit, listing, following)


@router.get("/batches/{run_id}/items/{number}")
async def get_item(run_id: str, number: int, inside: InHouse, caller: Reader) -> Response:
    """Give what was answered to one portfolio, with the whole result."""
    found = await batches.item(inside, caller, run_id, number)
    return Response(writing.write_whole_item(found), media_type="application/json")


@router.post("/batches/{run_id}/cancel", status_code=202)
async def cancel_batch(run_id: str, inside: InHouse, caller: Runner) -> JSONResponse:
    """Cancel a batch: at once if it is queued, else within seconds; what is answered by then stays."""
    return await cancelled(inside, caller, run_id, "batch")
