"""What a strategy decides at one session, with what was known at its close."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.backtest.account import Account, Target
from assetmix.backtest.lane import Lane, is_least_variance, open_lane
from assetmix.backtest.market import Market
from assetmix.backtest.rolling import RollingCovariance
from assetmix.backtest.spec import BacktestSpec
from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.instrument import cash_key
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Error, Fault, InvalidRequest, SolverFailed
from assetmix.estimation.estimate import Estimates, Wanted, estimate
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.problem import Problem, impact_rates
from assetmix.optimization.reach import allowed_ids, benchmark_ids, wanted_rows
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solution import NoSolution
from assetmix.optimization.solve import solve
from assetmix.optimization.strategy import Strategy, UniverseById

SESSIONS_A_PERIOD = {"daily": 1, "weekly": 5, "monthly": 23}
"""At most so many sessions lie in a period of a frequency."""

LEAST_SESSIONS = 3
"""Prices without which nothing can be estimated."""

DOUBLE, SPARE = 2, 60
"""So many times the window is looked at, and so many sessions more, because incomplete days are dropped."""

KEPT = 8
"""Problems that stay compiled."""

_TOO_LONG = "The time allowed was over before the backtest had come to its end; allow more."


class OutOfTime(Error):
    """The time allowed was over before the backtest had come to its end."""

    code = "solver-timeout"


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """A target, or None where the old weights are kept; `sentence` says why. `impact` is that of trades (m,)."""

    target: Target | None
    sentence: str = ""
    impact: Vector | float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What an answer is about: members (m,) of the universe, and what is held outside (m,)."""

    members: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    @property
    def key(self) -> bytes:
        """Equal for equal scenes."""
        return self.members.tobytes() + self.outside.tobytes()


