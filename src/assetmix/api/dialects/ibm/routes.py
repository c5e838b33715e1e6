"""Construct and rebalance: each reads, calls one service, waits for the run's end, and writes it."""

import asyncio
import time
from dataclasses import dataclass
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
from assetmix.services.idempotency import Once, Repeated, Submitted
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


@router.post("/construct", responses=RESPONSES, openapi_extra=DESCRIBED)
async def construct(
    tenantid: str, request: Request, inside: InHouse, caller: Runner, shape: Shape = "documented"
) -> Response:
    """Construct an optimal portfolio from a universe; the money comes with a constraint that has CashAdjust."""
    return await _optimize(Asking(request, tenantid, shape), inside, caller)


@router.post("/rebalance", responses=RESPONSES, openapi_extra=DESCRIBED)
async def rebalance(
    tenantid: str, request: Request, inside: InHouse, caller: Runner, shape: Shape = "documented"
) -> Response:
    """Rebalance the given portfolio, with money that flows in or out if any does."""
    return await _optimize(Asking(request, tenantid, shape), inside, caller)


@router.get("/optimizations/{run_id}", responses=RESPONSES)
async def get_optimization(  # noqa: PLR0913, PLR0917 - each is a part of the request
    tenantid: str, run_id: str, request: Request, inside: InHouse, caller: Reader, shape: Shape = "documented"
) -> Response:
    """Give what construct or rebalance would have answered, had it waited: 202 until the run has ended."""
    asking = Asking(request, tenantid, shape)
    asking.require_own_tenant(caller)
    run = await optimizations.get_run(inside, caller, run_id, kind="optimization")
    if not writing.assets_of(run):
        raise NotFound("no such optimization")
    return asking.answer(run, await retry_after(inside) if run.is_active else 0)


@dataclass(frozen=True, slots=True)
class Asking:
    """A request with what its address says, and the answers to it."""

    request: Request
    tenantid: str
    shape: Shape

    def require_own_tenant(self, caller: Caller) -> None:
        """Refuse to speak of anybody but the caller.

        Raises
        ------
        NotFound
            for any other tenant, whether there is one or not
        """
        if self.tenantid not in {ANY_TENANT, caller.tenant}:
            raise NotFound("there is no such tenant")

    def answer(self, run: Run, seconds: int) -> Response:
        """Give the run's end, or say where it will be and when to ask."""
        return self.pending(run, seconds) if run.is_active else writing.write_run(run, self._times(), self.shape)

    def pending(self, run: Run, seconds: int) -> Response:
        """Say where the run's end will be, and when to ask."""
        query = "" if self.shape == "documented" else f"?shape={self.shape}"
        where = f"/api/v1/{quote(self.tenantid, safe='')}/portfolio/optimizations/{run.id}{query}"
        return writing.write_pending(run, self._times(), {"Location": where, "Retry-After": str(seconds)})

    def _times(self) -> Times:
        return Times(arrived(self.request.scope), time.time_ns())


async def _optimize(asking: Asking, inside: House, caller: Caller) -> Response:
    asking.require_own_tenant(caller)
    request, strict = asking.request, is_strict(asking.request)
    document = await read_json(request, ANYTHING, most_bytes(inside))
    asked = await asyncio.to_thread(reading.read_mandate, document, strict=strict)
    if strict:
        add_headers(request.scope, {"Preference-Applied": "handling=strict"})
    soon = await retry_after(inside)
    key = await once(request, lambda run: asking.pending(run, soon))
    outcome = await _submitted(inside, caller, asked, key)
    if outcome.run is None:
        return replayed(outcome.before)
    if wants_no_wait(request) and not wants_wait(request):
        return asking.pending(outcome.run, soon)
    seconds = preferred_wait(request) if wants_wait(request) else LONGEST
    return asking.answer(await wait_for_end(inside, caller, outcome.run, seconds), soon)


async def _submitted(inside: House, caller: Caller, asked: Asked, key: Once | None) -> Submitted | Repeated:
    currency = await market_data.common_currency(inside, caller, asked.assets)
    try:
        return await optimizations.submit_once(inside, caller, asked.request(currency or BASE_CURRENCY), key)
    except InvalidRequest as error:
        error.faults = tuple(asked.pointed(one) for one in error.faults)
        raise
