"""The recipient's page, as a recipient or a stranger uses it."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from urllib.parse import urlencode

from functions.pages.recipient.page import words_in
from lib.transports.memory import MemoryTransport
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed, Response

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com", "name": "Bob"}
FORM = "application/x-www-form-urlencoded"
EN = words_in("en")


def page_in(raw: bytes) -> str:
    """The path of the page that a mail leads to."""
    text = message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    [token] = re.findall(rf"{BASE_URL}/p/([\w-]+)", text)
    return f"/p/{token}"


async def page_of_mail(heed: Heed, **fields: object) -> str:
    await heed.sent(**{"to": [ADA], **fields})
    return page_in(heed.mail())


async def press(heed: Heed, path: str, **fields: str) -> Response:
    """Press a button of the page."""
    body = urlencode(fields).encode()
    return await heed.request("POST", path, body, headers={"content-type": FORM})


async def proof_path(heed: Heed, page: str, **fields: str) -> str:
    """Ask for a link, and take it out of the mail."""
    before = mails(heed)
    await press(heed, page, action="see", **fields)
    await heed.work()
    assert mails(heed) == before + 1
    return page_in(heed.mail())


def mails(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def ask_for_consents(heed: Heed) -> None:
    """Follow only those who have said yes from now on."""
    body = {"name": "acme", "settings": {"tracking": "consent", "recipients_page": True, "require_opt_in": False}}
    assert (await heed.request("PUT", "/api/orgs/acme", body, key=ADMIN_KEY)).status == 200


async def says(heed: Heed, email: str) -> str:
    return str((await heed.get(f"/consents/{email}"))["follow"])
