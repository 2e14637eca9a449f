"""Send one message to one subscriber, until it says that it has it."""

import time

import aiohttp

from checkout.outbox.model import Later, Row
from checkout.webhooks.model import headers, secret_of
from checkout.webhooks.post import Poster
from checkout.webhooks.store import WebhookStore


async def send(row: Row, *, store: WebhookStore, poster: Poster, key: bytes) -> None:
    """Posts what the row owes, signed. Raises: Later. Retry: always, under one webhook-id.

    Cost: one read, one request, one commit.
    """
    message = await store.message(row.id, row.subject_id)
    if message is None:
        return await store.finish(row.id)
    secrets = [secret_of(key, row.subject_id, number) for number in message.secrets]
    signed = headers(secrets, message.message_id, int(time.time()), message.body)
    try:
        status = await poster.post(message.url, signed, message.body)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        reason = f"no answer ({type(error).__name__})"
    else:
        if 200 <= status < 300:
            return await store.delivered(row.subject_id, row.id)
        if status == 410:
            return await store.gone(row.subject_id, row.id)
        reason = f"it answered {status}"
    await store.failed(row.subject_id, reason)
    raise Later(reason)
