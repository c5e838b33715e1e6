"""Programs that grow by the items of a tail, against the plain form that states all of them.

The plain form is cvxpy's own linear program of every scenario or every row of the path.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measure import Measure
from assetmix.optimization.measures.cdar import ConditionalDrawdownAtRisk
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.cvar_mixture import ConditionalValueAtRiskMixture
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.max_drawdown import MaxDrawdown
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex, tails
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.cut_engine import CutEngine
from assetmix.optimization.resolve import resolve
from assetmix.optimization.scope import Group
from assetmix.optimization.solution import NoSolution, Solution
from assetmix.optimization.strategy import Objective, Term, Trading
from assetmix.optimization.verify import max_residual, outcome_of
from tests.makers import SECTORS, make_question, make_snapshot, make_strategy, stock_ids

SAME = 1e-7
"""Relative distance of the objectives of two formulations of one problem."""
WITHIN = 1e-6
BALANCED = 1e-4
"""Where exact costs have to be found by turns, both forms end near the optimum, not at one point."""
TAILS: tuple[Measure, ...] = (
    ConditionalValueAtRisk(),
    ConditionalValueAtRisk(level=0.8),
    ConditionalValueAtRiskMixture(levels=(0.6, 0.95), weights=(0.5, 2.0)),
    ConditionalDrawdownAtRisk(level=0.9),
    MaxDrawdown(),
)
COUNT = 6


@pytest.fixture(autouse=True)
def _however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "FEWEST", 1)


def problem_of(
    seed: int, objective: Objective, constraints: tuple[Constraint, ...] = (), trading: Trading | None = None
) -> Problem:
    """Six stocks with 60 to 300 scenarios of different probabilities."""
    random = np.random.default_rng(seed)
    snapshot = make_snapshot(COUNT, seed=seed % 1000)
    count = int(random.integers(60, 300))
    market = random.standard_t(4, count) * 0.01
    scenarios = np.outer(market, random.uniform(0.3, 1.5, COUNT)) + random.standard_t(4, (count, COUNT)) * 0.01
    chances = random.uniform(0.2, 1.0, count)
    model = GivenModel(
        universe=Universe(stock_ids(snapshot)), scenarios=scenarios, probabilities=chances / chances.sum()
    )
    fields = {} if trading is None else {"trading": trading}
    strategy = make_strategy(
        objective=objective, constraints=constraints, risk_model=NamedRisk(name="drawn"), benchmark={}, **fields
    )
    question = replace(make_question(strategy, snapshot), model=model, model_key=str(seed))
    return resolve(question, Memory(4))


def least(one: Measure, *others: Term) -> Objective:
    return Objective(sense="minimize", terms=(Term(measure=one), *others))


def both(problem: Problem) -> tuple[Solution, Solution]:
    """The answer by growing, and that of the plain form."""
    assert tails.accepts(problem)
    memory = Memory(8)
    mine, plain = (one.run(problem, memory, lambda: 60.0) for one in (tails, convex))
    assert ("tails", "overpaying", problem.structure) in memory
    assert isinstance(mine, Solution), mine
    assert isinstance(plain, Solution), plain
    return mine, plain


def agree(problem: Problem, mine: Solution, plain: Solution) -> None:
    assert mine.status == "optimal"
    assert mine.proven_gap is not None
    assert mine.proven_gap <= 1e-6
    assert mine.objective_value == pytest.approx(plain.objective_value, rel=SAME, abs=1e-9)
    assert max_residual(problem, outcome_of(problem, mine.weights)) <= WITHIN


@pytest.mark.parametrize("one", TAILS, ids=lambda one: one.kind)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_least_tail_is_that_of_the_plain_form(one: Measure, seed: int) -> None:
    problem = problem_of(seed, least(one))

    agree(problem, *both(problem))


@pytest.mark.parametrize("one", TAILS, ids=lambda one: one.kind)
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 0.6), st.floats(0.3, 1.0), st.sampled_from([0.0, 2e-3]))
def test_limits_costs_and_returns_beside_a_tail(
    one: Measure, seed: int, cap: float, turned: float, cost: float
) -> None:
    """Sector and weight caps, a cap of turnover, costs in proportion, and returns in the objective."""
    limits = (
        WeightBounds(upper=cap),
        TurnoverLimit(upper=1.0 + turned),
        GroupWeight(scope=Group(grouping="sectors", name=SECTORS[0]), upper=0.6),
    )
    wanted = Term(measure=ExpectedReturn(), weight=-0.5)
    problem = problem_of(seed, least(one, wanted), limits, Trading(cost_fraction=cost))
    mine, plain = both(problem)

    if plain.status == "optimal":
        agree(problem, mine, plain)
    else:  # money is better burnt than invested, which costs may not be used for
        assert mine.objective_value == pytest.approx(plain.objective_value, rel=BALANCED)
        assert mine.proven_gap is not None
        assert plain.proven_gap is not None
        assert mine.proven_gap <= plain.proven_gap + BALANCED


@pytest.mark.parametrize("one", TAILS, ids=lambda one: one.kind)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.9))
def test_a_cap_of_a_tail_is_kept_and_used(one: Measure, seed: int, share: float) -> None:
    """The most return under a cap between the least tail and that of equal weights."""
    floor = both(problem_of(seed, least(one)))[0].objective_value
    equal = float(one.value(problem_of(seed, least(one)), np.full(COUNT, 1.0 / COUNT)))
    assert floor is not None
    assume(equal > floor * (1.0 + 1e-3))
    most = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    problem = problem_of(seed, most, (MeasureLimit(measure=one, upper=floor + share * (equal - floor)),))
    mine, plain = both(problem)

    agree(problem, mine, plain)


def test_a_cap_below_the_least_tail_cannot_be_kept() -> None:
    one = MaxDrawdown()
    floor = both(problem_of(3, least(one)))[0].objective_value
    assert floor is not None
    most = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    problem = problem_of(3, most, (MeasureLimit(measure=one, upper=0.9 * floor),))
    found = tails.run(problem, Memory(8), lambda: 60.0)

    assert isinstance(found, NoSolution)
    assert found.status == "infeasible"
    assert "max_drawdown" in found.sentence


def test_one_program_serves_accounts_one_after_the_other() -> None:
    """The second account's answer is the one that a program of its own gives, to the last bit."""
    objective = least(ConditionalValueAtRisk(), Term(measure=ExpectedReturn(), weight=-0.1))
    first = problem_of(5, objective, (TurnoverLimit(upper=1.2),))
    second = replace(first, quantities=first.quantities[::-1].copy())
    memory = Memory(8)
    tails.run(first, memory, lambda: 60.0)
    again = tails.run(second, memory, lambda: 60.0)
    alone = tails.run(second, Memory(8), lambda: 60.0)

    assert isinstance(again, Solution)
    assert isinstance(alone, Solution)
    np.testing.assert_array_equal(again.weights, alone.weights)


def test_when_the_time_is_over_or_the_solver_dies_the_plain_form_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(7, least(ConditionalValueAtRisk()))
    plain = convex.run(problem, Memory(8), lambda: 60.0)
    memory = Memory(8)
    assert tails.run(problem, memory, lambda: 0.0).status == "timed_out"

    def died(*_: object) -> None:
        raise RuntimeError("the solver has gone")

    with monkeypatch.context() as broken:
        broken.setattr(CutEngine, "run", died)
        through = tails.run(problem, memory, lambda: 60.0)
    after = tails.run(problem, memory, lambda: 60.0)

    assert isinstance(plain, Solution)
    for found in (through, after):
        assert isinstance(found, Solution)
        assert found.objective_value == pytest.approx(plain.objective_value, rel=SAME)
