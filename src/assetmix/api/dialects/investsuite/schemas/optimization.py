"""The wire, word for word; no behavior."""

from typing import Literal, TypeAlias, TypedDict

QuantityType: TypeAlias = Literal["UNITS", "AMOUNT"]

NOT_YET = "Optimization is not available (yet). Could not get optimization for optimization_hash."


class LookThrough(TypedDict):
    """Shares of the invested value, and shares within asset classes."""

    asset_classes: dict[str, float]
    regions: dict[str, dict[str, float]]
    bond_types: dict[str, float] | None
    sectors: dict[str, float]


class Solution(TypedDict):
    """A portfolio with what it is worth to the objective and to the limits; `portfolio` and `holdings` are the same."""

    objective_value: float | None
    portfolio: dict[str, float]
    holdings: dict[str, float]
    look_through: LookThrough
    portfolio_constraint_violations: dict[str, float]
    benchmark_constraint_violations: dict[str, float]


class Order(TypedDict):
    """What to buy (positive) or sell (negative); the day of the price is ours."""

    quantity_type: QuantityType
    quantity: float
    shares: float
    expected_share_price: float
    expected_transaction_cost: float
    expected_share_price_date: str | None


class Reason(TypedDict):
    """A threshold that was reached; `observed_value` and `sentence` are ours."""

    portfolio_update_constraint_id: str
    portfolio_update_constraint_value: float
    portfolio_constraint_id: str | None
    observed_value: float
    sentence: str


class PortfolioUpdate(TypedDict):
    """The way from the current to the optimal portfolio; `sentence` (ours) says why it is recommended, or why not."""

    is_recommended: bool
    orders: dict[str, Order]
    reasons: list[Reason]
    sentence: str


class Optimization(TypedDict):
    """The optimization object; from `portfolio_id` to `errors` the members are ours."""

    current_solution: Solution | None
    optimal_solution: Solution | None
    portfolio_update: PortfolioUpdate
    owner_choice: str | None
    portfolio_id: str | None
    optimization_hash: str
    status: Literal["PENDING", "SUCCESS", "INFEASIBLE", "FAILURE", "NOT_OPTIMIZED"]
    superseded: bool
    sentence: str
    conflict: list[dict[str, object]]
    errors: list[dict[str, str]]
    id: str
    creation_datetime: str
    version: int
    version_datetime: str
    version_authored_by_user_id: str
    deleted: bool


class NotYet(TypedDict):
    """What is said while the optimization runs."""

    message: str
    details: str
    optimization_hash: str
