"""Files reach providers that write the MIME by themselves, too."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lib.clock import SetClock
from lib.mime.parts import FilePart
from lib.transports import Accepted, Envelope
from lib.transports.acs import AcsTransport
from lib.transports.acs_resource import AcsResource
from lib.transports.graph import GraphTransport
from tests.support.heed import START, Heed
from tests.support.pictures import png
from tests.support.provider_servers.acs import KEY, AcsServer
from tests.support.provider_servers.faults import Answer, Cut, Death, Fault, serving
from tests.support.provider_servers.graph import Credential, GraphServer
from tests.support.provider_servers.small_outbox import SmallOutbox, envelope_for


async def with_files(heed: Heed, data: bytes = b"%PDF-1.7 an offer") -> str:
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
        server.url = address
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
    assert base64.b64decode(offer["contentBytes"]) == b"%PDF-1.7 an offer"
    assert "isInline" not in offer


def _envelope(*files: FilePart) -> Envelope:
    envelope = envelope_for(tried_at=START)
    return replace(envelope, content=replace(envelope.content, files=files))


@pytest.mark.parametrize("size", [2_500_000, 3_000_000, 3_000_001, 3_932_160, 9_000_001, 20 * 1024 * 1024])
async def test_graph_takes_files_of_every_size(graph: tuple[GraphServer, Heed], size: int) -> None:
    server, heed = graph
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert heed.transport

    outcome = await heed.transport.send(_envelope(FilePart("a.bin", "application/zip", data, None)))

    [mail] = server.sent
    [file] = mail["attachments"]
    assert isinstance(outcome, Accepted)
    assert (file["name"], file["contentType"]) == ("a.bin", "application/zip")
    assert base64.b64decode(file["contentBytes"]) == data


async def test_graph_takes_many_small_files_and_large_images_of_the_html(graph: tuple[GraphServer, Heed]) -> None:
    server, heed = graph
    small = [FilePart(f"{number}.pdf", "application/pdf", bytes(900_000), None) for number in range(6)]
    image = FilePart("big.png", "image/png", bytes(4_000_000), "big@images.heed")
    assert heed.transport

    await heed.transport.send(_envelope(image, *small))

    files = {file["name"]: file for file in server.sent[0]["attachments"]}
    assert len(files) == 7
    assert (files["big.png"]["isInline"], files["big.png"]["contentId"]) == (True, "big@images.heed")
    assert {len(base64.b64decode(files[file.filename]["contentBytes"])) for file in small} == {900_000}


@pytest.mark.parametrize("step", ["attach", "session", "upload", "update"])
@pytest.mark.parametrize(
    "fault",
    [
        Cut(False),
        Cut(True),
        Death(False),
        Death(True),
        Answer(404, "ErrorItemNotFound", "The specified object was not found in the store."),
        Answer(503, "serviceNotAvailable", "Later"),
        Answer(429, "ApplicationThrottled", "Slow down", {"Retry-After": "30"}),
    ],
)
async def test_half_a_draft_is_never_sent_and_never_left(
    graph: tuple[GraphServer, Heed], step: str, fault: Fault
) -> None:
    server, heed = graph
    sizes = {"a": 8_000_000, "b": 3_000_000, "c": 3_000_000}
    envelope = _envelope(*(FilePart(name, "application/zip", bytes(size), None) for name, size in sizes.items()))
    server.faults[step] = [fault]

    mail = await SmallOutbox(
        heed.clock, server, lambda: GraphTransport(f"{server.url}/v1.0", heed.clock, Credential(), (0,)), envelope
    ).run()

    assert (mail.state, "uncertain" in mail.shown) == ("sent", False)
    [sent] = server.sent
    assert {file["name"]: len(base64.b64decode(file["contentBytes"])) for file in sent["attachments"]} == sizes
    assert server.drafts == []


@pytest.mark.parametrize("status", [404, 410, 416])
async def test_an_upload_session_that_is_over_is_begun_anew_with_another_draft(
    graph: tuple[GraphServer, Heed], status: int
) -> None:
    server, heed = graph
    envelope = _envelope(FilePart("a", "application/zip", bytes(8_000_000), None))
    server.faults["upload"] = [Answer(status, "UploadSessionNotFound", "The session is over.")]

    mail = await SmallOutbox(
        heed.clock, server, lambda: GraphTransport(f"{server.url}/v1.0", heed.clock, Credential(), (0,)), envelope
    ).run()

    assert (mail.state, len(server.sent), server.drafts) == ("sent", 1, [])


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"%PDF-1.7 an offer", "application/pdf"), (b"an offer", "text/plain")],  # the service knows no parameters
)
async def test_communication_services_are_given_attachments_and_images(data: bytes, kind: str) -> None:
    clock = SetClock(START)
    server = AcsServer(clock)
    async with serving(server.app) as address:
        transport = AcsTransport(AcsResource(address, KEY), clock, looks=(0,))
        heed = await Heed(clock=clock, transport=transport).start()
        await with_files(heed, data)
        await transport.close()
    [mail] = server.sent
    image, offer = mail["attachments"]
    assert f"cid:{image['contentId']}" in mail["content"]["html"]
    assert {key: value for key, value in offer.items() if key != "contentInBase64"} == {
        "name": "Größe.pdf",
        "contentType": kind,
    }
    assert base64.b64decode(offer["contentInBase64"]) == data
