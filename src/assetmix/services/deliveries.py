"""Sends what endpoints are to be told: signed, at least once, on the schedule of Standard Webhooks.

Whoever takes a message holds it for a while; a sender that dies lets go of it, and it is sent again
under the same id. One message at a time goes to an endpoint, in the order of what happened, and a
tenant has a part of all places only: a slow endpoint keeps nobody but itself waiting. A message that
has to be tried again may come later than its successors.
"""

import asyncio
import json
import logging
import random
from collections import Counter

from standardwebhooks import Webhook as Signer

from assetmix.clock import now
from assetmix.errors import Error
from assetmix.jobs.post import Answer, PostOffice
from assetmix.persistence import webhooks
from assetmix.persistence.webhooks import Message
from assetmix.services.context import House
from assetmix.services.webhooks import envelope, secret_of

log = logging.getLogger(__name__)

PLACES, TENANT_PLACES = 20, 5
"""Messages on their way at the same time: in all, and of one tenant."""

HELD_FOR = 3.0
"""So many times as long as a message may take is it held by who has taken it."""

GONE = 410
SPREAD = 0.1
"""Part by which pauses differ at random, so that messages do not come back all at once."""


class Sender:
    """Keeps messages on their way."""

    def __init__(self, house: House, office: PostOffice) -> None:
        self._house = house
        self._office = office
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def send_due(self) -> int:
        """Begin to send what is due and has a place; how many messages that were."""
        self._under_way = {key: task for key, task in self._under_way.items() if not task.done()}
        free = PLACES - len(self._under_way)
        if free <= 0:
            return 0
        tenants = Counter(tenant_id for tenant_id, _ in self._under_way)
        full = [tenant_id for tenant_id, count in tenants.items() if count >= TENANT_PLACES]
        lease = HELD_FOR * self._house.settings.webhook_seconds
        async with self._house.database.transaction() as connection:
            wanted = webhooks.Places(free, TENANT_PLACES, tuple(full), tuple(self._under_way))
            messages = await webhooks.take_messages(connection, wanted, lease)
        for one in messages:
            self._under_way[one.tenant_id, one.webhook.id] = asyncio.create_task(self._send(one))
        return len(messages)

    async def rest(self, seconds: float) -> None:
        """Wait until a place is free, at most for so long."""
        if self._under_way:
            tasks = self._under_way.values()
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Give up what is on its way; it is sent again."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _send(self, message: Message) -> None:
        try:
            body = json.dumps(envelope(message.event), separators=(",", ":")).encode()
            answer = await self._office.post(message.webhook.url, _headers(self._house, message, body), body)
            await _settle(self._house, message, answer)
        except Error as error:
            log.warning("what became of a message is not noted, it is sent again: %s", error.message)
        except Exception:
            log.exception("a message could not be sent; it is tried again")


async def _settle(house: House, message: Message, answer: Answer) -> None:
    pauses = house.settings.webhook_pauses
    async with house.database.transaction(message.tenant_id) as connection:
        if answer.is_taken:
            await webhooks.settle(connection, message, "delivered", answer.sentence, None)
        elif answer.status == GONE:
            await webhooks.settle(connection, message, "failed", answer.sentence, None)
            await webhooks.disable(connection, message.tenant_id, message.webhook.id)
        elif message.attempt >= len(pauses):
            await webhooks.settle(connection, message, "failed", answer.sentence, None)
        else:
            pause = pauses[message.attempt] * random.uniform(1.0, 1.0 + SPREAD)  # noqa: S311 - to spread, not to hide
            await webhooks.settle(connection, message, "waiting", answer.sentence, max(pause, answer.wait_seconds))


def _headers(house: House, message: Message, body: bytes) -> dict[str, str]:
    """Sign with the secret, and with the one before while both are good."""
    moment = now()
    pepper, webhook = house.settings.key_pepper.get_secret_value(), message.webhook
    generations = [webhook.generation]
    if webhook.overlap_until is not None and webhook.overlap_until > moment:
        generations.append(webhook.generation - 1)
    signed = [
        Signer(secret_of(pepper, message.tenant_id, webhook, one)).sign(message.event.id, moment, body.decode())
        for one in generations
    ]
    return {
        "content-type": "application/json",
        "user-agent": "assetmix",
        "webhook-id": message.event.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signed),
    }
