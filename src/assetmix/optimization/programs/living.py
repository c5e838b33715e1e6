"""One cvxpy problem, alive: stated once, re-solved with other parameters at the solver's own speed.

cvxpy stays the only layer in which anything is modelled. Where its compiled form cannot be followed
from outside, or a check against cvxpy's own solve fails, cvxpy solves the problem itself, and says so.
"""

import warnings

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization import solvers
from assetmix.optimization.atoms import Expression
from assetmix.optimization.programs.bound import dual_bound, value_at
from assetmix.optimization.programs.conic_engine import ConicEngine
from assetmix.optimization.programs.engine import Engine, Said
from assetmix.optimization.programs.linear_engine import LinearEngine
from assetmix.optimization.programs.pattern import Numbers
from assetmix.optimization.programs.program import FORM, DoesNotFit, Program, assembled, compiled
from assetmix.optimization.programs.quadratic_engine import QuadraticEngine
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.solvers import CLARABEL, HIGHS, PIQP, Solver

ENGINES: dict[str, type[Engine]] = {PIQP.name: QuadraticEngine, CLARABEL.name: ConicEngine, HIGHS.name: LinearEngine}

FIRST = 2
"""So many first solves are all held against cvxpy's own: the second has other parameters than the first."""

SAMPLE = 512
"""One solve in so many is held against cvxpy's own."""

_VERDICTS: dict[str, Verdict] = {
    "optimal": "solved",
    "optimal_inaccurate": "inaccurate",
    "user_limit": "timed_out",
    "infeasible": "infeasible",
    "infeasible_inaccurate": "infeasible",
    "unbounded": "unbounded",
    "unbounded_inaccurate": "unbounded",
    "infeasible_or_unbounded": "infeasible",
}

CHECKED_ENTRIES = 100_000
"""Programs with more entries are held against cvxpy's numbers only: solving them twice would cost seconds."""

AGREES = 1e-6
"""Distance, in units of a program of order one, to which two solves of it agree."""

SAME = 1e-12
"""Relative distance of two computations of the same entry in double precision."""

_DIED = Said("failed")


