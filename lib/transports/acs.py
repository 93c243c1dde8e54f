"""Azure Communication Services Email, through its SDK.

A submission that was accepted (202) has begun an operation, no more: its state is read until it has ended, shortly in
the same try, then in growing pauses. `Succeeded` means that the mail is on its way; `Failed`, that the service gave it
up, because all recipients are on its suppression list, say. Two things keep a repeated submission from being a second
mail, and every request carries both:

- `Repeatability-Request-Id` and `Repeatability-First-Sent`: the service tracks requests for 5 minutes, answers a
  repeated one with the first one's answer, and refuses (412) what was first sent before that. Source: "Repeatable
  requests", https://learn.microsoft.com/en-us/rest/api/communication/repeatable-requests.
- `Operation-Id`, which names the submission, so that it can be asked for. A known id with another content is refused.
  Source: Email Send and Get Send Result of API version 2025-09-01; "Microsoft Azure REST API Guidelines", long-running
  operations, lro-operation-id-unique-except-retries.

Both are one id, made of the message's key and the time of the try: a doubtful try that is repeated keeps it, a new try
after a definite refusal has a new one, for the service would answer the old one with the old refusal. A submission that
was answered 429, or 503 with a time, is taken for refused only when the service knows of no such operation.

The name that stands before the sender's address belongs to the address, in the domain's MailFrom settings; a request
cannot carry one (400). Source: https://github.com/Azure/azure-sdk-for-java/issues/39910.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Sequence
from datetime import timedelta
from email.utils import format_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lib.clock import Clock
from lib.mime.parts import FilePart, Mailbox
from lib.transports.acs_api import AcsApi, AcsReply
from lib.transports.acs_resource import AcsResource
from lib.transports.answers import NoAnswer, NotSent, service_error
from lib.transports.pace import Pace, spread
from lib.transports.protocol import Accepted, Again, Envelope, Outcome, Paced, Refused, Underway, Unknown

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

WINDOW = timedelta(minutes=4, seconds=30)
"""Time after its first submission in which a message may be submitted again: the service's 5 minutes, less 30 seconds
for clocks that differ and for the way."""

LOOKS = (6.0,)
"""Seconds before each question about an operation that has just begun. The service takes two questions for a mail."""

PER_MINUTE, PER_HOUR = 30, 100
"""Mails that the service takes of a subscription, unless it has been given a higher quota; and twice as many questions.

