"""The limits of a problem as matrices, read from cvxpy once."""

from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.decision import Decision
from assetmix.optimization.problem import Problem
from assetmix.optimization.quadratic import Polytope
from assetmix.optimization.statement import state_limits

SOLVER = "PIQP"
"""Whose form of the data is read: A x = b, F x <= G."""


def has_plain_limits(problem: Problem) -> bool:
    """Whether the limits look at weights alone: not at holdings, estimates, prices or costs, and none is soft."""
    plain = (one.penalty is None and not one.measures() and not one.tables for one in problem.constraints)
    return problem.trading.is_free and not problem.is_integer and all(plain)


def polytope_of(problem: Problem) -> Polytope | None:
    """Give the limits as linear rows over the weights; None where they need more than that.

    Rows that hold nothing but one weight become bounds, opposite rows an equation.
    """
    decision = Decision(problem)
    stated, _ = state_limits(problem, decision)
    other = replace(problem, value=2.0 * problem.value, quantities=3.0 * problem.quantities + 1.0)
    if decision.linking or decision.differs(other):
        return None
    whole = cp.Problem(cp.Minimize(cp.sum_squares(decision.weights)), [one.form for one in stated])
    if not whole.is_qp():
        return None
    data, _, _ = whole.get_problem_data(SOLVER)
    if data["n_var"] != len(problem.universe):
        return None
    return _sorted_out((data["A"].toarray(), data["b"]), (data["F"].toarray(), data["G"]), data["n_var"])


def _sorted_out(equal: tuple[Matrix, Vector], most: tuple[Matrix, Vector], count: int) -> Polytope | None:
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    equations, rows = [(row, float(level)) for row, level in zip(*equal, strict=True)], []
    for row, level in zip(*most, strict=True):
        members = np.flatnonzero(row)
        if len(members) == 0 and level < 0:
            return None
        if len(members) == 1:
            place, bound = members[0], level / row[members[0]]
            if row[place] > 0:
                upper[place] = min(upper[place], bound)
            else:
                lower[place] = max(lower[place], bound)
        elif len(members):
            rows.append((row, float(level)))
    found = _paired(rows)
    equations += [rows[i] for i, _ in found]
    paired = {place for pair in found for place in pair}
    left = [row for place, row in enumerate(rows) if place not in paired]
    return Polytope(*_stacked(equations, count), *_stacked(left, count), lower + 0.0, upper)


def _paired(rows: list[tuple[Vector, float]]) -> list[tuple[int, int]]:
    """Places of rows a'x <= b that stand beside -a'x <= -b."""
    known = {(row.tobytes(), level): place for place, (row, level) in enumerate(rows)}
    pairs = []
    for place, (row, level) in enumerate(rows):
        other = known.get(((0.0 - row).tobytes(), 0.0 - level))
        if other is not None and other > place:
            pairs.append((place, other))
    return pairs


def _stacked(rows: list[tuple[Vector, float]], count: int) -> tuple[Matrix, Vector]:
    table = np.array([row for row, _ in rows]).reshape(len(rows), count)
    return table, np.array([level for _, level in rows])
