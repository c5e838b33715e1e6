"""Worlds made of the bodies that callers send, in which strategies are solved without lots."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assetmix.codec.documents import INSTRUMENT, PORTFOLIO, STRATEGY, digest
from assetmix.domain.given_model import GivenModel
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, InvalidRequest
from assetmix.estimation.given_check import model_faults
from assetmix.optimization.answer import answer
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question
from assetmix.optimization.result import Result

DAY = dt.date(2024, 6, 28)
MONEY = 1_000_000.0
Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class World:
    """What a strategy is applied to.

    Parameters
    ----------
    ids : every instrument with a price; what a strategy without a universe may hold
    model : body of `PUT /v1/risk-models/{name}` less its instruments, which are `ids` then `beyond`
    beyond : instruments of the model that have neither a price nor an entry of their own
    prices : closes by id, 1 where absent
    history : (T, len(ids)) closes up to the day, the last one included; wins over `prices`
    instruments : further fields of instruments by id
    """

    ids: tuple[str, ...]
    model: Body | None = None
    beyond: tuple[str, ...] = ()
    portfolio: Body = field(default_factory=lambda: cash(MONEY))
    prices: Mapping[str, float] = field(default_factory=dict)
    history: np.ndarray | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    instruments: Mapping[str, Body] = field(default_factory=dict)
    cash_flow: float = 0.0
    gap: float = 1e-6
    seconds: float = 60.0

    def having(self, **changes: Any) -> "World":
        """The same world but for some of its parts."""
        return replace(self, **changes)


def names(count: int) -> tuple[str, ...]:
    """Ids A00, A01 and so on."""
    return tuple(f"A{i:02d}" for i in range(count))


def cash(amount: float) -> Body:
    """A portfolio of nothing but money."""
    return {"base_currency": "USD", "holdings": {"$USD": amount}}


def holding(weights: Mapping[str, float], money: float = MONEY) -> Body:
    """A portfolio of so many fractions of its value at prices of 1; the rest is cash."""
    held = {key: money * weight for key, weight in weights.items()}
    return {"base_currency": "USD", "holdings": {"$USD": money - sum(held.values()), **held}}


def run(strategy: Body, world: World) -> Result:
    """Solve a strategy, read from its JSON text, over the whole world unless it names a universe."""
    return answer(question(strategy, world), Memory(8), lambda: world.seconds, lambda _: None)


def optimum(strategy: Body, world: World) -> np.ndarray:
    """Weights of the world's ids at an optimum."""
    result = run(strategy, world)
    assert result.status == "optimal", result.sentence
    return weights(result, world)


def weights(result: Result, world: World) -> np.ndarray:
    """Weights of the world's ids; 0 for those outside the strategy's universe."""
    assert result.weights is not None, result.sentence
    return np.array([result.weights.get(key, 0.0) for key in world.ids])


def refusal(strategy: Body, world: World) -> list[Fault]:
    """Faults with which a strategy is refused; none where it is answered."""
    try:
        run(strategy, world)
    except InvalidRequest as error:
        return list(error.faults)
    return []


def question(strategy: Body, world: World) -> Question:
    """Put a strategy to a world."""
    whole = {"universe": {"ids": list(world.ids)}} | strategy
    whole["trading"] = {"lots": False} | strategy.get("trading", {})
    return Question(
        STRATEGY.read(json.dumps(whole)),
        PORTFOLIO.read(json.dumps(world.portfolio)),
        _snapshot(world),
        digest(whole),
        "world",
        cash_flow=world.cash_flow,
        model=None if world.model is None else _model(world),
        model_key="" if world.model is None else "model",
        gap=world.gap,
    )


def minimize(*terms: tuple[float, Body], **fields: Any) -> Body:
    """A strategy that minimizes a weighted sum of measures."""
    return {"objective": _objective("minimize", terms), **fields}


def maximize(*terms: tuple[float, Body], **fields: Any) -> Body:
    """A strategy that maximizes a weighted sum of measures."""
    return {"objective": _objective("maximize", terms), **fields}


def at_most(measure: Body, upper: float) -> Body:
    """A cap on a measure."""
    return {"kind": "measure_limit", "measure": measure, "upper": upper}


def at_least(measure: Body, lower: float) -> Body:
    """A floor under a measure."""
    return {"kind": "measure_limit", "measure": measure, "lower": lower}


def covariance_of(volatilities: Any, correlations: Any) -> np.ndarray:
    """Covariance (n, n) of volatilities (n,) and correlations (n, n), or one correlation for all pairs."""
    volatilities = np.asarray(volatilities, dtype=np.float64)
    matrix = np.asarray(correlations, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = np.full((len(volatilities),) * 2, float(matrix)) + (1.0 - float(matrix)) * np.eye(len(volatilities))
    return matrix * np.outer(volatilities, volatilities)


def random_covariance(count: int, seed: int) -> np.ndarray:
    """A covariance (count, count) of daily size with three factors and specific risks."""
    random = np.random.default_rng(seed)
    loadings = random.normal([0.01, 0.0, 0.0], 0.01, (count, 3))
    return loadings @ loadings.T + np.diag(random.uniform(0.005, 0.02, count) ** 2)


def model(**figures: Any) -> Body:
    """The body of an uploaded model; arrays become lists."""
    return {name: np.asarray(one).tolist() for name, one in figures.items()}


def _objective(sense: str, terms: tuple[tuple[float, Body], ...]) -> Body:
    return {"sense": sense, "terms": [{"measure": measure, "weight": weight} for weight, measure in terms]}


def _snapshot(world: World) -> Snapshot:
    listed = ({"id": key, "currency": "USD"} | world.instruments.get(key, {}) for key in world.ids)
    instruments = tuple(INSTRUMENT.read(json.dumps(one)) for one in listed)
    now = np.array([world.prices.get(key, 1.0) for key in world.ids])
    history = now[None, :] if world.history is None else world.history
    dates = np.array([DAY.toordinal() - i for i in reversed(range(len(history)))])
    return Snapshot(DAY, instruments, history[-1], dates, history, extras=world.extras)


def _model(world: World) -> GivenModel:
    arrays = {key: np.array(one, dtype=np.float64) for key, one in (world.model or {}).items() if key != "horizon_days"}
    days = (world.model or {}).get("horizon_days")
    made = GivenModel(universe=Universe((*world.ids, *world.beyond)), horizon_days=days, **arrays)
    assert model_faults(made) == []
    return made
