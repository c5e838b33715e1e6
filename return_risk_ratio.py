"""Return per unit of any risk of degree one."""

from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.linear import ratio_value
from assetmix.optimization.measure import Fraction, Measure, Needs, Role, Tangent, measure, not_convex
from assetmix.optimization.problem import Problem


@measure("return_risk_ratio")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRiskRatio(Measure):
    """Expected return above `risk_free` per unit of `risk`, a measure that grows with the weights.

    With the CVaR it is the STARR ratio, with the downside deviation the Sortino ratio, with the
    largest drawdown the Calmar ratio. Can be maximized alone.

    Source: Rachev, Stoyanov and Fabozzi, Advanced Stochastic Models, Risk Assessment, and Portfolio
    Optimization (2008), ch. 10.
    """

    roles = frozenset({Role.MAXIMIZED})
    kind: Literal["return_risk_ratio"] = "return_risk_ratio"
    risk: Measure
    risk_free: float = 0.0

    @property
    def needs(self) -> frozenset[Needs]:  # type: ignore[override]
        """What the risk needs, and expected returns."""
        return self.risk.needs | {Needs.EXPECTED_RETURNS}

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a risk that does not grow in proportion to the weights."""
        if self.risk.homogeneous:
            return ()
        detail = f"{self.risk.kind} does not grow in proportion to the weights; take a risk of degree one, like cvar"
        return (Fault("/risk", "not-homogeneous", detail),)

    def parts(self) -> tuple[tuple[str, Measure], ...]:
        """The risk."""
        return (("/risk", self.risk),)

    def fraction(self) -> Fraction:
        """Excess return over risk."""
        return Fraction(measure.kinds["expected_return"](), self.risk, self.risk_free)  # type: ignore[call-arg]

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute (mu'w - risk_free) / risk, 0 without risk."""
        parts = self.fraction()
        return ratio_value(parts.top.value(problem, weights) - self.risk_free, parts.bottom.value(problem, weights))

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:  # noqa: ARG002 - a ratio
        """Refuse: a ratio is not convex."""
        raise not_convex(self)
