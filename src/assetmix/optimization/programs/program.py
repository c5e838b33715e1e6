"""A cvxpy problem's compiled form, read once, and its numbers for any values of its parameters.

cvxpy compiles a disciplined parametrized problem to a standard form whose every entry is affine in
the parameters, and keeps that map. Here the map is read once; from then on a set of parameters
becomes numbers by one sparse product, without cvxpy's bookkeeping around it.

Source: Agrawal, Amos, Barratt, Boyd, Diamond and Kolter, Differentiable convex optimization
layers, NeurIPS 2019 (affine-solver-affine form).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.programs.pattern import Cones, Numbers, Pattern
from assetmix.optimization.solvers import CLARABEL

FORM = CLARABEL.name
"""cvxpy's compiled form for this solver serves every engine: it takes quadratic objectives and all cones."""


class DoesNotFit(ValueError):
    """A problem whose compiled form cannot be followed from outside; cvxpy has to solve it itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where variables stand in x, and where a row's duals stand in y and with which sign."""

    variables: dict[int, tuple[Positions, tuple[int, ...]]]
    duals: dict[int, tuple[Positions, Vector]]

    def of(self, rows: Sequence[Expression]) -> tuple[Positions, Vector]:
        """Places and signs of the duals of several rows, one after the other; 0 for those that have none."""
        none = [(np.zeros(row.size, dtype=np.intp), np.zeros(row.size)) for row in rows]
        found = [self.duals.get(row.id, missing) for row, missing in zip(rows, none, strict=True)]
        where, signs = (np.concatenate([one[part] for one in found]) for part in (0, 1))
        return where.astype(np.intp), signs


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Standard form of one cvxpy problem; `numbers` reads the parameters' present values.

    Raises
    ------
    DoesNotFit
        where entries are not affine in the parameters, variables are integers, or variables
        cannot be found again in the compiled form
    """

    pattern: Pattern
    places: Places
    _maps: "_Maps"

    def numbers(self) -> Numbers:
        """Numbers for the parameters' present values."""
        return self._maps.numbers()


def compiled(problem: Expression) -> Program:
    """Read the compiled form of a cvxpy problem; see `Program`."""
    if problem.is_mixed_integer() or not problem.is_dpp():
        raise DoesNotFit("integers, or entries that are not affine in the parameters")
    data, chain, inverse = assembled(problem)
    stuffed = data["param_prob"]
    if {one.id for one in problem.parameters()} != {key for key in stuffed.param_id_to_size if key >= 0}:
        raise DoesNotFit("parameters that the compiled form does not have")
    maps = _Maps(stuffed)
    return Program(maps.pattern(data["dims"]), _places(problem, chain, inverse, maps), maps)


def assembled(problem: Expression) -> tuple[dict[str, Expression], Expression, Expression]:
    """Cvxpy's own standard form for the parameters' present values."""
    # cvxpy multiplies 0 by infinite bounds when it compiles, and warns where we judge ourselves.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        data: tuple[dict[str, Expression], Expression, Expression] = problem.get_problem_data(FORM, solver_opts={})
    return data


