"""Files reach providers that write the MIME by themselves, too."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from lib.clock import SetClock
from lib.transports.acs import AcsTransport
from lib.transports.acs_resource import AcsResource
from lib.transports.graph import MOST_BYTES_OF_FILES, GraphTransport
from tests.heed import START, Heed
from tests.lib.pictures import png
from tests.lib.provider_servers.acs import KEY, AcsServer
from tests.lib.provider_servers.faults import Answer, serving
from tests.lib.provider_servers.graph import Credential, GraphServer


async def with_files(heed: Heed, data: bytes = b"%PDF an offer") -> str:
    """A message that is not followed, with an attachment and an image, on its way."""
    message = await heed.draft(follow=False)
    path = f"/messages/{message}"
    assert (await heed.api("POST", f"{path}/attachments?filename=Gr%C3%B6%C3%9Fe.pdf", data)).status == 201
    image = (await heed.api("POST", f"{path}/images?filename=logo.png", png())).json
    await heed.api("PATCH", path, {"html": f'<img src="cid:{image["cid"]}">'})
    await heed.api("POST", f"{path}/send")
    await heed.services.outbox.deliver("acme", message)
    return message


@pytest.fixture
async def graph() -> AsyncIterator[tuple[GraphServer, Heed]]:
    server, clock = GraphServer(), SetClock(START)
    async with serving(server.app) as address:
        transport = GraphTransport(f"{address}/v1.0", clock, Credential(), looks=(0, 0))
        yield server, await Heed(clock=clock, transport=transport).start()
        await transport.close()


async def test_graph_is_given_attachments_and_images_with_the_draft(graph: tuple[GraphServer, Heed]) -> None:
    server, heed = graph
    await with_files(heed)
    [mail] = server.sent
    image, offer = mail["attachments"]
    assert (image["isInline"], f"cid:{image['contentId']}" in mail["body"]["content"]) == (True, True)
    assert (offer["name"], offer["contentType"]) == ("Größe.pdf", "application/pdf")
    assert base64.b64decode(offer["contentBytes"]) == b"%PDF an offer"
    assert "isInline" not in offer


async def test_a_draft_that_was_left_is_made_anew_with_the_files_as_they_are(graph: tuple[GraphServer, Heed]) -> None:
    server, heed = graph
    server.faults["send"] = [Answer(429, "ApplicationThrottled", "Slow down", {"Retry-After": "90"})]
    message = await with_files(heed)
    heed.clock.move(minutes=3)
    await heed.services.outbox.deliver("acme", message)
    assert len(server.sent) == 1
    assert server.drafts == []
    assert len(server.sent[0]["attachments"]) == 2


async def test_graph_is_not_given_more_than_it_takes_and_the_message_says_so(graph: tuple[GraphServer, Heed]) -> None:
    server, heed = graph
    message = await with_files(heed, bytes(MOST_BYTES_OF_FILES))
    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["failure"]["code"]) == ("failed", "files-too-large")
    assert server.items == {}


async def test_communication_services_are_given_attachments_and_images() -> None:
    clock = SetClock(START)
    server = AcsServer(clock)
    async with serving(server.app) as address:
        transport = AcsTransport(AcsResource(address, KEY), clock)
        heed = await Heed(clock=clock, transport=transport).start()
        await with_files(heed)
        await transport.close()
    [mail] = server.sent
    image, offer = mail["attachments"]
    assert f"cid:{image['contentId']}" in mail["content"]["html"]
    assert {key: value for key, value in offer.items() if key != "contentInBase64"} == {
        "name": "Größe.pdf",
        "contentType": "application/pdf",
    }
    assert base64.b64decode(offer["contentInBase64"]) == b"%PDF an offer"
