"""Microsoft Graph: mail leaves from the sender's own mailbox, by way of a draft there.

A draft is made with our key in an extended property and our Message-ID, then sent; Exchange puts the copy that went
out into Sent Items, with both. So the mailbox itself says what became of a message, for as long as the copy lies in it:
found outside the drafts, it was sent; found as a draft, it was not, and that very draft can be sent, once, for sending
takes it out of the drafts. Not found says nothing: the copy may be deleted, or not there yet. Sending notices no
repetition by itself, so what is not found is never sent again.

The copy in Sent Items is the mail as it went out, tracking and all: sending a draft always keeps one (only sendMail, in
one request, has a `saveToSentItems`), the body of what was sent cannot be changed any more, and without that copy the
mailbox would prove nothing. A sender who looks through Sent Items thus asks for the pixel and may follow links. That
comes from the sender's own networks, and the judge knows it by them if the user's `networks` name them.

Sources: https://learn.microsoft.com/en-us/graph/api/user-post-messages (drafts), .../api/message-send (202, a copy in
Sent Items), .../api/user-sendmail (`saveToSentItems`), .../api/message-update (the body of drafts only),
.../api/singlevaluelegacyextendedproperty-get (the filter), .../api/resources/message (`internetMessageId` can be set on
a draft). That a 504 can come for mail that does go out later:
https://learn.microsoft.com/en-us/answers/questions/2286986/.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lib.clock import Clock
from lib.compose import Part
from lib.transports.answers import service_error
from lib.transports.graph_api import GraphApi, NoAnswer, NotSent, Reply
from lib.transports.protocol import Accepted, Envelope, Mailbox, Outcome, Refused, Unknown

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

KEY_PROPERTY = "String {8c9d9a6e-53f0-4c1b-9d0e-2f3b7a51c4e6} Name HeedKey"
"""The extended property that holds the provider key. The GUID is ours, made once."""

LOOKS = (2.0, 3.0, 5.0, 5.0)
"""Seconds before each look into the mailbox, after doubt: what is under way comes through, and its copy arrives."""

_GONE = "ErrorItemNotFound"
"""Somebody has deleted or sent the draft; the next try looks and finds out. 404 of a mailbox has other codes."""

MOST_BYTES_OF_FILES = 3_000_000
"""Larger ones would need an upload session for each, and then a draft would not be whole at once: after a crash, half a
mail could be found and sent. Source: https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession."""

_ASK_AGAIN = timedelta(minutes=2)
_LONGEST_ASKING = timedelta(hours=1)
_LONGEST_DOUBT = 60
"""Seconds. With a try before it, this must fit into the outbox's lease."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A message in the mailbox: a draft, or what went out."""

    id: str
    is_draft: bool
    message_id: str