class _Maps:
    """cvxpy's affine maps from parameters to entries."""

    def __init__(self, stuffed: Expression) -> None:
        stuffed.reduced_A.cache()
        stuffed.reduced_P.cache()
        if stuffed.reduced_A.problem_data_index is None:
            raise DoesNotFit("no rows at all")
        self._stuffed = stuffed
        self.count = int(stuffed.x.size)
        self._vector = np.zeros(stuffed.total_param_size + 1)
        self._slots = self._parameter_slots()
        self._rows = stuffed.reduced_A.reduced_mat
        self._quadratic = None if stuffed.P is None else stuffed.reduced_P.reduced_mat
        self._linear = sp.csr_matrix(stuffed.q)
        indices, indptr, shape = stuffed.reduced_A.problem_data_index
        self._split = int(indptr[self.count])
        self._levels = indices[self._split :]
        self.shape = (int(shape[0]), self.count)
        self._where = (indices[: self._split], indptr[: self.count + 1])

    def _parameter_slots(self) -> list[tuple[Expression, slice]]:
        starts, sizes = self._stuffed.param_id_to_col, self._stuffed.param_id_to_size
        for key in (key for key in starts if key < 0):
            self._vector[starts[key]] = 1.0
        if not any(key < 0 for key in starts):
            self._vector[-1] = 1.0
        return [(one, slice(starts[one.id], starts[one.id] + sizes[one.id])) for one in self._stuffed.parameters]

    def numbers(self) -> Numbers:
        for one, slot in self._slots:
            self._vector[slot] = np.ravel(one.value, order="F")
        entries = self._rows @ self._vector
        level = np.zeros(self.shape[0])
        level[self._levels] = entries[self._split :]
        linear = self._linear @ self._vector
        quadratic = np.zeros(0) if self._quadratic is None else self._quadratic @ self._vector
        return Numbers(quadratic, linear[:-1], float(linear[-1]), -entries[: self._split], level)

    def pattern(self, dims: Expression) -> Pattern:
        cones = Cones(
            int(dims.zero),
            int(dims.nonneg),
            tuple(int(size) for size in dims.soc),
            bool(dims.exp or dims.psd or len(dims.p3d) or len(dims.pnd)),
            dims,
        )
        numbers = self.numbers()
        rows = sp.csc_matrix((numbers.rows, *self._where), shape=self.shape)
        return Pattern(self._curved(numbers), rows, cones, self._steady(), numbers)

    def _curved(self, numbers: Numbers) -> sp.csc_matrix:
        if self._quadratic is None or self._stuffed.reduced_P.problem_data_index is None:
            return sp.csc_matrix((self.count, self.count))
        indices, indptr, shape = self._stuffed.reduced_P.problem_data_index
        return sp.csc_matrix((numbers.quadratic, indices, indptr), shape=shape)

    def _steady(self) -> np.ndarray:
        constant = np.zeros(len(self._vector), dtype=bool)
        constant[self._vector == 1.0] = True
        for _, slot in self._slots:
            constant[slot] = False
        entries = sp.csr_matrix(self._rows[: self._split])
        moving = sp.csr_matrix((~constant[entries.indices], entries.indices, entries.indptr), shape=entries.shape)
        return np.asarray(np.asarray(moving.sum(axis=1)).ravel() == 0)


def _places(problem: Expression, chain: Expression, inverse: Expression, maps: _Maps) -> Places:
    """Send numbered entries back through cvxpy's own inversion to see where they come out."""
    height, count = maps.shape
    first = _inverted(chain, inverse, np.arange(1.0, count + 1.0), np.arange(1.0, height + 1.0))
    check = np.random.default_rng(1)
    x, y = check.uniform(1.0, 2.0, size=count), check.uniform(1.0, 2.0, size=height)  # within any sign's projection
    second = _inverted(chain, inverse, x, y)
    variables = {}
    for one in problem.variables():
        where = np.ravel(first.primal_vars[one.id], order="F").round().astype(np.intp) - 1
        if not np.array_equal(x[where], np.ravel(second.primal_vars[one.id], order="F")):
            raise DoesNotFit(f"variable {one.name()} is not found in the compiled form")
        variables[one.id] = (where, one.shape)
    return Places(variables, _dual_places(problem, first.dual_vars, second.dual_vars, y))


def _dual_places(
    problem: Expression, first: dict[int, Expression], second: dict[int, Expression], y: Vector
) -> dict[int, tuple[Positions, Vector]]:
    """Rows whose duals come out one to one; those of cones do not, and nobody asks for them."""
    duals = {}
    for row in problem.constraints:
        if row.id not in first or isinstance(first[row.id], (list, tuple)):
            continue
        codes = np.ravel(first[row.id], order="F")
        where = np.abs(codes).round().astype(np.intp) - 1
        if len(where) == row.size and np.array_equal(np.sign(codes) * y[where], np.ravel(second[row.id], order="F")):
            duals[row.id] = (where, np.sign(codes))
    return duals


def _inverted(chain: Expression, inverse: Expression, x: Vector, y: Vector) -> Expression:
    said = SimpleNamespace(status="Solved", x=x, z=y, s=y, obj_val=0.0, solve_time=0.0, iterations=0)
    return chain.invert(said, inverse)
