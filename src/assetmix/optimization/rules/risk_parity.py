"""Risk parity and risk budgeting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.budgeting import budget_by_measure, budget_by_volatility
from assetmix.optimization.measure import Measure, Needs
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule, rule

SUM = 1e-9
"""Budgets given with nine decimals still sum to one."""


@rule("risk_parity")
@dataclass(frozen=True, slots=True, kw_only=True)
class RiskParity(Rule):
    """Each instrument contributes its budget to the risk: equal parts, or `budgets` that sum to 1.

    The risk is the volatility unless another `measure` of degree one is named.

    Source: Maillard, Roncalli and Teiletche, The properties of equally weighted risk
    contribution portfolios, Journal of Portfolio Management 36 (2010).
    """

    needs = frozenset({Needs.RISK_MODEL})
    rule: Literal["risk_parity"] = "risk_parity"
    budgets: Mapping[str, float] = field(default_factory=dict)
    measure: Measure | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse budgets that are not positive or do not sum to 1, and measures of another degree."""
        found = [
            Fault("/budgets", "out-of-range", f"the budget of {key} is a fraction above 0; leave others out")
            for key, budget in self.budgets.items()
            if not budget > 0
        ]
        total = sum(self.budgets.values())
        if self.budgets and abs(total - 1.0) > SUM:
            found.append(Fault("/budgets", "out-of-range", f"budgets sum to 1, not to {total:g}"))
        if self.measure is not None and not self.measure.is_degree_one_risk:
            detail = f"{self.measure.kind} is no convex risk that grows in proportion to the weights; name one"
            found.append(Fault("/measure", "not-homogeneous", detail))
        return tuple(found)

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """The risk that is shared out, where it is named."""
        return () if self.measure is None else (("/measure", self.measure),)

    def shares(self, problem: Problem, members: Vector) -> Vector:
        """Weights with the budgeted contributions; instruments without a budget are left out."""
        budgets = self._budgets(problem, members)
        if self.measure is None or self.measure.kind == "volatility":
            return budget_by_volatility(problem.required_risk(), budgets)
        return budget_by_measure(problem, self.measure, budgets)

    def _budgets(self, problem: Problem, members: Vector) -> Vector:
        if not self.budgets:
            return np.asarray(members / members.sum())
        known = problem.universe.positions
        strangers = [key for key in self.budgets if key not in known or not members[known[key]]]
        if strangers:
            detail = f"{strangers[0]} has a budget but is not in the universe"
            raise InvalidRequest(detail, [Fault("/strategy/objective/budgets", "unknown-asset", detail)])
        return np.asarray(problem.universe.vector(self.budgets))
