"""A portfolio as an account: what the core works with apart from what is only kept."""

from typing import Any

from assetmix.api.dialects.investsuite.schemas.portfolio import ManagerSettings, PortfolioBody, PortfolioChange
from assetmix.domain.portfolio import Portfolio
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.services.accounts import Account
from assetmix.services.management import config_of, settings_of

MOVED = ("policy_id", "divest_amount")
"""Settings that the core works with."""


def read_portfolio(body: PortfolioBody) -> Account:
    """A new portfolio."""
    details = body.model_dump(mode="json", exclude={"portfolio", "base_currency"})
    settings = body.config.manager_settings
    details["config"]["manager_settings"] = _kept(settings)
    portfolio = Portfolio(
        base_currency=body.base_currency,
        holdings=body.portfolio,
        strategy=settings.policy_id,
        divest_amount=settings.divest_amount or 0.0,
    )
    return Account(portfolio, details)


def apply_change(known: StoredPortfolio, change: PortfolioChange) -> Account:
    """A portfolio with what a change gives: holdings replaced as a whole, settings one by one."""
    given = change.model_dump(mode="json", exclude_unset=True)
    settings = _settings_given(change)
    held = known.portfolio
    details = {**known.details, **{key: value for key, value in given.items() if key not in _ELSEWHERE}}
    config = config_of(known.details)
    if change.config is not None:
        named = change.config.model_dump(mode="json", exclude_unset=True, exclude={"manager_settings"})
        config |= {key: value for key, value in named.items() if value is not None}
    kept = {key: value for key, value in settings.items() if key not in MOVED}
    details["config"] = config | {"manager_settings": {**settings_of(known.details), **kept}}
    portfolio = Portfolio(
        base_currency=change.base_currency or held.base_currency,
        holdings=held.holdings if change.portfolio is None else change.portfolio,
        strategy=settings.get("policy_id", held.strategy),
        benchmark=held.benchmark,
        quantity_type=held.quantity_type,
        divest_amount=settings.get("divest_amount", held.divest_amount) or 0.0,
    )
    return Account(portfolio, details)


_ELSEWHERE = ("portfolio", "base_currency", "config", "manager")


def _settings_given(change: PortfolioChange) -> dict[str, Any]:
    """Settings in either of the two places where the documents' samples have them."""
    found: dict[str, Any] = {}
    for place in (change.manager, change.config):
        if place is not None:
            found |= place.manager_settings.model_dump(mode="json", exclude_unset=True)
    return found


def _kept(settings: ManagerSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude=set(MOVED))
