"""Diversification ratio."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.rows import norms
from assetmix.optimization.linear import Linear, Ratio, ratio_value
from assetmix.optimization.measure import Fraction, Needs, Role, measure
from assetmix.optimization.problem import Problem


@measure("diversification_ratio")
@dataclass(frozen=True, slots=True, kw_only=True)
class DiversificationRatio(Ratio):
    """Weighted mean volatility of what is held over the portfolio's volatility; 1 for one instrument.

    Can be maximized alone, long only.

    Source: Choueifaty and Coignard, Toward maximum diversification, Journal of Portfolio
    Management 35 (2008).
    """

    roles = frozenset({Role.MAXIMIZED})
    needs = frozenset({Needs.RISK_MODEL})
    kind: Literal["diversification_ratio"] = "diversification_ratio"

    def fraction(self) -> Fraction:
        """Volatilities times weights over volatility."""
        return Fraction(Linear(coefficients=volatilities), measure.plain("volatility"))

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute s'|w| / |Rw|, 0 without risk."""
        top = np.abs(weights) @ volatilities(problem)
        return ratio_value(top, self.fraction().bottom.value(problem, weights))


def volatilities(problem: Problem) -> Vector:
    """Volatility of each instrument (n,)."""
    return norms(problem.risk_rows)
