"""The problems of the benchmarks, ours and as peers are asked for them."""

import datetime as dt
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
from pypfopt import EfficientCVaR, EfficientFrontier
from skfolio import RiskMeasure
from skfolio.datasets import load_sp500_dataset
from skfolio.moments import EmpiricalCovariance
from skfolio.optimization import MeanRisk, ObjectiveFunction
from skfolio.prior import EmpiricalPrior

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.given_model import GivenModel
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.measure import Measure
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById
from benchmarks.accounts import SECTORS, TURNOVER, Market

DAY = dt.date(2024, 6, 28)


def real_returns() -> Matrix:
    """Daily returns (8312, 20) of the stocks that come with skfolio."""
    return np.asarray(load_sp500_dataset().pct_change().dropna().to_numpy())


def drawn_returns(periods: int, count: int, seed: int = 0) -> Matrix:
    """Returns with fat tails: a market and what is each name's own."""
    random = np.random.default_rng(seed)
    market = random.standard_t(5, periods) * 0.008
    own = random.standard_t(5, (periods, count)) * random.uniform(0.006, 0.02, count)
    return np.outer(market, random.uniform(0.5, 1.5, count)) + own + 3e-4


def of_measure(market: Market, one: Measure, number: int, memory: Memory) -> Problem:
    """The least of a measure over a market, fully invested, for one account's holdings."""
    question = market.question(number)
    objective = Objective(sense="minimize", terms=(Term(measure=one),))
    strategy = replace(question.strategy, objective=objective, constraints=(), universe=UniverseById(ids=market.ids))
    return resolve(replace(question, strategy=strategy, strategy_key=f"least {one.kind}"), memory)


def of_index(market: Market, number: int, value: float, memory: Memory) -> Problem:
    """Tracking error without any limits, for an account of some money."""
    question = market.question(number, value)
    strategy = replace(question.strategy, constraints=(), universe=UniverseById(ids=market.ids))
    return resolve(replace(question, strategy=strategy, strategy_key="index"), memory)


def of_few_names(market: Market, count: int, memory: Memory) -> Problem:
    """Tracking error of at most so many names, from cash; searched until the time is over."""
    question = market.question(0)
    strategy = replace(
        question.strategy, constraints=(MaxHoldings(count=count),), universe=UniverseById(ids=market.ids)
    )
    portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1e6})
    return resolve(replace(question, strategy=strategy, strategy_key="few", portfolio=portfolio, gap=1e-4), memory)


def of_scenarios(scenarios: Matrix, one: Measure, memory: Memory, number: int) -> Problem:
    """The least of a measure over scenarios, fully invested, for one account's holdings."""
    count = scenarios.shape[1]
    ids = tuple(f"S{place:03d}" for place in range(count))
    prices = np.full(count, 100.0)
    instruments = tuple(Instrument(id=key, currency="USD", fractional_step=1e-4) for key in ids)
    snapshot = Snapshot(DAY, instruments, prices, np.array([DAY.toordinal()]), prices[None, :])
    strategy = Strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=one),)),
        risk_model=NamedRisk(name="scenarios"),
        universe=UniverseById(ids=ids),
    )
    held = {ids[number % count]: 100.0 + number}
    portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1e6, **held})
    model = GivenModel(universe=Universe(ids), scenarios=scenarios)
    key = f"{scenarios.shape}{one.kind}"
    return resolve(Question(strategy, portfolio, snapshot, key, "day", model=model, model_key=key), memory)


def written_anew(market: Market, problem: Problem) -> float:
    """The market's strategy as a user of cvxpy writes it: squared tracking error at the optimum."""
    count, model = market.count, market.model
    factor = np.linalg.cholesky(np.asarray(model.factor_covariance)).T @ np.asarray(model.exposures).T
    own = np.sqrt(np.asarray(model.specific_variance))
    weights, exposure = cp.Variable(count, nonneg=True), cp.Variable(len(factor))
    active = weights - market.benchmark
    limits: list[Any] = [
        exposure == factor @ active,
        cp.sum(weights) == 1,
        cp.norm1(weights - problem.current_weights) <= TURNOVER,
        weights <= market.cap,
        weights[market.barred] <= problem.current_weights[market.barred],
    ]
    for sector in range(SECTORS):
        (lower, upper), total = market.band(sector), cp.sum(weights[sector::SECTORS])
        limits += [total >= lower, total <= upper]
    scale = 1e4
    stated = cp.sum_squares(exposure) + cp.sum_squares(cp.multiply(own, active))
    asked = cp.Problem(cp.Minimize(scale * stated), limits)
    asked.solve(solver=cp.PIQP)
    return float(asked.value) / scale


def pypfopt_variance(covariance: Matrix) -> Vector:
    """PyPortfolioOpt's least variance."""
    return _least(EfficientFrontier(None, covariance))


def _least(frontier: EfficientFrontier) -> Vector:
    frontier.min_volatility()
    return np.asarray(frontier.weights)


def pypfopt_finely(covariance: Matrix) -> float:
    """Variance of the same at a finer tolerance than its own."""
    finer = {"tol_gap_abs": 1e-13, "tol_gap_rel": 1e-13, "tol_feas": 1e-13}
    scale = float(np.diag(covariance).mean())
    weights = _least(EfficientFrontier(None, covariance / scale, solver="CLARABEL", solver_options=finer))
    return float(weights @ covariance @ weights) / float(weights.sum()) ** 2


class _Given(EmpiricalCovariance):
    """skfolio's covariance step, with the covariance given."""

    def __init__(self, covariance: Matrix | None = None) -> None:
        super().__init__()
        self.covariance = covariance

    def fit(self, X: Any, y: Any = None) -> "_Given":  # noqa: ANN401, ARG002, N803 - skfolio's names
        """Take it as it is."""
        self.covariance_ = np.asarray(self.covariance)
        return self


def skfolio_variance(covariance: Matrix) -> Vector:
    """Skfolio's least variance of the same covariance."""
    prior = EmpiricalPrior(covariance_estimator=_Given(covariance))
    model = MeanRisk(objective_function=ObjectiveFunction.MINIMIZE_RISK, prior_estimator=prior)
    return np.asarray(model.fit(np.random.default_rng(0).normal(size=(252, len(covariance)))).weights_)


def pypfopt_cvar(scenarios: Matrix) -> Vector:
    """PyPortfolioOpt's least CVaR at 95 %."""
    frontier = EfficientCVaR(None, pd.DataFrame(scenarios), beta=0.95)
    frontier.min_cvar()
    return np.asarray(frontier.weights)


def skfolio_cvar(scenarios: Matrix) -> Vector:
    """Skfolio's least CVaR at 95 %."""
    model = MeanRisk(objective_function=ObjectiveFunction.MINIMIZE_RISK, risk_measure=RiskMeasure.CVAR, cvar_beta=0.95)
    return np.asarray(model.fit(scenarios).weights_)
