"""Solvers that lie: whatever they hand back, nothing wrong is ever passed on as optimal.

The damage is done at the two doors to foreign code, `cvxpy.Problem.solve` and the living solver
objects: the true solver runs, and then its answer is spoiled. What is true is known from the same
question without damage, and from arithmetic on the weights.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import cvxpy
import numpy as np
import pytest

from assetmix.errors import SolverFailed
from assetmix.estimation.specs import GivenForecast
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.constraints.position_band import PositionBand
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.sharpe_ratio import SharpeRatio
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.methods import integer
from assetmix.optimization.programs import living
from assetmix.optimization.programs.living import Living
from assetmix.optimization.resolve import Question
from assetmix.optimization.result import Result
from assetmix.optimization.strategy import Objective, Term, Trading
from tests.makers import make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.reference.clashes import CASH_ONLY
from tests.reference.direct_damage import damage_direct_answers

SNAPSHOT = make_snapshot(count=5, seed=21)
IDS = stock_ids(SNAPSHOT)
RETURNS = GivenForecast(expected_returns=dict(zip(IDS, (0.01, 0.02, 0.03, 0.015, 0.005), strict=True)))
CAP = 0.4
CAPPED = (WeightBounds(upper=CAP),)
COUNTED = (*CAPPED, MaxHoldings(count=3), PositionBand(lower_fraction=0.1))

Damage = Callable[[Any], None]
"""Spoils a solved `cvxpy.Problem`, or a direct answer in its place."""
CLOSE = 1e-4
"""Relative difference of objectives that is no lie: the gap up to which an answer is called optimal, and some."""


def ask(sense: str, measure: Any, constraints: Any = CAPPED) -> Question:
    """One measure under caps; fractions without costs."""
    objective = Objective(sense=sense, terms=(Term(measure=measure),))
    strategy = make_strategy(
        objective=objective, constraints=constraints, forecast=RETURNS, trading=Trading(lots=False)
    )
    return make_question(strategy, SNAPSHOT, CASH_ONLY, gap=1e-4)


QUESTIONS: dict[str, Question] = {
    "quadratic": ask("minimize", Variance()),
    "linear": ask("maximize", ExpectedReturn()),
    "tail": ask("minimize", ConditionalValueAtRisk(level=0.9)),
    "ratio": ask("maximize", SharpeRatio()),
    "counted": ask("minimize", Variance(), COUNTED),
    "counted and linear": ask("maximize", ExpectedReturn(), COUNTED),
    "counted ratio": ask("maximize", SharpeRatio(), COUNTED),
}
FIRST = {"quadratic": "PIQP", "linear": "HIGHS", "tail": "HIGHS"}
"""The solver that is asked first where there is a second one."""


@cache
def truth(name: str) -> Result:
    """The answer without damage."""
    return solve(QUESTIONS[name])


def weights_in(program: Any) -> Any:
    """The variable of the weights."""
    return next((one for one in program.variables() if one.name() == "weights"), None)


def change(what: Callable[[np.ndarray], np.ndarray | None], status: str = "optimal") -> Damage:
    """Spoil the weights and claim a status."""

    def spoil(program: Any) -> None:
        one = weights_in(program)
        if one is not None and one.value is not None:
            one.save_value(what(np.array(one.value)))
        program._status = status

    return spoil


def worse(weights: np.ndarray) -> np.ndarray:
    """Half way to another portfolio inside the caps."""
    return 0.5 * weights + 0.5 * np.array([0.4, 0.4, 0.2, 0.0, 0.0])


def swapped(weights: np.ndarray, by: float = 1e-4) -> np.ndarray:
    """A little from the largest to the smallest."""
    spoiled = weights.copy()
    spoiled[np.argmax(weights)] -= by
    spoiled[np.argmin(weights)] += by
    return spoiled


def beyond(by: float) -> Callable[[np.ndarray], np.ndarray]:
    """One weight above every limit, the sum kept."""
    return lambda _: np.array([CAP + by, *(np.full(4, (1.0 - CAP - by) / 4))])


def spoiled_duals(program: Any) -> None:
    """Prices of another world."""
    random = np.random.default_rng(0)
    for row in program.constraints:
        for dual in row.dual_variables:
            if dual.value is not None:
                dual.save_value(1e3 * random.normal(size=dual.shape))


def raising(error: Exception) -> Damage:
    """Fail instead of answering."""

    def spoil(program: Any) -> None:
        raise error

    return spoil


DAMAGES: dict[str, Damage] = {
    "slightly wrong": change(swapped),
    "a limit broken a little": change(beyond(1e-5)),
    "a limit broken": change(beyond(1e-3)),
    "a sum that is off a little": change(lambda w: w + 1e-5 * np.eye(len(w))[0]),
    "scaled": change(lambda w: 1.001 * w),
    "huge": change(lambda w: 1e12 * w),
    "suboptimal": change(worse),
    "not a number": change(lambda w: np.full_like(w, np.nan)),
    "infinite": change(lambda w: np.full_like(w, np.inf)),
    "no weights": change(lambda _: None),
    "inaccurate": change(worse, "optimal_inaccurate"),
    "limited by time": change(worse, "user_limit"),
    "infeasible": change(lambda w: w, "infeasible"),
    "unbounded": change(lambda w: w, "unbounded"),
    "infeasible or unbounded": change(lambda w: w, "infeasible_or_unbounded"),
    "an unknown status": change(lambda w: w, "excellent"),
    "wrong duals": spoiled_duals,
    "solver error": raising(cvxpy.error.SolverError("license")),
    "value error": raising(ValueError("shape")),
    "arithmetic error": raising(ZeroDivisionError("zero")),
    "runtime error": raising(RuntimeError("segment")),
    "index error": raising(IndexError("row")),
}


def spoil(monkeypatch: pytest.MonkeyPatch, damage: Damage, only: str | None = None) -> None:
    """Spoil what all solvers, or one of them, hand back; what is direct is not checked against cvxpy."""
    damage_direct_answers(monkeypatch, damage, only)
    monkeypatch.setattr(living, "FIRST", 0)
    real = cvxpy.Problem.solve

    def solve_and_spoil(program: cvxpy.Problem, *args: Any, solver: str, **options: Any) -> Any:
        value = real(program, *args, solver=solver, **options)
        if only is None or solver == only:
            damage(program)
        return value

    monkeypatch.setattr(cvxpy.Problem, "solve", solve_and_spoil)


def check(name: str, result: Result) -> None:
    """Whatever is claimed is true: limits kept, the value that of the weights, and no false optimum."""
    if result.weights is None:
        assert result.status == "timed_out", result.sentence
        return
    best = truth(name).objective_value
    weights = np.array([result.weights.get(key, 0.0) for key in IDS])
    assert weights.sum() == pytest.approx(1.0, abs=2e-6)
    assert weights.min() >= -1e-6
    assert weights.max() <= CAP + 1e-6
    size = max(abs(best), abs(result.objective_value))
    short = abs(result.objective_value - best) / size
    assert result.status == "feasible" or short <= CLOSE
    if result.proven_gap is not None:
        assert short <= max(CLOSE, 5.0 * result.proven_gap)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FIRST)
def test_where_one_solver_lies_the_answer_is_right_or_says_what_is_unproven(
    name: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth(name)
    spoil(monkeypatch, DAMAGES[damage], FIRST[name])

    check(name, solve(QUESTIONS[name]))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_where_all_solvers_lie_nothing_false_is_called_optimal(
    name: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth(name)
    spoil(monkeypatch, DAMAGES[damage])
    try:
        result = solve(QUESTIONS[name])
    except SolverFailed:
        return
    check(name, result)


@pytest.mark.parametrize("name", ["quadratic", "tail", "linear"])
def test_a_point_inside_the_limits_that_is_not_the_best_has_a_large_gap(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = truth(name).objective_value
    spoil(monkeypatch, change(worse), FIRST[name])

    result = solve(QUESTIONS[name])

    if abs(result.objective_value - best) > CLOSE * abs(best):
        assert result.status == "feasible"
        assert result.proven_gap is None or result.proven_gap > CLOSE


@pytest.mark.parametrize("name", QUESTIONS)
def test_where_no_solver_works_the_run_fails_and_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, raising(cvxpy.error.SolverError("none")))

    with pytest.raises(SolverFailed):
        solve(QUESTIONS[name])


@pytest.mark.parametrize("shift", [-0.5, -0.01, 0.01, 0.5])
def test_a_wrong_bound_of_the_integer_search_makes_no_false_optimum(
    shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that is too low is a large gap; one that lies beyond a portfolio at hand is no bound at all."""
    name = "counted"
    truth(name)
    monkeypatch.setattr(integer, "has_squares", lambda _: False)  # else the relaxation proves it without a search

    def spoil_bound(program: cvxpy.Problem) -> None:
        stats = program.solver_stats.extra_stats if program.solver_stats is not None else None
        if program.is_mixed_integer() and hasattr(stats, "mip_dual_bound"):
            stats.mip_dual_bound += shift

    spoil(monkeypatch, spoil_bound, "HIGHS")
    result = solve(QUESTIONS[name])

    check(name, result)
    if shift > 0.0:
        assert result.status != "optimal"


