"""What a provider would not take is said when it is added to a draft, and refused before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from lib.mime.sizes import MEGABYTE
from lib.transports.memory import MemoryTransport
from tests.support.heed import Heed
from tests.support.pictures import png

ACS = {"HEED_TRANSPORT": "acs", "HEED_ACS_CONNECTION_STRING": "endpoint=https://acs.test;accesskey=a2V5"}
GRAPH = {"HEED_TRANSPORT": "graph"}


async def through(settings: dict[str, str], **more: str) -> Heed:
    return await Heed(settings={**settings, **more}).start()


async def add(heed: Heed, message: str, size: int, followed: bool = False) -> Any:
    query = f"filename=a.pdf&followed={str(followed).lower()}"
    answer = await heed.api("POST", f"/messages/{message}/attachments?{query}", b"%PDF-1.7\n".ljust(size, b"x"))
    assert answer.status == 201, answer.body
    return answer.json


async def sent(heed: Heed, message: str) -> Any:
    return await heed.api("POST", f"/messages/{message}/send")


async def said_of(heed: Heed, message: str) -> list[str]:
    """Codes of the checks that are about the provider."""
    read = await heed.get(f"/messages/{message}")
    return [check["code"] for check in read["check"] if check["code"].endswith("_for_transport")]


def people(number: int) -> list[dict[str, str]]:
    return [{"email": f"p{each}@example.com"} for each in range(number)]


@pytest.mark.parametrize(("settings", "most"), [(ACS, 50), ({**GRAPH, "HEED_MAIL_RECIPIENTS": "100"}, 100)])
async def test_more_recipients_than_the_provider_takes_are_refused(settings: dict[str, str], most: int) -> None:
    heed = await through(settings)
    fits = await heed.draft(to=people(most - 1), cc=[{"email": "P0@example.com"}], bcc=[{"email": "eve@example.com"}])
    message = await heed.draft(to=people(most - 1), bcc=[{"email": "eve@example.com"}, {"email": "bob@example.com"}])

    refused = await sent(heed, message)

    assert (await sent(heed, fits)).status == 202
    assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["to"])
    assert f"takes {most} recipients in one mail, and this one has {most + 1}" in refused.json["detail"]
    assert "send it as several messages" in refused.json["detail"]
    assert await said_of(heed, message) == ["too_many_recipients_for_transport"]
    assert await said_of(heed, fits) == []


async def test_a_mail_server_says_by_itself_what_it_takes(heed: Heed) -> None:
    message = await heed.draft(to=people(500))
    assert (await add(heed, message, 15 * MEGABYTE))["check"] == []
    assert (await sent(heed, message)).status == 202


async def test_what_a_mail_server_has_said_of_sizes_is_known_before_the_next_mail(heed: Heed) -> None:
    message = await heed.draft(follow=False)
    assert (await add(heed, message, MEGABYTE))["check"] == []
    assert isinstance(heed.transport, MemoryTransport)

    heed.transport.most_bytes = 1_200_000
    refused = await sent(heed, message)

    assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["attachments"])
    assert "The mail server takes 1.1 MB in one mail" in refused.json["detail"]
    assert await said_of(heed, message) == ["too_large_for_transport"]


async def test_a_file_that_grows_beyond_the_limit_in_base64_is_said_when_it_is_added() -> None:
    heed = await through(ACS)
    message = await heed.draft()

    file = await add(heed, message, 8 * MEGABYTE)

    [check] = file["check"]
    assert check["code"] == "too_large_for_transport"
    assert "takes 10.0 MB in one mail, and this file has 8.0 MB" in check["text"]
    assert "10.7 MB as they are sent" in check["text"]
    assert "followed" in check["text"]
    read = await heed.get(f"/messages/{message}")
    assert await said_of(heed, message) == ["too_large_for_transport"]
    assert read["attachments"][0]["check"] == [check]
    refused = await sent(heed, message)
    assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["attachments"])
    assert "takes 10.0 MB in one mail" in refused.json["detail"]


async def test_files_that_are_too_large_together_are_said_with_the_last_one() -> None:
    heed = await through(ACS)
    message = await heed.draft()
    assert (await add(heed, message, 4 * MEGABYTE))["check"] == []

    file = await add(heed, message, 4 * MEGABYTE)

    assert [check["code"] for check in file["check"]] == ["too_large_for_transport"]
    assert "the files in it have 8.0 MB" in file["check"][0]["text"]
    path = f"/messages/{message}/attachments/{file['id']}"
    followed = await heed.api("PATCH", path, {"followed": True})
    assert followed.json["check"] == []
    assert await said_of(heed, message) == []
    assert (await sent(heed, message)).status == 202


async def test_a_followed_file_counts_where_the_mail_is_not_followed() -> None:
    heed = await through(ACS)
    message = await heed.draft()
    assert (await add(heed, message, 9 * MEGABYTE, followed=True))["check"] == []
    await heed.api("PATCH", f"/messages/{message}", {"follow": False})

    read = await heed.get(f"/messages/{message}")

    assert [each["code"] for each in read["check"]] == ["too_large_for_transport"]
    assert (await sent(heed, message)).status == 422


async def test_images_inside_and_the_text_count_too() -> None:
    heed = await through(ACS)
    message = await heed.draft(follow=False)
    await add(heed, message, 7 * MEGABYTE)
    image = (await heed.api("POST", f"/messages/{message}/images?filename=a.png", png() + bytes(MEGABYTE))).json
    assert await said_of(heed, message) == []

    await heed.api("PATCH", f"/messages/{message}", {"html": f'<img src="cid:{image["cid"]}">'})

    assert await said_of(heed, message) != []
    assert (await sent(heed, message)).status == 422


async def test_what_heed_lets_into_a_mail_graph_takes() -> None:
    heed = await through(GRAPH)
    message = await heed.draft(to=people(500))
    assert (await add(heed, message, 20 * MEGABYTE))["check"] == []
    assert (await sent(heed, message)).status == 202


async def test_a_limit_that_the_provider_has_raised_is_a_setting() -> None:
    heed = await through(ACS, HEED_MAIL_RECIPIENTS="60", HEED_MAIL_MEGABYTES="30")
    message = await heed.draft(to=people(60))
    assert (await add(heed, message, 15 * MEGABYTE))["check"] == []
    assert (await sent(heed, message)).status == 202


async def test_a_crm_that_sends_by_itself_is_not_held_to_our_provider() -> None:
    heed = await through(ACS)
    message = await heed.draft(to=people(60))
    assert (await heed.api("POST", f"/messages/{message}/prepare")).status == 200
