"""Routes under `/v1`; each body: read, call one service, write."""

from fastapi import APIRouter

from assetmix.api.dialects.native.routes import market_data, optimizations, portfolios, strategies

router = APIRouter(prefix="/v1", tags=["native"])
for part in (market_data, strategies, portfolios, optimizations):
    router.include_router(part.router)
