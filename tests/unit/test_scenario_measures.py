"""Values of measures of scenarios against plain loops over the rows; refusals; figures reported beside."""

import math
from dataclasses import replace

import numpy as np
import pytest

from assetmix.domain.risk import RiskModel
from assetmix.errors import InvalidRequest
from assetmix.optimization.decision import Decision
from assetmix.optimization.drawdown import MOST_ROWS
from assetmix.optimization.measure import Measure, Needs
from assetmix.optimization.measures.average_drawdown import AverageDrawdown
from assetmix.optimization.measures.cdar import ConditionalDrawdownAtRisk
from assetmix.optimization.measures.concentration import Concentration
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.cvar_mixture import ConditionalValueAtRiskMixture
from assetmix.optimization.measures.downside_deviation import DownsideDeviation
from assetmix.optimization.measures.entropic_value_at_risk import EntropicValueAtRisk
from assetmix.optimization.measures.ivar import InvestorValueAtRisk
from assetmix.optimization.measures.max_drawdown import MaxDrawdown
from assetmix.optimization.measures.mean_absolute_deviation import MeanAbsoluteDeviation
from assetmix.optimization.measures.semideviation import Semideviation
from assetmix.optimization.measures.ulcer_index import UlcerIndex
from assetmix.optimization.measures.value_at_risk import ValueAtRisk
from assetmix.optimization.paths import carried, drawdowns
from assetmix.optimization.problem import Problem
from tests.makers import make_problem, make_snapshot, make_strategy
from tests.tolerances import EXACT

PROBLEM = make_problem(make_strategy(), make_snapshot(count=3, periods=30, seed=4))
WEIGHTS = np.array([0.5, 0.2, 0.3])
FALLING = np.array([[0.1], [-0.2], [0.05], [0.1], [-0.1]])


def problem_of(scenarios: np.ndarray, probabilities: np.ndarray | None = None) -> Problem:
    """A problem of the given scenarios of one to three instruments."""
    count = scenarios.shape[1]
    single = make_problem(make_strategy(), make_snapshot(count=count, periods=30, seed=4))
    root = np.eye(count)
    risk = RiskModel(single.universe, root, np.zeros(count), scenarios=scenarios, probabilities=probabilities)
    return replace(single, risk=risk)


def uneven() -> Problem:
    """The scenarios of the first problem with probabilities that rise with time."""
    rising = np.arange(1.0, len(PROBLEM.scenarios()) + 1)
    return problem_of(PROBLEM.scenarios(), rising / rising.sum())


def fallen(returns: list[float]) -> list[float]:
    """Drawdowns of a path of sums, by a loop."""
    level, peak, found = 0.0, 0.0, []
    for one in returns:
        level += one
        peak = max(peak, level)
        found.append(peak - level)
    return found


def fallen_compounded(returns: list[float]) -> list[float]:
    """Drawdowns of a path of products, by a loop."""
    level, peak, found = 1.0, 1.0, []
    for one in returns:
        level *= 1 + one
        peak = max(peak, level)
        found.append(1 - level / peak)
    return found


def worst(figures: list[float], level: float) -> float:
    """Mean of the worst 1 - level of equally likely figures, the last one in part."""
    left, total = (1 - level) * len(figures), 0.0
    for one in sorted(figures, reverse=True):
        part = min(1.0, left)
        total += part * one
        left -= part
    return total / ((1 - level) * len(figures))


@pytest.mark.parametrize("problem", [PROBLEM, uneven()], ids=["equal", "probabilities"])
def test_deviations_are_those_of_a_loop(problem: Problem) -> None:
    rows = [float(row @ WEIGHTS) for row in problem.scenarios()]
    mass = [float(one) for one in problem.probabilities()]
    mean = sum(p * r for p, r in zip(mass, rows, strict=True))
    below = sum(p * min(r - mean, 0) ** 2 for p, r in zip(mass, rows, strict=True))
    short = sum(p * max(0.001 - r, 0) ** 2 for p, r in zip(mass, rows, strict=True))

    absolute = sum(p * abs(r - mean) for p, r in zip(mass, rows, strict=True))
    assert MeanAbsoluteDeviation().value(problem, WEIGHTS) == pytest.approx(absolute, rel=EXACT)
    divisor = 1 - sum(p * p for p in mass)
    assert Semideviation().value(problem, WEIGHTS) == pytest.approx(math.sqrt(below / divisor), rel=EXACT)
    assert DownsideDeviation(target=0.001).value(problem, WEIGHTS) == pytest.approx(math.sqrt(short), rel=EXACT)


