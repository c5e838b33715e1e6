"""What the routes of every kind of run share."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from assetmix.api.deps import InHouse, Runner
from assetmix.api.dialects.native import writing
from assetmix.api.prefer import applied, preferred_wait
from assetmix.services import optimizations
from assetmix.services.waiting import wait_for_end

LAST = "~"
"""Sorts after every id."""


async def submitted(request: Request, inside: InHouse, caller: Runner, wanted: optimizations.Request) -> JSONResponse:
    """Submit, and wait as long as the caller prefers: 200 for a run that ended in that time, else 202."""
    seconds = preferred_wait(request)
    run = await wait_for_end(inside, caller, await optimizations.submit(inside, caller, wanted), seconds)
    headers = writing.accepted_headers(run)
    if seconds and not run.is_active:
        return JSONResponse(writing.write_run(run), headers=headers | applied(seconds))
    return JSONResponse(writing.write_run(run), status_code=202, headers=headers)
