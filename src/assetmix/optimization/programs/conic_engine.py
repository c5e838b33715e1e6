"""Clarabel, kept alive: every cone, quadratic objective.

The living object does not scale its data: the scaling of one account would leave traces in the last
digits of the next. What it cannot solve so, a new object with scaling tries again.

Source: Goulart and Chen, Clarabel: an interior-point solver for conic programs with quadratic
objectives, arXiv 2405.12762 (2024).
"""

import importlib
from typing import Any

import numpy as np
import scipy.sparse as sp

from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.pattern import Numbers, Pattern
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.solvers import Solver

_VERDICTS: dict[str, Verdict] = {
    "Solved": "solved",
    "AlmostSolved": "inaccurate",
    "PrimalInfeasible": "infeasible",
    "AlmostPrimalInfeasible": "infeasible",
    "DualInfeasible": "unbounded",
    "AlmostDualInfeasible": "unbounded",
    "MaxTime": "timed_out",
    "MaxIterations": "timed_out",
}


class ConicEngine:
    """One Clarabel object; it is given up after every solve that was not solved."""

    onward = False

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        self._pattern = pattern
        self._options = solver.options
        upper = pattern.quadratic.tocoo()
        self._triangle = np.flatnonzero(upper.row <= upper.col)
        self._half = sp.csc_matrix(sp.triu(pattern.quadratic, format="csc"))
        self._living: Any = None

    def solve(self, numbers: Numbers, seconds: float) -> Said:
        """Update the living object and run it."""
        settings = self._settings(seconds, scaled=False)
        if self._living is None or not self._living.is_data_update_allowed():
            self._living = self._made(numbers, settings)
        else:
            quadratic, rows = self._matrices(numbers)
            self._living.update(P=quadratic, q=numbers.linear, A=rows, b=numbers.level, settings=settings)
        said = self._said(self._living.solve(), numbers)
        if said.verdict == "solved":
            return said
        self._living = None
        if said.verdict == "timed_out":
            return said
        return self._said(self._made(numbers, self._settings(seconds, scaled=True)).solve(), numbers)

    def _made(self, numbers: Numbers, settings: Any) -> Any:  # noqa: ANN401 - a solver's own objects
        quadratic, rows = self._matrices(numbers)
        solver = importlib.import_module("clarabel").DefaultSolver
        return solver(quadratic, numbers.linear, rows, numbers.level, _cones(self._pattern), settings)

    def _matrices(self, numbers: Numbers) -> tuple[sp.csc_matrix, sp.csc_matrix]:
        self._half.data = numbers.quadratic[self._triangle]
        return self._half, self._pattern.filled(numbers)[1]

    def _settings(self, seconds: float, *, scaled: bool) -> Any:  # noqa: ANN401 - a solver's own object
        settings = importlib.import_module("clarabel").DefaultSettings()
        settings.equilibrate_enable = scaled
        settings.verbose = False
        settings.presolve_enable = False
        settings.input_sparse_dropzeros = False
        if np.isfinite(seconds):
            settings.time_limit = max(seconds, 0.0)
        for name, value in self._options.items():
            setattr(settings, name, value)
        return settings

    def _said(self, solution: Any, numbers: Numbers) -> Said:  # noqa: ANN401 - a solver's own object
        verdict = _VERDICTS.get(str(solution.status), "failed")
        if verdict in {"solved", "inaccurate"}:
            return Said(verdict, np.array(solution.x), np.array(solution.z), float(solution.obj_val) + numbers.offset)
        return Said(verdict)


def _cones(pattern: Pattern) -> list[Any]:
    conif = importlib.import_module("cvxpy.reductions.solvers.conic_solvers.clarabel_conif")
    cones: list[Any] = conif.dims_to_solver_cones(pattern.cones.stated)
    return cones
