"""A CRM's work with the client of Python: compose in one call, send, receive a webhook, page a list, meet a 412."""

from __future__ import annotations

import asyncio
import base64
import importlib
import re
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from infra.local.child import ROOT
from lib.webhooks.signing import new_secret
from tests.clients.caller import Caller
from tests.clients.opening import open_mail
from tests.end_to_end.running import Running, eventually
from tests.support.receiver import Receiver


@pytest.fixture(params=[False, True], ids=["sync", "async"])
async def caller(heed: Running, heed_client: ModuleType, request: pytest.FixtureRequest) -> Caller:
    organization = f"python{'async' if request.param else 'sync'}"
    key = await heed.organization(organization)
    return Caller(heed_client, request.param, heed.base_url, key, organization, {"user": "rep1"})


async def test_a_crm_does_its_work(heed: Running, heed_client: ModuleType, caller: Caller) -> None:
    models = importlib.import_module("heed_client.generated.models")
    receiver = await Receiver().start()
    subject = f"Your offer by {caller.organization}"

    opened = models.WebhookSpec(url=receiver.url, events=[models.DeliveryType.MESSAGE_OPENED])
    hook = await caller.call("webhooks.put_webhook", "crm", body=opened)
    metadata = models.NewMessageMetadata.from_dict({"deal": "7"})
    file = models.NewAttachment(filename="offer.txt", content=base64.b64encode(b"The offer.").decode(), followed=True)
    sent = await caller.call(
        "messages.make_message",
        body=models.NewMessage(
            from_="rep1",
            to=[models.RecipientInput(email="ada@example.com", name="Ada")],
            subject=subject,
            html="<p>Hi Ada</p>",
            attachments=[file],
            metadata=metadata,
            send=True,
        ),
    )
    assert sent.attachments[0].filename == "offer.txt"

    await open_mail(heed, subject)

    async def delivered() -> Any:
        return receiver.posted

    posted = (await eventually(delivered))[0]
    delivery = heed_client.verify_delivery(posted.body, posted.headers, hook.secret)
    await receiver.stop()
    assert (delivery.type, delivery.event.message) == ("message.opened", sent.id)
    assert delivery.event.metadata["deal"] == "7"

    drafts = [await caller.call("messages.make_message", body=models.NewMessage(from_="rep1")) for _ in range(3)]
    listed = await caller.items("messages.list_messages", limit=2, sort=models.ListMessagesSort.SENT_AT_DESCENDING)
    assert {item.id for item in listed} == {sent.id, *(draft.id for draft in drafts)}

    first = drafts[0]
    change = models.MessagePatch(subject="Changed")
    await caller.call("messages.patch_message", first.id, body=change, if_match=first.etag)
    with pytest.raises(heed_client.HeedError) as raised:
        await caller.call("messages.patch_message", first.id, body=change, if_match=first.etag)
    assert (raised.value.status, raised.value.code) == (412, "version_mismatch")
    assert raised.value.request_id

    [page] = await caller.changes()
    assert [event.type_ for event in page.items if event.message == sent.id] == ["message.sent", "message.opened"]
    [nothing_new] = await caller.changes(page.next_)
    assert nothing_new.items == []


async def test_the_examples_of_its_page_run(heed: Running, heed_client: ModuleType) -> None:
    key = await heed.organization("pythonpage")
    page = (ROOT / "clients" / "python" / "README.md").read_text()
    for written, here in (("https://heed.example.com", heed.base_url), ('"acme"', '"pythonpage"'), ("rita", "rep1")):
        page = page.replace(written, here)
    calls, errors, feed, webhook = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    cursors: list[str] = []
    events: list[Any] = []
    known: dict[str, Any] = {
        "key": key,
        "stored_cursor": None,
        "store_cursor": cursors.append,
        "deal_with": events.extend,
    }

    await asyncio.to_thread(exec, calls + errors, known)
    assert known["draft"].subject == "Our offer"

    async def told() -> list[Any]:
        await asyncio.to_thread(exec, feed, known)
        return events

    assert (await eventually(told))[0].message == known["message"].id
    assert cursors
    request = SimpleNamespace(body=b"{}", headers={})
    with pytest.raises(heed_client.UnverifiedDelivery):
        exec(webhook, known | {"request": request, "secret": new_secret()})
