"""Return per unit of any risk of degree one."""

from dataclasses import dataclass
from typing import Literal

from assetmix.errors import Fault
from assetmix.optimization.linear import Ratio
from assetmix.optimization.measure import Fraction, Measure, Needs, Role, measure


@measure("return_risk_ratio")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRiskRatio(Ratio):
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
    def needs(self) -> frozenset[Needs]:  # type: ignore[override]  # depends on a field
        """What the risk needs, and expected returns."""
        return self.risk.needs | {Needs.EXPECTED_RETURNS}

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a risk that does not grow in proportion to the weights."""
        if self.risk.is_degree_one_risk:
            return ()
        detail = f"{self.risk.kind} is no convex risk that grows in proportion to the weights; take one like cvar"
        return (Fault("/risk", "not-homogeneous", detail),)

    def parts(self) -> tuple[tuple[str, Measure], ...]:
        """The risk."""
        return (("/risk", self.risk),)

    def fraction(self) -> Fraction:
        """Excess return over risk."""
        return Fraction(measure.plain("expected_return"), self.risk, self.risk_free)
