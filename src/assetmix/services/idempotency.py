"""Requests that carry a key of their own: the first is carried out, the others are given its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from assetmix.errors import KeyInUse, KeyReused
from assetmix.persistence import idempotency, optimizations
from assetmix.persistence.idempotency import Answered
from assetmix.persistence.optimizations import Run
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Once:
    """The key of a request on a route, and a fingerprint of what is asked.

    `write` makes the answer to what was just done, mostly a run that was stored: status, headers and body.
    """

    route: str
    key: str
    fingerprint: str
    write: Callable[[Any], tuple[int, dict[str, str], str]]


@dataclass(frozen=True, slots=True)
class Submitted:
    """The run that a request made, now."""

    run: Run


@dataclass(frozen=True, slots=True)
class Repeated:
    """The answer that a request was given before, and its run unless that was purged since."""

    before: Answered
    run: Run | None


async def carry_out(
    connection: Connection, caller: Caller, once: Once, store: Callable[[], Awaitable[Run]]
) -> Submitted | Repeated:
    """Store a run unless its request was carried out before; both in the same transaction.

    Raises
    ------
    KeyInUse
        when a request of the same key is just being carried out
    KeyReused
        when the key named another request
    """
    outcome = await once_only(connection, caller, once, store, lambda run: run.id)
    if not isinstance(outcome, Answered):
        return Submitted(outcome)
    run_id = outcome.run_id
    found = None if run_id is None else await optimizations.find_run(connection, caller.tenant_id, run_id)
    return Repeated(outcome, found)


async def once_only(
    connection: Connection,
    caller: Caller,
    once: Once,
    store: Callable[[], Awaitable[T]],
    run_id: Callable[[T], str | None],
) -> T | Answered:
    """Do what a request asks for unless it was done before; then give the answer of that time.

    Raises
    ------
    KeyInUse
        when a request of the same key is just being carried out
    KeyReused
        when the key named another request
    """
    if not await idempotency.reserve(connection, caller.tenant_id, once.route, once.key):
        raise KeyInUse("a request with this Idempotency-Key is being carried out; ask again in a moment")
    before = await idempotency.recall(connection, caller.tenant_id, once.route, once.key)
    if before is None:
        done = await store()
        answered = Answered(once.fingerprint, run_id(done), *once.write(done))
        await idempotency.remember(connection, caller.tenant_id, once.route, once.key, answered)
        return done
    if before.fingerprint != once.fingerprint:
        raise KeyReused("this Idempotency-Key named another request; use a new key for each request")
    return before
