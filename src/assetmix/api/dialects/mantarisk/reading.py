"""Wire to domain."""

from assetmix.api.dialects.mantarisk.schemas import RebalanceBody
from assetmix.services.optimizations import Request


def read_rebalance(body: RebalanceBody) -> Request:
    """A request to optimize."""
    return Request(portfolio=body.client_reference, strategy=body.strategy_id)