Source: "Rate limits for Email", https://learn.microsoft.com/en-us/azure/communication-services/concepts/service-limits.
"""

_PAUSE = timedelta(seconds=20)
"""Between repeated submissions."""

_SHORTEST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=15)
_UNASKED = timedelta(minutes=10)
"""A message is shown as sending for this long while the service cannot be asked; then as uncertain."""

_RUNNING = timedelta(hours=1)
"""An operation may run for this long before its message is shown as uncertain."""

_ASKED_FOR = timedelta(hours=24)
_TEMPORARY = (401, 412, 429, 503)
"""Statuses of refusals that time or an operator mends: a key, a clock that is off, too many requests."""


class _CannotAsk(Exception):
    """The service does not say what it knows; the text says why. `wait` is a time that it has named."""

    def __init__(self, text: str, wait: timedelta | None = None) -> None:
        super().__init__(text)
        self.wait = wait


class AcsTransport:
    """One Communication Services resource, entered with its key, with a credential, or with the app's identity."""

    separate_envelopes = False  # It makes To and Cc of those to whom it delivers.
    most_bytes: int | None = None

    def __init__(
        self,
        resource: AcsResource,
        clock: Clock,
        credential: AsyncTokenCredential | None = None,
        per_minute: int = PER_MINUTE,
        per_hour: int = PER_HOUR,
        looks: Sequence[float] = LOOKS,
    ) -> None:
        self._api = AcsApi(resource, clock, credential)
        self._clock = clock
        self._looks = looks
        minute, hour = timedelta(minutes=1), timedelta(hours=1)
        self._sends = Pace([(per_minute, minute), (per_hour, hour)], clock)
        self._questions = Pace([(2 * per_minute, minute), (2 * per_hour, hour)], clock)

    async def send(self, envelope: Envelope) -> Outcome:
        """Submit one mail, and follow its operation for a short time."""
        repeated = envelope.earlier == "doubtful"
        if repeated and self._too_late(envelope):
            return self._too_late_to_repeat(envelope)
        if repeated:
            self._sends.count_turn()  # waiting would let the time for repeating pass
        elif (wait := self._sends.take_turn(envelope.key)) is not None:
            return Paced(wait)
        try:
            first_sent = format_datetime(envelope.tried_at, usegmt=True)
            reply = await self._api.submit(_message(envelope), _operation(envelope), first_sent)
        except NotSent as error:
            return _in_doubt(str(error)) if repeated else Refused(True, error.code, str(error))
        except NoAnswer as error:
            return _in_doubt(f"The email service did not confirm the message ({error}).")
        if reply.status == 202:
            return await self._follow(envelope)
        return await self._refused(envelope, reply)

    async def _refused(self, envelope: Envelope, reply: AcsReply) -> Outcome:
        """Interpret an answer other than 202."""
        code, said = service_error(reply.body, reply.status)
        refusal = Refused(
            reply.status in _TEMPORARY, code, f"The email service answered {reply.status}: {said}", reply.wait
        )
        if envelope.earlier == "doubtful":
            # This one was refused, perhaps just for being the second; of the first one that says nothing.
            certain = 400 <= reply.status < 500 and reply.repeatability == "accepted"
            return refusal if certain else _in_doubt(refusal.text)
        if reply.status == 429 or (reply.status == 503 and reply.wait is not None):
            return await self._throttled(envelope, refusal)
        return refusal if 400 <= reply.status < 500 and reply.status not in (408, 409) else _in_doubt(refusal.text)

    async def _throttled(self, envelope: Envelope, refusal: Refused) -> Outcome:
        wait = refusal.retry_after or _PAUSE
        self._sends.close(wait)
        try:
            for seconds in self._looks:
                await asyncio.sleep(seconds)
            known = await self._ask(envelope)
        except _CannotAsk:
            return Underway(_PAUSE, refusal.text)
        return Paced(spread(envelope.key, wait)) if known is None else known

    async def _follow(self, envelope: Envelope) -> Outcome:
        """Read the state of an operation that has just begun."""
        known: Outcome | None = None
        try:
            for seconds in self._looks:
                await asyncio.sleep(seconds)
                known = await self._ask(envelope)
                if isinstance(known, Accepted | Refused):
                    return known
        except _CannotAsk as error:
            return Underway(max(error.wait or _SHORTEST_PAUSE, _SHORTEST_PAUSE))
        return known or Underway(_SHORTEST_PAUSE)

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        """Ask for the operation; if the service knows of none, submit again within the window."""
        try:
            known = await self._ask(envelope)
        except _CannotAsk as error:
            return self._unasked(envelope, error)
        if known is not None:
            return known
        return Again(_PAUSE) if not self._too_late(envelope) else self._too_late_to_repeat(envelope)

    def _unasked(self, envelope: Envelope, error: _CannotAsk) -> Outcome | Again:
        """Within the window, repeating the submission asks as well."""
        age, pause = self._age(envelope), self._pause(envelope)
        if age + max(error.wait or timedelta(0), _PAUSE) < WINDOW:
            return Again(_PAUSE) if error.wait is None else Underway(error.wait, str(error))
        if not self._too_late(envelope):
            return Again()
        ask_again = max(error.wait or timedelta(0), pause or timedelta(0))
        if age < _UNASKED:
            return Underway(ask_again, str(error))
        return Unknown(str(error), ask_again=ask_again if pause is not None else None)

    async def _ask(self, envelope: Envelope) -> Outcome | None:
        """Outcome of the operation; None when the service knows of none. Raises _CannotAsk."""
        operation = _operation(envelope)
        wait = self._questions.take_turn(operation)
        if wait is not None:
            raise _CannotAsk("The email service takes no more questions at the moment.", wait)
        try:
            reply = await self._api.state(operation)
        except (NotSent, NoAnswer) as error:
            raise _CannotAsk(f"The email service could not be asked ({error}).") from error
        if reply.status == 404:
            return None
        state = reply.body.get("status")
        if reply.status != 200 or not isinstance(state, str):
            raise _CannotAsk(f"The email service could not be asked ({reply.status}).", reply.wait)
        if state == "Succeeded":
            return Accepted(ids=(operation,))
        if state in ("Failed", "Canceled"):
            code, said = service_error(reply.body, state)
            return Refused(False, code, f"The email service did not send it: {said}")
        return self._running(envelope, reply.wait)

    def _running(self, envelope: Envelope, wait: timedelta | None) -> Underway | Unknown:
        pause = self._pause(envelope)
        if pause is not None and self._age(envelope) < _RUNNING:
            return Underway(max(wait or timedelta(0), pause))
        text = "The email service took it, and has not said for more than an hour whether it was sent."
        return Unknown(text, "running", pause)

    def _pause(self, envelope: Envelope) -> timedelta | None:
        """Return the wait before the next question: the age of the try, within bounds. None when asking ends."""
        age = self._age(envelope)
        return min(max(age, _SHORTEST_PAUSE), _LONGEST_PAUSE) if age < _ASKED_FOR else None

    def _age(self, envelope: Envelope) -> timedelta:
        return self._clock.now() - envelope.tried_at

    def _too_late(self, envelope: Envelope) -> bool:
        return self._age(envelope) > WINDOW

    def _too_late_to_repeat(self, envelope: Envelope) -> Unknown:
        text = "The email service does not know it, and the time in which it notices a repetition is over."
        return Unknown(text, ask_again=self._pause(envelope) if self._age(envelope) < _RUNNING else None)

    async def discard(self, sender: str, key: str) -> bool:  # noqa: ARG002 - the service keeps no drafts
        """Return True: the service keeps no drafts."""
        return True

    async def log_in(self) -> str | None:
        """Get a token; return why that failed, None where it went well. A key is proved by the first mail alone."""
        return await self._api.log_in()

    async def close(self) -> None:
        await self._api.close()


