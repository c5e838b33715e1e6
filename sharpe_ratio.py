"""Sharpe ratio."""

from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.linear import ratio_value
from assetmix.optimization.measure import Fraction, Measure, Needs, Role, Tangent, measure, not_convex
from assetmix.optimization.problem import Problem


@measure("sharpe_ratio")
@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeRatio(Measure):
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
        top, bottom = (measure.kinds[kind]() for kind in ("expected_return", "volatility"))  # type: ignore[call-arg]
        return Fraction(top, bottom, self.risk_free)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute (mu'w - risk_free) / |Rw|, 0 without risk."""
        parts = self.fraction()
        return ratio_value(parts.top.value(problem, weights) - self.risk_free, parts.bottom.value(problem, weights))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)
