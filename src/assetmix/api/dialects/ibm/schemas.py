"""The wire, word for word; no behavior."""

from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict

from assetmix.codec.documents import Codec

Relation = Literal["greater-or-equal", "less-or-equal", "equal"]
Statistic = Literal["variance", "expectation", "tracking error"]


class Strict(BaseModel):
    """Unknown fields are refused, numbers are numbers; what is lenient happens before."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class HoldingRow(Strict):
    """Units of an asset, fractions and shorts included."""

    asset: str
    quantity: float
    description: str | None = None


class PortfolioRow(Strict):
    """The root with everything that may be held, a part of it, or a benchmark."""

    name: str
    type: Literal["root", "subportfolio", "benchmark"]
    holdings: list[HoldingRow]
    ParentPortfolio: str | None = None
    description: str | None = None


class ConstraintRow(Strict):
    """One relation; `TargetPortfolio`, and the attributes `trade` and `trade-count`, are extensions."""

    attribute: Literal["value", "return", "weight", "count", "trade", "trade-count"] | None = None
    relation: Relation | None = None
    constant: float | None = None
    portfolio: str | None = None
    members: str | None = None
    InPortfolio: str | None = None
    TargetPortfolio: str | None = None
    measure: Statistic | None = None
    timestep: float | None = None
    CashAdjust: float | None = None
    description: str | None = None


class ObjectiveRow(Strict):
    """What is minimized or maximized."""

    sense: Literal["minimize", "maximize"]
    measure: Statistic
    attribute: Literal["return"]
    portfolio: str
    TargetPortfolio: str | None = None
    timestep: float | None = None
    description: str | None = None


class Mandate(Strict):
    """A request to construct or to rebalance."""

    constraints: list[ConstraintRow]
    objectives: list[ObjectiveRow]
    portfolios: list[PortfolioRow]


class Holding(TypedDict):
    """One asset of the root."""

    asset: str
    optimizedQuantity: float
    optimizedTrade: float
    quantity: float


class Metadata(TypedDict):
    """How it ended, and when."""

    message: str
    objectiveValue: float
    status: str
    statusCode: int
    transactionid: str
    requeststarttimestamp: str
    requestendtimestamp: str


class Performance(TypedDict):
    """By what, and how fast."""

    algorithm: str
    threads: int
    time: float


class Solution(TypedDict):
    """The documented answer: arrays of one element where there can be one only."""

    holdings: list[Holding]
    metadata: list[Metadata]
    performance: list[Performance]


MANDATE: Codec[Mandate] = Codec(Mandate)
ANYTHING: Codec[Any] = Codec(Any)
"""JSON as it comes: its spelling is looked at first."""
