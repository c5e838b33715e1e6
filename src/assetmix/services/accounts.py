"""Portfolios with an owner, a manager and a policy: each change makes a version and has them optimized."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Conflict, Fault, NotFound
from assetmix.optimization.check import refuse
from assetmix.persistence import outcomes, portfolios, records, searches
from assetmix.persistence.criteria import Wanted
from assetmix.persistence.journal import note, tell
from assetmix.persistence.outcomes import Actor
from assetmix.persistence.portfolios import NewContent, StoredPortfolio
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.ids import looks_like_id, new_id
from assetmix.services.management import is_managed, settings_of
from assetmix.services.names import require_name
from assetmix.services.policies import currency_of
from assetmix.services.portfolios import portfolio_faults
from assetmix.services.preconditions import ANYTHING, Expected, require
from assetmix.services.triggers import Triggered, ring, trigger

CREATED, STATUS, WITHDRAWAL = "portfolios.creation", "portfolios.status-update", "portfolios.withdrawal"
"""Names of the events."""

SYSTEM_USER = "U" + 26 * "X"
"""Owner of portfolios that have none and author of what keys do: keys belong to tenants, not to users."""

WRITTEN_ONCE = (("money_type",), ("config", "manager"), ("funded_since",))


@dataclass(frozen=True, slots=True)
class Account:
    """What a portfolio holds and follows, and what else is known of it."""

    portfolio: Portfolio
    details: dict[str, Any]


Make: TypeAlias = Callable[[StoredPortfolio], Account]
"""Makes an account as it is to be from what is stored."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A portfolio as it is now, and what the change has triggered."""

    stored: StoredPortfolio
    triggered: Triggered


async def create(house: House, caller: Caller, account: Account) -> Changed:
    """Store a new portfolio, and have it optimized if it is ready for that.

    Raises
    ------
    InvalidRequest
        when its owner or policy do not exist, or figures are out of range
    Conflict
        when another portfolio has its external id
    """
    reference, portfolio_id = account.details.get("external_id"), new_id("P")
    if reference is not None:
        require_name(reference, "portfolio")
    async with house.database.transaction(caller.tenant_id) as connection:
        await _check(connection, caller, account, None)
        if await portfolios.find_portfolio(connection, caller.tenant_id, reference or portfolio_id) is not None:
            raise Conflict("there is a portfolio with this external_id already")
        content = _content(caller, account)
        put = portfolios.put_portfolio(connection, caller.tenant_id, portfolio_id, reference or portfolio_id, content)
        stored, created = await put
        if not created:
            raise Conflict("there is a portfolio with this external_id already")
        await note(connection, caller.tenant_id, entry(caller, "portfolio.create", stored.id))
        named = {"id": stored.id, "external_id": reference, "owned_by_user_id": stored.details["owned_by_user_id"]}
        await tell(connection, caller.tenant_id, CREATED, named)
        triggered = await trigger(house, connection, caller, stored.id)
    ring(house, triggered)
    return Changed(stored, triggered)


async def change(house: House, caller: Caller, portfolio_id: str, make: Make, expected: Expected = ANYTHING) -> Changed:
    """Change a portfolio, or nothing of it, and have it optimized in either case.

    `make` gives the account as it is to be, from what is stored.

    Raises
    ------
    NotFound
        when there is none
    Conflict
        for a change of what is written once, or another portfolio's external id
    InvalidRequest
        as `create` does
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await locked(connection, caller, portfolio_id, expected)
        account = make(known)
        reference = await _reference(connection, caller, known, account)
        _require_kept(known.details, account.details)
        await _check(connection, caller, account, known)
        content = _content(caller, account)
        stored = known
        if (account.portfolio, content.details) != (known.portfolio, known.details):
            stored = await portfolios.change_portfolio(connection, caller.tenant_id, known, content, reference)
            about = entry(caller, "portfolio.change", known.id, version=stored.version)
            await note(connection, caller.tenant_id, about)
            await _tell_changes(connection, caller, known, stored)
        triggered = await trigger(house, connection, caller, stored.id)
    ring(house, triggered)
    return Changed(stored, triggered)


async def delete(house: House, caller: Caller, portfolio_id: str, expected: Expected = ANYTHING) -> StoredPortfolio:
    """Mark a portfolio as deleted, which is its last version; its runs end.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await locked(connection, caller, portfolio_id, expected)
        await outcomes.abandon(connection, caller.tenant_id, known.id, Actor(caller.key_id, caller.request_id))
        stored = await portfolios.mark_deleted(connection, caller.tenant_id, known, caller.key_id)
        await note(connection, caller.tenant_id, entry(caller, "portfolio.delete", known.id))
    return stored


