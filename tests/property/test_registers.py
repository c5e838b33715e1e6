"""What must hold for every measure and constraint that is registered, whoever adds one."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.codec.documents import STRATEGY
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import Measure, Role
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.strategy import Objective, Term, Trading
from assetmix.optimization.verify import outcome_of
from tests.makers import make_problem, make_question, make_snapshot, make_strategy, solve
from tests.property.kinds import CONSTRAINTS, MEASURES, MISSING
from tests.tolerances import KEPT, SOLVED, TWIN

EXACT_TRADES = Trading(lots=False)
SNAPSHOT = make_snapshot()
PROVEN = 1e-7
"""Gap at which a mixed-integer answer counts as optimal too."""
SHORT = {"market_neutral"}

each_measure = pytest.mark.parametrize("one", MEASURES, ids=lambda one: one.key)
STATED = [one for one in MEASURES if one.roles and one.fraction() is None]
each_stated = pytest.mark.parametrize("one", STATED, ids=lambda one: one.key)
each_constraint = pytest.mark.parametrize("one", CONSTRAINTS, ids=lambda one: f"{one.kind}-{CONSTRAINTS.index(one)}")


def weights_of(count: int) -> st.SearchStrategy[np.ndarray]:
    weight = st.floats(-0.2, 1.0).map(lambda part: round(part, 4))  # finer ones are noise to a tangent at a kink
    parts = st.lists(weight, min_size=count, max_size=count)
    return parts.map(np.array)


def test_every_constraint_has_an_example() -> None:
    assert set() == MISSING


UNITS = (1.0, 1e-2, 20.0)
"""Units are of the size of what they measure, a few percent: far smaller ones are beyond exponential cones."""


@each_stated
@given(weights=weights_of(5), unit=st.sampled_from(UNITS))
@settings(max_examples=15, deadline=None)
def test_expression_and_numeric_twin_agree(one: Measure, weights: np.ndarray, unit: float) -> None:
    import cvxpy as cp  # noqa: PLC0415 - only this test evaluates expressions

    problem = make_problem(make_strategy(), SNAPSHOT)
    decision = Decision(problem)
    expression = one.expression(problem, decision, unit)

    fixed = cp.Problem(cp.Minimize(expression), [decision.weights == weights, *decision.linking])
    with warnings.catch_warnings():
        # near 1e-10 the solver may call its answer inaccurate; how accurate it is, is what is asserted
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        fixed.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10)

    assert fixed.value * unit == pytest.approx(float(one.value(problem, weights)), rel=TWIN, abs=TWIN * max(1.0, unit))


@each_stated
@given(here=weights_of(5), there=weights_of(5))
@settings(max_examples=25, deadline=None)
def test_tangents_touch_and_lie_nowhere_above(one: Measure, here: np.ndarray, there: np.ndarray) -> None:
    problem = make_problem(make_strategy(), SNAPSHOT)

    tangent = one.tangent(problem, here, None)

    value_here, value_there = (float(one.value(problem, weights)) for weights in (here, there))
    assert tangent.height == pytest.approx(value_here, rel=1e-9, abs=1e-12)
    assert tangent.height + tangent.slope @ (there - here) <= value_there + 1e-12


@each_measure
@given(weights=st.lists(weights_of(5), min_size=2, max_size=4))
@settings(max_examples=10, deadline=None)
def test_values_of_many_portfolios_are_those_of_each(one: Measure, weights: list[np.ndarray]) -> None:
    problem = make_problem(make_strategy(), SNAPSHOT)

    together = one.value(problem, np.array(weights))

    assert together == pytest.approx([float(one.value(problem, each)) for each in weights], rel=1e-12, abs=1e-15)


@each_measure
def test_a_measure_declares_only_roles_that_solve(one: Measure) -> None:
    for role, sense in ((Role.MINIMIZED, "minimize"), (Role.MAXIMIZED, "maximize")):
        if role in one.roles:
            objective = Objective(sense=sense, terms=(Term(measure=one),))  # type: ignore[arg-type]
            result = solve(make_question(make_strategy(objective=objective, trading=EXACT_TRADES), SNAPSHOT))
            assert result.status == "optimal", role


@each_constraint
@given(weights=weights_of(5))
@settings(max_examples=10, deadline=None)
def test_rows_limits_and_breaches_speak_of_the_same_rows(one: Constraint, weights: np.ndarray) -> None:
    problem = make_problem(make_strategy(constraints=(one,)), SNAPSHOT)
    decision = Decision(problem)

    stated = list(one.limits(problem, decision))
    breaches = one.breach(problem, outcome_of(problem, weights))

    sizes = [max(1, int(np.prod(np.shape(limit.left)))) for limit in stated]
    assert len(one.rows(problem)) == sum(sizes) == len(breaches)
    assert (breaches >= 0).all()


@each_constraint
def test_solved_portfolios_keep_the_constraint(one: Constraint) -> None:
    strategy = make_strategy(Variance(), constraints=(one,), trading=EXACT_TRADES, shorting=one.kind in SHORT)
    question = make_question(strategy, SNAPSHOT, gap=PROVEN)

    result = solve(question)

    assert result.status == "optimal"
    problem = make_problem(question.strategy, SNAPSHOT)
    weights = problem.universe.vector(result.weights)
    assert one.breach(problem, outcome_of(problem, weights)).max(initial=0.0) <= KEPT


@each_constraint
def test_a_constraint_never_improves_the_objective(one: Constraint) -> None:
    free = make_strategy(trading=EXACT_TRADES, constraints=tuple(_cash(one)))
    bound = replace(free, constraints=(*free.constraints, one))

    without, with_it = (solve(make_question(strategy, SNAPSHOT, gap=PROVEN)) for strategy in (free, bound))

    assert with_it.objective_value >= without.objective_value * (1 - SOLVED) - 1e-12


@each_constraint
def test_soft_with_a_huge_penalty_is_hard(one: Constraint) -> None:
    hard = make_strategy(Variance(), constraints=(one,), trading=EXACT_TRADES)
    soft = replace(hard, constraints=(replace(one, penalty=1.0),))

    first, second = (solve(make_question(strategy, SNAPSHOT, gap=PROVEN)) for strategy in (hard, soft))

    assert second.objective_value == pytest.approx(first.objective_value, rel=1e-4)


@each_constraint
def test_strategies_survive_json(one: Constraint) -> None:
    strategy = make_strategy(constraints=(one, replace(one, name="again", penalty=2.0)))

    assert STRATEGY.read_value(STRATEGY.write(strategy)) == strategy


@each_measure
def test_measures_survive_json(one: Measure) -> None:
    strategy = make_strategy(one, report=(one,))

    assert STRATEGY.read_value(STRATEGY.write(strategy)) == strategy


def _cash(one: Constraint) -> list[Constraint]:
    """A cash band of its own replaces full investment, so it is compared with a free one."""
    from assetmix.optimization.constraints.cash import Cash  # noqa: PLC0415

    return [Cash(lower_fraction=0.0)] if isinstance(one, Cash) else []
