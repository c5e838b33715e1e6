"""Weights inverse to volatility."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.domain.rows import norms
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.measure import Needs
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule, rule


@rule("inverse_volatility")
@dataclass(frozen=True, slots=True, kw_only=True)
class InverseVolatility(Rule):
    """Weights are inverse to each instrument's volatility; correlations do not count."""

    needs = frozenset({Needs.RISK_MODEL})
    rule: Literal["inverse_volatility"] = "inverse_volatility"

    def shares(self, problem: Problem, members: Vector) -> Vector:
        """One over the volatility, scaled to sum to 1.

        Raises
        ------
        InvalidRequest
            when an instrument has no volatility
        """
        volatility = norms(problem.risk_rows)
        if (volatility[members > 0] <= 0).any():
            detail = "an instrument has no volatility, so no weight is inverse to it; leave it out"
            raise InvalidRequest(detail, [Fault("/strategy/objective", "no-risk", detail)])
        inverse = np.divide(members, volatility, out=np.zeros_like(members), where=volatility > 0)
        return np.asarray(inverse / inverse.sum())
