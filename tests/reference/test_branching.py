"""Branch and bound over perspectives, against every choice tried in turn; and what the box settles, by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.constraints.max_trades import MaxTrades
from assetmix.optimization.constraints.position_band import PositionBand
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods.branching import Tree, undivided
from assetmix.optimization.methods.choices import settled
from assetmix.optimization.perspective import perspective
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs import living
from assetmix.optimization.resolve import resolve
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.strategy import Objective, Term, Trading
from assetmix.optimization.verify import objective_value
from tests.makers import make_portfolio, make_problem, make_question, make_snapshot, make_strategy, stock_ids
from tests.reference.enumeration import ABSENT, Choice, ends, kept, least
from tests.reference.test_perspective import COUNT, SAME, problem_of

Allowed = Callable[[np.ndarray, np.ndarray], np.ndarray]
COST = 0.004


def rooted(problem: Problem) -> tuple[Tree, Attempt]:
    """A tree that has only its root, and the root's answer."""
    costs = "exact" if problem.trading.is_free else "overpaying"
    statement = Statement(problem, goal=perspective, integers="bounded", costs=costs)
    statement.decision.bound(undivided(statement, problem))
    root = statement.attempt(statement.order[0])
    return Tree(statement, problem, root), root


def grown(problem: Problem, optimum: float) -> list[Attempt]:
    """Everything that a tree gives until it is done; its bound never falls, and is never above the optimum."""
    (tree, root), before = rooted(problem), -np.inf
    seen = [root]
    while tree.is_open:
        assert before - 1e-9 * abs(optimum) <= tree.bound <= optimum * (1.0 + SAME)
        before = tree.bound
        seen += tree.grow(optimum * (1.0 + SAME))
    assert tree.bound == np.inf or tree.bound == pytest.approx(optimum, rel=1e-5)
    return seen


def traded_at_a_cost(current: float) -> tuple[Choice, ...]:
    """No trade, or a buy or a sell at a cost in proportion."""
    sells = ends(0.0, current, -COST, COST * current) if current > 0 else ()
    return (kept(current), *ends(current, 1.0, COST, -COST * current), *sells)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 4))
def test_a_tree_of_holdings_ends_at_the_optimum(seed: int, most: int) -> None:
    problem, covariance = problem_of(seed, MaxHoldings(count=most))
    choices = [(ABSENT, *ends(0.0, 1.0))] * COUNT
    optimum, _ = least(covariance, np.zeros(COUNT), choices, lambda held, _: held.sum(axis=1) <= most)
    decided = [
        one
        for one in grown(problem, optimum)
        if np.isclose(one.indicators["long"] % 1.0, [[0.0], [1.0]], atol=1e-5).any(axis=0).all()
    ]

    best = min(float(objective_value(problem, one.weights)) for one in decided)
    assert best == pytest.approx(optimum, rel=1e-5)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(2, 4))
def test_a_tree_of_trades_ends_at_the_optimum(seed: int, most: int) -> None:
    problem, covariance = problem_of(seed, MaxTrades(count=most))
    choices = [(kept(float(weight)), *ends(0.0, 1.0)) for weight in problem.current_weights]
    optimum, _ = least(covariance, np.zeros(COUNT), choices, lambda _, traded: traded.sum(axis=1) <= most)

    grown(problem, optimum)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), limit=st.sampled_from([MaxHoldings(count=2), MaxTrades(count=3)]))
def test_what_is_proven_with_costs_is_never_above_the_optimum(seed: int, limit: Constraint) -> None:
    """Costs may be overpaid in the nodes: their bounds are lower ones all the same."""
    free, covariance = problem_of(seed, limit)
    strategy = replace(free.strategy, trading=Trading(cost_fraction=COST))
    problem = replace(free, strategy=strategy, shared={})
    assert not problem.trading.is_free
    choices = [traded_at_a_cost(float(weight)) for weight in problem.current_weights]
    choices = [
        (ABSENT if weight == 0 else Choice(0.0, 0.0, -COST, COST * weight, held=0), *one)
        for weight, one in zip(problem.current_weights.tolist(), choices, strict=True)
    ]
    counted: Allowed = (
        (lambda held, _: held.sum(axis=1) <= limit.count)
        if isinstance(limit, MaxHoldings)
        else (lambda _, traded: traded.sum(axis=1) <= limit.count)
    )
    optimum, _ = least(covariance, np.zeros(COUNT), choices, counted)
    tree, _ = rooted(problem)
    for _ in range(200):
        assert min(tree.bound, optimum) <= optimum * (1.0 + SAME)
        if not tree.is_open:
            break
        tree.grow(optimum)
    assert tree.bound >= optimum * (1.0 - 1e-5) or not tree.is_open


