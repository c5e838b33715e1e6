"""Divestment, universes that keep what is held, whole lots, and when orders are recommended; all by arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.concentration import Concentration
from assetmix.optimization.recommendation import Recommendation
from assetmix.optimization.result import Result
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.scope import Group, Ids
from assetmix.optimization.strategy import (
    Objective,
    Strategy,
    Term,
    Thresholds,
    Trading,
    UniverseById,
    UniverseOfAll,
)
from tests.makers import LAST_DAY, make_question, solve
from tests.tolerances import EXACT, WEIGHTS

NO_THRESHOLD = "The orders would make the portfolio better, but no threshold is reached."
PRICES = {"A": 10.0, "B": 20.0, "C": 40.0, "D": 50.0}


def market(**fields: Instrument) -> Snapshot:
    """Four stocks at round prices, of which D cannot be traded."""
    known = {
        key: Instrument(id=key, currency="USD", fractional_step=0.01, tradable=key != "D") for key in PRICES
    } | fields
    closes = np.array([PRICES[key] for key in known])
    days = np.array([LAST_DAY.toordinal()])
    return Snapshot(LAST_DAY, tuple(known.values()), closes, days, closes[np.newaxis])


def evenly(**fields: object) -> Strategy:
    """As even as possible: the sum of squared weights."""
    objective = Objective(sense="minimize", terms=(Term(measure=Concentration()),))
    chosen = {"objective": objective, "universe": UniverseById(ids=("A", "B")), "trading": Trading()}
    return Strategy(**(chosen | fields))  # type: ignore[arg-type]


def ask(strategy: Strategy, divest: float = 0.0, snapshot: Snapshot | None = None, **held: float) -> Result:
    """Answer for an account of these units; `USD` is its cash."""
    holdings = {("$USD" if key == "USD" else key): units for key, units in held.items()}
    portfolio = Portfolio(base_currency="USD", holdings=holdings, divest_amount=divest)
    return solve(make_question(strategy, snapshot or market(), portfolio))


def test_what_is_divested_stays_as_cash_and_the_limits_hold_for_the_rest() -> None:
    found = ask(evenly(constraints=(Cash(lower_fraction=0.1, upper_fraction=0.1),)), divest=300.0, A=100.0)

    # of 1000 the 300 stay out: 70 of the other 700 are cash, 315 in each stock
    assert found.value == pytest.approx(700.0, rel=EXACT)
    assert found.holdings == pytest.approx({"A": 31.5, "B": 15.75, "$USD": 370.0}, rel=EXACT)
    assert found.current_holdings == {"A": 100.0, "$USD": 0.0}
    assert found.recommendation is not None
    assert next((one.threshold, one.value, one.observed) for one in found.recommendation.reasons) == (
        "divest_amount",
        300.0,
        0.0,
    )
    assert found.recommendation.is_recommended


@pytest.mark.parametrize("amount", [1200.0, 1e100], ids=["all it is worth", "everything"])
def test_who_divests_everything_is_sold_out_whatever_the_limits_say(amount: float) -> None:
    limits = (WeightBounds(lower=0.4), Cash(upper_fraction=0.03))
    strategy = evenly(constraints=limits, trading=Trading(cost_fraction=0.01, min_order_amount=500.0))

    found = ask(strategy, divest=amount, A=100.0, B=7.335, USD=53.3)

    # 1000 and 146.70 are sold for 99 % each, the second below the smallest order
    assert found.status == "optimal"
    assert found.holdings == {"$USD": pytest.approx(53.3 + 0.99 * 1146.7, rel=EXACT)}
    assert {one.instrument: one.quantity for one in found.orders} == {"A": 100.0, "B": 7.335}


def test_what_cannot_be_traded_is_kept_when_all_else_is_sold() -> None:
    found = ask(evenly(), divest=1e100, A=10.0, D=2.0)

    assert found.holdings == pytest.approx({"D": 2.0, "$USD": 100.0})


def test_an_account_of_cash_that_is_paid_out_trades_nothing() -> None:
    found = ask(evenly(), divest=1e100, USD=100.0)

    assert found.orders == ()
    assert found.recommendation is not None
    assert (found.recommendation.is_recommended, found.recommendation.reasons) == (False, ())


def test_what_is_held_outside_the_universe_is_sold_and_is_a_reason() -> None:
    found = ask(evenly(), C=10.0)

    assert found.weights == pytest.approx({"A": 0.5, "B": 0.5, "C": 0.0}, abs=WEIGHTS)
    assert [(one.instrument, one.quantity) for one in found.orders if one.side == "sell"] == [("C", 10.0)]
    assert found.recommendation is not None
    reasons = {one.threshold: (one.limit, one.observed) for one in found.recommendation.reasons}
    assert reasons["universe"] == ("holdings.position.C", 1.0)


def test_what_is_held_outside_the_universe_may_be_kept_and_is_not_bought() -> None:
    keeping = evenly(universe=UniverseById(ids=("A", "B"), keep_held=True))

    # even would be a third each; of C a fifth is held, and no more may be: two fifths each of the others
    few = ask(keeping, C=5.0, USD=800.0)
    # of C four fifths are held, and a third is kept
    much = ask(keeping, C=20.0, USD=200.0)

    assert few.weights == pytest.approx({"A": 0.4, "B": 0.4, "C": 0.2}, abs=WEIGHTS)
    assert much.weights == pytest.approx({"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}, abs=WEIGHTS)


def test_the_universe_of_all_is_every_tradable_instrument() -> None:
    found = ask(evenly(universe=UniverseOfAll(all=True)), USD=1200.0)

    assert found.weights == pytest.approx({"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}, abs=WEIGHTS)


def test_without_fractions_orders_are_whole_lots_of_instruments_that_have_a_step() -> None:
    whole = ask(evenly(trading=Trading(fractions=False)), USD=1010.0)
    parts = ask(evenly(), USD=1010.0)

    assert all(one.quantity == round(one.quantity) for one in whole.orders)
    assert parts.holdings == pytest.approx({"A": 50.5, "B": 25.25, "$USD": 0.0})


def test_a_documented_group_without_members_is_no_misspelling() -> None:
    none = GroupWeight(scope=Group(grouping="asset_classes", name="alternatives"), within="all", upper=0.0)

    assert ask(evenly(constraints=(none,)), USD=1000.0).status == "optimal"


def test_orders_say_on_which_day_their_price_was_made() -> None:
    snapshot = market()
    later = replace(
        snapshot,
        dates=np.array([LAST_DAY.toordinal() - 1, LAST_DAY.toordinal()]),
        history=np.vstack([snapshot.closes, np.where(np.arange(4) == 1, np.nan, snapshot.closes)]),
    )

    found = {one.instrument: one.priced_on for one in ask(evenly(), snapshot=later, USD=1000.0).orders}

    assert (found["A"], found["B"]) == (LAST_DAY, LAST_DAY.fromordinal(LAST_DAY.toordinal() - 1))


def limited(**thresholds: float) -> Strategy:
    """Half of each, at most 60 % in A, a cash band of 0 to 10 %."""
    limits = (WeightBounds(scope=Ids(ids=("A",)), upper=0.6), Cash(lower_fraction=0.0, upper_fraction=0.1))
    return evenly(constraints=limits, thresholds=Thresholds(**thresholds))


def reasons(found: Result) -> list[tuple[str, float, str | None, float]]:
    """Thresholds that are reached, rounded for comparison."""
    assert found.recommendation is not None
    return [(one.threshold, one.value, one.limit, round(one.observed, 9)) for one in found.recommendation.reasons]


def test_an_improvement_counts_from_its_threshold_on() -> None:
    # of 0.45 and 0.55 the squares sum up to 0.505, of halves to 0.5; with a tenth in cash 0.405 and less
    held = {"A": 45.0, "B": 27.5}
    gained = (0.505 - 0.405) / 0.505

    above, below = ask(limited(improvement=0.15), **held), ask(limited(improvement=0.25), **held)

    assert reasons(above) == [("improvement", 0.15, None, pytest.approx(gained, abs=1e-4))]
    assert above.recommendation is not None
    assert above.recommendation.is_recommended
    assert reasons(below) == []
    assert below.recommendation is not None
    assert not below.recommendation.is_recommended
    assert "no threshold" in below.recommendation.sentence


def test_a_breach_counts_beyond_its_threshold_and_forbids_the_comparison_of_objectives() -> None:
    held = {"A": 70.0, "B": 15.0}

    tolerant, strict = ask(limited(violation=0.15), **held), ask(limited(violation=0.05), **held)

    assert reasons(tolerant) == []
    assert reasons(strict) == [("violation", 0.05, "holdings.position.A", pytest.approx(0.1))]


@pytest.mark.parametrize(("cash", "bound"), [(5.0, 0.01), (90.0, 0.08)], ids=["too little", "too much"])
def test_cash_outside_its_outer_band_is_a_reason(cash: float, bound: float) -> None:
    rest = (1000.0 - cash) / 2
    strategy = limited(improvement=9.0, cash_lower_fraction=0.01, cash_upper_fraction=0.08)

    found = ask(strategy, A=rest / 10, B=rest / 20, USD=cash)

    assert reasons(found) == [("cash_fraction", bound, "holdings.cash", cash / 1000)]


def test_below_the_least_worth_nothing_is_recommended_and_the_reasons_are_given_all_the_same() -> None:
    found = ask(limited(min_value=2000.0), A=90.0, B=5.0)

    assert found.recommendation is not None
    assert not found.recommendation.is_recommended
    assert "below 2000.00" in found.recommendation.sentence
    assert [one.threshold for one in found.recommendation.reasons] == ["violation"]


def test_a_rule_has_no_objective_to_improve() -> None:
    at_rest, astray = (ask(evenly(objective=EqualWeight()), A=units, B=25.0) for units in (50.0, 60.0))

    assert (at_rest.recommendation, astray.recommendation) == (
        Recommendation(is_recommended=False, sentence="There is nothing to trade."),
        Recommendation(is_recommended=False, sentence=NO_THRESHOLD),
    )
