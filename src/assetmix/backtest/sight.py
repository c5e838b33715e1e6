"""What is known at a session: which instruments can be decided on, and the question as it stands then."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.backtest.account import Account
from assetmix.backtest.market import Market
from assetmix.domain.arrays import Matrix, Positions, readonly
from assetmix.domain.instrument import cash_key
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault
from assetmix.optimization.application import Application, check_application
from assetmix.optimization.overlaid import left_over
from assetmix.optimization.reach import allowed_ids, wanted_rows
from assetmix.optimization.resolve import Question
from assetmix.optimization.scope import Scope
from assetmix.optimization.strategy import Strategy, UniverseById

SESSIONS_A_PERIOD = {"daily": 1, "weekly": 5, "monthly": 23}
"""At most so many sessions lie in a period of a frequency."""

LEAST_SESSIONS = 3
"""Prices without which nothing can be estimated."""

DOUBLE, SPARE = 2, 60
"""So many times the window is looked at, and so many sessions more, because incomplete days are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What an answer is about: members (m,) of the universe, and what is held outside (m,).

    Where overlays leave none of those that there are, everything is cash.
    """

    members: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    is_cash: bool = False

    @property
    def key(self) -> bytes:
        """Equal for equal scenes."""
        return self.members.tobytes() + self.outside.tobytes()


class Sight:
    """Cuts a question so that nothing later than a session is in it.

    Parameters
    ----------
    question : with a snapshot in the portfolio's currency that holds all sessions
    recent : sessions without a price after which an instrument is not decided on any more
    """

    def __init__(self, question: Question, market: Market, recent: int) -> None:
        self.question = question
        self.market = market
        self._recent = recent

    def scene(self, place: int, account: Account) -> Scene:
        """Which instruments of the universe have a recent price, and enough of them; and what else is held."""
        eligible = members = self._eligible[place]
        is_cash = False
        if self.question.strategy.overlays:
            members = eligible.copy()
            members[eligible] = left_over(self.question.strategy.overlays, self.prices(place, np.flatnonzero(eligible)))
            is_cash = bool(eligible.any()) and not members.any()
        return Scene(members, (account.units != 0) & ~members, is_cash)

    def prices(self, place: int, columns: Positions) -> Matrix:
        """Prices (T, n) of some instruments up to a session, as far back as windows reach."""
        start = 0 if self.looked_at is None else max(0, place + 1 - self.looked_at)
        return self.history[start : place + 1, columns]

    def asked(self, scene: Scene, place: int, account: Account) -> Question:
        """The question as it stands at a session."""
        members = self.ids(scene.members)
        return replace(
            self.question,
            strategy=self._strategy(members),
            portfolio=self._portfolio(account),
            snapshot=self.seen(place),
            strategy_key=f"{self.question.strategy_key}:{members}",
            snapshot_key=f"{self.question.snapshot_key}@{place}",
        )

    def seen(self, place: int) -> Snapshot:
        """The snapshot as it was at the close of a session: nothing later, and no further back than is needed."""
        whole, end = self.question.snapshot, place + 1
        start = 0 if self.looked_at is None else max(0, end - self.looked_at)
        known = self.market.known[place]
        return replace(
            whole,
            as_of=whole.as_of.fromordinal(int(self.market.days[place])),
            closes=readonly(np.where(known > 0, known, np.nan)),
            dates=whole.dates[start:end],
            history=whole.history[start:end],
            extras={name: table[start:end] for name, table in whole.extras.items()},
        )

    def ids(self, mask: NDArray[np.bool_]) -> tuple[str, ...]:
        """Ids of the instruments of a mask (m,)."""
        ids = self.question.snapshot.universe.ids
        return tuple(ids[i] for i in np.flatnonzero(mask))

    def faults(self, place: int, account: Account, elsewhere: frozenset[Scope]) -> list[Fault]:
        """Find what is wrong with the question as it stands at a session, without estimating anything.

        `elsewhere` are scopes that have members among the caller's instruments, if not here.
        """
        scene = self.scene(place, account)
        if not scene.members.any() and not scene.is_cash:
            return [self.too_short(place)]
        asked = self.asked(scene, place, account)
        value, held = account.value(self.market.known[place]), self.question.portfolio.positions
        unknown = {key: units for key, units in held.items() if key not in asked.snapshot.by_id}
        portfolio = replace(asked.portfolio, holdings={**asked.portfolio.holdings, **unknown})
        return check_application(Application(asked.strategy, portfolio, asked.snapshot, None, value, elsewhere))

    def too_short(self, place: int) -> Fault:
        """Why nothing can be decided at a session: what is missing, and from when on it would be there."""
        strategy, enough = self.question.strategy, (self._quoted_so_far >= self._needed)[:, self.is_allowed]
        specs = (("risk_model", strategy.risk_model), ("forecast", strategy.forecast))
        windows = [(getattr(spec, "window", None) or 0, f"/strategy/{name}/window") for name, spec in specs]
        longest, pointer = max(windows)
        later = np.flatnonzero(enough.any(axis=1))
        cure = f"begin on {self._day(later[0])} or later, or shorten it" if len(later) else "load more, or shorten it"
        if not longest:
            detail = f"nothing of the universe has a price on {self._day(place)}; PUT /v1/prices, or begin later"
            return Fault("/strategy/universe", "missing-price", detail)
        detail = f"on {self._day(place)} nothing of the universe has the history that this window asks for; {cure}"
        return Fault(pointer, "short-history", detail)

    @cached_property
    def history(self) -> Matrix:
        """Prices (T, m) that estimates are made from."""
        return np.asarray(self.question.snapshot.history[: len(self.market.days)])

    @cached_property
    def looked_at(self) -> int | None:
        """Sessions that a snapshot holds; None for all."""
        rows = list(self._windows())
        return None if None in rows else DOUBLE * max([0, *(one or 0 for one in rows)]) + SPARE

    @cached_property
    def _eligible(self) -> NDArray[np.bool_]:
        """Which instruments (T, m) of the universe have a recent price, and enough of them, at each session."""
        recent = self.market.age < self._recent
        return np.asarray(recent & (self._quoted_so_far >= self._needed) & self.is_allowed)

    @cached_property
    def is_allowed(self) -> NDArray[np.bool_]:
        """Which instruments (m,) may be held at all."""
        question = self.question
        allowed = allowed_ids(question.strategy, question.portfolio, question.snapshot)
        return np.array([key in allowed for key in question.snapshot.universe.ids])

    @cached_property
    def _quoted_so_far(self) -> NDArray[np.int32]:
        return np.cumsum(np.isfinite(self.history), axis=0, dtype=np.int32)

    @cached_property
    def _needed(self) -> int:
        """Prices that an instrument must have: those of the longest window."""
        rows = list(self._windows())
        least = LEAST_SESSIONS if None in rows else 1
        return max([least, *(one + 1 for one in rows if one)])

    def _windows(self) -> Iterator[int | None]:
        strategy = self.question.strategy
        for spec in (strategy.risk_model, strategy.forecast):
            frequency = getattr(spec, "frequency", None)
            if frequency is not None:
                window: int | None = getattr(spec, "window", None)
                yield None if window is None else window * SESSIONS_A_PERIOD[frequency]
        yield wanted_rows(strategy) - 1

    def _strategy(self, members: tuple[str, ...]) -> Strategy:
        given = self.question.strategy
        kept = isinstance(given.universe, UniverseById) and given.universe.keep_held
        return replace(given, universe=UniverseById(ids=members, keep_held=kept))

    def _portfolio(self, account: Account) -> Portfolio:
        given, ids = self.question.portfolio, self.question.snapshot.universe.ids
        held = {ids[i]: float(account.units[i]) for i in np.flatnonzero(account.units)}
        return replace(given, holdings={**held, cash_key(given.base_currency): account.cash}, divest_amount=0.0)

    def _day(self, place: int) -> str:
        return self.question.snapshot.as_of.fromordinal(int(self.market.days[place])).isoformat()
