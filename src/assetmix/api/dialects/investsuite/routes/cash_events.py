"""Cash that has come in or gone out."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from ulid import ULID

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Writer, most_bytes
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.portfolio import CASH_EVENT, CashEventBody
from assetmix.api.idempotency import once, replayed
from assetmix.api.openapi import accepts
from assetmix.clock import now
from assetmix.services import cash_events
from assetmix.services.accounts import Changed
from assetmix.services.cash_events import Moved
from assetmix.services.context import Caller, House

router = APIRouter(prefix="/events", tags=["investsuite"])

ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "Noted; the portfolio is optimized"}}
DESCRIBED = accepts("InvestSuiteCashEvent", CASH_EVENT, headers=("Idempotency-Key",))


@both(router, "POST", "/deposit/", status_code=202, responses=ACCEPTED, openapi_extra=DESCRIBED)
async def deposit(request: Request, inside: InHouse, caller: Writer) -> Response:
    """Say that money has come in; the holdings are changed by a PATCH of the portfolio."""
    return await _moved(request, inside, caller, "deposit")


@both(router, "POST", "/withdraw/", status_code=202, responses=ACCEPTED, openapi_extra=DESCRIBED)
async def withdraw(request: Request, inside: InHouse, caller: Writer) -> Response:
    """Say that money has gone out; refused while orders are being executed."""
    return await _moved(request, inside, caller, "withdraw")


async def _moved(request: Request, inside: House, caller: Caller, kind: Literal["deposit", "withdraw"]) -> Response:
    body = await read_json(request, CASH_EVENT, most_bytes(inside))
    identity = {"id": str(ULID()), "created": now().isoformat()}

    def accepted(changed: Changed) -> Response:
        run = changed.triggered.run
        headers = (
            {} if run is None else {"Operation-Location": f"/portfolios/{changed.stored.id}/optimizations/{run.id}/"}
        )
        return JSONResponse(identity | _event(kind, body, changed), status_code=202, headers=headers)

    moved = Moved(body.data.portfolio, kind, body.data.amount, body.data.currency)
    outcome = await cash_events.cash_moved(inside, caller, moved, await once(request, accepted))
    return accepted(outcome) if isinstance(outcome, Changed) else replayed(outcome)


def _event(kind: str, body: CashEventBody, changed: Changed) -> dict[str, Any]:
    """The rest of the envelope of events: what was told, and what it led to."""
    run = changed.triggered.run
    data = body.data.model_dump(mode="json") | {"portfolio": changed.stored.id}
    return {
        "version": "1.0.0",
        "subject": "portfolios",
        "action": kind,
        "data": data | {"optimization_id": None if run is None else run.id, "sentence": changed.triggered.sentence},
    }