class Living:
    """A cvxpy problem with its compiled form and its living solver objects.

    `fallbacks` counts the solves that cvxpy did itself.
    """

    def __init__(self, problem: Expression) -> None:
        self.problem = problem
        self.order = solvers.order(problem)
        self.fallbacks = 0
        self.onward = False
        """Whether a linear solve may start where the one before it ended."""
        self._engines: dict[tuple[object, ...], Engine] = {}
        self._solves = 0
        self._said: Said | None = None
        self._asked: tuple[tuple[Expression, ...], Positions, Vector] | None = None
        self._numbers: Numbers | None = None
        self._program = self._compiled()

    @property
    def program(self) -> Program | None:
        """The compiled form; None where cvxpy solves by itself."""
        return self._program

    def take(self, numbers: Numbers, said: Said) -> None:
        """Take the last answer from an engine of somebody else's, which solved the same program and more."""
        self._numbers, self._said = numbers, said

    @property
    def is_direct(self) -> bool:
        """Whether solves go straight to a solver."""
        return self._program is not None

    @property
    def entries(self) -> int:
        """Entries of the compiled form; 0 where cvxpy solves by itself."""
        return 0 if self._program is None else int(self._program.pattern.rows.nnz + self._program.pattern.quadratic.nnz)

    @property
    def went_directly(self) -> bool:
        """Whether the last solve went to a living solver object, and what it said stands."""
        return self._said is not None

    def solve(self, solver: Solver, seconds: float = np.inf) -> Verdict:
        """Solve for the parameters' present values with a named solver."""
        self._said = self._numbers = None
        if self._program is not None:
            self._numbers = self._program.numbers()
            self._said = self._directly(self._program, solver, self._numbers, seconds)
            if self._stands(solver):
                return self._said.verdict
            self._said = None
        self.fallbacks += 1
        return run(self.problem, solver.within(seconds))

    def value(self, variable: Expression) -> Vector | None:
        """What the last solve gave a variable, in its shape; None without an answer."""
        if self._said is None or self._program is None:
            return None if variable.value is None else np.asarray(variable.value, dtype=np.float64)
        if self._said.x.size == 0:
            return None
        where, shape = self._program.places.variables[variable.id]
        return np.reshape(self._said.x[where], shape, order="F")

    def dual(self, row: Expression) -> Vector:
        """Duals of a row, flat; zeros where there are none."""
        if self._said is not None and self._program is not None and row.id in self._program.places.duals:
            where, sign = self._program.places.duals[row.id]
            return np.asarray(sign * self._said.y[where])
        duals = row.dual_value if self._said is None else None
        told = np.zeros(row.size) if duals is None else np.atleast_1d(np.asarray(duals, dtype=np.float64))
        return np.where(np.isfinite(told), told, 0.0)

    def duals(self, rows: tuple[Expression, ...]) -> Vector:
        """Duals of several rows, one after the other; found together where the same rows are asked for again."""
        if self._said is None or self._program is None or not rows:
            return np.concatenate([*(self.dual(row) for row in rows), np.zeros(0)])
        if self._asked is None or self._asked[0] is not rows:
            self._asked = (rows, *self._program.places.of(rows))
        _, where, signs = self._asked
        return np.asarray(signs * self._said.y[where])

    @property
    def reached(self) -> float:
        """Value of the last answer."""
        return float(self.problem.value) if self._said is None else self._said.value

    def bound(self, reach: float) -> float | None:
        """Least value that the program can have, from the last answer's duals; see `dual_bound`."""
        if self._program is None or self._said is None or self._numbers is None:
            return None
        return dual_bound(self._program.pattern, self._numbers, self._said, reach)

    def _compiled(self) -> Program | None:
        if any(solver.name not in ENGINES for solver in self.order):
            return None
        try:
            return compiled(self.problem)
        except (DoesNotFit, AttributeError, KeyError, TypeError, ValueError):
            return None

    def _directly(self, program: Program, solver: Solver, numbers: Numbers, seconds: float) -> Said:
        key = (solver.name, *solver.options.values())
        try:
            if key not in self._engines:
                self._engines[key] = ENGINES[solver.name](program.pattern, solver)
            self._engines[key].onward = self.onward
            return self._engines[key].solve(numbers, seconds)
        except Exception:  # noqa: BLE001 - whatever a solver breaks with, its object is not to be trusted again
            self._engines.pop(key, None)
            return _DIED

    def _stands(self, solver: Solver) -> bool:
        """Whether the direct answer is to be believed; checked at first, at second, and on a sample."""
        if self._said is _DIED:
            return False
        self._solves += 1
        if self._solves > FIRST and self._solves % SAMPLE:
            return True
        if self._agrees(solver):
            return True
        self._program = None
        return False

    def _agrees(self, solver: Solver) -> bool:
        """Whether cvxpy assembles the same numbers, and reaches the same value where that is soon known."""
        if self._program is None or self._numbers is None or self._said is None:
            return False
        # from its expressions again the second time: the same map must hold for other parameters
        problem = (
            cp.Problem(self.problem.objective, self.problem.constraints) if self._solves == FIRST else self.problem
        )
        if not _same_numbers(self._numbers, assembled(problem)[0]):
            return False
        if self.entries > CHECKED_ENTRIES or self._said.verdict != "solved":
            return True
        # by the solver whose form has just been assembled: cvxpy would compile anew for another one
        verdict = run(problem, solver if solver.name == FORM else CLARABEL)
        if verdict != "solved":
            return verdict != "infeasible"
        value, missed = value_at(self._program.pattern, self._numbers, self._said.x)
        return max(abs(float(problem.value) - value), missed) <= AGREES * max(1.0, abs(value))


def _same_numbers(numbers: Numbers, data: dict[str, Expression]) -> bool:
    """Whether two assemblies of one program are the same one."""
    pairs = [(numbers.linear, data["c"]), (numbers.level, data["b"]), (numbers.rows, data["A"].data)]
    if "P" in data:
        pairs.append((numbers.quadratic, data["P"].data))
    return all(
        np.shape(ours) == np.shape(theirs) and np.allclose(ours, theirs, rtol=SAME, atol=SAME) for ours, theirs in pairs
    )


def run(problem: Expression, solver: Solver) -> Verdict:
    """Let cvxpy solve a problem with a named solver, and translate its status."""
    try:
        # cvxpy multiplies 0 by infinite bounds when it compiles, and warns where we judge ourselves.
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            problem.solve(solver=solver.name, **solver.options)
    except Exception:  # noqa: BLE001 - whatever a solver breaks with, it has no answer
        return "failed"
    return _VERDICTS.get(problem.status, "failed")
