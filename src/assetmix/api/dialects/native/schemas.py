"""The wire, word for word; no behavior."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assetmix.api.backtest_body import BacktestMembers
from assetmix.codec.documents import Codec
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.optimization.measure import Measure
from assetmix.optimization.strategy import Strategy
from assetmix.persistence.batches import Selection
from assetmix.services.batches import MOST_BATCH_SECONDS
from assetmix.services.preparation import MOST_BACKTEST_SECONDS, MOST_SECONDS


class Strict(BaseModel):
    """Unknown fields are refused, numbers are numbers, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class InstrumentsBody(Strict):
    """Instruments to create or replace."""

    instruments: list[Instrument]


class PriceBody(Strict):
    """One day's prices of one instrument; or, with `quote`, one day's rate of one currency (`$EUR`)."""

    instrument: str
    date: dt.date
    close: float
    quote: str | None = None
    adjusted_close: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


class PricesBody(Strict):
    """Prices to insert or replace."""

    prices: list[PriceBody]


class QuestionBody(Strict):
    """What every request to solve says: of which portfolio, as of when, and how long it may take."""

    portfolio: str | Portfolio
    strategy: str | Strategy | None = None
    risk_model: str | None = None
    as_of: dt.date | None = None
    cash_flow: float = 0.0
    time_limit_seconds: Annotated[float, Field(gt=0, json_schema_extra={"maximum": MOST_SECONDS})] = 60.0
    gap: Annotated[float, Field(gt=0, le=1)] = 0.01


class RunBody(QuestionBody):
    """A request to optimize a portfolio."""

    what_if: bool = False
    if_running: Literal["queue", "replace", "reject"] = "queue"


class FrontierBody(QuestionBody):
    """A request for the efficient frontier of two measures."""

    x: Measure
    y: Measure
    points: int = 20


class BacktestBody(BacktestMembers):
    """A request to walk a strategy through past sessions."""

    portfolio: str | Portfolio
    strategy: str | Strategy | None = None
    time_limit_seconds: Annotated[float, Field(gt=0, json_schema_extra={"maximum": MOST_BACKTEST_SECONDS})] = 900.0


class BatchBody(Strict):
    """A request to apply one strategy to many stored portfolios: those that are named, or that a `query` selects.

    A query may name the `strategy` that portfolios are to have, their `base_currency` and an
    instrument that they hold (`holds`); an empty one selects all.
    """

    strategy: str | Strategy
    portfolios: list[str] | None = None
    query: Selection | None = None
    risk_model: str | None = None
    as_of: dt.date | None = None
    gap: Annotated[float, Field(gt=0, le=1)] = 0.01
    seconds_each: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = 30.0
    time_limit_seconds: Annotated[float, Field(gt=0, le=MOST_BATCH_SECONDS)] = 3600.0


class ValidationBody(Strict):
    """A strategy to check; with a portfolio, whether its limits can hold together there."""

    strategy: str | Strategy
    portfolio: str | Portfolio | None = None
    risk_model: str | None = None
    as_of: dt.date | None = None
    cash_flow: float = 0.0


Figures = list[float]
Table = list[Figures]


class RiskModelBody(Strict):
    """A risk model in the caller's own unit: a covariance, a factor form, or scenarios in time order."""

    instruments: list[str]
    horizon_days: float | None = None
    as_of: dt.date | None = None
    default: bool = False
    expected_returns: Figures | None = None
    covariance: Table | None = None
    exposures: Table | None = None
    factor_covariance: Table | None = None
    specific_variance: Figures | None = None
    scenarios: Table | None = None
    probabilities: Figures | None = None


class WebhookBody(Strict):
    """An endpoint that is told of events: of those that are named, else of all."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    events: list[str] | None = None
    rotate_secret: bool = False


class SettingsBody(Strict):
    """Settings to change; null gives one back to its default. `webhooks` replaces all endpoints.

    `concurrent_runs` is how many runs of the tenant may be worked on at the same time, `active_runs` how
    many may wait or run; with `require_if_match` nothing that exists is changed without its tag;
    `max_price_age_days` is the age, on the day that a run is for, from which a price is too old to be used.
    """

    quantity_type: Literal["UNITS", "AMOUNT"] | None = None
    retention_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    require_if_match: bool | None = None
    concurrent_runs: Annotated[int, Field(ge=1, le=1000)] | None = None
    active_runs: Annotated[int, Field(ge=1)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    max_price_age_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    webhooks: list[WebhookBody] | None = None


INSTRUMENTS: Codec[InstrumentsBody] = Codec(InstrumentsBody)
PRICES: Codec[PricesBody] = Codec(PricesBody)
RISK_MODEL: Codec[RiskModelBody] = Codec(RiskModelBody)
RUN: Codec[RunBody] = Codec(RunBody)
ANYTHING: Codec[Any] = Codec(Any)
FRONTIER: Codec[FrontierBody] = Codec(FrontierBody)
BACKTEST: Codec[BacktestBody] = Codec(BacktestBody)
BATCH: Codec[BatchBody] = Codec(BatchBody)
SETTINGS: Codec[SettingsBody] = Codec(SettingsBody)
VALIDATION: Codec[ValidationBody] = Codec(ValidationBody)
