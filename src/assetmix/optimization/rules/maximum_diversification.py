"""The most diversified portfolio."""

from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.measure import Needs, measure, not_convex
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule, rule
from assetmix.optimization.strategy import Term


@rule("maximum_diversification")
@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumDiversification(Rule):
    """The largest ratio of the weighted mean volatility to the portfolio's; constraints hold.

    Source: Choueifaty and Coignard, Toward maximum diversification, Journal of Portfolio
    Management 35 (2008).
    """

    needs = frozenset({Needs.RISK_MODEL})
    sense = "maximize"
    rule: Literal["maximum_diversification"] = "maximum_diversification"

    @property
    def terms(self) -> tuple[Term, ...]:
        """The diversification ratio, to be maximized."""
        return (Term(measure=measure.plain("diversification_ratio")),)

    def shares(self, problem: Problem, members: Vector) -> Vector:  # noqa: ARG002 - solved like an objective
        """There is no closed form."""
        raise not_convex(self.terms[0].measure)