def _in_doubt(text: str) -> Underway:
    return Underway(_PAUSE, text)


def _operation(envelope: Envelope) -> str:
    """A version 4 UUID. The time counts in seconds, as it stands in the header."""
    moment = envelope.tried_at.replace(microsecond=0).isoformat()
    return str(UUID(bytes=blake2b(f"{envelope.key} {moment}".encode(), digest_size=16).digest(), version=4))


def _message(envelope: Envelope) -> dict[str, Any]:
    """The request's body. It is the same in every try of an unchanged message: nothing in it depends on the time.

    The service keeps a valid Message-ID. Source: "Adding reserved custom headers",
    https://learn.microsoft.com/en-us/azure/communication-services/concepts/email/email-headers.
    """
    content = envelope.content
    bodies = {"plainText": content.text, "html": content.html}
    return {
        "senderAddress": envelope.sender,
        "content": {"subject": content.subject, **{name: body for name, body in bodies.items() if body is not None}},
        "recipients": {
            "to": _addresses(content.to, envelope.recipients),
            "cc": _addresses(content.cc, envelope.recipients),
            "bcc": _addresses(content.bcc, envelope.recipients),
        },
        **(
            {"replyTo": _addresses(content.reply_to, {each.email for each in content.reply_to})}
            if content.reply_to
            else {}
        ),
        **({"attachments": [_attachment(file) for file in content.files]} if content.files else {}),
        "headers": {"Message-ID": envelope.message_id, **dict(content.headers)},
        # Following is ours, by consent; the service's own pixel and links would be a second tracker.
        "userEngagementTrackingDisabled": True,
    }


def _attachment(file: FilePart) -> dict[str, Any]:
    """A mail that is too large with its files is refused before (`lib.transports.limits`), or by the service."""
    found = {
        "name": file.filename,
        "contentType": file.media_type,  # none of the types that the service names has parameters
        "contentInBase64": base64.b64encode(file.data).decode(),
    }
    return {**found, "contentId": file.cid} if file.cid else found


def _addresses(mailboxes: tuple[Mailbox, ...], wanted: Collection[str]) -> list[dict[str, str]]:
    """Mailboxes that the envelope is for: the service delivers to all that the request names."""
    return [
        {"address": address, **({"displayName": name} if name else {})}
        for name, address in mailboxes
        if address in wanted
    ]
