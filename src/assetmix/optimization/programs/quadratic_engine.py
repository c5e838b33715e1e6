"""PIQP, kept alive: linear constraints, bounds of single variables apart, quadratic objective.

The living object does not scale its data: scaling and unscaling would leave traces of one account
in the last digits of the next. What it cannot solve so, a new object with scaling tries again.

Source: Schwan, Jiang, Kuhn and Jones, PIQP: a proximal interior-point quadratic programming
solver, CDC 2023.
"""

import importlib
from typing import Any

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Vector
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.pattern import Numbers, Pattern, picked
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.solvers import Solver

_VERDICTS: dict[str, Verdict] = {
    "PIQP_SOLVED": "solved",
    "PIQP_MAX_ITER_REACHED": "timed_out",
    "PIQP_PRIMAL_INFEASIBLE": "infeasible",
    "PIQP_DUAL_INFEASIBLE": "unbounded",
}


_UNSCALED = {"preconditioner_iter": 0, "max_iter": 100}
"""What takes longer than a hundred iterations has no answer, or wants scaling; a dozen are the rule."""


class QuadraticEngine:
    """One PIQP object; it is given up after every solve that was not solved."""

    onward = False

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        self._pattern = pattern
        self._options = solver.options
        self._equal = np.arange(pattern.cones.zero)
        self._equations, self._equal_places = picked(pattern.rows, self._equal)
        self._inequalities, self._general_places = picked(pattern.rows, pattern.general)
        self._moves = not pattern.steady.all()
        self._living: Any = None
        self._last: Vector | None = None

    def solve(self, numbers: Numbers, seconds: float) -> Said:  # noqa: ARG002 - it ends by its count of iterations
        """Update the living object and run it."""
        lower, upper = self._pattern.bounding.box(numbers.level, self._pattern.count)
        if (lower > upper).any() and float((lower - upper).max()) > self._options["eps_abs"]:
            return Said("infeasible")
        vectors = self._vectors(numbers, np.minimum(lower, upper), upper)
        if self._living is None:
            self._living = self._made(numbers, vectors, _UNSCALED)
        else:
            self._living.update(**self._matrices(numbers), **vectors)
        if self._run(self._living) == "solved":
            return self._said(self._living, numbers)
        self._living = None
        scaled = self._made(numbers, vectors, {})
        verdict = self._run(scaled)
        return self._said(scaled, numbers) if verdict == "solved" else Said(verdict)

    @staticmethod
    def _run(made: Any) -> Verdict:  # noqa: ANN401 - a solver's own object
        return _VERDICTS.get(made.solve().name, "failed")

    def _vectors(self, numbers: Numbers, lower: Vector, upper: Vector) -> dict[str, Vector]:
        level = numbers.level
        return {
            "c": numbers.linear,
            "b": level[self._equal],
            "h_u": level[self._pattern.general],
            "x_l": lower,
            "x_u": upper,
        }

    def _matrices(self, numbers: Numbers) -> dict[str, sp.csc_matrix]:
        """Matrices whose entries are others than in the solve before."""
        changed: dict[str, sp.csc_matrix] = {}
        if self._last is None or not np.array_equal(self._last, numbers.quadratic):
            changed["P"] = self._quadratic(numbers)
        return changed | self._constraints(numbers) if self._moves else changed

    def _made(self, numbers: Numbers, vectors: dict[str, Vector], options: dict[str, int]) -> Any:  # noqa: ANN401
        made = importlib.import_module("piqp").SparseSolver()
        for name, value in (self._options | options).items():
            setattr(made.settings, name, value)
        made.setup(P=self._quadratic(numbers), **self._constraints(numbers), **vectors)
        return made

    def _quadratic(self, numbers: Numbers) -> sp.csc_matrix:
        matrix = self._pattern.quadratic
        self._last = numbers.quadratic
        return sp.csc_matrix((numbers.quadratic, matrix.indices, matrix.indptr), shape=matrix.shape)

    def _constraints(self, numbers: Numbers) -> dict[str, sp.csc_matrix]:
        self._equations.data = numbers.rows[self._equal_places]
        self._inequalities.data = numbers.rows[self._general_places]
        return {"A": self._equations, "G": self._inequalities}

    def _said(self, made: Any, numbers: Numbers) -> Said:  # noqa: ANN401 - a solver's own object
        result = made.result
        y = np.zeros(len(numbers.level))
        y[self._equal] = result.y
        y[self._pattern.general] = result.z_u
        spread_bounds(self._pattern, numbers, np.asarray(result.z_bl), np.asarray(result.z_bu), y)
        return Said("solved", np.array(result.x), y, float(result.info.primal_obj) + numbers.offset)


def spread_bounds(pattern: Pattern, numbers: Numbers, below: Vector, above: Vector, y: Vector) -> None:
    """Give the duals of the variables' bounds (n,) to the first row that states the tightest one."""
    bounding = pattern.bounding
    lower, upper = bounding.box(numbers.level, pattern.count)
    values = bounding.values(numbers.level)
    tight = np.where(bounding.above, values == upper[bounding.columns], values == lower[bounding.columns])
    first = tight.nonzero()[0]
    if not bounding.is_single:
        first = first[np.unique(bounding.sides[first], return_index=True)[1]]
    duals = np.where(bounding.above[first], above[bounding.columns[first]], below[bounding.columns[first]])
    y[bounding.rows[first]] = duals / np.abs(bounding.factors[first])
