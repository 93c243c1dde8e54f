"""The main job: posted, sent, opened, clicked, and told."""

from __future__ import annotations

import re
from email import message_from_bytes
from typing import Any

from tests.end_to_end.running import Running, eventually


async def test_a_mail_is_sent_opened_clicked_and_told(heed: Running) -> None:
    await check_a_mail(heed)


async def test_a_mail_is_sent_opened_clicked_and_told_with_service_bus(heed_with_service_bus: Running) -> None:
    await check_a_mail(heed_with_service_bus)


async def check_a_mail(heed: Running) -> None:
    """Send a mail, open it, click its link, and read what is told of that."""
    organization = f"tour{heed.base_url.rpartition(':')[2]}"
    key = await heed.organization(organization)
    subject = f"Your offer, as promised by {heed.base_url}"
    draft = {
        "from": "rep1",
        "to": [{"email": "ada@example.com", "name": "Ada"}],
        "subject": subject,
        "html": '<p>Hi Ada, here is <a href="https://example.com/offer?id=7&amp;x=%20y">the offer</a>.</p>',
    }
    _, message = await heed.request("POST", f"/api/orgs/{organization}/messages", key=key, json=draft)
    path = f"/api/orgs/{organization}/messages/{message['id']}"
    status, _ = await heed.request("POST", f"{path}/send", key=key)
    assert status == 202

    raw = await eventually(lambda: heed.inbox(subject))
    html = html_part(raw)
    [pixel] = re.findall(r'src="([^"]+/o/[^"]+)"', html)
    [link] = re.findall(r'href="([^"]+/c/[^"]+)"', html)
    assert (await heed.visit(pixel))[0] == 200
    assert await heed.visit(link) == (302, "https://example.com/offer?id=7&x=%20y")

    async def counted() -> Any:
        _, read = await heed.request("GET", path, key=key)
        return read if (read["kpis"]["opens"], read["kpis"]["raw"]["clicks"]) == (1, 1) else None

    read = await eventually(counted)
    events = (await heed.request("GET", f"{path}/timeline", key=key))[1]["items"]
    verdicts = {event["kind"]: event["verdict"] for event in events}
    assert verdicts["open"]["class"] == "human"
    # A browser that follows a link seconds after the mail has gone out may be anybody's.
    assert "at-once" in {reason["code"] for reason in verdicts["click"]["reasons"]}
    assert all(event["verdict"]["reasons"] for event in events)
    assert read["status"] == "sent"
    assert message_from_bytes(raw)["Message-ID"] == read["message_id"]


def html_part(raw: bytes) -> str:
    """The decoded HTML of a mail, its line ends as LF."""
    for part in message_from_bytes(raw).walk():
        if part.get_content_type() == "text/html":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode().replace("\r\n", "\n")
    raise AssertionError("the mail has no HTML")
