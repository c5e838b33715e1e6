"""The wire, word for word; no behavior."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assetmix.api.backtest_body import BacktestMembers
from assetmix.codec.documents import Codec

Reference = Annotated[str, Field(min_length=1, max_length=128)]
Code = Annotated[str, Field(min_length=1, max_length=128)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Feed = Literal["User Feed"]


class Strict(BaseModel):
    """Unknown fields are refused, numbers are numbers, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class RuleBody(Strict):
    """A rule of the catalogue with its parameters."""

    rule_id: Number
    parameters: dict[str, Any] = Field(default_factory=dict)


class ConstraintBody(Strict):
    """A constraint of the catalogue with its parameters."""

    constraint_id: Number
    parameters: dict[str, Any] = Field(default_factory=dict)


class StrategyBody(Strict):
    """One portfolio rule, and any number of tactical rules and constraints.

    `instruments` are those that may be held; without them it is what the portfolio holds and the
    members of its index. Risk and return are estimated from `sessions` returns of `timeframeid`.
    `size_rebalance_trigger` is in percent: a component that is nearer to its target size is not traded.
    """

    name: Annotated[str, Field(min_length=1, max_length=128)]
    rules: list[RuleBody]
    constraints: list[ConstraintBody] = Field(default_factory=list)
    instruments: list[Code] | None = None
    sessions: Annotated[int, Field(ge=2, le=10_000)] = 504
    timeframeid: Literal[0, 1] = 1
    size_rebalance_trigger: Annotated[float, Field(ge=0, le=100)] = 5.0
    include_stop_limit: bool = False
    allow_short: bool = False
    transaction_cost: Annotated[float, Field(ge=0, le=50)] = 0.0
    whole_units: bool = True


class ComponentBody(Strict):
    """Units of one instrument."""

    instrument_code: Code
    quantity: float
    apiid: Feed = "User Feed"


class PortfolioBody(Strict):
    """What a portfolio holds: components and cash in its currency."""

    currency: Annotated[str, Field(min_length=3, max_length=3)]
    cash: float = 0.0
    components: list[ComponentBody] = Field(default_factory=list)


class InstrumentBody(Strict):
    """An instrument of one's own; `asset_class` is a CFI code (ISO 10962)."""

    instrument_code: Code
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    asset_class: Annotated[str, Field(min_length=1, max_length=6)] = "ESXXXX"
    name: str = ""
    apiid: Feed = "User Feed"
    fractional_step: float | None = None


class BarBody(Strict):
    """Prices of one day, adjusted for dividends and splits."""

    date: dt.date
    close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


class HistoryBody(Strict):
    """An instrument and a price series of one's own; days that were there already are replaced."""

    instrument: InstrumentBody
    timeframeid: Literal[1] = 1
    history: list[BarBody]


class MemberBody(Strict):
    """Part of a composite benchmark; the ratios are fractions of the whole."""

    instrument_code: Code
    ratio: float
    apiid: Feed = "User Feed"
    decompose: Literal[False] = False


class RebalanceBody(Strict):
    """Portfolios, by the caller's own references, and the number of a strategy."""

    client_reference: Reference | Annotated[list[Reference], Field(min_length=1, max_length=100)]
    strategy_id: Number


class BacktestBody(BacktestMembers):
    """A portfolio and a strategy to walk through past sessions."""

    client_reference: Reference
    strategy_id: Number


STRATEGY: Codec[StrategyBody] = Codec(StrategyBody)
PORTFOLIO: Codec[PortfolioBody] = Codec(PortfolioBody)
HISTORY: Codec[HistoryBody] = Codec(HistoryBody)
INDEX: Codec[list[MemberBody]] = Codec(list[MemberBody])
REBALANCE: Codec[RebalanceBody] = Codec(RebalanceBody)
BACKTEST: Codec[BacktestBody] = Codec(BacktestBody)