def test_ten_of_forty_names_are_proven_to_a_tenth_of_a_percent() -> None:
    """What the relaxation alone proves is percents; the time is no part of the test."""
    random, count = np.random.default_rng(4), 40
    snapshot = make_snapshot(count, seed=4)
    names = stock_ids(snapshot)
    model = GivenModel(
        universe=Universe(names),
        exposures=random.normal(0.0, 1.0, (count, 4)),
        factor_covariance=np.diag(random.uniform(0.001, 0.02, 4)),
        specific_variance=random.uniform(0.02, 0.1, count),
    )
    benchmark = random.dirichlet(np.ones(count)).tolist()
    strategy = make_strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=TrackingErrorSquared()),)),
        constraints=(MaxHoldings(count=10),),
        risk_model=NamedRisk(name="drawn"),
        benchmark=dict(zip(names, benchmark, strict=True)),
    )
    question = replace(make_question(strategy, snapshot, gap=1e-3), model=model, model_key="drawn")
    problem = resolve(question, Memory(4))
    found = solve(problem, Memory(8), lambda: 120.0)

    assert isinstance(found, Solution)
    assert (found.weights > 1e-6).sum() <= 10
    assert found.objective_value is not None
    assert found.proven_gap is not None
    assert found.proven_gap <= 1e-3
    assert rooted(problem)[0].bound < found.objective_value * (1.0 - 1e-2)  # the root alone does not prove as much


def above_its_cap(excess: float, room: float) -> Problem:
    """Four stocks: the first lies above the cap by a part of the smallest order, the second has a part of one left."""
    snapshot = make_snapshot(count=4)
    portfolio = make_portfolio(snapshot, 1000.0)
    smallest, value = 0.01, 100_000.0
    held = {"$USD": value * (1.0 - (0.4 + excess * smallest) - (0.4 - room * smallest))}
    prices = snapshot.prices
    first, second = snapshot.universe.ids[:2]
    held[first] = value * (0.4 + excess * smallest) / prices[first]
    held[second] = value * (0.4 - room * smallest) / prices[second]
    trading = Trading(min_order_amount=smallest * value, lots=False)
    strategy = make_strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=TrackingErrorSquared()),)),
        constraints=(WeightBounds(upper=0.4),),
        trading=trading,
    )
    return make_problem(strategy, snapshot, replace(portfolio, holdings=held))


def test_what_lies_above_its_cap_is_sold_by_the_smallest_order_at_least() -> None:
    problem = above_its_cap(excess=0.1, room=0.5)
    known = settled(problem)

    assert [known["sold"][0][0], known["sold"][1][0]] == [1.0, 1.0]  # has to be sold
    assert [known["bought"][1][0], known["bought"][1][1]] == [0.0, 0.0]  # no room for an order
    assert [known["bought"][0][2], known["bought"][1][2]] == [0.0, 1.0]  # may be bought, or not
    found = solve(problem, Memory(8), lambda: 30.0)
    assert isinstance(found, Solution)
    trades = (found.weights - problem.current_weights) * problem.value
    assert trades[0] <= -1000.0 + 1e-3
    assert trades[1] <= 1e-3


def test_nothing_is_proven_where_too_little_to_count_is_held() -> None:
    """Five cents of a million: leaving them alone keeps every limit as it is checked, but no program allows that."""
    snapshot = make_snapshot(count=4)
    first, second, third = snapshot.universe.ids[:3]
    value, prices = 1e6, snapshot.prices
    held = {"$USD": 0.2 * value - 0.05, first: 0.4 * value / prices[first], second: 0.4 * value / prices[second]}
    strategy = make_strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=TrackingErrorSquared()),)),
        constraints=(PositionBand(lower_fraction=0.3), MaxHoldings(count=3)),
        trading=Trading(min_order_amount=100.0, lots=False),
    )
    gaps = []
    for dust in (0.0, 0.05):
        holdings = held if dust == 0.0 else held | {third: dust / prices[third]}
        problem = make_problem(strategy, snapshot, replace(make_portfolio(snapshot, 1000.0), holdings=holdings))
        found = solve(problem, Memory(8), lambda: 30.0)
        assert isinstance(found, Solution)
        gaps.append(found.proven_gap)

    assert gaps[0] is not None
    assert gaps[1] is None


def test_a_node_that_no_solver_answers_keeps_what_is_proven_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that breaks in the middle of a tree proves nothing: the bound stays that of the node above."""
    problem, _ = problem_of(7, MaxHoldings(count=2))
    tree, _ = rooted(problem)
    root = tree.bound
    monkeypatch.setattr(living.Living, "solve", lambda *_: "failed")
    assert tree.grow(np.inf) == []
    assert not tree.is_open
    assert tree.bound == root


def test_what_cannot_be_is_told_though_no_solver_says_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next to the edge solvers run out of iterations; four weights of at most 0.2 cannot add up to 1."""
    snapshot = make_snapshot(count=4)
    problem = make_problem(make_strategy(constraints=(WeightBounds(upper=0.2),)), snapshot)
    real = living.Living.solve
    monkeypatch.setattr(
        living.Living,
        "solve",
        lambda self, solver, *more: "timed_out" if solver.name in {"PIQP", "CLARABEL"} else real(self, solver, *more),
    )

    assert solve(problem, Memory(8), lambda: 30.0).status == "infeasible"
