"""What the vocabulary means, points 1 to 7, as the native dialect's document states it."""

import math

import numpy as np
import pytest
import scipy.optimize

from tests.reference.nineteen import (
    COUNT,
    COVARIANCE,
    HELD,
    IDS,
    MEAN,
    PATH,
    PERIODS,
    RETURN,
    ROWS,
    SCENARIOS,
    VARIANCE,
    WORLD,
    codes,
    figures,
)
from tests.reference.published import (
    Body,
    World,
    at_least,
    at_most,
    maximize,
    minimize,
    model,
    optimum,
    refusal,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED, WEIGHTS


def test_point_01_the_objective_is_literally_the_sum_without_a_factor_of_one_half() -> None:
    utility = maximize((1.0, RETURN), (-2.0, VARIANCE))
    loss = minimize((-1.0, RETURN), (2.0, VARIANCE))

    best, least = run(utility, WORLD), run(loss, WORLD)

    held = weights(best, WORLD)
    assert best.objective_value == pytest.approx(MEAN @ held - 2.0 * held @ COVARIANCE @ held, rel=EXACT)
    assert least.objective_value == pytest.approx(-best.objective_value, rel=SOLVED)
    assert (best.sense, least.sense) == ("maximize", "minimize")


@pytest.mark.parametrize(
    "strategy",
    [
        maximize((1.0, VARIANCE)),
        minimize((-1.0, {"kind": "volatility"})),
        maximize((1.0, RETURN), (1.0, {"kind": "turnover"})),
        minimize((1.0, {"kind": "sharpe_ratio"})),
        maximize((1.0, {"kind": "sharpe_ratio"}), (1.0, RETURN)),
        minimize((1.0, VARIANCE), constraints=[at_least(VARIANCE, 1e-5)]),
        minimize((1.0, VARIANCE), constraints=[at_least({"kind": "sharpe_ratio"}, 0.1)]),
        minimize((1.0, {"kind": "value_at_risk", "distribution": "normal"})),
        minimize((1.0, VARIANCE), constraints=[at_most({"kind": "value_at_risk", "distribution": "normal"}, 0.1)]),
    ],
)
def test_point_01_another_use_of_a_measure_is_not_convex(strategy: Body) -> None:
    assert "not-convex" in codes(strategy)


def test_point_02_measures_are_keyed_by_name_or_kind_and_some_are_always_there() -> None:
    tails = [{"kind": "cvar", "level": 0.9, "name": "nine"}, {"kind": "cvar", "level": 0.8}]
    limits = [at_most({"kind": "max_drawdown", "name": "fall"}, 1.0)]
    ratio = {"kind": "return_risk_ratio", "risk": {"kind": "semideviation", "name": "half"}}

    result = run(minimize((1.0, {"kind": "concentration"}), constraints=limits, report=[*tails, ratio]), SCENARIOS)

    always = {"expected_return", "variance", "volatility"}
    named = {"nine", "cvar", "fall", "return_risk_ratio", "half", "concentration"}
    assert always | named <= set(result.measures.optimal)
    assert set(result.measures.current) == set(result.measures.optimal)


def test_point_02_two_measures_with_one_key_are_refused() -> None:
    tails = [{"kind": "cvar", "level": 0.9}, {"kind": "cvar", "level": 0.8}]

    assert "duplicate" in codes(minimize((1.0, VARIANCE), report=tails), SCENARIOS)
    assert "duplicate" in codes(minimize((1.0, VARIANCE), report=[{"kind": "volatility", "name": "variance"}]))


def test_point_02_a_name_does_not_hide_what_is_always_there() -> None:
    """The variance is always reported under its kind, so nothing else can have that key."""
    hidden = [{"kind": "volatility", "name": "variance"}]

    assert "duplicate" in codes(minimize((1.0, {"kind": "concentration"}), report=hidden))


def test_point_03_a_forecast_wins_over_the_models_returns_and_these_over_the_scenarios_mean() -> None:
    given = {"kind": "given", "expected_returns": dict(zip(IDS, [0.1, 0.2, 0.3, 0.4], strict=True))}
    beside = SCENARIOS.having(model=model(scenarios=ROWS, expected_returns=[0.01, 0.02, 0.03, 0.04]))

    assert figures(beside, forecast=given)["expected_return"] == pytest.approx(0.2, rel=EXACT)
    assert figures(beside)["expected_return"] == pytest.approx(0.02, rel=EXACT)
    assert figures(SCENARIOS)["expected_return"] == pytest.approx(MEAN @ HELD, rel=EXACT)


def test_point_03_rows_are_used_as_they_are_whatever_the_expected_returns() -> None:
    tails: list[Body] = [{"kind": "cvar", "level": 0.9}, {"kind": "max_drawdown"}, {"kind": "semideviation"}]
    beside = SCENARIOS.having(model=model(scenarios=ROWS, expected_returns=[0.01, 0.02, 0.03, 0.04]))

    first, second = figures(SCENARIOS, *tails), figures(beside, *tails)

    assert all(first[one["kind"]] == pytest.approx(second[one["kind"]], rel=EXACT) for one in tails)


def test_point_03_without_expected_returns_what_needs_them_is_refused_and_the_rest_works() -> None:
    bare = WORLD.having(model=model(covariance=COVARIANCE))

    assert codes(maximize((1.0, RETURN)), bare) == {"missing-forecast"}
    assert "missing-forecast" in codes(maximize((1.0, {"kind": "sharpe_ratio"})), bare)
    assert "expected_return" not in run(minimize((1.0, VARIANCE)), bare).measures.optimal


def test_point_03_no_risk_model_is_needed_when_no_measure_uses_one() -> None:
    nothing = WORLD.having(model=None)
    given = {"kind": "given", "expected_returns": dict(zip(IDS, [0.1, 0.2, 0.3, 0.4], strict=True))}

    assert optimum(maximize((1.0, RETURN), forecast=given), nothing) == pytest.approx([0, 0, 0, 1], abs=1e-6)
    assert optimum(minimize((1.0, {"kind": "concentration"})), nothing) == pytest.approx([0.25] * 4, abs=WEIGHTS)
    assert codes(minimize((1.0, VARIANCE)), nothing) == {"missing-risk-model"}


@pytest.mark.parametrize("days", [None, 1.0, 365.0])
def test_point_04_an_uploaded_model_is_never_rescaled(days: float | None) -> None:
    figure = WORLD.model | ({} if days is None else {"horizon_days": days})

    assert figures(WORLD.having(model=figure))["variance"] == pytest.approx(HELD @ COVARIANCE @ HELD, rel=EXACT)


@pytest.mark.parametrize(("days", "factor"), [(None, 1.0), (365.0, 252.0), (30.0, 30 * 252 / 365)])
def test_point_04_a_horizon_multiplies_moments_and_never_scenarios(days: float | None, factor: float) -> None:
    history = 100 * np.cumprod(np.vstack([np.ones(COUNT), 1 + ROWS]), axis=0)
    horizon = {} if days is None else {"horizon_days": days}
    specs = {"risk_model": {"kind": "sample", **horizon}, "forecast": {"kind": "historical_mean", **horizon}}
    tails: list[Body] = [{"kind": "mean_absolute_deviation"}, {"kind": "max_drawdown"}]

    found = figures(World(ids=IDS, history=history), *tails, **specs)

    assert found["variance"] == pytest.approx(factor * HELD @ COVARIANCE @ HELD, rel=EXACT)
    assert found["expected_return"] == pytest.approx(factor * MEAN @ HELD, rel=1e-7)
    assert found["mean_absolute_deviation"] == pytest.approx(np.abs(PATH - PATH.mean()).mean(), rel=1e-7)


def test_point_05_divisors() -> None:
    """T - 1 for covariance, tracking error and semideviation; T for the rest, by plain loops."""
    benchmark = {"A00": 1.0}
    active = PATH - ROWS[:, 0]
    kinds = ["tracking_error", "tracking_error_squared", "semideviation", "mean_absolute_deviation"]
    kinds += ["downside_deviation", "average_drawdown", "ulcer_index"]
    free: Body = {"kind": "tracking_error", "centered": False, "name": "uncentered"}

    found = figures(SCENARIOS, free, *({"kind": kind} for kind in kinds), benchmark=benchmark)

    drawdowns = falls(PATH)
    below = [min(one - sum(PATH) / PERIODS, 0.0) ** 2 for one in PATH]
    assert found["variance"] == pytest.approx(np.var(PATH, ddof=1), rel=EXACT)
    assert found["tracking_error"] == pytest.approx(np.std(active, ddof=1), rel=EXACT)
    assert found["tracking_error_squared"] == pytest.approx(np.var(active, ddof=1), rel=EXACT)
    assert found["uncentered"] == pytest.approx(math.sqrt((active**2).sum() / (PERIODS - 1)), rel=EXACT)
    assert found["semideviation"] == pytest.approx(math.sqrt(sum(below) / (PERIODS - 1)), rel=EXACT)
    assert found["mean_absolute_deviation"] == pytest.approx(np.abs(PATH - PATH.mean()).sum() / PERIODS, rel=EXACT)
    assert found["downside_deviation"] == pytest.approx(
        math.sqrt((np.minimum(PATH, 0) ** 2).sum() / PERIODS), rel=EXACT
    )
    assert found["average_drawdown"] == pytest.approx(sum(drawdowns) / PERIODS, rel=EXACT)
    assert found["ulcer_index"] == pytest.approx(math.sqrt(sum(d * d for d in drawdowns) / PERIODS), rel=EXACT)


def falls(path: np.ndarray) -> list[float]:
    """Uncompounded drawdowns from 0, by a loop (point 7)."""
    total, top, found = 0.0, 0.0, []
    for one in path:
        total += float(one)
        top = max(top, total)
        found.append(top - total)
    return found


def test_point_05_probabilities_take_one_less_their_squares_for_a_divisor() -> None:
    mass = np.random.default_rng(13).dirichlet(np.ones(PERIODS))
    world = SCENARIOS.having(model=model(scenarios=ROWS, probabilities=mass))
    mean = float(mass @ PATH)

    found = figures(world, {"kind": "semideviation"}, {"kind": "mean_absolute_deviation"})

    rest = 1 - float((mass**2).sum())
    assert found["expected_return"] == pytest.approx(mean, rel=EXACT)
    assert found["variance"] == pytest.approx(float(mass @ (PATH - mean) ** 2) / rest, rel=EXACT)
    assert found["semideviation"] == pytest.approx(
        math.sqrt(float(mass @ np.minimum(PATH - mean, 0) ** 2) / rest), rel=EXACT
    )
    assert found["mean_absolute_deviation"] == pytest.approx(float(mass @ np.abs(PATH - mean)), rel=EXACT)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.87, 0.95, 0.999])
