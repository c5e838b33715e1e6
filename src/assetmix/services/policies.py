"""Policies: a record each, and the strategy that it amounts to, under the policy's id."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Conflict, Fault
from assetmix.optimization.application import strange_scopes
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.scope import Ids
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import due, strategies
from assetmix.persistence.records import Record
from assetmix.persistence.session import Connection
from assetmix.services import records
from assetmix.services.context import Caller, House
from assetmix.services.preconditions import ANYTHING, Expected
from assetmix.services.scopes import scopes_elsewhere

NOTHING = Snapshot(dt.date.min, (), np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it was sent, the strategy that it amounts to, and where faults of that come from."""

    document: dict[str, Any]
    strategy: Strategy
    currency: str
    pointed: Callable[[Fault], Fault]


async def create(house: House, caller: Caller, policy: Policy) -> Record:
    """Store a policy.

    Raises
    ------
    InvalidRequest
        with every fault that can be found without a portfolio
    Conflict
        when another policy has its external id
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        await _check(connection, caller, policy)
        new = records.new_record(caller, "policy", policy.document, policy.document.get("external_id"))
        stored = await records.add(connection, caller, new)
        await _keep(connection, caller, stored.id, policy.strategy)
    return stored


async def replace(
    house: House, caller: Caller, policy_id: str, policy: Policy, expected: Expected = ANYTHING
) -> Record:
    """Add a version to a policy; every portfolio that follows it becomes due.

    Raises
    ------
    NotFound
        when there is none
    InvalidRequest
        as `create` does
    Conflict
        for another currency, in which its portfolios are not kept
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await records.locked(connection, caller, "policy", policy_id, expected)
        await _check(connection, caller, policy)
        if policy.currency != currency_of(known):
            raise Conflict(f"a policy keeps its currency, {currency_of(known)}; make another policy for another one")
        stored = await records.changed(connection, caller, known, policy.document)
        await _keep(connection, caller, stored.id, policy.strategy)
        if stored.version != known.version:
            await due.make_due(connection, caller.tenant_id, "policy", policy_id)
    return stored


def currency_of(policy: Record) -> str:
    """Give the currency in which a policy states money."""
    settings = policy.document["config"]["algorithm_settings"]
    return str(settings["execution_settings"]["base_currency"])


async def _check(connection: Connection, caller: Caller, policy: Policy) -> None:
    refuse([policy.pointed(one) for one in check_strategy(policy.strategy)])
    strange = strange_scopes(policy.strategy, NOTHING)
    elsewhere = await scopes_elsewhere(connection, caller.tenant_id, policy.strategy, NOTHING)
    faults = [
        policy.pointed(Fault(f"/constraints/{i}{pointer}", "unknown-group", _UNKNOWN))
        for i, constraint in enumerate(policy.strategy.constraints)
        for pointer, scope in constraint.scopes()
        if scope in strange - elsewhere and not isinstance(scope, Ids)
    ]
    refuse(faults)


_UNKNOWN = "neither the documents nor your instruments know this group; check its spelling"


async def _keep(connection: Connection, caller: Caller, policy_id: str, strategy: Strategy) -> None:
    await strategies.lock_strategies(connection, caller.tenant_id)
    await strategies.put_strategy(connection, caller.tenant_id, policy_id, strategy)
