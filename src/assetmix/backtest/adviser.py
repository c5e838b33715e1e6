"""What a strategy decides at one session, with what was known at its close."""

from dataclasses import dataclass, replace

import numpy as np

from assetmix.backtest.account import Account, Target
from assetmix.backtest.lane import Lane, agree, is_least_variance, open_lane
from assetmix.backtest.rolling import RollingCovariance
from assetmix.backtest.schedule import Sessions
from assetmix.backtest.sight import Scene, Sight
from assetmix.backtest.spec import BacktestSpec
from assetmix.domain.arrays import Positions, Vector
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Error, InvalidRequest, SolverFailed
from assetmix.estimation.estimate import Estimates, Wanted, estimate
from assetmix.optimization.impact import impact_rates
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.overlaid import exposure
from assetmix.optimization.problem import Problem
from assetmix.optimization.reach import benchmark_ids
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solution import NoSolution
from assetmix.optimization.solve import solve

KEPT = 8
"""Problems that stay compiled."""

SMALL, TOGETHER = 40, 128
"""Up to so many instruments, programs of so many sessions are solved together."""

SCENES, TABLES = 32, 3
"""Sets of instruments whose places, and whose returns, are kept."""

WEIGHT_NOISE = 1e-12
"""A weight nearer to 0 than this is what a solver leaves of none."""


