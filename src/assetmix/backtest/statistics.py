"""The figures of a tear sheet, from values at the close of each session."""

from collections.abc import Sequence

import numpy as np

from assetmix.backtest.result import Drawdown, Path, Rebalance, Statistics, Year, returns_of
from assetmix.backtest.schedule import months_of
from assetmix.domain.arrays import Vector

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25
WORST = 0.05
"""Part of the sessions whose losses the conditional value at risk is the mean of."""

MOST_DRAWDOWNS = 10
MONTHS = 12
NOTHING = 1e-14
"""A deviation below this is rounding noise of returns of order one, and no ratio is taken of it."""


def statistics(path: Path, rebalances: Sequence[Rebalance], worst: Drawdown | None) -> Statistics:
    """Compute every figure, given the deepest fall; see `Statistics` for what each is."""
    returns = path.returns
    years = float(path.days[-1] - path.days[0]) / DAYS_PER_YEAR
    total = float(path.values[-1] / path.values[0]) - 1.0
    annual = (1.0 + total) ** (1.0 / years) - 1.0 if years > 0 and total > -1.0 else None
    volatility = _deviation(returns)
    turnover = sum(one.turnover for one in rebalances)
    return Statistics(
        initial_value=float(path.values[0]),
        final_value=float(path.values[-1]),
        total_return=total,
        annual_return=annual,
        volatility=volatility,
        volatility_per_year=None if volatility is None else volatility * SESSIONS_PER_YEAR**0.5,
        sharpe_ratio=_ratio(_excess(path), volatility),
        sortino_ratio=_ratio(_excess(path), downside(path)),
        calmar_ratio=None if annual is None or worst is None else annual / worst.depth,
        max_drawdown=0.0 if worst is None else worst.depth,
        max_drawdown_peak=None if worst is None else worst.peak,
        max_drawdown_trough=None if worst is None else worst.trough,
        max_drawdown_recovered=None if worst is None else worst.recovered,
        cvar=cvar(returns) if len(returns) else None,
        hit_rate=float((returns > 0).mean()) if len(returns) else None,
        best_session=float(returns.max()) if len(returns) else None,
        worst_session=float(returns.min()) if len(returns) else None,
        **_relative(path),
        turnover=turnover,
        turnover_per_year=turnover / years if years > 0 else None,
        cost=sum(one.cost for one in rebalances),
        rebalances=len(rebalances),
        kept=sum(one.status == "kept" for one in rebalances),
    )


def _excess(path: Path) -> float:
    """Mean return of a session above the interest on cash."""
    return float(path.returns.mean()) - path.cash_rate / SESSIONS_PER_YEAR if len(path.values) > 1 else 0.0


def _deviation(returns: Vector) -> float | None:
    """Standard deviation, divisor T - 1."""
    return float(returns.std(ddof=1)) if len(returns) > 1 else None


def downside(path: Path) -> float | None:
    """Root mean square of what returns fall short of the interest on cash, divisor T.

    Source: Sortino and Price, Performance measurement in a downside risk framework, Journal of
    Investing 3, 1994.
    """
    missed = np.minimum(path.returns - path.cash_rate / SESSIONS_PER_YEAR, 0.0)
    return float(np.sqrt(np.mean(missed**2))) if len(missed) else None


def _ratio(mean: float, deviation: float | None) -> float | None:
    if deviation is None or deviation <= NOTHING:
        return None
    return float(mean / deviation * np.sqrt(SESSIONS_PER_YEAR))


def cvar(returns: Vector) -> float:
    """Mean loss of the worst 5 % of sessions, the last of them in part.

    Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2, 2000.
    """
    losses = np.sort(-returns)[::-1]
    counted = WORST * len(losses)
    whole = int(counted)
    tail = float(losses[:whole].sum()) + (counted - whole) * float(losses[min(whole, len(losses) - 1)])
    return tail / counted


def _relative(path: Path) -> dict[str, float | None]:
    """Figures against the benchmark; null without one."""
    names = ("tracking_error", "information_ratio", "beta", "benchmark_total_return")
    if path.benchmark is None or len(path.values) < 3:  # noqa: PLR2004 - two returns, the fewest that vary
        return dict.fromkeys(names)
    returns, other = path.returns, returns_of(path.benchmark)
    active = returns - other
    deviation = float(active.std(ddof=1))
    spread = float(other.var(ddof=1))
    beta = float(np.cov(returns, other)[0, 1]) / spread if spread > NOTHING**2 else None
    total = float(path.benchmark[-1] / path.benchmark[0]) - 1.0
    figures = (deviation * SESSIONS_PER_YEAR**0.5, _ratio(float(active.mean()), deviation), beta, total)
    return dict(zip(names, figures, strict=True))


def drawdowns(path: Path) -> tuple[Drawdown, ...]:
    """The deepest falls from a peak until it is reached again, deepest first."""
    below = path.fallen > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]]).astype(np.int8)))
    if not len(edges):
        return ()
    deepest = np.maximum.reduceat(path.fallen, edges[::2])  # from one beginning to the next there is one fall
    places = np.argsort(-deepest, kind="stable")[:MOST_DRAWDOWNS]
    return tuple(_drawdown(path, int(edges[2 * i]), int(edges[2 * i + 1])) for i in places)


def _drawdown(path: Path, start: int, end: int) -> Drawdown:
    """The fall whose sessions below the peak are from `start` up to, not including, `end`."""
    peak, trough = start - 1, start + int(np.argmin(path.values[start:end]))
    return Drawdown(
        depth=float(1.0 - path.values[trough] / path.values[peak]),
        peak=path.date(peak),
        trough=path.date(trough),
        recovered=path.date(end) if end < len(path.values) else None,
    )


def years(path: Path) -> tuple[Year, ...]:
    """Returns of each calendar month and year; the first ones begin where the backtest does."""
    months = months_of(path.days)
    ends = np.flatnonzero(np.diff(months, append=months[-1] + 1))
    levels = path.values[np.concatenate([[0], ends])]
    changes = dict(zip(months[ends].tolist(), returns_of(levels).tolist(), strict=True))
    found = []
    for year in range(int(months[0]) // MONTHS, int(months[-1]) // MONTHS + 1):
        inside = tuple(changes.get(MONTHS * year + month) for month in range(MONTHS))
        known = [1.0 + one for one in inside if one is not None]
        found.append(Year(year=year, months=inside, total=float(np.prod(known)) - 1.0))
    return tuple(found)
