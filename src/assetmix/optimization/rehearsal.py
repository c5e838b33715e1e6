"""A tiny question answered once, so that no caller waits while solvers are loaded."""

import datetime as dt

import numpy as np

from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.answer import answer
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById

PRICES = np.array([[10.0, 20.0], [11.0, 20.5], [10.5, 21.5], [11.5, 21.0]])
IDS = ("one", "two")


def rehearse() -> None:
    """Answer one quadratic and one linear question about two made-up instruments."""
    instruments = tuple(Instrument(id=key, currency="USD") for key in IDS)
    day = dt.date(2000, 1, 3)
    dates = np.arange(len(PRICES)) + day.toordinal()
    snapshot = Snapshot(day, instruments, PRICES[-1], dates, PRICES)
    portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1000.0})
    for measure in (Variance(), ConditionalValueAtRisk(level=0.5)):
        objective = Objective(sense="minimize", terms=(Term(measure=measure),))
        strategy = Strategy(objective=objective, universe=UniverseById(ids=IDS), risk_model=SampleRisk())
        question = Question(strategy, portfolio, snapshot, measure.kind, "rehearsal")
        answer(question, Memory(4), lambda: 60.0, lambda _: None)
