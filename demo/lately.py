"""Events of the last days and hours: mail that waits for its time, drafts, reminders to come, unasked mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from demo.cast import DOMAIN, NOT_OPTED_IN, Cast, Contact, Seller
from demo.conversations import AddEvent, Conversations
from demo.office import Office, opportunity_of
from demo.plans import Plans
from demo.stage import Refused
from demo.texts import TEMPLATES, UNASKED

_SCHEDULED = 10
_DRAFTS = 4
_REMINDERS = 8
_OUTCOMES = 14
_WORDS = 8


class Lately:
    """The last hours before now."""

    def __init__(self, office: Office, cast: Cast, plans: Plans, now: datetime, random: Random) -> None:
        self._office = office
        self._plans = plans
        self._now = now
        self._random = random
        self._sellers = [each for each in cast.sellers if each.id != NOT_OPTED_IN]
        away = {*plans.unreachable, *plans.stops, *(each.email for each in plans.not_followed)}
        self._contacts = [each for each in cast.contacts.values() if each.email not in away]

    def add_events(self, add_event: AddEvent, conversations: Conversations) -> None:
        """Add what happens in the last days and hours."""
        for hours, (subject, text) in zip((9, 44, 97), UNASKED, strict=True):
            contact = self._random.choice([each for each in self._contacts if each.language == "en"])
            write = partial(conversations.write_unasked, contact, contact.company.seller, subject, text)
            add_event(self._now - timedelta(hours=hours), write)
        add_event(self._now - timedelta(minutes=50), self._write_for_later)
        add_event(self._now - timedelta(minutes=35), self._leave_drafts)
        add_event(self._now - timedelta(minutes=25), self._set_reminders)
        add_event(self._now - timedelta(minutes=20), self._close_sales)
        add_event(self._now - timedelta(minutes=10), self._say_who_it_was)
        add_event(self._now - timedelta(minutes=5), self._snooze_cards)
        add_event(self._now - timedelta(minutes=4), self._subscribe)

    async def _write_for_later(self) -> None:
        for number in range(_SCHEDULED):
            contact = self._contact_of(self._sellers[number % len(self._sellers)])
            at = self._morning(1 + number // 4).replace(minute=self._random.choice((0, 15, 40)))
            await self._write(contact, deliver_at=at.isoformat(), send=True)

    async def _leave_drafts(self) -> None:
        for seller in self._sellers[:_DRAFTS]:
            await self._write(self._contact_of(seller))

    async def _write(self, contact: Contact, **more: Any) -> None:
        template = self._random.choice([each for each in TEMPLATES if each.language == contact.language])
        seller = contact.company.seller.id
        fields = {
            "from": seller,
            "to": [contact.as_recipient()],
            "template": template.id,
            "render": True,
            "regarding": opportunity_of(contact.company, self._random.randrange(2)),
            **more,
        }
        await self._office.call("POST", "/messages", fields, user=seller)
        await self._office.stage.work()

    async def _set_reminders(self) -> None:
        sent = await self._newest("view=followed")
        waiting = [each for each in sent if each["reminder"] is None and not each["kpis"]["replies"]]
        # The first salesperson, as whom a newcomer signs in, has some of them.
        waiting.sort(key=lambda each: each["from"] != self._sellers[0].id)
        for number, message in enumerate(waiting[:_REMINDERS]):
            reminder = {
                "title": self._random.choice(("Ask again", "Call about it", "Send the drawings")),
                "condition": "no_reply",
                "at": self._morning(1 + number // 2).isoformat(),
            }
            path = f"/messages/{message['id']}/reminder"
            await self._office.call("PUT", path, reminder, user=message["from"])
        await self._office.stage.work()

    async def _close_sales(self) -> None:
        """Let some sales be won or lost, mostly those that were answered."""
        received = await self._newest("view=received")
        about = {each["regarding"]["id"]: None for each in received if each["regarding"] and each["kind"] == "reply"}
        for number, sale in enumerate(list(about)[:_OUTCOMES]):
            outcome = {"won": number % 3 != 2}
            await self._office.call("POST", f"/records/opportunity/{sale}/outcome", outcome)
        await self._office.stage.work()

    async def _say_who_it_was(self) -> None:
        """Have salespeople say of some events who it was: mostly what Heed has said."""
        told = 0
        for message in await self._newest("view=followed"):
            path = f"/messages/{message['id']}/timeline"
            events = await self._office.call("GET", f"{path}?limit=20", user=message["from"])
            event = next((each for each in events["items"] if each["kind"] in ("open", "click")), None)
            if event is None:
                continue
            was = "person" if event["verdict"]["class"] == "human" else "machine"
            await self._office.call("POST", f"{path}/{event['id']}/feedback", {"was": was}, user=message["from"])
            told += 1
            if told == _WORDS:
                break
        await self._office.stage.work()

    async def _snooze_cards(self) -> None:
        for seller in self._sellers[::3]:
            cards = await self._office.call("GET", "/cards?status=open&limit=5", user=seller.id)
            for card in cards["items"][1:2]:
                try:
                    await self._office.call("POST", f"/cards/{card['id']}/snooze", {}, user=seller.id)
                except Refused as error:  # it was withdrawn meanwhile
                    if error.status != 409:
                        raise
        await self._office.stage.work()

    async def _subscribe(self) -> None:
        """Subscribe a CRM of no one's to answers. It comes after all events, so that none is sent to it."""
        webhook = {"url": f"https://crm.{DOMAIN}/heed", "events": ["message.replied", "message.bounced"]}
        await self._office.call("PUT", "/webhooks/crm", webhook)

    async def _newest(self, view: str) -> Sequence[Mapping[str, Any]]:
        found = await self._office.call("GET", f"/messages?{view}&sort=-sent_at&limit=80")
        return found["items"]  # type: ignore[no-any-return]

    def _contact_of(self, seller: Seller) -> Contact:
        return self._random.choice([each for each in self._contacts if each.company.seller is seller])

    def _morning(self, days: int) -> datetime:
        """Return the morning of a working day to come."""
        at = self._now.replace(hour=8, minute=0, second=0, microsecond=0)
        while days:
            at += timedelta(days=1)
            days -= at.weekday() < 5
        return at
