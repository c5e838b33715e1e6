"""Counts and trades on random factor models, against every choice tried in turn."""

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
from assetmix.optimization.master import Master
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.perspective import perspective
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import resolve
from assetmix.optimization.size import gap_reference
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.statement import Statement
from assetmix.optimization.strategy import Objective, Term
from tests.makers import make_question, make_snapshot, make_strategy, stock_ids
from tests.reference.enumeration import ABSENT, ends, kept, least

COUNT = 6
SAME = 1e-7
"""Relative distance of two optima, and by which a bound may lie above one."""


def problem_of(seed: int, limit: Constraint, gap: float = 0.0) -> tuple[Problem, np.ndarray]:
    """Least variance of six stocks under a factor model, and the covariance."""
    random = np.random.default_rng(seed)
    snapshot = make_snapshot(COUNT, seed=seed % 1000)
    exposures, own = random.normal(0.0, 1.0, (COUNT, 2)), random.uniform(0.01, 0.3, COUNT)
    spread = np.diag(random.uniform(0.01, 0.1, 2))
    model = GivenModel(
        universe=Universe(stock_ids(snapshot)),
        exposures=exposures,
        factor_covariance=spread,
        specific_variance=own,
    )
    objective = Objective(sense="minimize", terms=(Term(measure=Variance()),))
    strategy = make_strategy(
        objective=objective, constraints=(limit,), risk_model=NamedRisk(name="drawn"), benchmark={}
    )
    question = make_question(strategy, snapshot, gap=gap)
    cash = {"$USD": 1000.0, **dict.fromkeys(stock_ids(snapshot)[:3], 10.0)}
    question = replace(question, model=model, model_key=str(seed), portfolio=replace(question.portfolio, holdings=cash))
    return resolve(question, Memory(4)), exposures @ spread @ exposures.T + np.diag(own)


def check(problem: Problem, optimum: float) -> None:
    """The answer is the optimum, and what is proven is never above it."""
    found = solve(problem, Memory(8), lambda: 20.0)
    assert isinstance(found, Solution)
    assert found.objective_value is not None
    assert found.proven_gap is not None
    assert found.objective_value >= optimum * (1.0 - SAME)
    proven = found.objective_value - found.proven_gap * gap_reference(problem, found.objective_value)
    assert proven <= optimum * (1.0 + SAME)
    assert found.objective_value == pytest.approx(optimum, rel=1e-5)
    relaxed = Statement(problem, goal=perspective)
    bound = relaxed.attempt(relaxed.order[0]).bound
    assert bound is not None
    assert bound <= optimum * (1.0 + SAME)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 4))
def test_the_best_of_few_holdings(seed: int, most: int) -> None:
    problem, covariance = problem_of(seed, MaxHoldings(count=most))
    choices = [(ABSENT, *ends(0.0, 1.0))] * COUNT
    optimum, _ = least(covariance, np.zeros(COUNT), choices, lambda held, _: held.sum(axis=1) <= most)

    check(problem, optimum)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(2, 4))
def test_the_best_of_few_trades(seed: int, most: int) -> None:
    problem, covariance = problem_of(seed, MaxTrades(count=most))
    choices = [(kept(float(weight)), *ends(0.0, 1.0)) for weight in problem.current_weights]
    optimum, _ = least(covariance, np.zeros(COUNT), choices, lambda _, traded: traded.sum(axis=1) <= most)

    check(problem, optimum)


@pytest.mark.parametrize("limit", [MaxHoldings(count=2), MaxTrades(count=2)], ids=["held", "traded"])
def test_a_relaxation_in_linear_rows_takes_the_next_account_as_its_own(limit: Constraint) -> None:
    """Its bound for the second account is that of one that knows no other: holdings shift the squares of trades."""
    first, _ = problem_of(21, limit)
    second = replace(first, quantities=first.quantities[::-1].copy())
    shared = Master(first)
    shared.begin(second)
    alone = Master(second)
    alone.begin(second)
    points = np.random.default_rng(0).dirichlet(np.ones(COUNT), 12)
    bounds = []
    for master in (shared, alone):
        for point in points:
            master.cut(point)
        bounds.append(master.solve(20.0, 0.0).bound)

    assert bounds[0] == pytest.approx(bounds[1], rel=1e-6)
    assert bounds[0] > 0.0


@pytest.mark.parametrize("limit", [MaxHoldings(count=2), MaxTrades(count=2)], ids=["held", "traded"])
def test_the_relaxation_says_more_than_one_without_perspectives(limit: Constraint) -> None:
    """Of the squares as they are, the least value is that without any count, if trades can be in part."""
    problem, _ = problem_of(11, limit)
    plain, tight = (
        one.attempt(one.order[0]).bound for one in (Statement(problem), Statement(problem, goal=perspective))
    )
    assert plain is not None
    assert tight is not None
    assert tight > plain * 1.05


def test_a_search_without_time_says_so_and_leaves_the_programs_sound() -> None:
    """The same memory answers afterwards as one of its own does."""
    problem, _ = problem_of(5, MaxHoldings(count=2))
    memory = Memory(8)
    nothing = solve(problem, memory, lambda: 0.0)
    after, alone = solve(problem, memory, lambda: 20.0), solve(problem, Memory(8), lambda: 20.0)

    assert nothing.status in {"timed_out", "feasible"}  # a first choice may have been found by then
    assert isinstance(after, Solution)
    assert isinstance(alone, Solution)
    assert after.objective_value == pytest.approx(alone.objective_value, rel=SAME)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), what=st.sampled_from([MaxHoldings(count=2), MaxTrades(count=3)]))
def test_the_next_account_is_answered_as_if_it_were_the_first(seed: int, what: Constraint) -> None:
    """One memory serves accounts of a structure one after the other; what is proven holds for each."""
    first, _ = problem_of(seed, what)
    second = replace(first, quantities=np.roll(first.quantities, 2))
    memory = Memory(8)
    solve(first, memory, lambda: 20.0)
    shared, alone = solve(second, memory, lambda: 20.0), solve(second, Memory(8), lambda: 20.0)

    assert isinstance(shared, Solution)
    assert isinstance(alone, Solution)
    assert shared.objective_value == pytest.approx(alone.objective_value, rel=1e-5)
    assert shared.objective_value is not None
    assert shared.proven_gap is not None
    proven = shared.objective_value - shared.proven_gap * gap_reference(second, shared.objective_value)
    assert alone.objective_value is not None
    assert proven <= alone.objective_value * (1.0 + SAME)
