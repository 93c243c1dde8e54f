"""Mail that comes in, as its raw bytes, and the ways in which tests bring it."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any

from lib.inbound.origin import Origin
from tests.support.heed import ADMIN_KEY, Heed, Response

ADA = "Ada <ada@example.com>"
REP = "Rita Rep <rep@acme.example>"


def raw_mail(
    text: str = "Yes, please.\n\n> Hello", sender: str = ADA, to: str = REP, number: int = 1, **headers: str
) -> bytes:
    """A mail of Ada's to the user rep1, at the time at which tests begin."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    mail["Date"] = "Mon, 04 May 2026 09:20:00 +0000"
    mail["Message-ID"] = f"<answer{number}@example.com>"
    mail["Subject"] = headers.pop("subject", "Re: Hello")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


async def answer_to(heed: Heed, message: str, text: str = "Yes, please.\n\n> Hello", **headers: Any) -> bytes:
    """An answer of Ada's to a message."""
    internet_id = (await heed.get(f"/messages/{message}"))["message_id"]
    return raw_mail(text, **{"In_Reply_To": internet_id, **headers})


async def bounce_of(heed: Heed, message: str, email: str = "ada@example.com", status: str = "5.1.1") -> bytes:
    """A report on delivery (RFC 3464) about a message."""
    internet_id = (await heed.get(f"/messages/{message}"))["message_id"]
    action = "failed" if status.startswith("5") else "delayed"
    return (
        "From: MAILER-DAEMON@mx.example.com\nTo: rep@acme.example\nSubject: Undelivered Mail Returned to Sender\n"
        f"Message-ID: <bounce-{email}@mx.example.com>\nReturn-Path: <>\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
        f"Final-Recipient: rfc822; {email}\nAction: {action}\nStatus: {status}\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {internet_id}\nSubject: Hello\nTo: {email}\n--b--\n"
    ).encode()


async def post_mail(heed: Heed, raw: bytes, query: str = "", key: str | None = None) -> Response:
    """Bring a mail to POST /inbound."""
    return await heed.request("POST", f"/api/orgs/acme/inbound{query}", raw, key=key or heed.key)


async def receive(heed: Heed, raw: bytes, query: str = "") -> Any:
    """Bring a mail to POST /inbound, and let everything follow; the answer."""
    answer = await post_mail(heed, raw, query)
    assert answer.status == 202, answer.body
    await heed.work()
    return answer.json


async def bring(heed: Heed, raw: bytes, **origin: str) -> None:
    """Bring a mail as a mailbox does."""
    await heed.services.mail_intake.keep_mail("acme", raw, Origin(**origin))


async def inbound_key(heed: Heed) -> str:
    """A key of scope `inbound`."""
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound"}, key=ADMIN_KEY)
    return str(made.json["key"])


async def put_mailbox(heed: Heed, name: str = "ritas", **fields: Any) -> None:
    """Make a mailbox of rep1's, which nothing polls."""
    await heed.put(
        f"/mailboxes/{name}",
        {
            "kind": "graph",
            "owner": "rep1",
            "user": "rep@acme.example",
            "auth": "xoauth2",
            "secret": "HEED_MAILBOX_ACME_RITA",
            **fields,
        },
    )


def blobs_of(heed: Heed) -> list[str]:
    """The names of acme's blobs of inbound mail."""
    names = heed.storage.blobs.names("heed-acme")  # type: ignore[attr-defined]
    return [name for name in names if re.match("inbound/", name)]
