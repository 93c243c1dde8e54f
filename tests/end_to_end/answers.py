"""What a user sees of a mail that was answered, and the reminder that waits for the answer."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import Any

from tests.end_to_end.running import Running, eventually

_TRIES = 150
_REMINDER = {"title": "Ask Ada", "condition": "no_reply", "at": "2099-05-04T09:00:00Z"}


async def sent_mail(heed: Running, organization: str, key: str, subject: str) -> dict[str, Any]:
    """A mail of rep1's to Ada, with a reminder unless she answers; as it reads once it is sent."""
    draft = {
        "from": "rep1",
        "to": [{"email": "ada@example.com", "name": "Ada"}],
        "subject": subject,
        "html": "<p>Hi Ada</p>",
        "reminder": _REMINDER,
    }
    _, made = await heed.request("POST", f"/api/orgs/{organization}/messages", key=key, json=draft)
    path = f"/api/orgs/{organization}/messages/{made['id']}"
    await heed.request("POST", f"{path}/send", key=key)

    async def sent() -> Any:
        _, read = await heed.request("GET", path, key=key)
        return read if read["status"] == "sent" else None

    read: dict[str, Any] = await eventually(sent)
    return read


def answer_to(message: dict[str, Any], number: int = 1) -> EmailMessage:
    """An answer of Ada's."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ada <ada@example.com>", "Rita Rep <rita@acme.example>"
    mail["Subject"] = f"Re: {message['subject']}"
    mail["Message-ID"] = f"<answer{number}-to-{message['id']}@example.com>"
    mail["In-Reply-To"] = message["message_id"]
    mail.set_content("Yes, please.")
    return mail


async def shows_one_answer(heed: Running, organization: str, key: str, message: dict[str, Any]) -> None:
    """Check that timeline, KPIs, reminder, card, conversation and lists come to show one answer."""
    wanted = {
        "cards": [("reply", "high", "ada@example.com")],
        "timeline": [("reply", "ada@example.com")],
        "replies": 1,
        "reminder": "met",
        "status": "Answered",
        "conversation": ["sent", "received"],
        "received": [message["id"]],
    }
    shown = None
    for _ in range(_TRIES):
        shown = await _shown(heed, f"/api/orgs/{organization}", key, message["id"])
        if shown == wanted:
            return
        await asyncio.sleep(0.2)
    assert shown == wanted


async def _shown(heed: Running, base: str, key: str, message: str) -> dict[str, Any]:
    async def get(path: str) -> Any:
        return (await heed.request("GET", base + path, key=key, user="rep1"))[1]

    read = await get(f"/messages/{message}")
    cards = [each for each in (await get("/cards?status=open"))["items"] if each["message"] == message]
    timeline = (await get(f"/messages/{message}/timeline"))["items"]
    received = (await get("/messages?view=received"))["items"]
    return {
        "cards": [(each["kind"], each["priority"], each["recipient"]["email"]) for each in cards],
        "timeline": [(each["kind"], each["recipient"]) for each in timeline],
        "replies": read["kpis"]["replies"],
        "reminder": read["reminder"]["state"],
        "status": read["status_text"].split()[0],
        "conversation": [each["status"] for each in (await get(f"/conversations/{message}"))["items"]],
        "received": [each["correlation"]["matched"] for each in received],
    }
