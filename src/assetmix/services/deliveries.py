"""Sends what endpoints are to be told: signed, at least once, on the schedule of Standard Webhooks.

Whoever takes a message holds it for a while; a sender that dies lets go of it, and it is sent again
under the same id. Messages of a portfolio are first sent in the order of what happened; one that has
to be tried again may come later than its successors.
"""

import asyncio
import datetime as dt
import json
import logging
import random
import time

from standardwebhooks import Webhook as Signer

from assetmix.errors import Unavailable
from assetmix.jobs.post import Answer, PostOffice
from assetmix.persistence import webhooks
from assetmix.persistence.webhooks import Message
from assetmix.services.context import House
from assetmix.services.webhooks import envelope, secret_of

log = logging.getLogger(__name__)

AT_ONCE = 20
HELD_FOR = 3.0
"""So many times as long as a message may take is it held by who has taken it."""

GONE = 410
SPREAD = 0.1
"""Part by which pauses differ at random, so that messages do not come back all at once."""


async def deliver(house: House, office: PostOffice) -> int:
    """Send messages that are due; how many there were."""
    lease = HELD_FOR * house.settings.webhook_seconds
    async with house.database.transaction() as connection:
        messages = await webhooks.take_messages(connection, AT_ONCE, lease)
    await asyncio.gather(*(_send(house, office, one) for one in messages))
    return len(messages)


async def _send(house: House, office: PostOffice, message: Message) -> None:
    body = json.dumps(envelope(message.event), separators=(",", ":")).encode()
    answer = await office.post(message.webhook.url, _headers(house, message, body), body)
    try:
        await _settle(house, message, answer)
    except Unavailable as error:
        log.warning("what became of a message is not noted, it is sent again: %s", error.message)


async def _settle(house: House, message: Message, answer: Answer) -> None:
    pauses = house.settings.webhook_pauses
    async with house.database.transaction(message.tenant_id) as connection:
        if answer.is_taken:
            await webhooks.settle(connection, message, "delivered", answer.sentence, None)
        elif answer.status == GONE:
            await webhooks.disable(connection, message.tenant_id, message.webhook.id)
            await webhooks.settle(connection, message, "failed", answer.sentence, None)
        elif message.attempt >= len(pauses) or message.webhook.disabled_at is not None:
            await webhooks.settle(connection, message, "failed", answer.sentence, None)
        else:
            pause = pauses[message.attempt] * random.uniform(1.0, 1.0 + SPREAD)  # noqa: S311 - to spread, not to hide
            await webhooks.settle(connection, message, "waiting", answer.sentence, max(pause, answer.wait_seconds))


def _headers(house: House, message: Message, body: bytes) -> dict[str, str]:
    """Sign with the secret, and with the one before while both are good."""
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    pepper, webhook = house.settings.key_pepper.get_secret_value(), message.webhook
    generations = [webhook.generation]
    if webhook.overlap_until is not None and webhook.overlap_until > now:
        generations.append(webhook.generation - 1)
    signed = [
        Signer(secret_of(pepper, message.tenant_id, webhook, one)).sign(message.event.id, now, body.decode())
        for one in generations
    ]
    return {
        "content-type": "application/json",
        "user-agent": "assetmix",
        "webhook-id": message.event.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }
