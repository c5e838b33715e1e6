"""Construct and rebalance: each reads, calls one service, waits for the run's end, and writes it."""

import asyncio
import time
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from assetmix.api.body import read_json
from assetmix.api.context import add_headers, arrived
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes, retry_after
from assetmix.api.dialects.ibm import reading, writing
from assetmix.api.dialects.ibm.reading import Asked
from assetmix.api.dialects.ibm.schemas import ANYTHING, MANDATE
from assetmix.api.dialects.ibm.writing import Shape, Times
from assetmix.api.idempotency import once, replayed
from assetmix.api.openapi import accepts
from assetmix.api.prefer import LONGEST, is_strict, preferred_wait, wants_no_wait, wants_wait
from assetmix.errors import InvalidRequest, NotFound
from assetmix.persistence.optimizations import Run
from assetmix.services import market_data, optimizations
from assetmix.services.context import Caller, House
from assetmix.services.idempotency import Repeated, Submitted
from assetmix.services.waiting import wait_for_end

router = APIRouter(prefix="/api/v1/{tenantid}/portfolio", tags=["ibm"])

ANY_TENANT = "optimization"
"""What every real call to the service that is mirrored had for a tenant."""

BASE_CURRENCY = "USD"
"""Of a portfolio none of whose assets is known; it is refused later, by their names."""

RESPONSES: dict[int | str, dict[str, str]] = {
    200: {"description": "Optimal"},
    202: {"description": "Not ended yet; ask at Location"},
}
DESCRIBED = accepts("IbmMandate", MANDATE, headers=("Prefer", "Idempotency-Key"))


def own_tenant(tenantid: str, caller: Caller) -> None:
    """Refuse to speak of anybody but the caller.

    Raises
    ------
    NotFound
        for any other tenant, whether there is one or not
    """
    if tenantid not in {ANY_TENANT, caller.tenant}:
        raise NotFound("there is no such tenant")


@router.post("/construct", responses=RESPONSES, openapi_extra=DESCRIBED)
async def construct(
    tenantid: str, request: Request, inside: InHouse, caller: Runner, shape: Shape = "documented"
) -> Response:
    """Construct an optimal portfolio from a universe; the money comes with a constraint that has CashAdjust."""
    own_tenant(tenantid, caller)
    return await _optimize(request, inside, caller, shape)


@router.post("/rebalance", responses=RESPONSES, openapi_extra=DESCRIBED)
async def rebalance(
    tenantid: str, request: Request, inside: InHouse, caller: Runner, shape: Shape = "documented"
) -> Response:
    """Rebalance the given portfolio, with money that flows in or out if any does."""
    own_tenant(tenantid, caller)
    return await _optimize(request, inside, caller, shape)


@router.get("/optimizations/{run_id}", responses=RESPONSES)
async def get_optimization(  # noqa: PLR0913, PLR0917 - each is a part of the request
    tenantid: str, run_id: str, request: Request, inside: InHouse, caller: Reader, shape: Shape = "documented"
) -> Response:
    """Give what construct or rebalance would have answered, had it waited: 202 until the run has ended."""
    own_tenant(tenantid, caller)
    run = await optimizations.get_run(inside, caller, run_id, kind="optimization")
    if not writing.assets_of(run):
        raise NotFound("no such optimization")
    return await _answer(request, inside, run, shape)


async def _optimize(request: Request, inside: House, caller: Caller, shape: Shape) -> Response:
    strict = is_strict(request)
    document = await read_json(request, ANYTHING, most_bytes(inside))
    asked = await asyncio.to_thread(reading.read_mandate, document, strict=strict)
    if strict:
        add_headers(request.scope, {"Preference-Applied": "handling=strict"})
    outcome = await _submitted(request, inside, caller, asked, shape)
    if outcome.run is None:
        return replayed(outcome.before)
    if wants_no_wait(request) and not wants_wait(request):
        return await _pending(request, inside, outcome.run, shape)
    seconds = preferred_wait(request) if wants_wait(request) else LONGEST
    run = await wait_for_end(inside, caller, outcome.run, seconds)
    return await _answer(request, inside, run, shape)


async def _submitted(
    request: Request, inside: House, caller: Caller, asked: Asked, shape: Shape
) -> Submitted | Repeated:
    currency = await market_data.common_currency(inside, caller, asked.assets)
    soon = await retry_after(inside)

    def pending(run: Run) -> Response:
        return writing.write_pending(run, _times(request), _headers(request, run, soon, shape))

    wanted = asked.request(currency or BASE_CURRENCY)
    try:
        return await optimizations.submit_once(inside, caller, wanted, await once(request, pending))
    except InvalidRequest as error:
        error.faults = tuple(asked.pointed(one) for one in error.faults)
        raise


async def _answer(request: Request, inside: House, run: Run, shape: Shape) -> Response:
    if run.is_active:
        return await _pending(request, inside, run, shape)
    return writing.write_run(run, _times(request), shape)


async def _pending(request: Request, inside: House, run: Run, shape: Shape) -> Response:
    headers = _headers(request, run, await retry_after(inside), shape)
    return writing.write_pending(run, _times(request), headers)


def _times(request: Request) -> Times:
    return Times(arrived(request.scope), time.time_ns())


def _headers(request: Request, run: Run, seconds: int, shape: Shape) -> dict[str, str]:
    tenant = quote(request.path_params["tenantid"], safe="")
    query = "" if shape == "documented" else f"?shape={shape}"
    return {
        "Location": f"/api/v1/{tenant}/portfolio/optimizations/{run.id}{query}",
        "Retry-After": str(seconds),
    }