def test_equal_probabilities_give_the_semideviation_its_divisor_of_one_less() -> None:
    rows = PROBLEM.scenarios() @ WEIGHTS
    below = np.minimum(rows - rows.mean(), 0)

    expected = math.sqrt((below**2).sum() / (len(rows) - 1))
    assert Semideviation().value(PROBLEM, WEIGHTS) == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.97])
def test_drawdown_measures_are_those_of_a_loop(level: float) -> None:
    falls = fallen([float(row @ WEIGHTS) for row in PROBLEM.scenarios()])

    def value(one: Measure) -> float:
        return float(one.value(PROBLEM, WEIGHTS))

    assert value(MaxDrawdown()) == pytest.approx(max(falls), rel=EXACT)
    assert value(AverageDrawdown()) == pytest.approx(sum(falls) / len(falls), rel=EXACT)
    assert value(InvestorValueAtRisk()) == pytest.approx(sum(falls) / len(falls), rel=EXACT)
    assert value(UlcerIndex()) == pytest.approx(math.sqrt(sum(d * d for d in falls) / len(falls)), rel=EXACT)
    assert value(ConditionalDrawdownAtRisk(level=level)) == pytest.approx(worst(falls, level), rel=EXACT)


@pytest.mark.parametrize("horizon", [1, 7, 29])
def test_investor_value_at_risk_averages_windows_that_start_anew(horizon: int) -> None:
    rows = [float(row @ WEIGHTS) for row in PROBLEM.scenarios()]
    starts = range(len(rows) - horizon + 1)
    plain = [fall for start in starts for fall in fallen(rows[start : start + horizon])]
    compounded = [fall for start in starts for fall in fallen_compounded(rows[start : start + horizon])]
    one = InvestorValueAtRisk(horizon=horizon)

    assert one.value(PROBLEM, WEIGHTS) == pytest.approx(sum(plain) / len(plain), rel=EXACT)
    beside = one.companions(PROBLEM, WEIGHTS)
    assert beside == pytest.approx({"ivar_compounded": sum(compounded) / len(compounded)}, rel=EXACT)