class _Stopped(Exception):
    """A step before the sending did not work, so nothing was sent."""

    def __init__(self, outcome: Refused) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class GraphTransport:
    """`url` is Graph's, with the version. Without a credential it is entered with the identity that the app runs as."""

    separate_envelopes = False  # It delivers to all whom the draft names.

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
        """An earlier try may have left a draft, which is used; or Sent Items may prove the provider's refusal wrong."""
        size = sum(len(file.data) for file in envelope.content.files)
        if size > MOST_BYTES_OF_FILES and envelope.earlier != "doubtful":
            text = f"Through Microsoft Graph a mail takes files of 3 MB at most; these have {size:,} bytes together."
            return Refused(False, "files-too-large", text)
        try:
            found = None if envelope.earlier == "none" else await self._find(envelope.sender, envelope.key)
            if found is not None and not found.is_draft:
                return _accepted(found)
            draft = await (self._create(envelope) if found is None else self._renew(envelope, found))
        except _Stopped as stopped:
            return stopped.outcome
        return await self._send_draft(envelope, draft)

    async def after_doubt(self, envelope: Envelope) -> Outcome:
        """Never Again: what is not found could still have been sent."""
        try:
            async with asyncio.timeout(_LONGEST_DOUBT):
                return await self._settle(envelope)
        except (_Stopped, TimeoutError):
            return self._unsettled(envelope, "The mailbox could not be asked for it.")

    async def _settle(self, envelope: Envelope) -> Outcome:
        found = await self._look(envelope)
        if found is not None and found.is_draft:
            outcome = await self._send_draft(envelope, found)
            if not isinstance(outcome, Unknown) and not _is_gone(outcome):
                return outcome
            found = await self._look(envelope)
        if found is None:
            return Unknown("It is not in the mailbox, which does not prove that it was not sent.")
        return self._unsettled(envelope, "Its draft could not be sent.") if found.is_draft else _accepted(found)

    def _unsettled(self, envelope: Envelope, text: str) -> Unknown:
        young = self._clock.now() - envelope.tried_at < _LONGEST_ASKING
        return Unknown(text, ask_again=_ASK_AGAIN if young else None)

    async def _look(self, envelope: Envelope) -> _Item | None:
        """Until it is found sent; the draft, or None, when the time for looking is over. Raises _Stopped."""
        found = None
        for seconds in self._looks:
            await asyncio.sleep(seconds)
            found = await self._find(envelope.sender, envelope.key)
            if found is not None and not found.is_draft:
                break
        return found

    async def _find(self, sender: str, key: str) -> _Item | None:
        """What is in the mailbox with the key: what was sent before a draft. Raises _Stopped."""
        wanted = f"ep/id eq '{KEY_PROPERTY}' and ep/value eq '{key}'"
        query = {
            "$filter": f"singleValueExtendedProperties/any(ep: {wanted})",
            "$select": "id,isDraft,internetMessageId",
        }
        reply = await self._step(sender, "GET", query=query, good=200)
        values = reply.body.get("value")
        items = [_item(value) for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []
        return min(items, key=lambda item: item.is_draft, default=None)

    async def _create(self, envelope: Envelope) -> _Item:
        """Raises _Stopped."""
        body = {
            **_message(envelope),
            "internetMessageId": envelope.message_id,
            "internetMessageHeaders": [
                {"name": name, "value": value}
                for name, value in envelope.content.headers
                if name.lower().startswith("x-")  # Graph takes no others
            ],
            "singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": envelope.key}],
        }
        if envelope.content.files:
            body["attachments"] = [_attachment(file) for file in envelope.content.files]
        return _item((await self._step(envelope.sender, "POST", body=body, good=201)).body)

    async def _renew(self, envelope: Envelope, draft: _Item) -> _Item:
        """What the message says may have changed since the draft was made, its files too. Raises _Stopped."""
        if envelope.content.files:
            await self._step(envelope.sender, "DELETE", draft.id, good=204)
            return await self._create(envelope)
        await self._step(envelope.sender, "PATCH", draft.id, body=_message(envelope), good=200)
        return draft

    async def _step(self, sender: str, method: str, *path: str, good: int, **parts: Any) -> Reply:
        """A request that sends nothing: whatever goes wrong with it is no doubt. Raises _Stopped."""
        try:
            reply = await self._api.call(method, "users", sender, "messages", *path, **parts)
        except NotSent as error:
            raise _Stopped(Refused(True, "connection", str(error))) from error
        except NoAnswer as error:
            raise _Stopped(Refused(True, "connection", f"Microsoft Graph did not answer ({error}).")) from error
        if reply.status != good:
            raise _Stopped(_refused(reply, temporary=reply.status in (401, 408, 409, 412, 429) or reply.status >= 500))
        return reply

    async def _send_draft(self, envelope: Envelope, draft: _Item) -> Outcome:
        try:
            reply = await self._api.call("POST", "users", envelope.sender, "messages", draft.id, "send")
        except NotSent as error:
            return Refused(True, "connection", str(error))
        except NoAnswer as error:
            return Unknown(f"Microsoft Graph did not confirm the message ({error}).")
        if reply.status == 202:
            return _accepted(draft)
        refusal = _refused(reply, temporary=reply.status in (401, 412, 429, 503))
        # A 503 without a time is a gateway's: as with 500, 502 and 504, what stands behind it may have sent the mail.
        definite = reply.status == 503 and reply.wait is not None
        definite = definite or (400 <= reply.status < 500 and reply.status not in (408, 409))
        return refusal if definite else Unknown(refusal.text)

    async def discard(self, sender: str, key: str) -> bool:
        try:
            found = await self._find(sender, key)
            if found is not None and found.is_draft:
                await self._step(sender, "DELETE", found.id, good=204)
        except _Stopped:
            return False
        return True

    async def close(self) -> None:
        await self._api.close()


def _item(value: Mapping[str, Any]) -> _Item:
    return _Item(str(value.get("id", "")), value.get("isDraft") is not False, str(value.get("internetMessageId") or ""))


def _accepted(item: _Item) -> Accepted:
    return Accepted(ids=(item.message_id,) if item.message_id else ())


def _is_gone(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.code == _GONE


def _refused(reply: Reply, temporary: bool) -> Refused:
    code, said = service_error(reply.body, reply.status)
    temporary = temporary or code == _GONE
    return Refused(temporary, code, f"Microsoft Graph answered {reply.status}: {said}", reply.wait)


def _message(envelope: Envelope) -> dict[str, Any]:
    """What can be set on a draft, again and again. Graph holds one body, and makes the plain text of HTML by itself."""
    content = envelope.content
    html = content.html is not None
    return {
        "subject": content.subject,
        "body": {"contentType": "html" if html else "text", "content": content.html if html else content.text or ""},
        "toRecipients": _recipients(content.to),
        "ccRecipients": _recipients(content.cc),
        "bccRecipients": _recipients(content.bcc),
    }


def _attachment(file: Part) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": file.filename,
        "contentType": file.content_type,
        "contentBytes": base64.b64encode(file.data).decode(),
        **({"isInline": True, "contentId": file.cid} if file.cid else {}),
    }


def _recipients(mailboxes: tuple[Mailbox, ...]) -> list[dict[str, Any]]:
    return [{"emailAddress": {"address": address, **({"name": name} if name else {})}} for name, address in mailboxes]
