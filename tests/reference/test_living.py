"""Living programs against cvxpy's own solves of random problems: the independent formulation is cvxpy's."""

from collections.abc import Iterator
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.optimization.answer import answer
from assetmix.optimization.memory import Memory
from assetmix.optimization.programs import living
from assetmix.optimization.programs.living import Living
from assetmix.optimization.programs.program import DoesNotFit, compiled
from assetmix.optimization.solvers import CLARABEL, HIGHS, PIQP, Solver
from tests.makers import make_question, make_snapshot, make_strategy

RELATIVE = 1e-7
"""Agreement asked of objectives: solvers end within 1e-9, and conic ones lose two digits in the objective."""
WITHIN = 1e-7
"""Largest breach of a limit."""
FIRST = {"quadratic": PIQP, "linear": HIGHS, "conic": CLARABEL}
FARTHEST = 100.0


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that a living program makes of itself would hide what is tested here."""
    monkeypatch.setattr(living, "FIRST", 0)


class Random:
    """A portfolio problem with parameters for all that an account has of its own."""

    def __init__(self, kind: str, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.count = int(self._random.integers(2, 9))
        self.weights = cvxpy.Variable(self.count, name="weights")
        self.start = cvxpy.Parameter(self.count)
        self.caps = cvxpy.Parameter(self.count, nonneg=True)
        self.slope = cvxpy.Parameter(self.count)
        self.most = cvxpy.Parameter(nonneg=True)
        bought, sold = (cvxpy.Variable(self.count, nonneg=True) for _ in range(2))
        self.turnover = cvxpy.sum(bought) + cvxpy.sum(sold) <= self.most
        self.invested = cvxpy.sum(self.weights) == 1
        rows = [self.invested, self.weights - bought + sold == self.start, self.turnover]
        rows += [self.weights >= 0, self.weights <= self.caps]
        self.problem = cvxpy.Problem(cvxpy.Minimize(self._goal(kind)), rows)
        self.draw()

    def _goal(self, kind: str) -> Any:
        root = self._random.normal(size=(self.count + 2, self.count))
        linear = self.slope @ self.weights
        if kind == "quadratic":
            return cvxpy.sum_squares(root @ self.weights) + linear
        return cvxpy.norm(root @ self.weights) + linear if kind == "conic" else cvxpy.max(root @ self.weights) + linear

    def draw(self) -> None:
        """Another account."""
        held = self._random.dirichlet(np.ones(self.count))
        self.start.value = held
        self.caps.value = np.maximum(held, self._random.uniform(0.2, 1.0, self.count))
        self.slope.value = 0.1 * self._random.normal(size=self.count)
        self.most.value = self._random.uniform(0.0, 1.0)


def random_problems(kind: str, seed: int, accounts: int = 4) -> Iterator[tuple[Random, Living]]:
    """One living problem and its accounts, each in turn."""
    one = Random(kind, seed)
    alive = Living(one.problem)
    for _ in range(accounts):
        one.draw()
        yield one, alive


@pytest.mark.parametrize("kind", FIRST)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_living_program_reaches_what_cvxpy_reaches(kind: str, seed: int) -> None:
    for one, alive in random_problems(kind, seed):
        assert alive.solve(FIRST[kind]) == "solved"
        mine, direct = alive.reached, alive.value(one.weights)
        living.run(one.problem, FIRST[kind])

        assert alive.is_direct
        assert not alive.fallbacks
        assert mine == pytest.approx(one.problem.value, rel=RELATIVE, abs=RELATIVE)
        assert direct is not None
        assert direct.sum() == pytest.approx(1.0, abs=WITHIN)
        assert (direct - one.caps.value).max() <= WITHIN
        assert np.abs(direct - one.start.value).sum() - one.most.value <= WITHIN


@pytest.mark.parametrize("kind", FIRST)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_duals_prove_is_never_above_what_any_solver_reaches(kind: str, seed: int) -> None:
    for one, alive in random_problems(kind, seed):
        alive.solve(FIRST[kind])
        bound = alive.bound(FARTHEST)
        verdict = living.run(one.problem, CLARABEL)

        assert verdict in {"solved", "inaccurate"}
        assert bound is not None
        assert bound <= one.problem.value + RELATIVE
        assert bound == pytest.approx(alive.reached, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), noise=st.floats(0.0, 1.0))
def test_what_wrong_duals_prove_is_less_and_never_false(seed: int, noise: float) -> None:
    """Whatever the multipliers are: weak duality holds for all of them."""
    random = np.random.default_rng(seed)
    for one, alive in random_problems("quadratic", seed, 2):
        alive.solve(PIQP)
        assert alive._said is not None
        alive._said.y[:] += noise * random.normal(size=alive._said.y.shape)
        bound = alive.bound(FARTHEST)
        living.run(one.problem, PIQP)

        assert bound is not None
        assert bound <= one.problem.value + RELATIVE


@pytest.mark.parametrize("kind", FIRST)
def test_duals_come_out_with_cvxpys_own_signs(kind: str) -> None:
    for one, alive in random_problems(kind, 5):
        alive.solve(FIRST[kind])
        mine = {row.id: alive.dual(row) for row in (one.turnover, one.invested)}
        living.run(one.problem, CLARABEL)

        for row in (one.turnover, one.invested):
            assert mine[row.id] == pytest.approx(np.atleast_1d(row.dual_value), abs=1e-5)


@pytest.mark.parametrize("kind", FIRST)
def test_an_infeasible_account_leaves_the_next_one_as_it_would_be_without(kind: str) -> None:
    one = Random(kind, 3)
    alive, other = Living(one.problem), Living(one.problem)
    one.draw()
    alive.solve(FIRST[kind])
    caps = one.caps.value
    one.caps.value = 0.1 * np.ones(one.count)
    assert alive.solve(FIRST[kind]) == "infeasible"
    assert alive.value(one.weights) is None
    assert alive.bound(FARTHEST) is None
    one.caps.value = caps

    assert alive.solve(FIRST[kind]) == "solved"
    assert other.solve(FIRST[kind]) == "solved"
    assert alive.value(one.weights) == pytest.approx(other.value(one.weights), abs=1e-9)
    assert alive.is_direct


@pytest.mark.parametrize("kind", FIRST)
def test_a_solver_object_that_dies_is_replaced(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Random(kind, 3)
    alive = Living(one.problem)
    assert alive.solve(FIRST[kind]) == "solved"
    reached = alive.reached
    (engine,) = alive._engines.values()

    def die(*_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(engine, "solve", die)
    assert alive.solve(FIRST[kind]) == "solved"
    assert alive.fallbacks == 1
    assert alive.reached == pytest.approx(reached, rel=RELATIVE)

    assert alive.solve(FIRST[kind]) == "solved"
    assert alive.fallbacks == 1
    assert alive.is_direct


@pytest.mark.parametrize("solver", [HIGHS, CLARABEL])
def test_time_that_is_over_is_said_and_forgotten(solver: Solver) -> None:
    random = np.random.default_rng(1)
    weights = cvxpy.Variable(60, nonneg=True)
    rows = [random.uniform(size=(80, 60)) @ weights <= 1.0]  # more than presolve does away with
    alive = Living(cvxpy.Problem(cvxpy.Maximize(random.uniform(size=60) @ weights), rows))

    assert alive.solve(solver, 0.0) == "timed_out"
    assert alive.value(weights) is None
    assert alive.solve(solver) == "solved"


@pytest.mark.parametrize("kind", FIRST)
def test_the_same_account_has_the_same_answer_to_the_last_bit(kind: str) -> None:
    one = Random(kind, 8)
    alive = Living(one.problem)
    alive.solve(FIRST[kind])
    first, held = alive.value(one.weights), one.start.value
    kept = [one.caps.value, one.slope.value, one.most.value]
    one.draw()
    alive.solve(FIRST[kind])
    one.start.value, (one.caps.value, one.slope.value, one.most.value) = held, kept
    alive.solve(FIRST[kind])

    assert np.array_equal(alive.value(one.weights), first)


def test_integers_and_products_of_parameters_are_left_to_cvxpy() -> None:
    whole = cvxpy.Variable(2, integer=True)
    scale = cvxpy.Parameter(nonneg=True, value=2.0)
    moving = cvxpy.Variable(2)
    for goal, rows in ((cvxpy.sum(whole), [whole >= 0.5]), (scale * scale * cvxpy.sum(moving), [moving >= 0.5])):
        problem = cvxpy.Problem(cvxpy.Minimize(goal), rows)
        with pytest.raises(DoesNotFit):
            compiled(problem)
        alive = Living(problem)

        assert alive.solve(HIGHS) == "solved"
        assert alive.fallbacks == 1
        assert alive.value(problem.variables()[0]) is not None


def test_numbers_that_cvxpy_would_not_assemble_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The map from parameters to numbers is held against cvxpy's own: a wrong one falls back, and stays back."""
    monkeypatch.setattr(living, "FIRST", 2)
    one = Random("quadratic", 4)
    alive = Living(one.problem)
    assert alive.solve(PIQP) == "solved"
    assert alive._program is not None
    alive._program._maps._vector[-1] *= 1.01
    one.draw()

    assert alive.solve(PIQP) == "solved"
    assert not alive.is_direct
    assert alive.fallbacks == 1


def test_a_structure_that_does_not_fit_is_solved_through_cvxpy_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer either way, to the solver's digits."""
    question = make_question(make_strategy(), make_snapshot())
    directly = answer(question, Memory(8), lambda: 60.0, lambda _: None)

    def does_not_fit(problem: object) -> None:
        raise DoesNotFit(problem)

    monkeypatch.setattr(living, "compiled", does_not_fit)
    through = answer(question, Memory(8), lambda: 60.0, lambda _: None)

    assert directly.solver is not None
    assert through.solver is not None
    assert (directly.solver.through, through.solver.through) == (None, "cvxpy")
    assert through.objective_value == pytest.approx(directly.objective_value, rel=RELATIVE)
