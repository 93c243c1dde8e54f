"""Attachments: added to a message, and found in the mail that was sent."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import quote

from lib.storage.memory import MemoryBlobs
from tests.support.heed import Heed, Response

PDF = b"%PDF-1.7\nan offer"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def add(heed: Heed, message: str, name: str = "Offer.pdf", data: bytes = PDF, *, followed: bool = True) -> Any:
    answer = await upload(heed, message, name, data, followed=followed)
    assert answer.status == 201, answer.body
    return answer.json


async def upload(heed: Heed, message: str, name: str, data: bytes, *, followed: bool = True) -> Response:
    query = f"filename={quote(name)}&followed={str(followed).lower()}"
    return await heed.api("POST", f"/messages/{message}/attachments?{query}", data)


async def send(heed: Heed, message: str) -> None:
    assert (await heed.api("POST", f"/messages/{message}/send")).status == 202
    await heed.work()


def parts(heed: Heed) -> dict[str, Message]:
    """The mail's leaves by file name; the body's by type."""
    mail = message_from_bytes(heed.mail())
    return {part.get_filename() or part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}


def content(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def blobs(heed: Heed) -> list[str]:
    assert isinstance(heed.storage.blobs, MemoryBlobs)
    return heed.storage.blobs.names("heed-acme")
