"""InvestSuite's addresses, each with and without a slash at its end."""

from fastapi import APIRouter

from assetmix.api.dialects.investsuite.routes import (
    access,
    cash_events,
    optimizations,
    policies,
    portfolios,
    transactions,
    users,
)

router = APIRouter()
for part in (access, users, policies, optimizations, transactions, portfolios, cash_events):
    router.include_router(part.router)