def test_a_choice_that_no_solver_could_polish_is_not_proven_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The convex solvers break down for the first choice of holdings, the best one; then they work again."""
    name = "counted"
    truth(name)
    first: list[bytes] = []
    monkeypatch.setattr(integer, "has_squares", lambda _: False)

    def fail_at_first(program: cvxpy.Problem) -> None:
        fixed = [one.value for one in program.parameters() if one.shape == (5,) and set(one.value) == {0.0, 1.0}]
        if fixed:
            first.append(fixed[0].tobytes())
            if fixed[0].tobytes() == first[0]:
                raise cvxpy.error.SolverError

    real = cvxpy.Problem.solve

    def solve_or_fail(program: cvxpy.Problem, *args: Any, solver: str, **options: Any) -> Any:
        if solver != "HIGHS":
            fail_at_first(program)
        return real(program, *args, solver=solver, **options)

    monkeypatch.setattr(cvxpy.Problem, "solve", solve_or_fail)

    check(name, solve(QUESTIONS[name]))
    assert first


def test_a_bound_above_the_value_at_hand_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "quadratic"

    def spoil_value(program: Any) -> None:
        program._value = abs(program._value) + 10.0

    spoil(monkeypatch, spoil_value, "HIGHS")
    monkeypatch.setattr(Living, "bound", lambda *_: None)
    result = solve(QUESTIONS[name])

    assert result.status == "feasible"
    assert result.proven_gap is None


def test_a_bound_of_wrong_duals_proves_no_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the duals are, what they prove is a bound; the tangent proves the rest."""
    spoil(monkeypatch, spoiled_duals, "PIQP")
    bounds = []
    real = Living.bound
    monkeypatch.setattr(Living, "bound", lambda one, reach: bounds.append(real(one, reach)) or bounds[-1])
    result = solve(QUESTIONS["quadratic"])

    assert bounds[0] < 0.0  # the least variance is above 0
    assert result.status == "optimal"
    check("quadratic", result)


def test_a_living_solver_that_lies_is_found_out_when_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    damage_direct_answers(monkeypatch, change(worse), None)
    result = solve(QUESTIONS["quadratic"])

    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(truth("quadratic").objective_value, rel=1e-6)


def test_an_infeasible_question_stays_infeasible_whatever_the_first_solver_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = ask("minimize", Variance(), (WeightBounds(upper=0.15),))
    spoil(monkeypatch, change(lambda _: np.full(5, 0.2)), "PIQP")

    assert solve(question).status == "infeasible"
