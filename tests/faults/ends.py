"""What a user can see of messages in the end, held against what the mail server has received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.assessment.summary import summary_of
from lib.messages.models import StoredMessage
from tests.support.heed import Heed
from tests.support.mail_server import MailServer

_VIEWS = ("all", "scheduled", "followed")


@dataclass(frozen=True, slots=True)
class End:
    """How a message has ended. `cards` are the kinds of its open cards."""

    status: str
    received: int
    cards: tuple[str, ...] = ()
    opens: int = 0
    reminder: str | None = None


async def ends_of(heed: Heed, mails: MailServer, messages: Sequence[str], user: str = "rep1") -> list[End]:
    """The ends of these messages of the user; each must be an honest one, and tell the same wherever it is told."""
    cards = (await heed.get("/cards?status=open&limit=200", x_heed_user=user))["items"]
    views = {view: (await heed.get(f"/messages?view={view}&owner={user}&limit=200"))["items"] for view in _VIEWS}
    ends = []
    for message in messages:
        loaded = await heed.services.messages.load("acme", message)
        assert loaded
        stored, opens = loaded.message, summary_of(loaded).kpis.raw.opens
        received = mails.received[stored.message_id or "none"]
        _check_honest(stored.status, received)
        places = {view: item for view, items in views.items() for item in items if item["id"] == message}
        told = {(item["status"], item["kpis"]["raw"]["opens"]) for item in places.values()}
        assert (set(places), told) == (_views_of(stored), {(stored.status, opens)})
        shown = sorted(card["kind"] for card in cards if card["message"] == message)
        reminder = places["all"]["reminder"]
        ends.append(End(stored.status, received, tuple(shown), opens, reminder and reminder["state"]))
    return ends


def _check_honest(status: str, received: int) -> None:
    assert received <= 1, "it was sent twice"
    assert received == 1 or status != "sent", "it was not sent, and Heed says that it was"
    assert received == 0 or status in ("sent", "uncertain"), "it was sent, and Heed says that it was not"


def _views_of(message: StoredMessage) -> set[str]:
    """The views that must list it."""
    if message.state == "scheduled":
        return {"all", "scheduled"}
    followed = message.state == "sent" and message.follow_state and message.follow_state.state == "on"
    return {"all", "followed"} if followed else {"all"}
