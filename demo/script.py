"""The script: the events of 90 days in the order of time, and what they have Heed do."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from bench.traces.organizations.copies import Answer
from bench.traces.trace import Request
from demo.cast import Cast, Contact
from demo.conversations import Conversations
from demo.lately import Lately
from demo.letters import HISTORY, Letter
from demo.mail_server import DeliveredCopy
from demo.mails_in import bounce
from demo.office import Office, opportunity_of
from demo.plans import Plans
from demo.stage import Refused
from demo.texts import price_list

_TOGETHER = timedelta(seconds=3)
"""Requests closer than this are judged together, as they would be in production."""

_SAME_CHECK = 60_000
"""Milliseconds in which a machine's second request for the same link is left out: the play's mails have more links."""

_BOUNCED_AFTER = timedelta(seconds=40)
_STOPPED_AFTER = timedelta(hours=3)

Progress = Callable[[datetime, int], None]
"""Told of the time on the stage, and of the number of mails sent so far."""


@dataclass(order=True, slots=True)
class Event:
    """Something that happens at a time."""

    at: datetime
    number: int
    act: Callable[[], Awaitable[object]] = field(compare=False)
    is_request: bool = field(compare=False)


class Script:
    """Plays all events up to `now`."""

    def __init__(self, office: Office, cast: Cast, letters: Sequence[Letter], plans: Plans, now: datetime, seed: int):
        self._office = office
        self._stage = office.stage
        self._cast = cast
        self._letters = letters
        self._plans = plans
        self._now = now
        self._random = Random(f"script {seed}")
        self._events: list[Event] = []
        self._count = 0
        self._sent = 0
        self._sources: dict[str, Request] = {}
        """The last request of each contact's own, by address."""
        self._lately = Lately(office, cast, plans, now, self._random)
        self._conversations = Conversations(office, self.add_event, self._random, self._visit_again)

    def add_event(self, at: datetime, act: Callable[[], Awaitable[object]], *, is_request: bool = False) -> None:
        """Let something happen, unless it would be after now."""
        if at <= self._now:
            self._count += 1
            heapq.heappush(self._events, Event(max(at, self._stage.now), self._count, act, is_request))

    async def play(self, progress: Progress) -> None:
        """Play everything. Raises DemoError."""
        await self._office.open(self._cast)
        await self._note_wishes()
        for letter in self._letters:
            delay = self._plans.delays.get(letter.number, timedelta(0))
            self.add_event(max(letter.sent_at - delay, self._stage.now), partial(self._write, letter))
        self._add_fridays()
        self._lately.add_events(self.add_event, self._conversations)
        while self._events:
            event = heapq.heappop(self._events)
            await self._stage.move_to(event.at)
            await event.act()
            following = self._events[0] if self._events else None
            if not (event.is_request and following and following.is_request and following.at - event.at < _TOGETHER):
                await self._stage.work()
            progress(self._stage.now, self._sent)
        await self._stage.move_to(self._now)
        for timer in ("remind", "sweep_due", "tidy_engaged_records"):
            await self._stage.tick(timer)

    async def _note_wishes(self) -> None:
        for email, said in self._plans.consents.items():
            await self._office.call("PUT", f"/consents/{email}", said)
        for contact in self._plans.not_followed:
            await self._office.call("PATCH", f"/records/contact/{contact.id}", {"follow_email": "do_not_allow"})
        await self._stage.work()

    def _add_fridays(self) -> None:
        day = (self._now - HISTORY).replace(hour=15, minute=0, second=0, microsecond=0)
        while day < self._now:
            if day.weekday() == 4:
                self.add_event(day, self._conversations.tidy_cards(self._cast.sellers))
            if day.weekday() < 5:
                for timer in ("remind", "move_old_lists"):
                    self.add_event(day.replace(hour=7), partial(self._stage.tick, timer))
            day += timedelta(days=1)

    async def _write(self, letter: Letter) -> None:
        """Make the mail and have it sent, now or at its time."""
        outcome = self._plans.outcomes.get(letter.number)
        for contact in letter.recipients if outcome else ():
            self._stage.mail_server.set_outcome(contact.email, outcome)
        message = await self._post(letter)
        await self._stage.work()
        for contact in letter.recipients if outcome else ():
            self._stage.mail_server.set_outcome(contact.email, None)
        if reminder := self._plans.reminders.get(letter.number):
            at = datetime.fromisoformat(reminder["at"]) + timedelta(seconds=1)
            self.add_event(at, partial(self._stage.tick, "remind"))
        if letter.number in self._plans.delays:
            self.add_event(letter.sent_at - timedelta(seconds=20), partial(self._stage.tick, "sweep_due"))
            self.add_event(letter.sent_at + timedelta(seconds=1), partial(self._follow_up, letter, message["id"]))
        else:
            await self._follow_up(letter, message["id"])

    async def _post(self, letter: Letter) -> Any:
        """Make the mail. Where following is not allowed, its file travels in it, and its reminder waits for a reply."""
        fields = self._fields(letter)
        try:
            return await self._office.call("POST", "/messages", fields, user=letter.sender.id)
        except Refused as error:
            if error.status not in (409, 422):
                raise
        if "attachments" in fields:
            fields["attachments"] = [{**each, "followed": False} for each in fields["attachments"]]
        if "reminder" in fields:
            fields["reminder"] = {**fields["reminder"], "condition": "no_reply"}
        return await self._office.call("POST", "/messages", fields, user=letter.sender.id)

    def _fields(self, letter: Letter) -> dict[str, Any]:
        fields = {
            "from": letter.sender.id,
            "to": [each.as_recipient() for each in letter.recipients],
            "template": letter.template.id,
            "render": True,
            "regarding": opportunity_of(letter.recipients[0].company, letter.opportunity),
            "reminder": self._plans.reminders.get(letter.number),
            "send": True,
        }
        if letter.number in self._plans.delays:
            fields["deliver_at"] = letter.sent_at.isoformat()
        if letter.template.file:
            content = base64.b64encode(price_list()).decode()
            fields["attachments"] = [{"filename": letter.template.file, "content": content, "followed": True}]
        return {name: value for name, value in fields.items() if value is not None}

    async def _follow_up(self, letter: Letter, message: str) -> None:
        """Add what becomes of the mail, now that it has gone out."""
        self._sent += 1
        read = await self._office.call("GET", f"/messages/{message}", user=letter.sender.id)
        if read["message_id"] is None:
            return
        for number, contact in enumerate(letter.recipients):
            copy = self._stage.mail_server.find_copy(read["message_id"], contact.email)
            if copy is None:
                continue
            if contact.email in self._plans.unreachable:
                self._add_bounce(letter, contact, read)
                continue
            self._add_requests(letter, number, contact, copy)
            if self._plans.stops.get(contact.email) == letter.number and copy.page:
                self.add_event(letter.sent_at + _STOPPED_AFTER, partial(self._stop, copy.page))
            for answer in letter.answers:
                if answer.recipient == number:
                    self._add_answer(letter, contact, answer, read)

    def _add_requests(self, letter: Letter, number: int, contact: Contact, copy: DeliveredCopy) -> None:
        last: dict[tuple[str, str], int] = {}
        for request in letter.requests:
            path = _path(letter, request, copy) if request.recipient == number else None
            if path is None:
                continue
            before = last.get((path, request.address))
            last[path, request.address] = request.at
            if before is not None and request.actor == "machine" and request.at - before < _SAME_CHECK:
                continue
            if request.actor == "person":
                self._sources[contact.email] = request
            self.add_event(letter.time_of(request.at), partial(self._visit, path, request), is_request=True)

    async def _visit(self, path: str, request: Request) -> None:
        headers = {**request.headers, "x-forwarded-for": request.address}
        await self._stage.request(request.method, path, headers=headers)

    async def _visit_again(self, contact: Contact, copy: DeliveredCopy) -> None:
        """Open a later mail of the thread where the contact has read before."""
        source = self._sources.get(contact.email)
        if source is not None and copy.pixel is not None:
            await self._visit(copy.pixel, replace(source, method="GET"))

    async def _stop(self, path: str) -> None:
        form = {"content-type": "application/x-www-form-urlencoded"}
        await self._stage.request("POST", path, b"action=stop", headers=form)

    def _add_bounce(self, letter: Letter, contact: Contact, message: Any) -> None:
        status, words = self._plans.unreachable[contact.email]
        raw = bounce(
            contact, letter.sender, message["subject"], message["message_id"], status, words, f"bounce-{message['id']}"
        )
        self.add_event(self._stage.now + _BOUNCED_AFTER, partial(self._office.receive, raw))

    def _add_answer(self, letter: Letter, contact: Contact, answer: Answer, message: Any) -> None:
        at = letter.time_of(answer.at)
        if answer.kind == "reply":
            self.add_event(at, partial(self._conversations.reply, contact, letter.sender, message))
        elif answer.kind == "auto_reply":
            back = letter.time_of(letter.played_day(contact.away.stop))
            self.add_event(at, partial(self._conversations.reply_by_itself, contact, letter.sender, message, back))


def _path(letter: Letter, request: Request, copy: DeliveredCopy) -> str | None:
    """Return the path that the request of the play asks for in this copy; None where the copy has no such thing."""
    if request.kind == "open":
        return copy.pixel
    place = letter.visible_place(request.item)
    if place is None:
        return copy.hidden
    return copy.links[place % len(copy.links)] if copy.links else None
