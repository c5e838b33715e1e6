"""Entities with their metadata, and pages of them."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from assetmix.api.dialects.investsuite.schemas.access import Token
from assetmix.persistence.criteria import Wanted
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.records import Record
from assetmix.services.accounts import SYSTEM_USER, Account, status_of
from assetmix.services.ids import looks_like_id
from assetmix.services.management import config_of, settings_of
from assetmix.services.tokens import ACCESS_SECONDS, Tokens

JSON = dict[str, Any]

MANAGER_SETTINGS: Mapping[str, Any] = {"active": True, "policy_id": None, "divest_amount": None}


def write_record(record: Record) -> JSON:
    """A user, policy or transaction."""
    made = metadata(record.id, record.version, (record.created_at, record.updated_at), deleted=record.is_deleted)
    return {**record.document, "external_id": record.external_id, **made}


def write_transaction(record: Record) -> JSON:
    """A transaction with the portfolio that it is of."""
    return write_record(record) | {"portfolio_id": record.portfolio_id}


def write_portfolio(stored: StoredPortfolio) -> JSON:
    """A portfolio, whoever has made it: one of another dialect is its user's to manage."""
    made = metadata(stored.id, stored.version, (stored.created_at, stored.updated_at), deleted=stored.is_deleted)
    return {**_portfolio(stored), **made}


def _portfolio(stored: StoredPortfolio) -> JSON:
    portfolio, details = stored.portfolio, stored.details
    policy = portfolio.strategy
    settings = {
        **MANAGER_SETTINGS,
        **settings_of(details),
        "policy_id": policy if policy is not None and looks_like_id(policy) else None,
        "divest_amount": portfolio.divest_amount or None,
    }
    own = stored.client_reference if stored.client_reference != stored.id else None
    known = {"name": own or stored.id, "owned_by_user_id": SYSTEM_USER, "money_type": "PAPER_MONEY"} | details
    return {
        **known,
        "external_id": details.get("external_id", own),
        "base_currency": portfolio.base_currency,
        "config": {**config_of(details), "manager_settings": settings},
        "portfolio": dict(portfolio.holdings),
        "brokerage_account": details.get("brokerage_account"),
        "snapshot_datetime": details.get("snapshot_datetime"),
        "funded_since": details.get("funded_since"),
        "archived": bool(details.get("archived")),
        "status": status_of(Account(portfolio, details)),
    }


def metadata(key: str, version: int, times: tuple[dt.datetime, dt.datetime], *, deleted: bool) -> JSON:
    """What every entity says of itself."""
    return {
        "id": key,
        "creation_datetime": times[0].isoformat(),
        "version": version,
        "version_datetime": times[1].isoformat(),
        "version_authored_by_user_id": SYSTEM_USER,
        "deleted": deleted,
        "_embedded": {},
    }


def write_page(items: Sequence[JSON], wanted: Wanted, count: int, address: tuple[str, Mapping[str, str]]) -> JSON:
    """A page with the address of the next one, null on the last."""
    path, query = address
    after = wanted.offset + wanted.limit
    following = {**query, "limit": str(wanted.limit), "offset": str(after)}
    has_next = after < count and bool(items)
    return {
        "next": f"{path}?{urlencode(following)}" if has_next else None,
        "count": count,
        "offset": wanted.offset,
        "results": list(items),
        "_embedded": {},
    }


def references(items: Iterable[JSON], fields: Sequence[str]) -> set[str]:
    """Ids that the named fields of entities refer to; dotted names reach inside."""
    found = (_at(item, field.split(".")) for item in items for field in fields)
    return {key for key in found if isinstance(key, str) and looks_like_id(key)}


def _at(item: Any, path: list[str]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        item = item.get(part) if isinstance(item, dict) else None
    return item


def write_token(tokens: Tokens) -> Token:
    """What a login gives."""
    return {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": str(ACCESS_SECONDS),
        "refresh_token": tokens.refresh,
    }
