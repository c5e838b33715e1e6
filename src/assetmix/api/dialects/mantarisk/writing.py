"""Domain to wire."""

from typing import Any

from assetmix.persistence.optimizations import Run
from assetmix.persistence.strategies import StoredStrategy


def write_strategy(stored: StoredStrategy) -> dict[str, Any]:
    """A strategy as the list names it."""
    return {"strategy_id": stored.strategy_id, "name": stored.name}


def write_accepted(run: Run, client_reference: str) -> dict[str, Any]:
    """The run that a rebalance started; the id is the one to poll by."""
    return {
        "id": run.id,
        "client_reference": client_reference,
        "strategy_id": run.strategy_id,
        "status": run.status.upper(),
    }


def accepted_headers(run: Run, seconds: int) -> dict[str, str]:
    """Where to look for the run's end, and when."""
    return {"Location": f"/v1/optimizations/{run.id}", "Retry-After": str(seconds)}