def test_point_06_levels_are_confidence_with_a_fractional_tail(level: float) -> None:
    """30 rows: 0.87 leaves 3.9 of them, 0.95 one and a half, 0.999 a small part of one."""
    found = figures(SCENARIOS, {"kind": "cvar", "level": level}, {"kind": "entropic_value_at_risk", "level": level})

    losses, room, total = sorted(-PATH, reverse=True), (1 - level) * PERIODS, 0.0
    for loss in losses:
        part = min(1.0, room)
        total, room = total + part * loss, room - part
    assert found["cvar"] == pytest.approx(total / ((1 - level) * PERIODS), rel=1e-9)

    def bound(log_z: float) -> float:
        z = math.exp(log_z)
        top = max(-PATH)
        return top + z * (math.log(np.exp((-PATH - top) / z).mean()) - math.log1p(-level))

    best = scipy.optimize.minimize_scalar(bound, bounds=(-16, 6), method="bounded", options={"xatol": 1e-11})
    if level > 0:
        assert found["entropic_value_at_risk"] == pytest.approx(min(best.fun, float(max(-PATH))), rel=1e-5)


def test_point_06_a_level_of_one_is_refused_and_a_tail_without_scenarios_names_its_cure() -> None:
    faults = refusal(minimize((1.0, {"kind": "cvar"})), WORLD)

    assert codes(minimize((1.0, {"kind": "cvar", "level": 1.0})), SCENARIOS) == {"out-of-range"}
    assert [fault.code for fault in faults] == ["missing-scenarios"]
    assert '"distribution": "normal"' in faults[0].detail
    assert refusal(minimize((1.0, {"kind": "cvar", "distribution": "normal"})), WORLD) == []


def test_point_06_the_normal_distribution_is_no_cure_for_a_measure_that_has_none() -> None:
    faults = refusal(minimize((1.0, {"kind": "max_drawdown"})), WORLD)

    assert [fault.code for fault in faults] == ["missing-scenarios"]
    assert "distribution" not in faults[0].detail


def test_point_07_drawdowns_start_at_zero_and_follow_time() -> None:
    turned = SCENARIOS.having(model=model(scenarios=ROWS[::-1]))
    falling = SCENARIOS.having(model=model(scenarios=-np.abs(ROWS)))

    assert figures(SCENARIOS, {"kind": "max_drawdown"})["max_drawdown"] == pytest.approx(max(falls(PATH)), rel=EXACT)
    assert figures(turned, {"kind": "max_drawdown"})["max_drawdown"] == pytest.approx(max(falls(PATH[::-1])), rel=EXACT)
    total = float((np.abs(ROWS) @ HELD).sum())
    assert figures(falling, {"kind": "max_drawdown"})["max_drawdown"] == pytest.approx(total, rel=EXACT)
