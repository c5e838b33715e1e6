"""The wire, word for word; no behavior."""

from typing import Literal, TypeAlias, TypedDict

QuantityType: TypeAlias = Literal["UNITS", "AMOUNT"]

ASSET_CLASSES = ("alternatives", "bonds", "commodities", "stocks", "cash")
REGIONS = ("asia_pacific_developed", "emerging", "europe_developed", "north_america")
REGION_CLASSES = ("bonds", "stocks")
SECTORS = (
    "basic_materials",
    "consumer_cyclical",
    "consumer_defensive",
    "communication_services",
    "energy",
    "financial_services",
    "healthcare",
    "industrials",
    "real_estate",
    "technology",
    "utilities",
)
"""Names that the documents print whether anything is held in them or not."""

SYSTEM_USER = "U" + 26 * "X"
"""Author of what the system does by itself."""

NOT_YET = "Optimization is not available (yet). Could not get optimization for optimization_hash."


class LookThrough(TypedDict):
    """Shares of the invested value, and shares within asset classes."""

    asset_classes: dict[str, float]
    regions: dict[str, dict[str, float]]
    bond_types: dict[str, float] | None
    sectors: dict[str, float]


class Solution(TypedDict):
    """A portfolio with what it is worth to the objective and to the limits."""

    objective_value: float
    portfolio: dict[str, float]
    look_through: LookThrough
    portfolio_constraint_violations: dict[str, float]


class Order(TypedDict):
    """What to buy (positive) or sell (negative)."""

    quantity_type: QuantityType
    quantity: float
    shares: float
    expected_share_price: float
    expected_transaction_cost: float


class Reason(TypedDict):
    """A threshold that was passed; `observed_value` is ours."""

    portfolio_update_constraint_id: str
    portfolio_update_constraint_value: float
    portfolio_constraint_id: str | None
    observed_value: float


class PortfolioUpdate(TypedDict):
    """The way from the current to the optimal portfolio."""

    is_recommended: bool
    orders: dict[str, Order]
    reasons: list[Reason]


class Optimization(TypedDict):
    """The optimization object; `status`, `superseded`, `sentence` and `conflict` are ours."""

    current_solution: Solution | None
    optimal_solution: Solution | None
    portfolio_update: PortfolioUpdate
    status: Literal["SUCCESS", "INFEASIBLE", "FAILURE", "NOT_OPTIMIZED"]
    superseded: bool
    sentence: str
    conflict: list[dict[str, object]]
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
