"""A portfolio comes with the strategy that is asked for, else with its own."""

import pytest

from assetmix.domain.portfolio import Portfolio
from assetmix.persistence import portfolios, strategies
from assetmix.persistence.pairs import find_pair
from assetmix.persistence.portfolios import NewContent
from assetmix.services.ids import new_id
from tests.integration.conftest import Bench
from tests.makers import make_strategy


async def put_portfolio(bench: Bench, tenant: str, reference: str, strategy: str | None) -> str:
    held = Portfolio(base_currency="USD", holdings={"$USD": 1.0}, strategy=strategy)
    stored, _ = await bench.do(portfolios.put_portfolio, tenant, new_id("P"), reference, NewContent(portfolio=held))
    return str(stored.id)


@pytest.mark.parametrize(
    ("portfolio", "asked", "expected"),
    [
        ("ada", None, "own"),
        ("ada", "other", "other"),
        ("ada", 2, "other"),
        ("ada", 9, None),
        ("ada", "none such", None),
        ("bob", None, None),
        ("bob", "own", "own"),
    ],
)
async def test_the_strategy_is_the_one_that_is_asked_for(
    bench: Bench, portfolio: str, asked: str | int | None, expected: str | None
) -> None:
    tenant, foreign = await bench.tenant("one"), await bench.tenant("two")
    for owner, name in ((foreign, "none such"), (tenant, "own"), (tenant, "other")):
        await bench.do(strategies.put_strategy, owner, name, make_strategy())
    ids = {
        "ada": await put_portfolio(bench, tenant, "ada", "own"),
        "bob": await put_portfolio(bench, tenant, "bob", None),
    }

    for name in (portfolio, ids[portfolio]):
        found, strategy = await bench.do(find_pair, tenant, name, asked)
        assert found.id == ids[portfolio]
        assert (None if strategy is None else strategy.name) == expected


async def test_no_portfolio_no_pair(bench: Bench) -> None:
    tenant, foreign = await bench.tenant("one"), await bench.tenant("two")
    await put_portfolio(bench, foreign, "ada", None)

    assert await bench.do(find_pair, tenant, "ada", None) == (None, None)
