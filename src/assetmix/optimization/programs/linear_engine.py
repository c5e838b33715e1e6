"""HiGHS, kept alive: linear programs, from the same start every time, so that an answer repeats.

A sequence of solves that belong together may go on from one basis to the next; it repeats as a whole.

Source: Huangfu and Hall, Parallelizing the dual revised simplex method, Mathematical Programming
Computation 10 (2018).
"""

import importlib
from typing import Any

import numpy as np
import scipy.sparse as sp

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
    """One HiGHS object; each solve passes its model anew, `onward` with the basis of the one before."""

    onward = False

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        self._module = importlib.import_module("highspy")
        self._pattern = pattern
        kept = np.concatenate([np.arange(pattern.cones.zero), pattern.general])
        self._kept = kept
        self._rows, self._places = picked(pattern.rows, kept)
        self._living = self._module.Highs()
        self._living.setOptionValue("output_flag", False)
        for name, value in solver.options.items():
            self._living.setOptionValue(name, value)

    def solve(self, numbers: Numbers, seconds: float) -> Said:
        """Pass the model and run it."""
        model = self._bounded(numbers)
        if model is None:
            return Said("infeasible")
        basis = self._living.getBasis() if self.onward else None
        self._living.clearSolver()
        self._living.passModel(model)
        if basis is not None and basis.valid:
            self._living.setBasis(basis)
        return self._ran(numbers, seconds)

    def _ran(self, numbers: Numbers, seconds: float) -> Said:
        self._living.setOptionValue("time_limit", self._living.getRunTime() + max(seconds, 0.0))  # its clock runs on
        self._living.run()
        verdict = _VERDICTS.get(self._living.getModelStatus().name, "failed")
        return self._said(numbers) if verdict == "solved" else Said(verdict)

    def _bounded(self, numbers: Numbers) -> Any:  # noqa: ANN401 - a solver's own
        """The model; None where the bounds of some variable leave it no value."""
        lower, upper = self._pattern.bounding.box(numbers.level, self._pattern.count)
        if (lower > upper).any() and float((lower - upper).max()) > self._slack:
            return None
        return self._model(numbers, np.minimum(lower, upper), upper)

    @property
    def _slack(self) -> float:
        return float(self._living.getOptionValue("primal_feasibility_tolerance")[1])

    def _model(self, numbers: Numbers, lower: np.ndarray, upper: np.ndarray) -> Any:  # noqa: ANN401 - a solver's own
        model = self._module.HighsLp()
        model.num_row_, model.num_col_ = self._rows.shape
        model.col_cost_ = numbers.linear
        model.col_lower_, model.col_upper_ = lower, upper
        level = numbers.level[self._kept]
        floor = level.copy()
        floor[self._pattern.cones.zero :] = -np.inf
        model.row_lower_, model.row_upper_ = floor, level
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
