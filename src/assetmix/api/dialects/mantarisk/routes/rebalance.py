"""`/portfolio/rebalance`: started for one portfolio or for many, polled by id or by portfolio and strategy."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes, retry_after
from assetmix.api.dialects.mantarisk import writing
from assetmix.api.dialects.mantarisk.faults import in_own_words
from assetmix.api.dialects.mantarisk.schemas import REBALANCE
from assetmix.api.openapi import accepts
from assetmix.services import optimizations, portfolios
from assetmix.services.optimizations import Request as Wanted

router = APIRouter(prefix="/portfolio/rebalance")

ADDRESS = "/portfolio/rebalance"
POLLED: dict[int | str, dict[str, Any]] = {200: {"description": "Ended"}, 202: {"description": "Not ended yet"}}


@router.post("", status_code=202, openapi_extra=accepts("Rebalance", REBALANCE))
async def rebalance(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Optimize a portfolio with a strategy, or each of a list: all are started or none. Poll the address in Location.

    The same inputs give the run that answers them already, so that a request may be sent again.
    """
    body = await read_json(request, REBALANCE, most_bytes(inside))
    many = isinstance(body.client_reference, list)
    references = (
        {f"/client_reference/{i}": one for i, one in enumerate(body.client_reference)}
        if many
        else {"/client_reference": str(body.client_reference)}
    )
    wanted = {place: Wanted(portfolio=one, strategy=body.strategy_id) for place, one in references.items()}
    async with in_own_words(inside, caller, body.strategy_id):
        runs = await optimizations.submit_all(inside, caller, wanted)
    told = [writing.write_accepted(run, one) for run, one in zip(runs, references.values(), strict=True)]
    if many:
        return JSONResponse(told, status_code=202, headers={"Retry-After": str(await retry_after(inside))})
    headers = writing.headers_of(ADDRESS, runs[0], await retry_after(inside))
    return JSONResponse(told[0], status_code=202, headers=headers)


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
    return JSONResponse(document, status_code=202 if run.is_active else 200, headers=headers)
