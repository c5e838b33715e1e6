"""A policy: how a portfolio is to be composed, when orders are recommended, and what trading costs.

A bound is a pair `[least, most]`, null for an open end; a block that is null bounds nothing. Numbers
with a comment "ours" are not in InvestSuite's documents.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from assetmix.api.dialects.investsuite.schemas.common import (
    Currency,
    Name,
    PolicyId,
    RiskProfileId,
    Shared,
    Strict,
)
from assetmix.codec.documents import Codec

Band: TypeAlias = Annotated[list[float | None], Field(min_length=2, max_length=2)]
Bands: TypeAlias = dict[str, Band | None]
Isins: TypeAlias = list[str]


class ExecutionSettings(Strict):
    """What trading costs, and which orders are possible."""

    base_currency: Currency
    fractional_shares: bool = False
    cost_per_transaction_amount: Annotated[float, Field(ge=0)] = 0.0
    cost_per_transaction_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    combine_transaction_cost_components: Literal["MAX", "SUM"] = "MAX"
    transaction_amount: Band | None = None
    benchmark_id: str | None = None
    simulate_transaction_cost: Literal[False] | None = None


class OuterHoldings(Strict):
    """Bands that trigger an update when they are left; `cash_amount` is ours."""

    cash_fraction: Band | None = None
    cash_amount: Band | None = None


class PortfolioUpdateConstraints(Strict):
    """When orders are recommended."""

    min_portfolio_value: Annotated[float, Field(ge=0)] | None = None
    min_portfolio_update_optimality_improvement_fraction: Annotated[float, Field(ge=0)] | None = None
    max_portfolio_constraint_violation_pctpoints: Annotated[float, Field(ge=0)] | None = None
    holdings: OuterHoldings | None = None


class Regions(Strict):
    """Shares of regions within an asset class."""

    bonds: Bands | None = None
    stocks: Bands | None = None


class InnerHoldings(Strict):
    """Sizes of positions, 0 or inside, and the cash that is aimed at."""

    position_amount: Band | None = None
    position_fraction: Band | None = None
    cash_amount: Band | None = None
    cash_fraction: Band | None = None


class PortfolioConstraints(Strict):
    """What a portfolio must look like after an update."""

    asset_classes: Bands | None = None
    regions: Regions | None = None
    bond_types: Bands | None = None
    sectors: Bands | None = None
    investment_universe: Isins | None = None
    buy_universe: Isins | None = None
    holdings: InnerHoldings | None = None
    momentum: None = None


class BenchmarkConstraints(Strict):
    """Distance from the benchmark, a year's standard deviation and a share of value; ours."""

    tracking_error: Band | None = None
    active_share: Band | None = None


class Estimation(Strict):
    """History that risk and return are estimated from; ours."""

    window: Annotated[int, Field(ge=2, le=100_000)] | None = None
    frequency: Literal["daily", "weekly", "monthly"] = "daily"


class AlgorithmSettings(Strict):
    """All settings; `estimation` and `risk_aversion` (of MPT) are ours."""

    execution_settings: ExecutionSettings
    portfolio_update_constraints: PortfolioUpdateConstraints | None = None
    portfolio_constraints: PortfolioConstraints | None = None
    benchmark_constraints: BenchmarkConstraints | None = None
    model_portfolio_settings: None = None
    meta_portfolio_settings: None = None
    estimation: Estimation = Estimation()
    risk_aversion: Annotated[float, Field(gt=0, le=1e6)] = 2.5


class PolicyConfig(Strict):
    """Which algorithm, with which settings."""

    algorithm: Literal["IVAR", "MPT"] = "IVAR"
    algorithm_version: Annotated[int, Field(ge=1, le=1)] = 1
    algorithm_settings: AlgorithmSettings


class PolicyBody(Shared):
    """A policy as it is created or replaced."""

    name: Name
    parent_policy_id: PolicyId | None = None
    risk_profile_id: RiskProfileId | None = None
    config: PolicyConfig


POLICY: Codec[PolicyBody] = Codec(PolicyBody)
