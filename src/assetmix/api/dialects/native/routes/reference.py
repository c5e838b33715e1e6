"""The registers: enough to build a form from."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path

from assetmix.api.deps import Reader
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.services import reference

router = APIRouter()

Register = Annotated[str, Path(json_schema_extra={"enum": list(reference.REGISTERS)})]


@router.get("/reference/{register}")
async def list_register(
    register: Register,
    caller: Reader,  # noqa: ARG001 - any key that may read
    limit: int = DEFAULT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List a register: each kind with its words, its fields (type, unit, bounds, default) and what it is for."""
    size = clamp(limit)
    found = await asyncio.to_thread(reference.entries, register)
    start = after(cursor, f"reference/{register}", 0)
    return page(found[start : start + size], size, f"reference/{register}", start + size)
