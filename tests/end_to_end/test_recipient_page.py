"""With real processes: a stop by a mail's link, and a link that arrives in the recipient's mailbox."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

import aiohttp

from tests.end_to_end.running import ADMIN_KEY, Running, eventually


async def organization(heed: Running, name: str) -> str:
    key = await heed.organization(name)
    settings = {"settings": {"recipients_page": True}}
    assert (await heed.request("PATCH", f"/api/orgs/{name}", key=ADMIN_KEY, json=settings))[0] == 200
    return key


async def send(heed: Running, name: str, key: str, subject: str) -> bytes:
    """Send a mail to Ada; what arrived. Every Heed of the tests has the same catcher, hence the subject."""
    subject = f"{subject} from {heed.base_url}"
    message = {
        "from": "rep1",
        "to": [{"email": "ada@example.com"}],
        "subject": subject,
        "html": '<p>Hi <a href="https://example.com/offer">offer</a></p>',
    }
    _, made = await heed.request("POST", f"/api/orgs/{name}/messages", key=key, json=message)
    await heed.request("POST", f"/api/orgs/{name}/messages/{made['id']}/send", key=key)
    raw: bytes = await eventually(lambda: heed.inbox(subject))
    return raw


def page_in(raw: bytes) -> str:
    """The address of the page that a mail leads to."""
    body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    [url] = re.findall(r"https?://[^\s/]+/p/[\w-]+", body.get_content())
    return str(url)


async def press(url: str, data: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as answer:
        return answer.status, await answer.text()


async def test_a_link_arrives_and_shows_what_is_recorded(heed: Running) -> None:
    key = await organization(heed, "pageseen")
    raw = await send(heed, "pageseen", key, "An offer to be seen")
    html = message_from_bytes(raw, policy=policy.default).get_body(("html",))
    assert html is not None
    [click] = re.findall(r"https?://[^\s\"]+/c/[\w-]+", html.get_content())
    assert (await heed.visit(click))[0] == 302

    assert (await press(page_in(raw), {"action": "see"}))[0] == 200
    subject = "Your link: what is recorded about your mail"
    link = page_in(await eventually(lambda: heed.inbox(subject, heed.base_url, "pageseen")))

    async def shown() -> str | None:
        status, page = await press(link, {"action": "show"})
        assert status == 200
        return page if "Link used" in page else None

    page = await eventually(shown)
    assert "An offer to be seen" in page
    assert "https://example.com/offer" in page


async def test_one_click_of_a_mail_provider_stops_the_recording(heed: Running) -> None:
    name = f"pagestop{heed.base_url.rpartition(':')[2]}"  # a no stays in storage, which all have in common
    key = await organization(heed, name)
    mail = message_from_bytes(await send(heed, name, key, "An offer to be stopped"), policy=policy.default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.sub(r"\s", "", str(mail["List-Unsubscribe"])).strip("<>")

    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    assert (await press(url, form))[0] == 200

    _, consents = await heed.request("GET", f"/api/orgs/{name}/consents/ada@example.com", key=key)
    assert consents["follow"] == "do_not_allow"
