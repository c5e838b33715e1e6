"""`/reference`: what strategies are made of."""

import asyncio
from typing import Any

from fastapi import APIRouter

from assetmix.api.deps import Reader
from assetmix.api.dialects.mantarisk import catalogue

router = APIRouter(prefix="/reference")


@router.get("/rules")
async def list_rules(caller: Reader) -> list[dict[str, Any]]:  # noqa: ARG001 - any key that may read
    """List the rules by number: portfolio rules decide the weights, tactical rules restrict or scale them."""
    return await asyncio.to_thread(catalogue.rules)


@router.get("/constraints")
async def list_constraints(caller: Reader) -> list[dict[str, Any]]:  # noqa: ARG001 - any key that may read
    """List the constraints by number."""
    return await asyncio.to_thread(catalogue.constraints)


@router.get("/timeframes")
async def list_timeframes(caller: Reader) -> list[dict[str, Any]]:  # noqa: ARG001 - any key that may read
    """List the periods of returns that a strategy may be estimated from."""
    return catalogue.timeframes()
