"""What trades move prices by: rates of the 3/2-power law, from volumes where the strategy asks for them."""

from typing import TYPE_CHECKING

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.instrument import is_cash
from assetmix.errors import Fault, InvalidRequest

if TYPE_CHECKING:
    from assetmix.optimization.problem import Problem


def impact_rates(problem: "Problem") -> Vector:
    """Rates (n,) of the 3/2-power law for an account of the problem's value.

    Raises
    ------
    InvalidRequest
        when volumes are needed and an instrument has none
    """
    impact = problem.trading.impact
    count = len(problem.universe)
    if impact is None or impact.window is None:
        return np.full(count, 0.0 if impact is None else impact.coefficient)
    volumes = traded_volumes(problem, impact.window)
    closes = problem.tables["adjusted"][-impact.window - 1 :]
    volatility = np.nanstd(closes[1:] / closes[:-1] - 1.0, axis=0, ddof=1)
    return np.asarray(impact.coefficient * volatility * np.sqrt(problem.value / volumes))


def traded_volumes(problem: "Problem", window: int) -> Vector:
    """Mean daily volume (n,) in money over the last sessions that have volumes.

    Raises
    ------
    InvalidRequest
        when an instrument has no volume above 0
    """
    money = problem.tables["volume"] * problem.tables["close"]
    means = np.zeros(len(problem.universe))
    for position, column in enumerate(money.T):
        known = column[np.isfinite(column)][-window:]
        means[position] = known.mean() if len(known) else 0.0
    counted = np.array([one.tradable and not is_cash(one.id) for one in problem.instruments])
    silent = np.flatnonzero(~(means > 0) & counted)
    if len(silent):
        key = problem.universe.ids[silent[0]]
        detail = f"{key} has no volume in the last {window} sessions; PUT /v1/prices with volume"
        raise InvalidRequest(detail, [Fault("/strategy", "missing-volume", detail)])
    return np.where(means > 0, means, np.inf)
