"""Routes under `/v1`; each body: read, call one service, write."""

from fastapi import APIRouter

from assetmix.api.dialects.native.routes import (
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
for part in (market_data, risk_models, strategies, portfolios, optimizations, frontiers, reference, settings, events):
    router.include_router(part.router)
