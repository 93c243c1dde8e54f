"""Worker processes race for the same due mails, each of them through all of these, in an order of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from lib.ids import new_id, new_key
from lib.messages.models import Body, StoredMessage
from lib.messages.store import MessageStore
from lib.sending.orders import Wake
from lib.storage.layout import OUTBOX
from tests.faults.hosts import ProcessHost
from tests.faults.jobs import Message
from tests.support.mail_server import MailServer

AT_ONCE = 8


@pytest.mark.parametrize(("workers", "mails_due"), [(2, 50), (8, 100)])
async def test_every_mail_is_sent_once(host: ProcessHost, mails: MailServer, workers: int, mails_due: int) -> None:
    messages = await due_mails(host, mails_due)
    wakes = [Message(OUTBOX, Wake("acme", message.id).to_json()) for message in messages]

    await host.race([Random(number).sample(wakes, len(wakes)) for number in range(workers)], AT_ONCE)

    assert mails.received == Counter(str(message.message_id) for message in messages)
    states = await asyncio.gather(*(state_of(host.heed.services.messages, message.id) for message in messages))
    assert Counter(states) == {"sent": mails_due}


async def due_mails(host: ProcessHost, count: int) -> list[StoredMessage]:
    """Messages as they stand in storage when their time has come."""
    store, now = host.heed.services.messages, host.clock.now()
    messages = [
        StoredMessage.model_validate(
            {
                "id": new_id(),
                "from": "rep1",
                "to": [{"email": f"ada{number}@example.com"}],
                "follow": False,
                "created_at": now,
                "state": "scheduled",
                "due_at": now,
                "message_id": f"<{new_id()}@acme.example>",
                "provider_key": new_key(),
            }
        )
        for number in range(count)
    ]
    await asyncio.gather(*(store.make("acme", message, Body(text="Hi")) for message in messages))
    return messages


async def state_of(store: MessageStore, message: str) -> str:
    loaded = await store.load("acme", message)
    assert loaded
    return loaded.message.state