def test_the_start_is_a_peak_and_the_path_is_not_compounded() -> None:
    """0.1, -0.1, -0.05, 0.05, -0.05 below a peak of 0.1: 0, 0.2, 0.15, 0.05, 0.15; first a fall from the start."""
    alone = np.ones(1)

    assert drawdowns(FALLING[:, 0]) == pytest.approx([0.0, 0.2, 0.15, 0.05, 0.15])
    assert MaxDrawdown().value(problem_of(FALLING), alone) == pytest.approx(0.2)
    assert AverageDrawdown().value(problem_of(FALLING), alone) == pytest.approx(0.11)
    assert MaxDrawdown().value(problem_of(-FALLING), alone) == pytest.approx(0.15)
    assert MaxDrawdown().value(problem_of(FALLING[1:]), alone) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("one", "figure"),
    [
        (MaxDrawdown(name="deepest"), max),
        (AverageDrawdown(), lambda falls: sum(falls) / len(falls)),
        (UlcerIndex(), lambda falls: math.sqrt(sum(fall * fall for fall in falls) / len(falls))),
        (ConditionalDrawdownAtRisk(level=0.7), lambda falls: worst(falls, 0.7)),
        (InvestorValueAtRisk(), lambda falls: sum(falls) / len(falls)),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_the_compounded_figure_is_reported_beside(one: Measure, figure) -> None:
    falls = fallen_compounded([float(row @ WEIGHTS) for row in PROBLEM.scenarios()])

    assert one.companions(PROBLEM, WEIGHTS) == pytest.approx({f"{one.key}_compounded": figure(falls)}, rel=EXACT)


@pytest.mark.parametrize(
    "one",
    [MaxDrawdown(), AverageDrawdown(), UlcerIndex(), ConditionalDrawdownAtRisk(), InvestorValueAtRisk(horizon=2)],
    ids=lambda one: one.kind,
)
def test_a_path_that_only_rises_has_no_drawdown_and_a_flat_tangent(one: Measure) -> None:
    rising = problem_of(np.full((5, 1), 0.01))

    assert one.value(rising, np.ones(1)) == 0.0
    assert one.companions(rising, np.ones(1)) == {f"{one.kind}_compounded": 0.0}
    for prices in (None, np.full(8 if one.kind == "ivar" else 5, 0.3)):
        touching = one.tangent(rising, np.ones(1), prices)
        assert touching.height == 0.0
        assert touching.slope == pytest.approx([0.0])


def test_probabilities_say_nothing_about_the_order_of_time() -> None:
    for one in (MaxDrawdown(), AverageDrawdown(), UlcerIndex(), ConditionalDrawdownAtRisk(), InvestorValueAtRisk()):
        assert one.value(uneven(), WEIGHTS) == one.value(PROBLEM, WEIGHTS)


def test_losses_carried_from_peak_to_trough_add_up_to_the_drawdowns() -> None:
    random = np.random.default_rng(3)
    returns, shares = random.normal(0.001, 0.01, (20, 50)), random.uniform(0, 1, (20, 50))
    falls = drawdowns(returns)

    counted = -(carried(falls, shares) * returns).sum(axis=-1)

    assert counted == pytest.approx((shares * falls).sum(axis=-1), rel=EXACT)


@pytest.mark.parametrize(
    "one",
    [
        MeanAbsoluteDeviation(),
        ConditionalValueAtRiskMixture(levels=(0.5, 0.9), weights=(1.0, 2.0)),
        EntropicValueAtRisk(),
        EntropicValueAtRisk(level=0.99),
        MaxDrawdown(),
        AverageDrawdown(),
        UlcerIndex(),
        ConditionalDrawdownAtRisk(level=0.8),
        InvestorValueAtRisk(),
        InvestorValueAtRisk(horizon=6),
    ],
    ids=lambda one: f"{one.kind}-{getattr(one, 'level', getattr(one, 'horizon', ''))}",
)
def test_no_prices_whatever_lift_a_tangent_above_the_measure(one: Measure) -> None:
    """A solver's duals are only as good as the solver; the bound must hold for any numbers."""
    random = np.random.default_rng(8)
    rows = {"cvar_mixture": 58}.get(one.kind, 144 if getattr(one, "horizon", None) else 29)

    for spread in (0.01, 1.0, 50.0):
        prices = random.normal(0.3, spread, rows)
        here, there = random.normal(0.3, 0.5, 3), random.normal(0.3, 0.5, (40, 3))
        touching = one.tangent(PROBLEM, here, prices)
        bound = touching.height + (there - here) @ touching.slope
        assert (bound <= one.value(PROBLEM, there) + 1e-12).all()


@pytest.mark.parametrize("problem", [PROBLEM, uneven()], ids=["equal", "probabilities"])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.96, 0.99])
def test_value_at_risk_is_the_first_loss_that_enough_probability_stays_below(problem: Problem, level: float) -> None:
    losses = [-float(row @ WEIGHTS) for row in problem.scenarios()]
    mass = problem.probabilities()
    enough = [t for t in losses if sum(p for p, one in zip(mass, losses, strict=True) if one <= t) >= level - 1e-12]

    assert ValueAtRisk(level=level).value(problem, WEIGHTS) == pytest.approx(min(enough), rel=EXACT)


def test_a_level_that_is_a_whole_number_of_scenarios_takes_the_lower_loss() -> None:
    """Of 20 losses 1, 2, ..., 20 exactly 95 % are at most 19, whatever 0.95 is in binary."""
    losses = problem_of(-np.arange(1.0, 21.0)[:, np.newaxis])

    assert ValueAtRisk(level=0.95).value(losses, np.ones(1)) == 19.0
    assert ConditionalValueAtRisk(level=0.95).value(losses, np.ones(1)) == pytest.approx(20.0)


