"""Measures of scenarios against closed forms, peers and independent formulations of the same optimum."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import skfolio.measures as peers
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk

from assetmix.domain.portfolio import Portfolio
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.distribution import normal_tail
from assetmix.optimization.entropy import entropic_value
from assetmix.optimization.measure import Measure
from assetmix.optimization.measures.average_drawdown import AverageDrawdown
from assetmix.optimization.measures.cdar import ConditionalDrawdownAtRisk
from assetmix.optimization.measures.concentration import Concentration
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.cvar_mixture import ConditionalValueAtRiskMixture
from assetmix.optimization.measures.downside_deviation import DownsideDeviation
from assetmix.optimization.measures.entropic_value_at_risk import EntropicValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.ivar import InvestorValueAtRisk
from assetmix.optimization.measures.max_drawdown import MaxDrawdown
from assetmix.optimization.measures.mean_absolute_deviation import MeanAbsoluteDeviation
from assetmix.optimization.measures.semideviation import Semideviation
from assetmix.optimization.measures.ulcer_index import UlcerIndex
from assetmix.optimization.measures.value_at_risk import ValueAtRisk
from assetmix.optimization.strategy import Objective, Term, Trading
from assetmix.optimization.tail import cvar, value_at_risk
from assetmix.optimization.tolerances import GAP
from tests.makers import make_problem, make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.tolerances import EXACT, SOLVED, WEIGHTS

COUNT = 5
SNAPSHOT = make_snapshot(count=COUNT, periods=90, seed=12)
RETURNS = (SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1)[:, :COUNT]
PERIODS = len(RETURNS)
CASH_ONLY = Portfolio(base_currency="USD", holdings={"$USD": 100_000.0})
PROBLEM = make_problem(make_strategy(), SNAPSHOT)
STANDARD = NormalDist()


def test_two_scenarios_have_measures_known_by_hand() -> None:
    """A loss of 3 with probability 0.2, a gain of 1 with 0.8, at level 0.9 and 0.6.

    The mean loss in the worst 10 % is 3, in the worst 40 % (0.2 x 3 - 0.2 x 1) / 0.4 = 1. The
    entropic one is 3 at level 0.9, since log 10 > log 5; at 0.6 it solves the entropy equation.
    """
    losses, mass = np.array([3.0, -1.0]), np.array([0.2, 0.8])

    assert cvar(losses, 0.9, mass) == pytest.approx(3.0)
    assert cvar(losses, 0.6, mass) == pytest.approx(1.0)
    assert value_at_risk(losses, 0.8, mass) == -1.0
    assert value_at_risk(losses, 0.81, mass) == 3.0
    assert entropic_value(losses, 0.9, mass) == pytest.approx(3.0)

    def excess(q: float) -> float:
        return q * math.log(q / 0.2) + (1 - q) * math.log((1 - q) / 0.8) + math.log(0.4)

    share = scipy.optimize.brentq(excess, 0.2, 1 - 1e-12, xtol=1e-15)
    assert entropic_value(losses, 0.6, mass) == pytest.approx(4 * share - 1, rel=EXACT)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.99])
def test_normal_formula_is_the_integral_over_the_tail(level: float) -> None:
    """Mean of the quantiles beyond the level (Acerbi and Tasche 2002), by quadrature."""
    tail, _ = scipy.integrate.quad(STANDARD.inv_cdf, level, 1.0, epsabs=1e-11, limit=400)

    assert normal_tail(level) == pytest.approx(tail / (1 - level), abs=1e-7)


def test_a_large_normal_sample_has_the_normal_formulas_tails() -> None:
    """A million draws: the standard error of the 95 % CVaR is sqrt(Var / (n (1 - level))), about 0.002 sigma;
    of the quantile sqrt(0.95 x 0.05 / n) / density, about 0.0021 sigma. Four of them are allowed."""
    mean, sigma, level = 0.0005, 0.01, 0.95
    losses = -np.random.default_rng(6).normal(mean, sigma, 1_000_000)
    mass = np.full(len(losses), 1 / len(losses))

    formula = -mean + sigma * normal_tail(level)
    assert cvar(losses, level, None) == pytest.approx(formula, abs=4 * 0.0021 * sigma)
    quantile = -mean + sigma * STANDARD.inv_cdf(level)
    assert value_at_risk(losses, level, mass) == pytest.approx(quantile, abs=4 * 0.0021 * sigma)


@pytest.mark.parametrize("level", [0.0, 0.3, 0.9, 0.95, 0.99])
def test_entropic_value_of_a_normal_distribution_is_ahmadi_javids(level: float) -> None:
    """mu + sqrt(-2 log(1 - level)) sigma, Ahmadi-Javid (2012), example 3.1; on a grid out to 12 sigma."""
    grid = np.linspace(-12, 12, 4801)
    mass = np.exp(-(grid**2) / 2)

    found = entropic_value(0.002 + 0.01 * grid, level, mass / mass.sum())

    assert found == pytest.approx(0.002 + math.sqrt(-2 * math.log1p(-level)) * 0.01, rel=EXACT)


@pytest.mark.parametrize("level", [1e-6, 0.05, 0.5, 0.9, 0.95, 0.98])
def test_entropic_value_is_the_least_bound_over_all_z(level: float) -> None:
    """The definition itself, minimized over log z by scipy; and the order EVaR >= CVaR >= VaR."""
    random = np.random.default_rng(9)
    losses, mass = -random.standard_t(4, (30, 200)) * 0.01, random.dirichlet(np.ones(200))

    def bound(logarithm: float, row: np.ndarray) -> float:
        scale = math.exp(logarithm)
        top = row.max()
        return top + scale * (math.log(mass @ np.exp((row - top) / scale)) - math.log1p(-level))

    least = [
        scipy.optimize.minimize_scalar(
            bound, bounds=(-14, 8), args=(row,), method="bounded", options={"xatol": 1e-9}
        ).fun
        for row in losses
    ]

    found = entropic_value(losses, level, mass)
    assert found == pytest.approx(least, rel=1e-8, abs=1e-9)
    assert (found >= cvar(losses, level, mass) - EXACT).all()
    assert (cvar(losses, level, mass) >= value_at_risk(losses, level, mass) - EXACT).all()


@pytest.mark.parametrize("level", [1e-6, 0.05, 0.3, 0.6, 0.95, 0.99, 0.999])
def test_entropic_value_of_wild_losses_is_the_peers(level: float) -> None:
    """Cubes of exponentials, losses and gains: Newton's method alone goes to and fro on some of these."""
    random = np.random.default_rng(1)
    for count in (2, 30, 224):
        losses = random.choice([-1.0, 1.0], (60, 1)) * random.exponential(1.0, (60, count)) ** 3
        spread = np.ptp(losses, axis=-1)

        theirs = np.array([peers.evar(-row, beta=level) for row in losses])

        found = entropic_value(losses, level, np.full(count, 1 / count))
        assert (np.abs(found - theirs) <= EXACT * spread).all()


