"""Whole lots: exact cash, limits kept, orders large enough, never worse than rounding down.

Expected values come from plain arithmetic on the finished trades, and from looking at every exchange.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.optimization.constraints.attribute_average import AttributeAverage
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.lots.breach_sum import BreachSum
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.form import Form, form_of
from assetmix.optimization.lots.ledger import Ledger, cash_after, stepped
from assetmix.optimization.lots.levels import Levels, levels
from assetmix.optimization.lots.merit import Asked, Quadratic
from assetmix.optimization.lots.moves import Pairs
from assetmix.optimization.lots.room import Room
from assetmix.optimization.lots.standing import Standing
from assetmix.optimization.lots.walk import Walk
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.measures.volatility import Volatility
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.rounding import rounded_trades
from assetmix.optimization.scope import Group
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.strategy import Objective, Term, Trading
from assetmix.optimization.tolerances import RESIDUAL
from tests.makers import SECTORS, make_portfolio, make_problem, make_snapshot, make_strategy

CENT = 0.01
SMALLEST = 400.0
LIMITS = (
    WeightBounds(upper=0.4),
    GroupWeight(scope=Group(grouping="sectors", name=SECTORS[0]), lower=0.1, upper=0.6),
    TurnoverLimit(upper=1.2),
)
OF_EVERY_SORT = (
    *LIMITS,
    GroupWeight(scope=Group(grouping="sectors", name=SECTORS[1]), within="all", lower=0.1, upper=0.4),
    AttributeAverage(attribute="score", upper=2.4),
    Cash(lower_fraction=0.01, upper_fraction=0.05),
    MeasureLimit(measure=Volatility(), upper=0.01),
)
"""Planes, a cap of turnover, ratios, bands of cash, and a curve that has to be asked."""
TRADINGS = {
    "free": Trading(),
    "at a cost": Trading(cost_fraction=0.002),
    "with a smallest order": Trading(min_order_amount=SMALLEST),
}


def account(seed: int, trading: Trading, count: int | None = None, limits: tuple[Any, ...] = LIMITS) -> Problem:
    """A problem of some stocks in whole shares, in an account of its own."""
    random = np.random.default_rng(seed)
    size = int(random.integers(4, 40)) if count is None else count
    snapshot = make_snapshot(count=size, seed=seed)
    strategy = make_strategy(constraints=limits, trading=trading)
    return make_problem(
        strategy, snapshot, make_portfolio(snapshot, float(random.uniform(2e3, 2e5)), random.integers(20))
    )


@pytest.mark.parametrize("kind", TRADINGS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_lots_are_exact_and_no_worse_than_rounding_down(kind: str, seed: int) -> None:
    problem = account(seed, TRADINGS[kind])
    found = solve(problem, Memory(8), lambda: 20.0)
    if not isinstance(found, Solution):
        return
    units = rounded_trades(problem, found.weights, found.cash)
    ledger, between = Ledger(problem, found.cash), levels(problem, found.weights)

    assert np.array_equal(units, np.round(units))
    amounts = np.abs(units) * problem.prices
    spent = float(units @ problem.prices) + problem.trading.cost_fraction * float(amounts.sum())
    assert float(cash_after(problem, units)) == pytest.approx(problem.cash - spent, abs=CENT)
    assert problem.cash - spent >= -CENT
    assert (problem.quantities + units >= 0).all()
    assert (amounts[units != 0] >= problem.trading.min_order_amount).all()
    exits = (found.weights <= 1e-9) & (problem.quantities > 0) & (amounts > 0)
    assert np.array_equal((problem.quantities + units)[exits], np.zeros(int(exits.sum())))
    _no_worse(ledger, units, between.low)


def _no_worse(ledger: Ledger, units: np.ndarray, down: np.ndarray) -> None:
    """Limits no further away and the objective no larger than rounding down has them, where it is affordable."""
    if float(cash_after(ledger.problem, down)) < ledger.floor:
        return
    assert ledger.breaches(units).sum() <= max(ledger.breaches(down).sum(), 10 * RESIDUAL)
    if (ledger.breaches(down) > RESIDUAL).any():
        return  # what keeps the limits may well cost some of the objective
    form = form_of(ledger.problem)
    assert form is not None
    mine, theirs = form.value(ledger.weights(units)), form.value(ledger.weights(down))
    assert mine <= theirs * (1 + 1e-9) + 1e-15


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_steps_are_judged_like_whole_portfolios(seed: int) -> None:
    random = np.random.default_rng(seed)
    problem = account(seed, TRADINGS["at a cost"], limits=OF_EVERY_SORT)
    ledger, target = Ledger(problem, 0.0), random.dirichlet(np.ones(len(problem.universe)))
    units = np.round(levels(problem, target).low)
    places = random.permutation(len(units))[: len(units) // 2]
    changes = random.integers(-3, 4, len(places)).astype(float)
    tried = np.vstack([units, stepped(units, places, changes)])
    form = form_of(problem)
    assert form is not None

    expected = Asked(ledger, target).of(tried)
    now, merits = Quadratic(ledger, target, form).steps(units, places, changes)
    assert np.append(now, merits) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert Quadratic(ledger, target, form).of(tried) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    cash = cash_after(problem, tried)
    assert ledger.cash_changes(units, places, changes) == pytest.approx(cash[1:] - cash[0], abs=1e-6)
    standing, single = Standing(ledger, units), Changes.single(places, changes)
    assert standing.cash_after(single) == pytest.approx(cash[1:], abs=1e-6)
    broken = ledger.breaches(tried)
    assert BreachSum(ledger, standing, single).after(standing.cash_after(single)) == pytest.approx(
        broken[1:].sum(axis=-1), abs=1e-12
    )
    assert np.array_equal(_keeps(standing, single), _kept(broken))


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_steps_one_after_the_other_are_judged_like_whole_portfolios(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    problem = account(seed, TRADINGS["at a cost"])
    ledger, target = Ledger(problem, 0.0), random.dirichlet(np.ones(len(problem.universe)))
    units = np.round(levels(problem, target).low)
    places = random.permutation(len(units))[: len(units) // 2 + 1]
    changes = random.integers(-3, 4, len(places)).astype(float)
    form = form_of(problem)
    assert form is not None
    if kind == "sparse":
        form = Form(sp.csr_matrix(form.rows), form.offset, form.slope)

    asked, trail = Asked(ledger, target), Quadratic(ledger, target, form).trail(units, places, changes)
    also = asked.trail(units, places, changes)
    for made in range(len(places)):
        now, merits = trail.merits()
        expected = asked.steps(units, places[made:], changes[made:])
        assert np.append(now, merits[made:]) == pytest.approx(np.append(*expected), rel=1e-9, abs=1e-15)
        assert also.merits()[1][made:] == pytest.approx(expected[1], rel=1e-12)
        units[places[made]] += changes[made]
        trail.make(made)
        also.make(made)


def _keeps(standing: Standing, changes: Changes) -> np.ndarray:
    """Which changes break no limit more, those included that are asked one by one."""
    fits = Room(standing, changes).fits(slice(None), standing.cash_after(changes))
    return np.array([fit and standing.first_kept(changes.some(np.array([i]))) == 0 for i, fit in enumerate(fits)])


def _kept(broken: np.ndarray) -> np.ndarray:
    """Which rows break no limit more than the first does."""
    return np.asarray((broken[1:] <= np.maximum(broken[0], RESIDUAL) + 1e-12).all(axis=-1))


@pytest.mark.parametrize("kind", TRADINGS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_exchanges_are_judged_like_whole_portfolios(kind: str, seed: int) -> None:
    """One instrument for another, against the whole portfolio that it leads to, limit by limit."""
    random = np.random.default_rng(seed)
    problem = account(seed, TRADINGS[kind], limits=OF_EVERY_SORT)
    ledger, target = Ledger(problem, 0.0), random.dirichlet(np.ones(len(problem.universe)))
    units = np.round(levels(problem, target).low)
    count = len(units)
    first, second = random.integers(0, count, 30), random.integers(0, count - 1, 30)
    second = np.where(second >= first, second + 1, second)
    changes = Changes(np.vstack([first, second]), random.integers(-3, 4, (2, 30)).astype(float))
    tried = np.vstack([units, changes.applied(units)])
    standing = Standing(ledger, units)

    assert standing.cash_after(changes) == pytest.approx(cash_after(problem, tried[1:]), abs=1e-6)
    assert np.array_equal(_keeps(standing, changes), _kept(ledger.breaches(tried)))
    amounts, held = np.abs(tried[1:]) * problem.prices, problem.quantities + tried[1:]
    small = (tried[1:] != 0) & (amounts < problem.trading.min_order_amount)
    touched = changes.applied(np.zeros(count)) != 0
    wrong = touched & (small | (held < np.minimum(problem.quantities, 0.0)))
    assert np.array_equal(standing.is_orderly(changes), ~wrong.any(axis=-1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 6))
def test_the_best_pair_is_the_best_of_all_pairs(seed: int, count: int) -> None:
    """Every exchange of one lot for as many of another as it pays for, evaluated one by one."""
    random = np.random.default_rng(seed)
    problem = account(seed, TRADINGS["free"], count)
    form = form_of(problem)
    assert form is not None
    weights = random.dirichlet(np.ones(count))
    steps = problem.steps
    best, losses = Pairs(form, steps, problem, np.arange(count)).better(form.gradient(weights), 0.0, 1)

    lots = steps * problem.prices / problem.value
    values = [float(form.value(weights + way * lots[i] * np.eye(count)[i])) for i in range(count) for way in (1, -1)]
    for i in range(count):
        for j in (j for j in range(count) if j != i):
            for units in {max(1.0, np.floor(lots[i] / lots[j])), np.ceil(lots[i] / lots[j])}:
                move = lots[i] * np.eye(count)[i] - units * lots[j] * np.eye(count)[j]
                values.extend(float(form.value(weights + way * move)) for way in (1, -1))
    now = float(form.value(weights))
    if len(best) == 0:
        assert min(values) >= now - 1e-12 * now
    else:
        moved = weights + best.applied(np.zeros(count))[0] * problem.prices / problem.value
        assert float(form.value(moved)) == pytest.approx(min(values), rel=1e-9)
        assert now + losses[0] == pytest.approx(min(values), rel=1e-9)


@pytest.mark.parametrize(
    ("terms", "is_form"),
    [
        ((Term(measure=TrackingErrorSquared()),), True),
        ((Term(measure=Variance()), Term(measure=ExpectedReturn(), weight=-0.1)), True),
        ((Term(measure=ExpectedReturn()),), False),
        ((Term(measure=ConditionalValueAtRisk(level=0.9)),), False),
    ],
)
def test_forms_are_what_objectives_are_but_for_a_constant(terms: Any, is_form: bool) -> None:  # noqa: FBT001
    snapshot = make_snapshot(count=5)
    strategy = make_strategy(objective=Objective(sense="minimize", terms=terms))
    problem = make_problem(strategy, snapshot)
    form = form_of(replace(problem, shared={}))

    assert (form is not None) == is_form
    if form is not None:
        points = np.random.default_rng(0).dirichlet(np.ones(5), 3)
        theirs = sum(term.weight * term.measure.value(problem, points) for term in terms)
        assert np.diff(form.value(points)) == pytest.approx(np.diff(theirs), rel=1e-9)


def test_money_that_is_exactly_enough_ends_no_walk_early() -> None:
    """Accounts whose cash is the sum of some shares, added in another order: its last digit may say that it is not.

    Of these seventy four once ended with money left for another share.
    """
    count, ends = 12, 0
    for seed in range(50, 120):
        random, snapshot = np.random.default_rng(seed), make_snapshot(count=count, seed=seed - seed % 40)
        strategy = make_strategy(trading=Trading())
        shares = random.permutation(count)[: int(random.integers(3, count - 2))]
        prices = make_problem(strategy, snapshot, make_portfolio(snapshot, 1e5, 0)).prices
        problem = make_problem(strategy, snapshot, make_portfolio(snapshot, float(sum(prices[shares])), 0))
        ledger, ones, equal = Ledger(problem, 0.0), np.ones(count), np.full(count, 1 / count)
        walk = Walk(ledger, Levels(0.9 * ones, 0 * ones, ones, ones), Quadratic(ledger, equal, required_form(problem)))
        walk.units[shares[:-1]] = 1.0

        walk.complete()

        closed = walk.units == 0
        left = float(cash_after(problem, walk.units))
        assert left >= -CENT
        assert not closed.any() or prices[closed].min() > left - CENT
        ends += int(closed.any())
    assert ends > 0


def required_form(problem: Problem) -> Form:
    form = form_of(problem)
    assert form is not None
    return form
