"""The wire, word for word; no behavior."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from assetmix.codec.documents import Codec


class RebalanceBody(BaseModel):
    """A portfolio, by the caller's own reference, and the number of a strategy."""

    model_config = ConfigDict(extra="forbid", strict=True)

    client_reference: str
    strategy_id: Annotated[int, Field(ge=1, lt=2**31)]


REBALANCE: Codec[RebalanceBody] = Codec(RebalanceBody)
