"""Routes of the dialect; each body: read, call one service, write."""

from fastapi import APIRouter

from assetmix.api.dialects.mantarisk.routes import backtest, history, portfolio, rebalance, reference, strategy

router = APIRouter(tags=["mantarisk"])
for part in (reference, strategy, portfolio, history, rebalance, backtest):
    router.include_router(part.router)
