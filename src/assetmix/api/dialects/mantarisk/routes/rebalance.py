"""`/portfolio/rebalance`: started for one portfolio or for many, polled by id or by portfolio and strategy."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes, retry_after
from assetmix.api.dialects.mantarisk import writing
from assetmix.api.dialects.mantarisk.faults import in_own_words
from assetmix.api.dialects.mantarisk.schemas import REBALANCE
from assetmix.api.idempotency import once, replayed, require_usable_key
from assetmix.api.json_response import FastJSONResponse
from assetmix.api.openapi import accepts
from assetmix.api.problems import Problem
from assetmix.persistence.optimizations import Run
from assetmix.services import optimizations, portfolios
from assetmix.services.context import Caller, House
from assetmix.services.idempotency import Repeated
from assetmix.services.optimizations import Request as Wanted

router = APIRouter(prefix="/portfolio/rebalance")

ADDRESS = "/portfolio/rebalance"
POLLED: dict[int | str, dict[str, Any]] = {200: {"description": "Ended"}, 202: {"description": "Not ended yet"}}


@router.post("", status_code=202, openapi_extra=accepts("Rebalance", REBALANCE, headers=("Idempotency-Key",)))
async def rebalance(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Optimize a portfolio with a strategy, or each of a list: all are started or none. Poll the address in Location.

    The same inputs give the run that answers them already. An `Idempotency-Key` names one run.
    """
    body = await read_json(request, REBALANCE, most_bytes(inside))
    async with in_own_words(inside, caller, body.strategy_id):
        if isinstance(body.client_reference, str):
            return await _one(
                request, inside, caller, Wanted(portfolio=body.client_reference, strategy=body.strategy_id)
            )
        return await _many(request, inside, caller, body.client_reference, body.strategy_id)


async def _one(request: Request, inside: House, caller: Caller, wanted: Wanted) -> Response:
    soon = await retry_after(inside)

    def accepted(run: Run) -> Response:
        document = writing.write_accepted(run, str(wanted.portfolio))
        return JSONResponse(document, status_code=202, headers=writing.headers_of(ADDRESS, run, soon))

    outcome = await optimizations.submit_once(inside, caller, wanted, await once(request, accepted))
    return replayed(outcome.before) if isinstance(outcome, Repeated) else accepted(outcome.run)


async def _many(request: Request, inside: House, caller: Caller, references: list[str], strategy_id: int) -> Response:
    if require_usable_key(request) is not None:
        cure = "an Idempotency-Key names one run: send a single client_reference, or leave the key out"
        raise Problem(400, "idempotency-key-invalid", cure)
    wanted = {f"/client_reference/{i}": Wanted(portfolio=one, strategy=strategy_id) for i, one in enumerate(references)}
    runs = await optimizations.submit_all(inside, caller, wanted)
    told = [writing.write_accepted(run, one) for run, one in zip(runs, references, strict=True)]
    return JSONResponse(told, status_code=202, headers={"Retry-After": str(await retry_after(inside))})


@router.get("", responses=POLLED)
async def get_rebalance(
    inside: InHouse,
    caller: Reader,
    run_id: Annotated[str | None, Query(alias="id")] = None,
    client_reference: str | None = None,
    strategy_id: int | None = None,
) -> Response:
    """Give a rebalance by its id, or the newest one of a portfolio with a strategy: 202 as long as it has not ended."""
    named = optimizations.Which(run_id, client_reference, strategy_id)
    run = await optimizations.find(inside, caller, "optimization", named)
    reference = await portfolios.reference_of(inside, caller, run.portfolio_id)
    headers = writing.headers_of(ADDRESS, run, await retry_after(inside))
    document = writing.write_rebalance(run, reference)
    return FastJSONResponse(document, status_code=202 if run.is_active else 200, headers=headers)
