"""Sharpe ratio."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.linear import Ratio
from assetmix.optimization.measure import Fraction, Needs, Role, measure


@measure("sharpe_ratio")
@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeRatio(Ratio):
    """Expected return above `risk_free` per unit of volatility, all in the unit of the risk model.

    Can be maximized alone; maximizing needs a portfolio whose expected return lies above `risk_free`.

    Source: Sharpe, The Sharpe ratio, Journal of Portfolio Management 21 (1994).
    """

    roles = frozenset({Role.MAXIMIZED})
    needs = frozenset({Needs.RISK_MODEL, Needs.EXPECTED_RETURNS})
    kind: Literal["sharpe_ratio"] = "sharpe_ratio"
    risk_free: float = 0.0

    def fraction(self) -> Fraction:
        """Excess return over volatility."""
        top, bottom = (measure.plain(kind) for kind in ("expected_return", "volatility"))
        return Fraction(top, bottom, self.risk_free)
