"""The wire, word for word; no behavior."""

from pydantic import BaseModel, ConfigDict

from assetmix.codec.documents import Codec


class RebalanceBody(BaseModel):
    """A portfolio, by the caller's own reference, and the number of a strategy."""

    model_config = ConfigDict(extra="forbid", strict=True)

    client_reference: str
    strategy_id: int


REBALANCE: Codec[RebalanceBody] = Codec(RebalanceBody)