class OutOfTime(Error):
    """The time allowed was over before the backtest had come to its end."""

    code = "solver-timeout"

    def __init__(self) -> None:
        super().__init__("The time allowed was over before the backtest had come to its end; allow more.")


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """A target, or None where the old weights are kept; `sentence` says why. `impact` is that of trades (m,)."""

    target: Target | None
    sentence: str = ""
    impact: Vector | float = 0.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What a backtest works with: seconds left, and where lanes are kept for others of the same strategy and prices."""

    remaining: Remaining
    memory: Memory


def key_of(question: Question) -> tuple[object, ...]:
    """Equal for questions that differ in holdings alone."""
    benchmark = tuple(sorted(question.portfolio.benchmark.items()))
    ids = question.snapshot.universe.ids
    return ("scene", question.strategy_key, question.snapshot_key, question.gap, benchmark, ids)


class Adviser:
    """Puts the strategy's question anew at each session: by its lane where there is one, else the whole way."""

    def __init__(self, sight: Sight, spec: BacktestSpec, tools: Tools, ahead: Sessions) -> None:
        self._sight = sight
        self._spec = spec
        self._remaining = tools.remaining
        self._known = tools.memory
        self._memory = Memory(KEPT)
        self._ahead = ahead
        self._foreseen: dict[int, tuple[Lane, Vector]] = {}
        self._key = key_of(sight.question)
        self._covariances = Memory(TABLES)
        self._placed = Memory(SCENES)
        self._scaling = [one for one in sight.question.strategy.overlays if one.scales]
        self._is_least_variance = is_least_variance(sight.question.strategy)

    def advise(self, place: int, account: Account) -> Advice:
        """Decide at the close of a session.

        Raises
        ------
        OutOfTime
            when nothing remains of the time allowed
        """
        if self._remaining() <= 0:
            raise OutOfTime
        scene = self._sight.scene(place, account)
        if scene.is_cash:
            return Advice(Target(np.zeros(len(scene.members)), 1.0), "", self._plain_impact)
        known = self._recalled(scene)
        weights = self._short_way(known.lane, place, account)
        if known.lane is not None and weights is not None:
            return self._advice(known.lane.template, place, weights, 1.0 - float(weights.sum()))
        try:
            return self._whole_way(known, scene, place, account)
        except InvalidRequest as error:
            return Advice(None, "; ".join(one.detail for one in error.faults) or error.message)
        except SolverFailed as error:
            return Advice(None, error.message)

    def template(self, place: int, account: Account) -> Problem | None:
        """The problem of a session as it would be decided, None where there is none."""
        scene = self._sight.scene(place, account)
        try:
            return None if scene.is_cash else self._problem(self._recalled(scene), scene, place, account)
        except InvalidRequest:
            return None

    def _recalled(self, scene: Scene) -> "_Known":
        """What is known of a scene: from another backtest of the same strategy and prices too."""
        known: _Known = self._known.recall((*self._key, scene.key), _Known)
        return known

    def _whole_way(self, known: "_Known", scene: Scene, place: int, account: Account) -> Advice:
        problem = self._problem(known, scene, place, account)
        outcome = solve(problem, self._memory, self._remaining)
        if isinstance(outcome, NoSolution):
            if outcome.status == "timed_out":
                raise OutOfTime
            return Advice(None, outcome.sentence)
        if not known.was_tried:
            known.lane, known.was_tried = open_lane(problem, outcome), True
        exact = self._short_way(known.lane, place, account)
        if exact is not None and not agree(problem, exact, outcome):
            known.lane = exact = None  # the short way must be the same way
        if exact is not None:
            return self._advice(problem, place, exact, 1.0 - float(exact.sum()))
        return self._advice(problem, place, outcome.weights, outcome.cash)

    def _short_way(self, lane: Lane | None, place: int, account: Account) -> Vector | None:
        """Weights (n,) by the lane; None where there is none, or it does not lead there."""
        if lane is None:
            return None
        if not self._is_least_variance:
            try:
                return lane.weights(self._moved(lane.template, place, account))
            except InvalidRequest:
                return None
        foreseen = self._together(lane, place) if len(lane.template.universe) <= SMALL else None
        if foreseen is not None:
            return foreseen
        covariance = self._rolling(lane.template).at(place)
        return None if covariance is None else lane.least_variance(covariance)

    def _together(self, lane: Lane, place: int) -> Vector | None:
        """Weights (n,) from a table that is made for many sessions at once: what is held does not count in a lane."""
        owner, weights = self._foreseen.pop(place, (None, None))
        if owner is lane:
            return weights
        begin = int(np.searchsorted(self._ahead, place))
        places = self._ahead[begin : begin + TOGETHER]
        if not len(places) or places[0] != place:
            places = np.array([place])
        covariances, known = self._rolling(lane.template).many(places)
        found, proven = lane.least_variances(covariances)
        sure = (known & proven).tolist()
        rows = zip(places.tolist(), found, sure, strict=True)
        self._foreseen = {one: (lane, row) for one, row, is_sure in rows if is_sure}
        return self._foreseen.pop(place, (None, None))[1]

    def _problem(self, known: "_Known", scene: Scene, place: int, account: Account) -> Problem:
        if known.template is not None:
            return self._moved(known.template, place, account)
        if not scene.members.any():
            missing = self._sight.too_short(place)
            raise InvalidRequest(missing.detail, [missing])
        known.template = resolve(self._sight.asked(scene, place, account), self._memory)
        return known.template

    def _rolling(self, template: Problem) -> RollingCovariance:
        found: RollingCovariance = self._covariances.recall(template.universe.ids, lambda: self._rolled(template))
        return found

    def _rolled(self, template: Problem) -> RollingCovariance:
        """Covariances of the problem's instruments, of days on which members of the benchmark have prices too."""
        history, window = self._sight.history, getattr(template.strategy.risk_model, "window", 0)
        every = (*template.universe.ids, *self._extra(template))
        complete = np.asarray(np.isfinite(history[:, self._sight.question.snapshot.columns(every)]).all(axis=1))
        reach = self._sight.looked_at or len(history)
        return RollingCovariance(history[:, self._columns(template)], complete, window, reach)

    def _moved(self, template: Problem, place: int, account: Account) -> Problem:
        """The template's problem with the numbers of another session."""
        seen, known = self._sight.seen(place), self._sight.market.known[place]
        columns = self._columns(template)
        estimates = self._estimates(template, seen)
        tables = {name: table[:, columns] for name, table in seen.extras.items()}
        return replace(
            template,
            value=account.value(known),
            cash=account.cash,
            quantities=account.units[columns],
            prices=known[columns],
            risk=estimates.risk,
            forecast=estimates.forecast,
            tables=tables | ({"adjusted": seen.history[:, columns]} if tables else {}),
            structure=f"{template.structure}@{place}",
            shared={},
            priced_on=None,
        )

    def _estimates(self, template: Problem, seen: Snapshot) -> Estimates:
        strategy = template.strategy
        wanted = Wanted(strategy.risk_model, strategy.forecast, None, template.benchmark)
        return estimate(seen, template.universe.ids, self._extra(template), wanted)

    def _extra(self, template: Problem) -> tuple[str, ...]:
        """Benchmark members outside the problem's instruments."""
        members = benchmark_ids(template.strategy, self._sight.question.portfolio)
        return tuple(key for key in members if key not in template.universe.positions)

    def _advice(self, problem: Problem, place: int, weights: Vector, cash: float) -> Advice:
        columns = self._columns(problem)
        held = np.where(np.abs(weights) <= WEIGHT_NOISE, 0.0, weights)
        part = exposure(self._scaling, self._sight.prices(place, columns), held) if self._scaling else 1.0
        spread = np.zeros(len(self._sight.question.snapshot.instruments))
        spread[columns] = part * held
        return Advice(Target(spread, 1.0 - part * (1.0 - cash)), "", self._impact(problem, columns))

    def _impact(self, problem: Problem, columns: Positions) -> Vector | float:
        """Rates (m,) at which the simulation charges the impact of trades."""
        charges = self._spec.charges
        if charges is not None or problem.trading.impact is None:
            return 0.0 if charges is None else charges.impact_coefficient
        spread = np.zeros(len(self._sight.question.snapshot.instruments))
        spread[columns] = impact_rates(problem)
        return spread

    @property
    def _plain_impact(self) -> float:
        """The rate of impact where it does not differ from instrument to instrument."""
        charges, presumed = self._spec.charges, self._sight.question.strategy.trading.impact
        if charges is not None:
            return charges.impact_coefficient
        return 0.0 if presumed is None or presumed.window is not None else presumed.coefficient

    def _columns(self, problem: Problem) -> Positions:
        ids = problem.universe.ids
        columns: Positions = self._placed.recall(ids, lambda: np.array(self._sight.question.snapshot.columns(ids)))
        return columns


@dataclass(slots=True)
class _Known:
    """What is known of a scene so far: its first problem, and its lane once one was tried."""

    template: Problem | None = None
    lane: Lane | None = None
    was_tried: bool = False
