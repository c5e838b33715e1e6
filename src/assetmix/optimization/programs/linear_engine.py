"""HiGHS, kept alive: linear programs, from the same start every time, so that an answer repeats.

A sequence of solves that belong together may go on from one basis to the next; it repeats as a whole.

Source: Huangfu and Hall, Parallelizing the dual revised simplex method, Mathematical Programming
Computation 10 (2018).
"""

import importlib
from typing import Any

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Vector
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.pattern import Numbers, Pattern, picked
from assetmix.optimization.programs.quadratic_engine import spread_bounds
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.solvers import Solver

_VERDICTS: dict[str, Verdict] = {
    "kOptimal": "solved",
    "kInfeasible": "infeasible",
    "kUnbounded": "unbounded",
    "kUnboundedOrInfeasible": "infeasible",
    "kTimeLimit": "timed_out",
    "kIterationLimit": "timed_out",
}


class LinearEngine:
    """One HiGHS object; each solve passes its model anew, `onward` changes the one before and starts from its basis."""

    onward = False

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        self._module = importlib.import_module("highspy")
        self._pattern = pattern
        kept = np.concatenate([np.arange(pattern.cones.zero), pattern.general])
        self._kept = kept
        self._rows, self._places = picked(pattern.rows, kept)
        self._every = (np.arange(pattern.count, dtype=np.int32), np.arange(len(kept), dtype=np.int32))
        self._passed: Vector | None = None
        self._living = self._module.Highs()
        self._living.setOptionValue("output_flag", False)
        for name, value in solver.options.items():
            self._living.setOptionValue(name, value)

    def solve(self, numbers: Numbers, seconds: float) -> Said:
        """Pass the model, or what is new in it, and run it."""
        if self.onward and self._passed is not None and np.array_equal(self._passed, numbers.rows):
            is_possible = self._change(numbers)
        else:
            is_possible = self.begin(numbers)
        return self._ran(numbers, seconds) if is_possible else Said("infeasible")

    def begin(self, numbers: Numbers) -> bool:
        """Pass the model; whether the bounds of every variable leave it a value."""
        box = self._box(numbers)
        self._passed = None if box is None else numbers.rows
        if box is not None:
            self._living.clearSolver()
            self._living.passModel(self._model(numbers, *box))
        return box is not None

    def _change(self, numbers: Numbers) -> bool:
        """Give the model that was passed other costs and bounds; whether these leave every variable a value."""
        box = self._box(numbers)
        if box is not None:
            columns, rows = self._every
            self._living.changeColsCost(len(columns), columns, numbers.linear)
            self._living.changeColsBounds(len(columns), columns, *box)
            self._living.changeRowsBounds(len(rows), rows, *self._levels(numbers))
        return box is not None

    def _box(self, numbers: Numbers) -> tuple[Vector, Vector] | None:
        """Bounds of the variables; None where some leave a variable no value."""
        lower, upper = self._pattern.bounding.box(numbers.level, self._pattern.count)
        if (lower > upper).any() and float((lower - upper).max()) > self._slack:
            return None
        return np.minimum(lower, upper), upper

    def _levels(self, numbers: Numbers) -> tuple[Vector, Vector]:
        """Lower and upper bounds of the rows."""
        level = numbers.level[self._kept]
        floor = level.copy()
        floor[self._pattern.cones.zero :] = -np.inf
        return floor, level

    def _ran(self, numbers: Numbers, seconds: float) -> Said:
        self._living.setOptionValue("time_limit", self._living.getRunTime() + max(seconds, 0.0))  # its clock runs on
        self._living.run()
        verdict = _VERDICTS.get(self._living.getModelStatus().name, "failed")
        return self._said(numbers) if verdict == "solved" else Said(verdict)

    @property
    def _slack(self) -> float:
        return float(self._living.getOptionValue("primal_feasibility_tolerance")[1])

    def _model(self, numbers: Numbers, lower: Vector, upper: Vector) -> Any:  # noqa: ANN401 - a solver's own
        model = self._module.HighsLp()
        model.num_row_, model.num_col_ = self._rows.shape
        model.col_cost_ = numbers.linear
        model.col_lower_, model.col_upper_ = lower, upper
        model.row_lower_, model.row_upper_ = self._levels(numbers)
        matrix: sp.csc_matrix = self._rows
        model.a_matrix_.format_ = self._module.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = numbers.rows[self._places]
        return model

    def _said(self, numbers: Numbers) -> Said:
        solution = self._living.getSolution()
        y = np.zeros(len(numbers.level))
        y[self._kept] = -np.asarray(solution.row_dual)[: len(self._kept)]
        column = np.asarray(solution.col_dual)[: self._pattern.count]
        spread_bounds(self._pattern, numbers, np.maximum(column, 0.0), np.maximum(-column, 0.0), y)
        x = np.asarray(solution.col_value)
        return Said("solved", x, y, float(numbers.linear @ x[: self._pattern.count]) + numbers.offset)
