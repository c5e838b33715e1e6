"""The same optimum from a peer: skfolio's MeanRisk on the real prices that come with it."""

import datetime as dt
import io

import numpy as np
import pytest
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk

from assetmix.demo import content
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.marketdata.csv_source import read_csv
from assetmix.marketdata.demo_source import demo_tables
from assetmix.optimization.measure import Measure
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.strategy import Trading
from tests.makers import make_question, make_strategy, solve

DAYS = 1000


@pytest.fixture(scope="module")
def real() -> Snapshot:
    table = io.StringIO(next(iter(demo_tables(content.ids()))))
    rows = [row for batch in read_csv(table) for row in batch]
    ids = sorted({row[0] for row in rows})
    dates = sorted({row[1] for row in rows})[-DAYS:]
    known = {(row[0], row[1]): row[2] for row in rows}
    history = np.array([[known[key, day] for key in ids] for day in dates])
    instruments = tuple(Instrument(id=key, currency="USD") for key in ids)
    return Snapshot(dt.date(2022, 12, 28), instruments, history[-1], np.array([d.toordinal() for d in dates]), history)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("measure", "peer"),
    [
        (Variance(), MeanRisk(risk_measure=RiskMeasure.VARIANCE)),
        (ConditionalValueAtRisk(level=0.95), MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=0.95)),
    ],
    ids=["minimum variance", "minimum CVaR"],
)
def test_optimum_is_the_peers(real: Snapshot, measure: Measure, peer: MeanRisk) -> None:
    returns = real.history[1:] / real.history[:-1] - 1
    cash = Portfolio(base_currency="USD", holdings={"$USD": 1e6})
    strategy = make_strategy(measure, benchmark={}, trading=Trading(lots=False))

    result = solve(make_question(strategy, real, cash))
    peers = peer.fit(returns).weights_

    ours = np.array([result.weights[one.id] for one in real.instruments])
    risk = {"variance": lambda w: w @ np.cov(returns.T) @ w, "cvar": lambda w: _cvar(returns @ w)}[measure.kind]
    assert result.objective_value == pytest.approx(risk(ours), rel=1e-9)
    assert risk(ours) <= risk(peers) * (1 + 1e-7)
    assert risk(ours) == pytest.approx(risk(peers), rel=1e-4)


def _cvar(returns: np.ndarray) -> float:
    """Mean of the worst 5 % of 999 days: 49 whole days and 0.95 of the 50th."""
    worst = np.sort(-returns)[::-1]
    tail = 0.05 * len(worst)
    whole = int(tail)
    return float((worst[:whole].sum() + (tail - whole) * worst[whole]) / tail)