class Adviser:
    """Puts the strategy's question anew at each session; a snapshot is cut so that nothing later is in it.

    Parameters
    ----------
    question : with a snapshot in the portfolio's currency that holds all sessions
    """

    def __init__(self, question: Question, market: Market, spec: BacktestSpec, remaining: Remaining) -> None:
        self._question = question
        self._market = market
        self._spec = spec
        self._remaining = remaining
        self._memory = Memory(KEPT)
        self._templates: dict[bytes, Problem] = {}
        self._lanes: dict[bytes, Lane | None] = {}
        self._covariances: dict[tuple[str, ...], RollingCovariance] = {}
        self._is_least_variance = is_least_variance(question.strategy)

    def advise(self, place: int, account: Account) -> Advice:
        """Decide at the close of a session.

        Raises
        ------
        OutOfTime
            when nothing remains of the time allowed
        """
        if self._remaining() <= 0:
            raise OutOfTime(_TOO_LONG)
        scene = self._scene(place, account)
        lane = self._lanes.get(scene.key)
        weights = None if lane is None else self._short_way(lane, place, account)
        if lane is not None and weights is not None:
            return self._advice(lane.template, weights, 1.0 - float(weights.sum()))
        try:
            return self._whole_way(scene, place, account)
        except InvalidRequest as error:
            return Advice(None, "; ".join(one.detail for one in error.faults) or error.message)
        except SolverFailed as error:
            return Advice(None, error.message)

    def _whole_way(self, scene: "_Scene", place: int, account: Account) -> Advice:
        problem = self._problem(scene, place, account)
        outcome = solve(problem, self._memory, self._remaining)
        if isinstance(outcome, NoSolution):
            if outcome.status == "timed_out":
                raise OutOfTime(_TOO_LONG)
            return Advice(None, outcome.sentence)
        lane = open_lane(problem, outcome) if scene.key not in self._lanes else None
        self._lanes.setdefault(scene.key, lane)
        exact = None if lane is None else self._short_way(lane, place, account)
        if exact is not None:
            return self._advice(problem, exact, 1.0 - float(exact.sum()))
        return self._advice(problem, outcome.weights, outcome.cash)

    def _short_way(self, lane: Lane, place: int, account: Account) -> Vector | None:
        """Weights (n,) by the lane; None where it does not lead there."""
        if not self._is_least_variance:
            try:
                return lane.weights(self._moved(lane.template, place, account))
            except InvalidRequest:
                return None
        covariance = self._rolling(lane.template).at(place)
        return None if covariance is None else lane.least_variance(covariance)

    def require(self, place: int, account: Account) -> None:
        """Refuse what cannot be decided at a session.

        Raises
        ------
        InvalidRequest
            when the question is not well posed then, above all where history is too short
        """
        self._problem(self._scene(place, account), place, account)

    def _problem(self, scene: "_Scene", place: int, account: Account) -> Problem:
        if scene.key in self._templates:
            return self._moved(self._templates[scene.key], place, account)
        members = self._ids(scene.members)
        if not members:
            detail = f"at {self._day(place)} nothing of the universe has prices for the windows that are asked for"
            raise InvalidRequest(detail, [Fault("/strategy/universe", "short-history", detail)])
        template = resolve(self._asked(place, account, members), self._memory)
        self._templates[scene.key] = template
        return replace(template, structure=f"{template.structure}@{place}")

    def _scene(self, place: int, account: Account) -> "_Scene":
        """Which instruments of the universe have a recent price, and enough of them; and what else is held."""
        recent = self._market.age[place] < self._spec.delisted_after
        members = recent & (self._quoted_so_far[place] >= self._needed) & self._is_allowed
        return _Scene(members, (account.units != 0) & ~members)

    def _ids(self, mask: NDArray[np.bool_]) -> tuple[str, ...]:
        ids = self._question.snapshot.universe.ids
        return tuple(ids[i] for i in np.flatnonzero(mask))

    def _rolling(self, template: Problem) -> RollingCovariance:
        ids = template.universe.ids
        if ids not in self._covariances:
            window = getattr(template.strategy.risk_model, "window", 0)
            history = self._history[:, self._columns(template)]
            self._covariances[ids] = RollingCovariance(history, window, self._looked_at or len(self._history))
        return self._covariances[ids]

    @cached_property
    def _is_allowed(self) -> NDArray[np.bool_]:
        question = self._question
        allowed = allowed_ids(question.strategy, question.portfolio, question.snapshot)
        return np.array([key in allowed for key in question.snapshot.universe.ids])

    @cached_property
    def _quoted_so_far(self) -> NDArray[np.int64]:
        return np.cumsum(np.isfinite(self._history), axis=0)

    @cached_property
    def _history(self) -> Matrix:
        return np.asarray(self._question.snapshot.history[: len(self._market.days)])

    @cached_property
    def _needed(self) -> int:
        """Prices that an instrument must have: those of the longest window."""
        rows = list(self._windows())
        least = LEAST_SESSIONS if None in rows else 1
        return max([least, *(one + 1 for one in rows if one)])

    @cached_property
    def _looked_at(self) -> int | None:
        """Sessions that a snapshot holds; None for all."""
        rows = list(self._windows())
        return None if None in rows else DOUBLE * max([0, *(one or 0 for one in rows)]) + SPARE

    def _windows(self) -> Iterator[int | None]:
        strategy = self._question.strategy
        for spec in (strategy.risk_model, strategy.forecast):
            frequency = getattr(spec, "frequency", None)
            if frequency is not None:
                window: int | None = getattr(spec, "window", None)
                yield None if window is None else window * SESSIONS_A_PERIOD[frequency]
        yield wanted_rows(strategy) - 1

    def _asked(self, place: int, account: Account, members: tuple[str, ...]) -> Question:
        return replace(
            self._question,
            strategy=self._strategy(members),
            portfolio=self._portfolio(account),
            snapshot=self._seen(place),
            strategy_key=f"{self._question.strategy_key}:{members}",
            snapshot_key=f"{self._question.snapshot_key}@{place}",
        )

    def _strategy(self, members: tuple[str, ...]) -> Strategy:
        given = self._question.strategy
        kept = isinstance(given.universe, UniverseById) and given.universe.keep_held
        return replace(given, universe=UniverseById(ids=members, keep_held=kept))

    def _portfolio(self, account: Account) -> Portfolio:
        given, ids = self._question.portfolio, self._question.snapshot.universe.ids
        held = {ids[i]: float(account.units[i]) for i in np.flatnonzero(account.units)}
        return replace(given, holdings={**held, cash_key(given.base_currency): account.cash}, divest_amount=0.0)

    def _seen(self, place: int) -> Snapshot:
        """The snapshot as it was at the close of a session: nothing later, and no further back than is needed."""
        whole, end = self._question.snapshot, place + 1
        start = 0 if self._looked_at is None else max(0, end - self._looked_at)
        known = self._market.known[place]
        return replace(
            whole,
            as_of=whole.as_of.fromordinal(int(self._market.days[place])),
            closes=readonly(np.where(known > 0, known, np.nan)),
            dates=whole.dates[start:end],
            history=whole.history[start:end],
            extras={name: table[start:end] for name, table in whole.extras.items()},
        )

    def _moved(self, template: Problem, place: int, account: Account) -> Problem:
        """The template's problem with the numbers of another session."""
        seen = self._seen(place)
        columns = self._columns(template)
        estimates = self._estimates(template, seen)
        prices = self._market.known[place][columns]
        tables = {name: table[:, columns] for name, table in seen.extras.items()}
        return replace(
            template,
            value=account.value(self._market.known[place]),
            cash=account.cash,
            quantities=account.units[columns],
            prices=prices,
            risk=estimates.risk,
            forecast=estimates.forecast,
            tables=tables | ({"adjusted": seen.history[:, columns]} if tables else {}),
            structure=f"{template.structure}@{place}",
            priced_on=None,
        )

    def _estimates(self, template: Problem, seen: Snapshot) -> Estimates:
        strategy, portfolio = template.strategy, self._question.portfolio
        extra = tuple(key for key in benchmark_ids(strategy, portfolio) if key not in template.universe.positions)
        wanted = Wanted(strategy.risk_model, strategy.forecast, None, template.benchmark)
        return estimate(seen, template.universe.ids, extra, wanted)

    def _columns(self, problem: Problem) -> list[int]:
        return self._question.snapshot.columns(problem.universe.ids)

    def _advice(self, problem: Problem, weights: Vector, cash: float) -> Advice:
        columns = self._columns(problem)
        spread = np.zeros(len(self._question.snapshot.instruments))
        spread[columns] = np.where(np.abs(weights) <= WEIGHT_NOISE, 0.0, weights)
        return Advice(Target(spread, cash), "", self._impact(problem, columns))

    def _impact(self, problem: Problem, columns: list[int]) -> Vector | float:
        """Rates (m,) at which the simulation charges the impact of trades."""
        charges = self._spec.charges
        if charges is not None or problem.trading.impact is None:
            return 0.0 if charges is None else charges.impact_coefficient
        spread = np.zeros(len(self._question.snapshot.instruments))
        spread[columns] = impact_rates(problem)
        return spread

    def _day(self, place: int) -> str:
        return self._question.snapshot.as_of.fromordinal(int(self._market.days[place])).isoformat()


WEIGHT_NOISE = 1e-12
"""A weight nearer to 0 than this is what a solver leaves of none."""