async def get_version(house: House, caller: Caller, portfolio_id: str, version: int) -> StoredPortfolio:
    """Give a version of a portfolio, also of one that was deleted since.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio_id)
        name = portfolio_id if known is None else known.id
        found = await portfolios.find_version(connection, caller.tenant_id, name, version)
    if found is None:
        raise NotFound("no such version of a portfolio")
    return found


async def search(house: House, caller: Caller, wanted: Wanted) -> tuple[list[StoredPortfolio], int]:
    """Give the portfolios that are looked for, and how many there are in all."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await searches.search_portfolios(connection, caller.tenant_id, wanted)


async def locked(
    connection: Connection, caller: Caller, portfolio_id: str, expected: Expected = ANYTHING
) -> StoredPortfolio:
    """Give a portfolio for a change in a transaction of the caller's.

    Raises
    ------
    NotFound
        when there is none
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    known = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio_id, lock=True)
    if known is None:
        raise NotFound("no such portfolio")
    require(expected, known, caller, "portfolio")
    return known


async def _reference(connection: Connection, caller: Caller, known: StoredPortfolio, account: Account) -> str:
    """Give the reference that the portfolio is to have: its external id, else its own."""
    wanted = account.details.get("external_id")
    if wanted is None or wanted == known.client_reference:
        return known.client_reference if wanted is not None or not known.details.get("external_id") else known.id
    require_name(wanted, "portfolio")
    if await portfolios.find_portfolio(connection, caller.tenant_id, wanted) is not None:
        raise Conflict("there is another portfolio with this external_id")
    return str(wanted)


def _require_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    for path in WRITTEN_ONCE:
        old, new = _at(before, path), _at(after, path)
        if old is not None and old != new:
            raise Conflict(f"{'.'.join(path)} is written once; it stays {old}")


def _at(details: dict[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        details = details.get(part) or {}
    return details or None


async def _check(connection: Connection, caller: Caller, account: Account, known: StoredPortfolio | None) -> None:
    """Refuse owners and policies that do not exist, where they are new."""
    faults = portfolio_faults(account.portfolio)
    faults += await _owner_faults(connection, caller, account, known)
    faults += await _policy_faults(connection, caller, account, known)
    refuse(faults)


async def _owner_faults(
    connection: Connection, caller: Caller, account: Account, known: StoredPortfolio | None
) -> list[Fault]:
    owner = account.details.get("owned_by_user_id")
    before = None if known is None else known.details.get("owned_by_user_id")
    if owner in {None, SYSTEM_USER, before}:
        return []
    if await records.find_record(connection, caller.tenant_id, "user", str(owner)) is not None:
        return []
    return [Fault("/owned_by_user_id", "unknown-user", "there is no such user; POST /users/ first")]


async def _policy_faults(
    connection: Connection, caller: Caller, account: Account, known: StoredPortfolio | None
) -> list[Fault]:
    before = {} if known is None else known.document
    policy_id, currency = account.portfolio.strategy, account.portfolio.base_currency
    is_kept = (policy_id, currency) == (before.get("strategy"), before.get("base_currency"))
    if policy_id is None or is_kept or not looks_like_id(policy_id):
        return []
    policy = await records.find_record(connection, caller.tenant_id, "policy", policy_id)
    if policy is None:
        detail = "there is no such policy; POST /robo-advisor/policies/ first"
        return [Fault(_POLICY, "unknown-policy", detail)]
    if currency_of(policy) != currency:
        detail = f"the policy is in {currency_of(policy)}, the portfolio in {currency}"
        return [Fault(_POLICY, "other-currency", detail)]
    return []


_POLICY = "/config/manager_settings/policy_id"


def _content(caller: Caller, account: Account) -> NewContent:
    details = account.details | {"status": status_of(account)}
    return NewContent(portfolio=account.portfolio, details=details, author=caller.key_id)


def status_of(account: Account) -> str:
    """Say where a portfolio stands on its way to be managed.

    Archived or switched off, it is inactive; then it waits for a policy, for an account where one is
    given without a number, and for anything to invest.
    """
    broker = account.details.get("brokerage_account")
    waits = (
        ("INACTIVE", bool(account.details.get("archived")) or settings_of(account.details).get("active") is False),
        ("WAITING_FOR_POLICY", account.portfolio.strategy is None and is_managed(account.details)),
        ("WAITING_FOR_ACCOUNT", broker is not None and broker.get("bank_account_number") is None),
        ("WAITING_FOR_FUNDS", not any(account.portfolio.holdings.values())),
    )
    return next((status for status, holds in waits if holds), "ACTIVE")


async def _tell_changes(
    connection: Connection, caller: Caller, known: StoredPortfolio, stored: StoredPortfolio
) -> None:
    named = {"id": stored.id, "external_id": stored.details.get("external_id")}
    if known.details.get("status") != stored.details["status"]:
        await tell(connection, caller.tenant_id, STATUS, named | {"value": stored.details["status"]})
    before, after = (one.document.get("divest_amount", 0.0) for one in (known, stored))
    if before != after:
        money = {"divest_amount": after, "currency": stored.document["base_currency"]}
        await tell(connection, caller.tenant_id, WITHDRAWAL, named | money)
