"""Uploaded risk models by name."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import RISK_MODEL
from assetmix.api.etag import expected, quoted, unchanged
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.services import risk_models

router = APIRouter()


@router.put(
    "/risk-models/{name}", openapi_extra=accepts("RiskModel", RISK_MODEL, headers=("If-Match", "If-None-Match"))
)
async def put_risk_model(name: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a risk model, or replace it; as a default it takes the place of any other."""
    body = await read_json(request, RISK_MODEL, most_bytes(inside, data=True))
    model = await asyncio.to_thread(reading.read_risk_model, body)
    given = risk_models.Upload(name, model, body.default)
    stored = await risk_models.put_model(inside, caller, given, expected(request))
    return JSONResponse(writing.write_risk_model(stored), headers={"ETag": quoted(stored.tag)})


@router.get("/risk-models")
async def list_risk_models(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List risk models by name, without their figures."""
    size = clamp(limit)
    found = await risk_models.list_models(inside, caller, after(cursor, "risk-models", ""), size)
    items = [writing.write_risk_model(one) for one in found]
    return page(items, size, "risk-models", items[-1]["name"] if items else "")


@router.get("/risk-models/{name}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_risk_model(name: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a risk model with its figures."""
    stored, model = await risk_models.get_model(inside, caller, name)
    known = unchanged(request, stored.tag)
    if known is not None:
        return known
    text = await asyncio.to_thread(writing.write_figures, stored, model)
    return Response(text, media_type="application/json", headers={"ETag": quoted(stored.tag)})


@router.delete("/risk-models/{name}", status_code=204, openapi_extra=takes("If-Match"))
async def delete_risk_model(name: str, request: Request, inside: InHouse, caller: Writer) -> None:
    """Delete a risk model; runs that used it keep its figures."""
    await risk_models.delete_model(inside, caller, name, expected(request))
