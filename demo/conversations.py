"""Answers and what follows them, and what the salespeople do with their cards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from demo.cast import Contact, Seller
from demo.mail_server import DeliveredCopy
from demo.mails_in import automatic_reply, reply
from demo.office import Office
from demo.texts import ANSWERS, AWAY, AWAY_SUBJECT, BACK, THANKS, plain_html

_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    "de": (
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
        "Dezember",
    ),
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
        "décembre",
    ),
}  # fmt: skip
_OLD_CARD = timedelta(days=3)
_OLD_FAILURE = timedelta(days=10)


def at_work(at: datetime) -> datetime:
    """Return the time, or the next morning of a working day (UTC) where no one is at work then."""
    begin = at.replace(hour=7, minute=at.minute, second=at.second)
    if at.hour >= 17:
        begin += timedelta(days=1)
    elif at.hour >= 7:
        begin = at
    while begin.weekday() >= 5:
        begin += timedelta(days=1)
    return begin


class AddEvent(Protocol):
    """Lets something happen at a time."""

    def __call__(self, at: datetime, act: Callable[[], Awaitable[object]], *, is_request: bool = False) -> None: ...


class Conversations:
    """Threads of the demo: the contact answers, the salesperson answers that, and the contact may thank."""

    def __init__(
        self,
        office: Office,
        add_event: AddEvent,
        random: Random,
        visit: Callable[[Contact, DeliveredCopy], Awaitable[None]],
    ) -> None:
        self._office = office
        self._stage = office.stage
        self._add_event = add_event
        self._random = random
        self._visit = visit
        self._count = 0

    async def reply(self, contact: Contact, seller: Seller, message: Any) -> None:
        """Let the contact answer a mail; the salesperson answers most of the times."""
        text = self._random.choice(ANSWERS[contact.language])
        received = await self._receive(contact, seller, message, text)
        if received is not None and self._random.random() < 0.65:
            at = at_work(self._stage.now + timedelta(minutes=self._random.randrange(20, 400)))
            self._add_event(at, lambda: self._answer_back(contact, seller, received))

    async def reply_by_itself(self, contact: Contact, seller: Seller, message: Any, back: datetime) -> None:
        """Let the mailbox of a contact who is away answer a mail."""
        months = _MONTHS[contact.language]
        dot = "." if contact.language == "de" else ""
        day = f"{back.day}{dot} {months[back.month - 1]} {back.year}"
        subject = f"{AWAY_SUBJECT[contact.language]}{message['subject']}"
        text = AWAY[contact.language].format(day=day)
        raw = automatic_reply(contact, seller, subject, text, self._stage.now, message["message_id"], self._next_name())
        await self._office.receive(raw)

    async def write_unasked(self, contact: Contact, seller: Seller, subject: str, text: str) -> None:
        """Let the contact write a mail that answers nothing."""
        raw = reply(contact, seller, subject, text, self._stage.now, None, self._next_name())
        await self._office.receive(raw)

    async def _receive(self, contact: Contact, seller: Seller, message: Any, text: str) -> str | None:
        subject = message["subject"]
        subject = subject if subject.startswith("Re: ") else f"Re: {subject}"
        raw = reply(contact, seller, subject, text, self._stage.now, message["message_id"], self._next_name())
        outcome = await self._office.receive(raw)
        return outcome["message"]  # type: ignore[no-any-return]

    async def _answer_back(self, contact: Contact, seller: Seller, received: str) -> None:
        text = self._random.choice(BACK[contact.language])
        fields = {
            "from": seller.id,
            "in_reply_to": received,
            "html": plain_html(text, seller.name, contact.language),
            "send": True,
        }
        made = await self._office.call("POST", "/messages", fields, user=seller.id)
        await self._stage.work()
        sent = await self._office.call("GET", f"/messages/{made['id']}", user=seller.id)
        copy = self._stage.mail_server.find_copy(sent["message_id"] or "", contact.email)
        if copy is None:
            return
        opened = at_work(self._stage.now + timedelta(minutes=self._random.randrange(15, 600)))
        self._add_event(opened, lambda: self._visit(contact, copy), is_request=True)
        if self._random.random() < 0.4:
            thanked = opened + timedelta(minutes=self._random.randrange(2, 90))
            self._add_event(thanked, lambda: self._thank(contact, seller, sent))

    async def _thank(self, contact: Contact, seller: Seller, message: Any) -> None:
        await self._receive(contact, seller, message, THANKS[contact.language])

    def tidy_cards(self, sellers: Sequence[Seller]) -> Callable[[], Awaitable[None]]:
        """Have the salespeople deal with cards that are some days old."""

        async def tidy() -> None:
            for seller in sellers:
                cards = [each async for each in self._office.pages("/cards?status=open", user=seller.id)]
                for card in cards:
                    age = self._stage.now - datetime.fromisoformat(card["created_at"])
                    if age > (_OLD_FAILURE if card["kind"].startswith("send_") else _OLD_CARD):
                        await self._deal_with(seller, card)

        return tidy

    async def _deal_with(self, seller: Seller, card: Any) -> None:
        chance, path = self._random.random(), f"/cards/{card['id']}"
        if chance < 0.2:
            await self._office.call("POST", f"{path}/feedback", {"useful": chance < 0.16}, user=seller.id)
        if "call" in card["actions"] and 0.2 <= chance < 0.35:
            await self._office.call("POST", f"{path}/call", user=seller.id)
        elif chance < 0.95:
            await self._office.call("POST", f"{path}/dismiss", user=seller.id)

    def _next_name(self) -> str:
        self._count += 1
        return f"{self._count:04d}.{self._random.getrandbits(64):016x}"