def test_entropic_value_of_ties_and_impossible_scenarios() -> None:
    """The worst loss twice, each less likely than the tail, together likelier; a worse one cannot happen."""
    losses, mass = np.array([2.0, 2.0, 1.0, 9.0]), np.array([0.03, 0.03, 0.94, 0.0])

    assert entropic_value(losses, 0.95, mass) == pytest.approx(2.0, rel=EXACT)
    assert entropic_value(np.full(4, 0.7), 0.95, mass) == pytest.approx(0.7, rel=EXACT)
    assert entropic_value(losses, 0.0, mass) == pytest.approx(1.06, rel=EXACT)


PEERS: list[tuple[Measure, Callable[[np.ndarray], float]]] = [
    (MeanAbsoluteDeviation(), peers.mean_absolute_deviation),
    (Semideviation(), peers.semi_deviation),
    (ConditionalValueAtRisk(level=0.93), lambda r: peers.cvar(r, beta=0.93)),
    (ValueAtRisk(level=0.93), lambda r: peers.value_at_risk(r, beta=0.93)),
    (EntropicValueAtRisk(level=0.93), lambda r: peers.evar(r, beta=0.93)),
    (MaxDrawdown(), lambda r: peers.max_drawdown(peers.get_drawdowns(r))),
    (AverageDrawdown(), lambda r: peers.average_drawdown(peers.get_drawdowns(r))),
    (ConditionalDrawdownAtRisk(level=0.93), lambda r: peers.cdar(peers.get_drawdowns(r), beta=0.93)),
    (UlcerIndex(), lambda r: peers.ulcer_index(peers.get_drawdowns(r))),
]


