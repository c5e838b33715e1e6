"""Routes under `/v1`; each body: read, call one service, write."""

from fastapi import APIRouter

from assetmix.api.dialects.native.routes import (
    backtests,
    batches,
    events,
    frontiers,
    market_data,
    optimizations,
    portfolios,
    reference,
    risk_models,
    settings,
    strategies,
)

router = APIRouter(prefix="/v1", tags=["native"])
PARTS = (  # what is asked most comes first, for routes are looked at in turn
    optimizations,
    portfolios,
    market_data,
    risk_models,
    strategies,
    frontiers,
    backtests,
    batches,
    reference,
    settings,
    events,
)
for part in PARTS:
    router.include_router(part.router)
