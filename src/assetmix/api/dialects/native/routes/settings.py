"""Settings of the tenant."""

from typing import Any

from fastapi import APIRouter, Request

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native.schemas import SETTINGS
from assetmix.api.openapi import accepts
from assetmix.services import tenant_settings

router = APIRouter()


@router.get("/settings")
async def get_settings(inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give every setting of the tenant as it holds."""
    return tenant_settings.effective(inside.settings, caller.settings)


@router.patch("/settings", openapi_extra=accepts("Settings", SETTINGS))
async def patch_settings(request: Request, inside: InHouse, caller: Writer) -> dict[str, Any]:
    """Change some settings; null gives one back to its default."""
    body = await read_json(request, SETTINGS, most_bytes(inside))
    return await tenant_settings.change(inside, caller, body.model_dump(exclude_unset=True))
