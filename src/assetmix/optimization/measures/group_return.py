"""Expected return of a group by itself."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.linear import Linear, Ratio
from assetmix.optimization.measure import LINEAR, Fraction, Needs, measure
from assetmix.optimization.scope import Scope


@measure("group_return")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReturn(Ratio):
    """Expected return of what `scope` covers, as if it were a portfolio of its own.

    A ratio: as an objective it stands alone; bounds of it are linear.
    """

    roles = LINEAR
    needs = frozenset({Needs.EXPECTED_RETURNS})
    kind: Literal["group_return"] = "group_return"
    scope: Scope

    def fraction(self) -> Fraction:
        """Expected return that the group contributes, over its weight."""
        top = Linear(coefficients=lambda problem: problem.membership(self.scope) * problem.expected_returns())
        return Fraction(top, Linear(coefficients=lambda problem: problem.membership(self.scope)))
