"""What the routes of every kind of run share."""

from collections.abc import Awaitable, Callable

from fastapi.sse import ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assetmix.api.deps import InHouse, Runner, retry_after
from assetmix.api.dialects.native import writing
from assetmix.api.etag import quoted, unchanged
from assetmix.api.idempotency import once, replayed
from assetmix.api.prefer import applied, preferred_wait
from assetmix.persistence.optimizations import Run
from assetmix.services import optimizations
from assetmix.services.idempotency import Once, Repeated, Submitted
from assetmix.services.waiting import wait_for_end

LAST = "~"
"""Sorts after every id."""


async def submitted(request: Request, inside: InHouse, caller: Runner, wanted: optimizations.Request) -> Response:
    """Submit, and wait as long as the caller prefers: 200 for a run that ended in that time, else 202.

    A request sent again under its idempotency key has the answer of the first, unless it prefers
    to wait and the run has ended.
    """

    async def submit(once: Once | None) -> Submitted | Repeated:
        return await optimizations.submit_once(inside, caller, wanted, once)

    return await answered(request, inside, caller, submit)


async def answered(
    request: Request,
    inside: InHouse,
    caller: Runner,
    submit: Callable[[Once | None], Awaitable[Submitted | Repeated]],
) -> Response:
    """The same for anything that becomes a run."""
    soon = await retry_after(inside)

    def accepted(run: Run) -> Response:
        return _told(run, writing.accepted_headers(run, soon), 202)

    outcome = await submit(await once(request, accepted))
    seconds = preferred_wait(request)
    run = outcome.run if outcome.run is None else await wait_for_end(inside, caller, outcome.run, seconds)
    if run is not None and seconds and not run.is_active:
        headers = writing.accepted_headers(run, soon) | applied(seconds)
        return _told(run, headers)
    return replayed(outcome.before) if isinstance(outcome, Repeated) else accepted(outcome.run)


async def cancelled(inside: InHouse, caller: Runner, run_id: str, kind: str | None = None) -> JSONResponse:
    """Cancel a run, of one kind where that is named: 200 where that is done at once, else 202."""
    if kind is not None:
        await optimizations.get_run(inside, caller, run_id, kind=kind)
    run = await optimizations.cancel(inside, caller, run_id)
    return JSONResponse(writing.write_run(run), status_code=200 if run.status == "cancelled" else 202)


def told(run: Run, **more: object) -> ServerSentEvent:
    """How far a run is, as an event of a stream: `progress`, or `end` when it has ended."""
    seen = {"id": run.id, "status": run.status, "progress": run.progress, "attempt": run.attempt}
    return ServerSentEvent(event="progress" if run.is_active else "end", id=run.tag, data=seen | more)


async def watched(request: Request, inside: InHouse, run: Run) -> Response:
    """Give a run as it is: with its tag, and with the time to ask again while it has not ended."""
    known = unchanged(request, run.tag)
    if known is not None:
        return known
    later = {"Retry-After": str(await retry_after(inside))} if run.is_active else {}
    return _told(run, {"ETag": quoted(run.tag)} | later)


def _told(run: Run, headers: dict[str, str], status: int = 200) -> Response:
    return Response(writing.write_whole_run(run), status, headers, media_type="application/json")