@pytest.mark.parametrize(("one", "peer"), PEERS, ids=lambda one: getattr(one, "kind", ""))
def test_values_are_the_peers(one: Measure, peer: Callable[[np.ndarray], float]) -> None:
    """Of skfolio, whose conventions (signs, divisors, the start as a peak, no compounding) are ours."""
    for weights in np.random.default_rng(2).dirichlet(np.ones(COUNT), 5):
        assert one.value(PROBLEM, weights) == pytest.approx(float(peer(RETURNS @ weights)), rel=1e-7)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("one", "risk", "fields"),
    [
        (MeanAbsoluteDeviation(), RiskMeasure.MEAN_ABSOLUTE_DEVIATION, {}),
        (Semideviation(), RiskMeasure.SEMI_DEVIATION, {}),
        (EntropicValueAtRisk(level=0.9), RiskMeasure.EVAR, {"evar_beta": 0.9}),
        (MaxDrawdown(), RiskMeasure.MAX_DRAWDOWN, {}),
        (AverageDrawdown(), RiskMeasure.AVERAGE_DRAWDOWN, {}),
        (ConditionalDrawdownAtRisk(level=0.9), RiskMeasure.CDAR, {"cdar_beta": 0.9}),
        (UlcerIndex(), RiskMeasure.ULCER_INDEX, {}),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_no_peer_finds_a_smaller_optimum(one: Measure, risk: RiskMeasure, fields: dict[str, float]) -> None:
    peer = MeanRisk(risk_measure=risk, **fields).fit(RETURNS).weights_

    result = solve(make_question(minimize(one), SNAPSHOT, CASH_ONLY))

    theirs = float(one.value(PROBLEM, peer))
    assert result.status == "optimal"
    assert result.proven_gap == pytest.approx(0.0, abs=SOLVED)
    assert result.objective_value <= theirs * (1 + SOLVED)
    assert result.objective_value == pytest.approx(theirs, rel=WEIGHTS)


def minimize(one: Measure):
    """Minimize a measure over all stocks without costs and lots."""
    return make_strategy(one, benchmark={}, trading=Trading(lots=False))


def least(costs: np.ndarray, rows: np.ndarray, right: np.ndarray | float = 0.0) -> float:
    """Least costs'x with rows x <= right and x >= 0, the first of x weights that sum to 1."""
    budget = np.concatenate([np.ones(COUNT), np.zeros(len(costs) - COUNT)])[np.newaxis]
    right = np.broadcast_to(right, rows.shape[0])
    return float(scipy.optimize.linprog(costs, rows, right, budget, [1.0], method="highs").fun)


def test_minimum_mean_absolute_deviation_is_konno_and_yamazakis_program() -> None:
    """Both sides of the mean as epigraphs, for scipy."""
    deviations, eye = RETURNS - RETURNS.mean(axis=0), np.eye(PERIODS)
    rows = np.vstack([np.hstack([deviations, -eye]), np.hstack([-deviations, -eye])])
    costs = np.concatenate([np.zeros(COUNT), np.full(PERIODS, 1 / PERIODS)])

    assert objective(MeanAbsoluteDeviation()) == pytest.approx(least(costs, rows), rel=SOLVED)


def objective(one: Measure, gap: float = SOLVED) -> float:
    """Objective value of an optimum proven to a relative gap: to 1e-6 where duals help, else to the service's own."""
    result = solve(make_question(minimize(one), SNAPSHOT, CASH_ONLY))
    assert result.status == "optimal"
    assert result.proven_gap == pytest.approx(0.0, abs=gap)
    return result.objective_value


def pairs() -> np.ndarray:
    """Losses (T (T + 1) / 2, n) between all pairs of a start and a later end of the summed-up returns."""
    path = np.vstack([np.zeros(COUNT), np.cumsum(RETURNS, axis=0)])
    first, last = np.triu_indices(PERIODS + 1, 1)
    return path[first] - path[last]


def test_minimum_of_the_largest_drawdown_is_that_of_the_worst_pair_of_days() -> None:
    """No running maximum at all: the largest drawdown is the largest loss between any two days."""
    losses = pairs()
    costs = np.concatenate([np.zeros(COUNT), [1.0]])

    found = least(costs, np.hstack([losses, -np.ones((len(losses), 1))]))

    assert objective(MaxDrawdown()) == pytest.approx(found, rel=SOLVED)


@pytest.mark.parametrize("level", [None, 0.0, 0.8, 0.95, 0.999])
def test_minimum_of_drawdowns_on_average_and_in_the_tail(level: float | None) -> None:
    """Each day's drawdown as the largest loss from any day before; 0.999 leaves less than one day in the tail."""
    _, last = np.triu_indices(PERIODS + 1, 1)
    days = np.eye(PERIODS)[last - 1]
    size = len(days)
    rows = np.hstack([pairs(), -days])
    costs = np.concatenate([np.zeros(COUNT), np.full(PERIODS, 1 / PERIODS)])
    if level is not None:
        none, eye = np.zeros((size, 1 + PERIODS)), np.eye(PERIODS)
        tail = np.hstack([np.zeros((PERIODS, COUNT)), eye, -np.ones((PERIODS, 1)), -eye])
        rows = np.vstack([np.hstack([rows, none]), tail])
        excess = np.full(PERIODS, 1 / ((1 - level) * PERIODS))
        costs = np.concatenate([np.zeros(COUNT + PERIODS), [1.0], excess])

    one = AverageDrawdown() if level is None else ConditionalDrawdownAtRisk(level=level)
    assert objective(one) == pytest.approx(least(costs, rows), rel=SOLVED)


def test_minimum_investor_value_at_risk_over_windows() -> None:
    """All pairs of days within each of the windows."""
    horizon = 6
    path = np.vstack([np.zeros(COUNT), np.cumsum(RETURNS, axis=0)])
    starts = range(PERIODS - horizon + 1)
    found, owner = [], []
    for number, start in enumerate(starts):
        for end in range(1, horizon + 1):
            for before in range(end):
                found.append(path[start + before] - path[start + end])
                owner.append(number * horizon + end - 1)
    total = len(starts) * horizon
    falls = scipy.sparse.csr_array((-np.ones(len(owner)), (range(len(owner)), owner)), shape=(len(owner), total))
    rows = scipy.sparse.hstack([scipy.sparse.csr_array(np.array(found)), falls]).tocsr()
    costs = np.concatenate([np.zeros(COUNT), np.full(total, 1 / total)])

    assert objective(InvestorValueAtRisk(horizon=horizon)) == pytest.approx(least(costs, rows), rel=SOLVED)


def test_minimum_of_a_mixture_is_one_linear_program() -> None:
    """A threshold and excesses for each level; losses are shifted by 1 so that thresholds stay above 0."""
    levels, weights = (0.5, 0.9, 0.97), (0.2, 0.3, 1.5)
    size = 3 * (1 + PERIODS)
    rows, costs = [], np.zeros(COUNT + size)
    for i, (level, weight) in enumerate(zip(levels, weights, strict=True)):
        first = COUNT + i * (1 + PERIODS)
        part = np.zeros((PERIODS, COUNT + size))
        part[:, :COUNT], part[:, first] = 1.0 - RETURNS, -1.0
        part[:, first + 1 : first + 1 + PERIODS] = -np.eye(PERIODS)
        rows.append(part)
        costs[first] = weight
        costs[first + 1 : first + 1 + PERIODS] = weight / ((1 - level) * PERIODS)

    one = ConditionalValueAtRiskMixture(levels=levels, weights=weights)
    assert objective(one) == pytest.approx(least(costs, np.vstack(rows)) - sum(weights), rel=SOLVED)


def least_of(rows: np.ndarray, size: Callable[[np.ndarray], float]) -> float:
    """Least size(rows of weights) by sequential quadratic programming from several starts, for scipy."""
    starts = [np.full(COUNT, 1 / COUNT), *(0.8 * np.eye(COUNT) + 0.04)]
    found = [
        scipy.optimize.minimize(
            lambda w: 1e2 * size(rows @ w),
            start,
            bounds=[(0, 1)] * COUNT,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        ).fun
        for start in starts
    ]
    return min(found) / 1e2


@pytest.mark.parametrize(
    ("one", "size"),
    [
        (Semideviation(), lambda r: math.sqrt((np.minimum(r - r.mean(), 0) ** 2).sum() / (PERIODS - 1))),
        (DownsideDeviation(), lambda r: math.sqrt((np.minimum(r, 0) ** 2).mean())),
        (DownsideDeviation(target=0.001), lambda r: math.sqrt((np.minimum(r - 0.001, 0) ** 2).mean())),
        (
            ConditionalValueAtRisk(distribution="normal", level=0.9),
            lambda r: 1.7549833193248678 * r.std(ddof=1) - r.mean(),  # density at the 90 % quantile over 10 %
        ),
    ],
    ids=["semideviation", "downside", "downside of a target", "normal cvar"],
)
def test_smooth_minima_agree_with_sequential_quadratic_programming(one: Measure, size: Callable) -> None:
    assert objective(one, GAP) == pytest.approx(least_of(RETURNS, size), rel=1e-5)


@pytest.mark.parametrize("level", [0.3, 0.9, 0.95, 0.985])
def test_minimum_entropic_value_at_risk_is_that_of_its_definition(level: float) -> None:
    """Least over weights and log z at once of the bound itself, by scipy; 0.985 leaves but one day in the tail."""

    def bound(x: np.ndarray) -> float:
        losses, scale = -RETURNS @ x[:COUNT], math.exp(x[COUNT])
        top = losses.max()
        return 1e2 * (top + scale * (math.log(np.exp((losses - top) / scale).mean()) - math.log1p(-level)))

    found = [
        scipy.optimize.minimize(
            bound,
            np.append(np.full(COUNT, 1 / COUNT), start),
            bounds=[(0, 1)] * COUNT + [(-14, 2)],
            constraints={"type": "eq", "fun": lambda x: x[:COUNT].sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 1000},
        ).fun
        for start in (-7.0, -5.0, -3.0)
    ]

    ours = objective(EntropicValueAtRisk(level=level))
    assert ours <= min(found) / 1e2 * (1 + SOLVED)
    assert ours == pytest.approx(min(found) / 1e2, rel=1e-4)


def test_least_concentration_is_equal_weights() -> None:
    result = solve(make_question(minimize(Concentration()), SNAPSHOT, CASH_ONLY))

    assert result.objective_value == pytest.approx(1 / COUNT, rel=SOLVED)
    assert [result.weights[key] for key in stock_ids(SNAPSHOT)] == pytest.approx([1 / COUNT] * COUNT, abs=WEIGHTS)


@pytest.mark.parametrize(
    "one",
    [
        MeanAbsoluteDeviation(),
        Semideviation(),
        DownsideDeviation(),
        ConditionalValueAtRiskMixture(levels=(0.5, 0.9), weights=(0.5, 0.5)),
        EntropicValueAtRisk(level=0.9),
        ConditionalDrawdownAtRisk(level=0.9),
        MaxDrawdown(),
        AverageDrawdown(),
        UlcerIndex(),
        InvestorValueAtRisk(horizon=10),
        Concentration(),
    ],
    ids=lambda one: one.kind,
)
def test_a_cap_is_used_up_and_kept(one: Measure) -> None:
    """The best expected return with a cap halfway between the least risk and that of the best return alone."""
    best = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    low = solve(make_question(minimize(one), SNAPSHOT, CASH_ONLY)).objective_value
    top = float(one.value(PROBLEM, np.eye(COUNT)[RETURNS.mean(axis=0).argmax()]))
    cap = MeasureLimit(measure=one, upper=(low + top) / 2)

    result = solve(
        make_question(
            make_strategy(objective=best, benchmark={}, constraints=(cap,), trading=Trading(lots=False)),
            SNAPSHOT,
            CASH_ONLY,
        )
    )

    assert result.status == "optimal"
    assert result.measures.optimal[one.key] == pytest.approx(cap.upper, rel=WEIGHTS)


def test_ten_years_of_days_are_stated_and_solved_in_seconds() -> None:
    """2520 rows and 20 stocks: the largest drawdown of the answer is that of its weights, proven."""
    long = make_snapshot(count=20, periods=2521, seed=1)

    result = solve(make_question(minimize(MaxDrawdown()), long, CASH_ONLY))

    path = np.cumsum(
        (long.history[1:] / long.history[:-1] - 1)[:, :20] @ [result.weights[key] for key in stock_ids(long)]
    )
    falls = np.maximum(np.maximum.accumulate(path), 0) - path
    assert result.objective_value == pytest.approx(falls.max(), rel=EXACT)
    assert result.proven_gap == pytest.approx(0.0, abs=SOLVED)
