"""Look-through: shares of invested value, and shares within asset classes."""

import pytest

from assetmix.domain.instrument import Instrument
from assetmix.domain.lookthrough import UNCLASSIFIED, look_through
from tests.tolerances import EXACT

FUND = Instrument(
    id="FUND",
    currency="USD",
    look_through={
        "asset_classes": {"stocks": 0.6, "bonds": 0.4},
        "regions": {"stocks": {"emerging": 0.5, "europe": 0.5}, "bonds": {"europe": 1.0}},
        "sectors": {"energy": 0.25, "technology": 0.75},
    },
)
BOND = Instrument(
    id="BOND", currency="USD", look_through={"asset_classes": {"bonds": 1.0}, "regions": {"bonds": {"emerging": 1.0}}}
)


def test_share_within_a_class_is_class_share_times_share_inside() -> None:
    assert FUND.share("regions", "emerging", within="stocks") == pytest.approx(0.3, rel=EXACT)
    assert FUND.share("sectors", "technology", within="stocks") == pytest.approx(0.45, rel=EXACT)


def test_share_of_a_nested_group_without_a_class_sums_over_classes() -> None:
    assert FUND.share("regions", "europe") == pytest.approx(0.6 * 0.5 + 0.4 * 1.0, rel=EXACT)


def test_share_of_a_flat_group_without_a_class_is_of_the_instrument() -> None:
    assert FUND.share("sectors", "energy") == pytest.approx(0.25, rel=EXACT)
    assert FUND.share("sectors", "unknown") == 0.0
    assert FUND.share("styles", "value") == 0.0


def test_sectors_and_regions_are_reported_within_their_class() -> None:
    seen = look_through({"FUND": 100.0, "BOND": 60.0}, [FUND, BOND])

    assert seen["asset_classes"] == pytest.approx({"stocks": 60 / 160, "bonds": 100 / 160}, rel=EXACT)
    assert seen["sectors"] == pytest.approx({"energy": 0.25, "technology": 0.75}, rel=EXACT)
    assert seen["regions"]["bonds"] == pytest.approx({"emerging": 0.6, "europe": 0.4}, rel=EXACT)


def test_nothing_invested_gives_zeros_and_no_division() -> None:
    seen = look_through({"BOND": 10.0}, [FUND, BOND])

    assert seen["sectors"] == {"energy": 0.0, "technology": 0.0}
    assert look_through({}, [FUND])["asset_classes"] == {"bonds": 0.0, "stocks": 0.0}


def test_what_is_not_classified_is_named() -> None:
    plain = Instrument(id="PLAIN", currency="USD")

    seen = look_through({"PLAIN": 50.0, "BOND": 50.0}, [plain, BOND])

    assert seen["asset_classes"] == pytest.approx({"bonds": 0.5, UNCLASSIFIED: 0.5}, rel=EXACT)
