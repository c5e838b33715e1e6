"""Settings of the tenant."""

from typing import Any

from fastapi import APIRouter, Request

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import SETTINGS
from assetmix.api.openapi import accepts
from assetmix.services import tenant_settings, webhooks

router = APIRouter()


@router.get("/settings")
async def get_settings(inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give every setting of the tenant as it holds, and its endpoints without their secrets."""
    endpoints = await webhooks.list_all(inside, caller)
    return writing.write_settings(tenant_settings.effective(inside.settings, caller.settings), endpoints)


@router.patch("/settings", openapi_extra=accepts("Settings", SETTINGS))
async def patch_settings(request: Request, inside: InHouse, caller: Writer) -> dict[str, Any]:
    """Change some settings; null gives one back to its default. The secret of a new endpoint is shown once."""
    body = await read_json(request, SETTINGS, most_bytes(inside))
    changes = body.model_dump(exclude_unset=True, exclude={"webhooks"})
    held, endpoints = await tenant_settings.change(inside, caller, changes, reading.read_endpoints(body))
    return writing.write_settings(held, endpoints)
