"""The sender's own copy of a prepared mail: the same mail, and nothing in it that records."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.message import Message
from typing import Any

from tests.support.heed import BASE_URL, Heed

HTML = '<p>Hi <a href="https://example.com/a?b=1&amp;c=2">offer</a></p>'


def parsed(copy: dict[str, Any]) -> Message:
    return message_from_bytes(base64.b64decode(copy["mime"]))


def parts(copy: dict[str, Any]) -> list[str]:
    """The text and the HTML in its MIME."""
    found = [part.get_payload(decode=True) for part in parsed(copy).walk() if not part.is_multipart()]
    return [part.decode() for part in found if isinstance(part, bytes)]


async def test_it_has_direct_links_and_no_pixel(heed: Heed) -> None:
    message = await heed.draft()

    prepared = await heed.post(f"/messages/{message}/prepare")

    copy = prepared["sender_copy"]
    assert copy["html"] == HTML
    assert copy["text"] == "Hi offer <https://example.com/a?b=1&c=2>\n"
    assert parts(copy) == [copy["text"].replace("\n", "\r\n"), HTML]
    assert BASE_URL in prepared["copies"][0]["html"]


async def test_it_has_the_headers_of_the_mail_that_goes_out(heed: Heed) -> None:
    message = await heed.draft(subject="Grüße", cc=[{"email": "bob@example.com"}])

    prepared = await heed.post(f"/messages/{message}/prepare")

    kept, sent = parsed(prepared["sender_copy"]), parsed(prepared["copies"][0])
    del kept["Content-Type"], sent["Content-Type"]  # their boundaries differ
    assert kept.items() == sent.items()
    assert kept["Message-ID"] == (await heed.get(f"/messages/{message}"))["message_id"]


async def test_what_it_quotes_is_without_tracking_too(heed: Heed) -> None:
    older = (await heed.post(f"/messages/{await heed.draft()}/prepare"))["copies"][0]
    message = await heed.draft(html=older["html"], text=older["text"])

    copy = (await heed.post(f"/messages/{message}/prepare"))["sender_copy"]

    assert copy["html"] == HTML
    assert BASE_URL not in copy["text"]


async def test_a_mail_that_is_not_followed_has_one_as_well(heed: Heed) -> None:
    message = await heed.draft(follow=False)

    prepared = await heed.post(f"/messages/{message}/prepare")

    assert prepared["sender_copy"]["html"] == prepared["copies"][0]["html"] == HTML


async def test_the_api_document_says_what_it_is_for(heed: Heed) -> None:
    schemas = (await heed.request("GET", "/api/openapi.json")).json["components"]["schemas"]

    assert "Sent Items" in schemas["SenderCopy"]["description"]
    assert "sender_copy" in schemas["PreparedMessage"]["required"]
