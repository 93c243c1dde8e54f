"""Microsoft Graph: mail leaves from the sender's own mailbox, by way of a draft there.

A draft is made with our key in an extended property and our Message-ID, then sent; Exchange puts the copy that went
out into Sent Items, with both. So the mailbox itself says what became of a message, for as long as the copy lies in it:
found outside the drafts, it was sent; found as a draft of that very try, it was not, and that very draft can be sent,
once, for sending takes it out of the drafts. Not found says nothing: the copy may be deleted, or cannot be searched
yet, which has taken more than a minute. Sending notices no repetition by itself, so what is not found is never sent
again; it is looked for, for an hour.

After the request to send, only 202 says that it was sent, and only refusals of the request as such that it was not
(`_CERTAIN`): the service has answered 429, 503, 504 and `UnknownError` for mail that it did deliver. A draft that was
removed was certainly not sent. A draft of another try proves nothing for this one, and is never sent.

The copy in Sent Items is the mail as it went out, tracking and all: sending a draft always keeps one (only sendMail, in
one request, has a `saveToSentItems`), the body of what was sent cannot be changed any more, and without that copy the
mailbox would prove nothing. A sender who looks through Sent Items thus asks for the pixel and may follow links. That
comes from the sender's own networks, and the judge knows it by them if the user's `networks` name them.

Sources: https://learn.microsoft.com/en-us/graph/api/message-send (202, a copy in Sent Items), .../api/user-sendmail
(`saveToSentItems`), .../api/message-update (the body of drafts only), .../api/resources/message (`internetMessageId`
can be set on a draft). Mail that was delivered although the answer was 429, 503 or 504:
https://learn.microsoft.com/en-us/answers/questions/5629476/ and /2286986/.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lib.clock import Clock
from lib.transports.answers import NoAnswer, NotSent, service_error
from lib.transports.graph_api import GraphApi, MailboxBusy
from lib.transports.graph_mailbox import (
    KEY_PROPERTY,
    TRY_PROPERTY,
    UNFINISHED,
    GraphMailbox,
    MailboxItem,
    Stopped,
    is_gone,
    paced,
    refused,
    tried_of,
)
from lib.transports.pace import spread
from lib.transports.protocol import Accepted, Envelope, Outcome, Paced, Refused, Underway, Unknown

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = ["KEY_PROPERTY", "LOOKS", "TRY_PROPERTY", "GraphTransport"]

LOOKS = (2.0, 3.0, 5.0, 5.0)
"""Seconds before each look into the mailbox, after doubt: what is under way comes through, and its copy arrives."""

_CERTAIN = (400, 402, 403, 404, 405, 406, 411, 413, 415, 422)
"""Answers to the request to send that say that it was not carried out; 404 but for a draft that is gone."""

_UNKNOWN_ERROR = "UnknownError"

_SHORTEST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)
_LOOKED_FOR = timedelta(hours=1)
"""A mail that is not found is looked for during this time; a draft that could not be sent is sent again."""

_UNASKED = timedelta(minutes=10)
"""A message is shown as sending for this long while its mailbox cannot be asked; then as uncertain."""

_ASKED_FOR = timedelta(hours=24)
_LONGEST_DOUBT = 60
_LONGEST_DRAFTING = 300
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """The request to send was made with an unknown effect.

    `wait`: time that the service named in Retry-After. `gone`: the draft was not there any more.
    """

    text: str
    wait: timedelta | None = None
    gone: bool = False


class GraphTransport:
    """Microsoft Graph at `url`, which has the version. Without a credential it is entered with the app's identity."""

    separate_envelopes = False  # It delivers to all whom the draft names.
    most_bytes: int | None = None

    def __init__(
        self,
        url: str,
        clock: Clock,
        credential: AsyncTokenCredential | None = None,
        looks: Sequence[float] = LOOKS,
    ) -> None:
        self._api = GraphApi(url, clock, credential)
        self._clock = clock
        self._looks = looks

    async def send(self, envelope: Envelope) -> Outcome:
        """Make a draft and send it. A try that may have come through is only looked for."""
        if envelope.earlier == "doubtful":
            return await self._settle(envelope)
        closed = self._api.mailboxes.closed(envelope.sender)
        if closed is not None:
            return Paced(spread(envelope.key, closed))
        try:
            async with asyncio.timeout(_LONGEST_DRAFTING):
                draft = await self._drafted(envelope)
        except Stopped as stopped:
            return stopped.outcome
        except TimeoutError:
            return Refused(True, "connection", "Microsoft Graph took too long to take the draft.")
        if isinstance(draft, Accepted):
            return draft
        outcome = await self._send_draft(envelope, draft)
        return await self._settle(envelope, outcome) if isinstance(outcome, _Doubt) else outcome

    async def _drafted(self, envelope: Envelope) -> MailboxItem | Accepted:
        """A new draft, and no other one beside it; or Sent Items proves the refusal of an earlier try wrong.

        Raises Stopped.
        """
        mailbox = self._mailbox(envelope)
        for item in await mailbox.find() if envelope.earlier != "none" else ():
            if not item.is_draft:
                return _accepted(item)
            if await mailbox.remove(item) == "gone":
                text = "The draft of an earlier try has just gone; the mailbox is looked into again."
                raise Stopped(Refused(True, "ErrorItemNotFound", text))
        return await mailbox.create(envelope)

    async def after_doubt(self, envelope: Envelope) -> Outcome:
        """Never Again: what is not found could still have been sent."""
        return await self._settle(envelope)

    async def _settle(self, envelope: Envelope, doubt: _Doubt | None = None) -> Outcome:
        try:
            async with asyncio.timeout(_LONGEST_DOUBT):
                return await self._settled(envelope, doubt)
        except Stopped as stopped:
            outcome = stopped.outcome
            wait = outcome.wait if isinstance(outcome, Paced) else outcome.retry_after
            return self._cannot_ask(envelope, outcome.text if isinstance(outcome, Refused) else "", wait)
        except TimeoutError:
            return self._cannot_ask(envelope, "", None)

    async def _settled(self, envelope: Envelope, doubt: _Doubt | None) -> Outcome:
        """Raises Stopped."""
        found = await self._look(envelope, until_draft=doubt is not None and doubt.wait is not None)
        if found is None:
            return self._not_found(envelope)
        if not found.is_draft:
            return _accepted(found)
        if found.tried.endswith(UNFINISHED):
            text = "Sending was interrupted before the draft was whole."
            return await self._taken_back(envelope, found, Refused(True, "interrupted", text))
        if doubt is not None and doubt.wait is not None:
            return Underway(spread(envelope.key, doubt.wait), doubt.text)
        if self._age(envelope) > _LOOKED_FOR:
            text = "Microsoft Graph did not send the draft within an hour."
            return await self._taken_back(envelope, found, Refused(True, "unsent", text))
        outcome = await self._send_draft(envelope, found)
        if isinstance(outcome, Accepted):
            return outcome
        if isinstance(outcome, Refused) and not outcome.temporary:
            return await self._taken_back(envelope, found, outcome)
        if isinstance(outcome, _Doubt) and outcome.gone:
            found = await self._look(envelope)
            return _accepted(found) if found is not None and not found.is_draft else self._not_found(envelope)
        return self._not_yet(envelope, outcome)

    def _not_yet(self, envelope: Envelope, outcome: _Doubt | Outcome) -> Underway:
        """The draft is there, and may be sent again after a while."""
        wait = outcome.wait if isinstance(outcome, Paced | _Doubt) else None
        text = outcome.text if isinstance(outcome, Refused | _Doubt) else "The mailbox takes no more at the moment."
        return Underway(spread(envelope.key, wait) if wait is not None else self._pause(envelope), text)

    async def _taken_back(self, envelope: Envelope, draft: MailboxItem, refusal: Refused) -> Outcome:
        """The refusal, once the draft is removed: that proves that it was not sent. Raises Stopped."""
        if await self._mailbox(envelope).remove(draft) != "gone":
            return refusal
        found = await self._look(envelope)
        return _accepted(found) if found is not None and not found.is_draft else self._not_found(envelope)

    def _not_found(self, envelope: Envelope) -> Unknown:
        text = "It is not in the mailbox, which does not prove that it was not sent."
        return Unknown(text, ask_again=self._pause(envelope) if self._age(envelope) < _LOOKED_FOR else None)

    def _cannot_ask(self, envelope: Envelope, why: str, wait: timedelta | None) -> Underway | Unknown:
        text = f"The mailbox could not be asked for it. {why}".strip()
        age, pause = self._age(envelope), max(wait or timedelta(0), self._pause(envelope))
        if age < _UNASKED:
            return Underway(pause, text)
        return Unknown(text, ask_again=pause if age < _ASKED_FOR else None)

    def _age(self, envelope: Envelope) -> timedelta:
        return self._clock.now() - envelope.tried_at

    def _pause(self, envelope: Envelope) -> timedelta:
        """Return the time before the next look: as long as the try has taken, within bounds. So pauses grow."""
        return min(max(self._age(envelope), _SHORTEST_PAUSE), _LONGEST_PAUSE)

    async def _look(self, envelope: Envelope, until_draft: bool = False) -> MailboxItem | None:
        """Find the sent mail, or this try's draft when the time for looking is over. Other drafts are removed.

        Raises Stopped.
        """
        mailbox, tried = self._mailbox(envelope), tried_of(envelope)
        items: list[MailboxItem] = []
        drafts: list[MailboxItem] = []
        for seconds in self._looks:
            await asyncio.sleep(seconds)
            items = await mailbox.find()
            if items and not items[0].is_draft:
                return items[0]
            drafts = [item for item in items if item.tried.removesuffix(UNFINISHED) == tried]
            if drafts and until_draft:
                break
        drafts.sort(key=lambda draft: draft.tried)  # a whole one first
        for draft in items:
            if draft not in drafts[:1]:
                await mailbox.remove(draft)
        return drafts[0] if drafts else None

    async def _send_draft(self, envelope: Envelope, draft: MailboxItem) -> Outcome | _Doubt:
        try:
            reply = await self._api.call(envelope.sender, "POST", draft.id, "send")
        except MailboxBusy:
            return paced(envelope.key)
        except NotSent as error:
            return Refused(True, "connection", str(error))
        except NoAnswer as error:
            return _Doubt(f"Microsoft Graph did not confirm the message ({error}).")
        if reply.status == 202:
            return _accepted(draft)
        code, _ = service_error(reply.body, reply.status)
        refusal = refused(reply, temporary=reply.status == 401)
        if reply.status == 401:  # A renewed token was refused as well; a message is not looked at before that.
            return refusal
        if reply.status in _CERTAIN and not is_gone(reply) and code != _UNKNOWN_ERROR:
            return refusal
        return _Doubt(refusal.text, reply.wait, is_gone(reply))

    async def discard(self, sender: str, key: str) -> bool:
        """Remove the drafts. A mailbox that refuses for good has none that could be removed."""
        mailbox = GraphMailbox(self._api, sender, key)
        try:
            for _ in range(2):  # what was moved to Deleted Items is removed from there
                removals = [await mailbox.remove(item) for item in await mailbox.find() if item.is_draft]
                if "moved" not in removals:
                    break
        except Stopped as stopped:
            return isinstance(stopped.outcome, Refused) and not stopped.outcome.temporary
        return True

    def _mailbox(self, envelope: Envelope) -> GraphMailbox:
        return GraphMailbox(self._api, envelope.sender, envelope.key)

    async def log_in(self) -> str | None:
        """Get a token; return why that failed, None where it went well. Permissions are proved by a mail alone."""
        return await self._api.log_in()

    async def close(self) -> None:
        await self._api.close()


def _accepted(item: MailboxItem) -> Accepted:
    return Accepted(ids=(item.message_id,) if item.message_id else ())
