"""Which solver for which class of problem, in which order; the only solver names in the house.

cvxpy's own choice is never taken: its default for quadratic problems is off by up to 1.5e-3 on
tracking errors. PIQP is the fastest accurate solver for quadratic problems, Clarabel for cones,
HiGHS for linear ones.
"""

import importlib.util
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Literal

from assetmix.optimization.atoms import Expression


@dataclass(frozen=True, slots=True)
class Solver:
    """A solver by cvxpy's name, the package it comes from, and the options it is run with."""

    name: str
    package: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Version of the installed package."""
        return _version(self.package)

    def within(self, seconds: float) -> "Solver":
        """The same solver with a time limit, where it knows one."""
        if self.package == "piqp" or seconds == float("inf"):
            return self
        return replace(self, options=self.options | {"time_limit": max(seconds, 0.0)})

    def limited(self, seconds: float, gap: float, *, root: bool) -> "Solver":
        """The same solver (HiGHS) with a time limit and a relative gap; without integers at the `root`."""
        limits = {"time_limit": seconds, "mip_rel_gap": gap, "solve_relaxation": root}
        return replace(self, options=self.options | limits)


@dataclass(frozen=True, slots=True)
class SolverUsed:
    """Which solver gave the answer; `through` cvxpy where its living object could not be used."""

    name: str
    version: str
    through: Literal["cvxpy"] | None = None


@lru_cache(maxsize=8)
def _version(package: str) -> str:
    return version(package)


PIQP = Solver(
    "PIQP",
    "piqp",
    {"eps_abs": 1e-11, "eps_rel": 1e-11, "eps_duality_gap_abs": 1e-11, "eps_duality_gap_rel": 1e-11, "max_iter": 400},
)
CLARABEL = Solver(
    "CLARABEL", "clarabel", {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9, "max_threads": 1}
)
CLARABEL_WIDER = Solver(
    "CLARABEL", "clarabel", {"tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8, "max_threads": 1}
)
"""The same for what does not come to its end at finer tolerances; verification decides what it is worth."""
CLARABEL_WIDEST = Solver(
    "CLARABEL", "clarabel", {"tol_gap_abs": 1e-6, "tol_gap_rel": 1e-6, "tol_feas": 1e-7, "max_threads": 1}
)
"""The last resort, for exponential cones above all; verification decides what the answer is worth."""
HIGHS = Solver(
    "HIGHS", "highspy", {"threads": 1, "primal_feasibility_tolerance": 1e-9, "mip_feasibility_tolerance": 1e-9}
)


SIMPLEX_ROWS = 20_000
"""Beyond so many rows an interior point method ends tens of times sooner than simplex does."""


def scip(seconds: float) -> Solver | None:
    """SCIP with a time limit, where the optional extra is installed."""
    if importlib.util.find_spec("pyscipopt") is None:
        return None
    return Solver("SCIP", "pyscipopt", {"scip_params": {"limits/time": seconds}})


def order(problem: Expression) -> tuple[Solver, ...]:
    """Solvers to try on a cvxpy problem, best first."""
    if problem.is_lp():
        rows = problem.size_metrics.num_scalar_eq_constr + problem.size_metrics.num_scalar_leq_constr
        return (HIGHS, CLARABEL) if rows <= SIMPLEX_ROWS else (CLARABEL, HIGHS)
    if problem.is_qp():
        return (PIQP, CLARABEL)
    return (CLARABEL, CLARABEL_WIDER, CLARABEL_WIDEST)
