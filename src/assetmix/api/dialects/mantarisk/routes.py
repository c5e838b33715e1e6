"""`/strategy` and `/portfolio/rebalance`; each body: read, call one service, write."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes, retry_after
from assetmix.api.dialects.mantarisk import reading, writing
from assetmix.api.dialects.mantarisk.schemas import REBALANCE
from assetmix.api.idempotency import once, replayed
from assetmix.api.openapi import accepts
from assetmix.persistence.optimizations import Run
from assetmix.services import optimizations, strategies
from assetmix.services.idempotency import Repeated

router = APIRouter(tags=["mantarisk"])

MOST_STRATEGIES = 10_000


@router.get("/strategy")
async def list_strategies(inside: InHouse, caller: Reader) -> list[dict[str, Any]]:
    """List the strategies by number."""
    found = await strategies.list_strategies(inside, caller, 0, MOST_STRATEGIES)
    return [writing.write_strategy(one) for one in found]


@router.post(
    "/portfolio/rebalance", status_code=202, openapi_extra=accepts("Rebalance", REBALANCE, headers=("Idempotency-Key",))
)
async def rebalance(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Optimize a portfolio with a strategy; poll the address in Location."""
    body = await read_json(request, REBALANCE, most_bytes(inside))
    soon = await retry_after(inside)

    def accepted(run: Run) -> Response:
        document = writing.write_accepted(run, body.client_reference)
        return JSONResponse(document, status_code=202, headers=writing.accepted_headers(run, soon))

    outcome = await optimizations.submit_once(
        inside, caller, reading.read_rebalance(body), await once(request, accepted)
    )
    return replayed(outcome.before) if isinstance(outcome, Repeated) else accepted(outcome.run)
