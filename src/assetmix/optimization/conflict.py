"""Which limits fight, and by how much each would have to give.

Every limit gets a slack, shared by its rows. The least total slack is the joint relaxation; the
limits that carry a price in it are an infeasible set, and leaving out one after the other what is
not needed makes it irreducible.

Source: Chinneck, Feasibility and Infeasibility in Optimization (2008), ch. 6 (elastic and
deletion filters).

Costs are left out of the balance here: they are small beside what limits fight about.
"""

from itertools import islice

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization import solvers
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, number
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import ConflictingLimit, NoSolution, Relaxation
from assetmix.optimization.statement import run
from assetmix.optimization.tolerances import INFEASIBLE

WIDE = 1e3
"""Slack of a row that is left out: far beyond any weight."""


class Elastic:
    """Every hard limit with a slack of its own; the slack's price and width are parameters."""

    def __init__(self, problem: Problem) -> None:
        decision = Decision(problem)
        self.labels: list[str] = []
        forms: list[Expression] = []
        slacks: list[Expression] = []
        for constraint in problem.constraints:
            if constraint.penalty is None:
                rows = iter(constraint.rows(problem))
                for limit in constraint.limits(problem, decision):
                    names = [row.label for row in islice(rows, _size(limit))]
                    self.labels.append(limit.label or names[0])
                    slack, form = _loosened(limit)
                    slacks.append(slack)
                    forms.append(form)
        self._slack = cp.hstack(slacks)
        count = len(self.labels)
        self._price = cp.Parameter(count, nonneg=True, value=np.ones(count))
        self._width = cp.Parameter(count, nonneg=True, value=np.full(count, WIDE))
        self._forms = forms
        goal = cp.Minimize(self._price @ self._slack)
        self._problem = cp.Problem(goal, [*forms, *decision.linking, self._slack <= self._width])
        self._order = solvers.order(self._problem)

    def least(self, price: Vector, width: Vector) -> tuple[Vector | None, Vector]:
        """Slacks of the least priced total within the widths, or None, and the rows' prices."""
        self._price.value, self._width.value = price, width
        for solver in self._order:
            if run(self._problem, solver) == "solved":
                duals = np.array([np.abs(form.dual_value).sum() for form in self._forms])
                return np.maximum(np.asarray(self._slack.value), 0.0), duals
        return None, np.zeros(len(self.labels))


def explain(problem: Problem) -> NoSolution | None:
    """Name an irreducible set of limits that cannot hold together; None if they can."""
    elastic = Elastic(problem)
    count = len(elastic.labels)
    slacks, prices = elastic.least(np.ones(count), np.full(count, WIDE))
    if slacks is None or slacks.sum() <= INFEASIBLE:
        return None
    members = _irreducible(elastic, np.flatnonzero(prices > INFEASIBLE))
    conflict = tuple(_member(elastic, row) for row in members)
    joint = tuple(
        Relaxation(elastic.labels[row], float(slacks[row])) for row in range(count) if slacks[row] > INFEASIBLE
    )
    together = "; ".join(one.limit for one in conflict)
    return NoSolution("infeasible", f"These limits cannot hold together: {together}.", conflict, joint)


def _irreducible(elastic: Elastic, candidates: Positions) -> list[int]:
    needed = [int(row) for row in candidates]
    for row in list(needed):
        rest = [other for other in needed if other != row]
        if rest and _clash(elastic, rest):
            needed = rest
    return needed


def _clash(elastic: Elastic, rows: list[int]) -> bool:
    price = np.zeros(len(elastic.labels))
    price[rows] = 1.0
    slacks, _ = elastic.least(price, np.full(len(price), WIDE))
    return slacks is not None and float(slacks @ price) > INFEASIBLE


def _member(elastic: Elastic, row: int) -> ConflictingLimit:
    label = elastic.labels[row]
    price = np.zeros(len(elastic.labels))
    width = np.zeros(len(elastic.labels))
    price[row], width[row] = 1.0, WIDE
    slacks, _ = elastic.least(price, width)
    if slacks is None:
        return ConflictingLimit(label, None, f"No change of “{label}” alone would be enough.")
    relax_by = float(slacks[row])
    return ConflictingLimit(
        label, relax_by, f"Relaxing “{label}” by {number(relax_by)} lets every other limit be kept."
    )


def _loosened(limit: Limit) -> tuple[Expression, Expression]:
    slack = cp.Variable(nonneg=True)
    difference = limit.left - limit.right
    return slack, (cp.abs(difference) if limit.sense == "==" else difference) <= slack


def _size(limit: Limit) -> int:
    return max(1, int(np.prod(np.shape(limit.left))))
