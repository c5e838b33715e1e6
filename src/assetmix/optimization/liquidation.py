"""What a strategy becomes when everything is to be sold."""

from dataclasses import replace

from assetmix.domain.instrument import is_cash
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.hold_exactly import HoldExactly
from assetmix.optimization.measures.turnover import Turnover
from assetmix.optimization.reach import total_value
from assetmix.optimization.rule import Rule
from assetmix.optimization.strategy import Objective, Strategy, Term


def liquidated(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> Strategy:
    """Give the strategy under which a portfolio is sold out.

    Nothing is held but what cannot be traded, cash is free, and no order is too small; measures
    are still those of the strategy, so that its figures can be compared.
    """
    return replace(
        strategy,
        objective=_objective(strategy),
        constraints=(HoldExactly(name="everything is sold", weights=_stuck(portfolio, snapshot)), Cash()),
        trading=replace(strategy.trading, min_order_amount=0.0),
    )


def _objective(strategy: Strategy) -> Objective:
    objective = strategy.objective
    if isinstance(objective, Rule) or any(term.measure.fraction() is not None for term in objective.terms):
        return Objective(sense="minimize", terms=(Term(measure=Turnover()),))
    return objective


def _stuck(portfolio: Portfolio, snapshot: Snapshot) -> dict[str, float]:
    """Weights of what is held and cannot be traded."""
    value, prices = total_value(portfolio, snapshot) or 1.0, snapshot.prices
    held = {key: units for key, units in portfolio.positions.items() if key in snapshot.by_id and not is_cash(key)}
    return {
        key: units * prices.get(key, 0.0) / value for key, units in held.items() if not snapshot.by_id[key].tradable
    }