def test_a_mixture_adds_up_its_parts_with_their_weights() -> None:
    losses = [-float(row @ WEIGHTS) for row in PROBLEM.scenarios()]
    mixed = ConditionalValueAtRiskMixture(levels=(0.0, 0.8, 0.95), weights=(0.0, 2.0, 0.5))

    expected = 2.0 * worst(losses, 0.8) + 0.5 * worst(losses, 0.95)
    assert mixed.value(PROBLEM, WEIGHTS) == pytest.approx(expected, rel=EXACT)


def test_concentration_needs_no_risk_model() -> None:
    bare = replace(PROBLEM, risk=None)

    assert Concentration().value(bare, WEIGHTS) == pytest.approx(0.38)
    assert not Concentration().needs


def test_a_tail_without_scenarios_is_refused_with_its_cure() -> None:
    bare = replace(PROBLEM, risk=replace(PROBLEM.required_risk(), scenarios=None))

    for one in (ConditionalValueAtRisk(), ValueAtRisk()):
        with pytest.raises(InvalidRequest, match='"distribution": "normal"'):
            one.value(bare, WEIGHTS)
        assert one.needs == {Needs.SCENARIOS}
        normal = replace(one, distribution="normal")
        assert np.isfinite(normal.value(bare, WEIGHTS))
        assert normal.needs == {Needs.RISK_MODEL, Needs.EXPECTED_RETURNS}


def test_value_at_risk_is_only_reported() -> None:
    one = ValueAtRisk()

    assert not one.roles
    for use in (lambda: one.expression(PROBLEM, Decision(PROBLEM), 1.0), lambda: one.tangent(PROBLEM, WEIGHTS, None)):
        with pytest.raises(InvalidRequest) as refused:
            use()
        assert refused.value.faults[0].code == "not-convex"


def test_horizons_longer_than_history_and_too_many_windows_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="29"):
        InvestorValueAtRisk(horizon=30).value(PROBLEM, WEIGHTS)
    long = problem_of(np.zeros((2 * math.isqrt(MOST_ROWS) + 2, 1)))
    with pytest.raises(InvalidRequest, match="shorten the horizon"):
        InvestorValueAtRisk(horizon=math.isqrt(MOST_ROWS) + 1).expression(long, Decision(long), 1.0)


@pytest.mark.parametrize(
    ("one", "pointer"),
    [
        (ConditionalValueAtRisk(level=1.0), "/level"),
        (ValueAtRisk(level=0.0), "/level"),
        (ConditionalDrawdownAtRisk(level=-0.1), "/level"),
        (EntropicValueAtRisk(level=math.nan), "/level"),
        (ConditionalValueAtRiskMixture(levels=(0.5, 1.0), weights=(1.0, 1.0)), "/levels/1"),
        (ConditionalValueAtRiskMixture(levels=(0.5,), weights=(1.0, 1.0)), "/weights"),
        (ConditionalValueAtRiskMixture(levels=(), weights=()), "/weights"),
        (ConditionalValueAtRiskMixture(levels=(0.5, 0.6), weights=(0.0, 0.0)), "/weights"),
        (ConditionalValueAtRiskMixture(levels=(0.5, 0.6), weights=(2.0, -1.0)), "/weights"),
        (InvestorValueAtRisk(horizon=0), "/horizon"),
        (DownsideDeviation(target=math.inf), "/target"),
    ],
    ids=lambda one: getattr(one, "kind", one),
)
def test_fields_out_of_range_are_named(one: Measure, pointer: str) -> None:
    assert [fault.pointer for fault in one.faults()] == [pointer]


def test_what_grows_with_the_weights_says_so() -> None:
    for one in (
        MeanAbsoluteDeviation(),
        Semideviation(),
        DownsideDeviation(),
        ConditionalValueAtRisk(distribution="normal"),
        ConditionalValueAtRiskMixture(levels=(0.5,), weights=(3.0,)),
        EntropicValueAtRisk(level=0.8),
        ValueAtRisk(),
        ConditionalDrawdownAtRisk(),
        MaxDrawdown(),
        AverageDrawdown(),
        UlcerIndex(),
        InvestorValueAtRisk(horizon=5),
    ):
        assert one.homogeneous
        assert one.value(PROBLEM, 3.0 * WEIGHTS) == pytest.approx(3.0 * one.value(PROBLEM, WEIGHTS), rel=EXACT)
    assert not DownsideDeviation(target=0.001).homogeneous
    assert not Concentration().homogeneous
