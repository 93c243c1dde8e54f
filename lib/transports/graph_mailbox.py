"""A sender's mailbox at Microsoft Graph: finding what lies there with our key, making drafts, removing them.

A draft carries our key and which try made it, as extended properties. Files that do not fit into one request (4 MB)
follow one by one: up to 3 MB in a request of their own, larger ones by upload sessions. Until the last one is there the
draft says that it is unfinished, so that half a mail is never sent. What is removed is purged; national clouds without
that get a plain deletion, which moves a draft to Deleted Items, from where a second one takes it.

Sources: https://learn.microsoft.com/en-us/graph/api/user-post-messages (drafts), .../api/message-permanentdelete,
.../api/message-delete, .../api/attachment-createuploadsession and https://learn.microsoft.com/en-us/graph/outlook-large-attachments
(3 to 150 MB, up to 4 MB at a time, no Authorization), .../api/singlevaluelegacyextendedproperty-get (the filter),
https://learn.microsoft.com/en-us/answers/questions/599013/ (properties of all that a list holds),
https://github.com/microsoftgraph/msgraph-sdk-java/pull/52 (a request with a file of 3,145,611 bytes passes, an upload
session takes 2,097,152 and more).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Literal

from lib.mime.parts import FilePart, Mailbox
from lib.transports.answers import NoAnswer, NotSent, service_error
from lib.transports.graph_api import GraphApi, GraphReply, MailboxBusy
from lib.transports.pace import spread
from lib.transports.protocol import Envelope, Paced, Refused

_GUID = "8c9d9a6e-53f0-4c1b-9d0e-2f3b7a51c4e6"
"""Ours, made once."""

KEY_PROPERTY = f"String {{{_GUID}}} Name HeedKey"
"""The extended property that holds the provider key."""

TRY_PROPERTY = f"String {{{_GUID}}} Name HeedTry"
"""The one that holds the time of the try that made the draft, and whether the draft is unfinished."""

_HEADER_PROPERTIES = {
    "In-Reply-To": "String 0x1042",
    "References": "String 0x1039",
    "List-Unsubscribe": "String 0x1045",
}
"""Properties that Exchange makes headers of: PidTagInReplyToId, PidTagInternetReferences and PidTagListUnsubscribe
([MS-OXPROPS]). There is none for List-Unsubscribe-Post, so that mail by Graph offers no one-click stop."""

UNFINISHED = " unfinished"
GONE = "ErrorItemNotFound"
"""Code of a draft that was deleted or sent. A missing mailbox has other codes."""

_LARGEST_IN_A_REQUEST = 3_000_000
_REQUEST = 3_500_000
"""Bytes of a draft with the files that are in it from the start; the service takes 4 MB."""

_CHUNK = 12 * 320 * 1024
"""Bytes of an upload's request: below 4 MB, and a multiple of 320 KiB."""

_SESSION_OVER = (404, 410, 416)
"""Answers to an upload's request that the next draft may not get: the session is over, the mailbox's copy that was
asked does not know the draft yet, or a part came twice."""

_SOON = timedelta(seconds=5)

Removal = Literal["removed", "moved", "gone"]


@dataclass(frozen=True, slots=True)
class MailboxItem:
    """A message in the mailbox: a draft, or one that went out."""

    id: str
    is_draft: bool
    message_id: str
    tried: str
    """The try that made it; empty where it does not say so."""


class Stopped(Exception):
    """A step that sends nothing did not work."""

    def __init__(self, outcome: Refused | Paced) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


class GraphMailbox:
    """The sender's mailbox, as far as it holds mail with one key. Each method raises Stopped.

    No step here sends anything, so a step that goes wrong leaves no doubt.
    """

    def __init__(self, api: GraphApi, sender: str, key: str) -> None:
        self._api = api
        self._sender = sender
        self._key = key

    async def find(self) -> list[MailboxItem]:
        """List the items that carry the key: sent ones before drafts."""
        wanted = f"ep/id eq '{KEY_PROPERTY}' and ep/value eq '{self._key}'"
        query = {
            "$filter": f"singleValueExtendedProperties/any(ep: {wanted})",
            "$expand": f"singleValueExtendedProperties($filter=id eq '{TRY_PROPERTY}')",
            "$select": "id,isDraft,internetMessageId",
            "$top": "50",
        }
        reply = await self._step("GET", query=query, good=(200,))
        values = reply.body.get("value")
        items = [_item(value) for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []
        return sorted(items, key=lambda item: item.is_draft)

    async def create(self, envelope: Envelope) -> MailboxItem:
        """Make a draft, with all its files."""
        tried = tried_of(envelope)
        body = {
            **_message(envelope),
            "internetMessageId": envelope.message_id,
            "internetMessageHeaders": [
                {"name": name, "value": value}
                for name, value in envelope.content.headers
                if name.lower().startswith("x-")  # Graph takes no others
            ],
        }
        within, after = _divided(envelope)
        if within:
            body["attachments"] = [_attachment(file) for file in within]
        marks = {KEY_PROPERTY: envelope.key, TRY_PROPERTY: tried + (UNFINISHED if after else "")}
        headers = {
            _HEADER_PROPERTIES[name]: value for name, value in envelope.content.headers if name in _HEADER_PROPERTIES
        }
        draft = _item((await self._step("POST", body={**body, **_properties(marks | headers)}, good=(201,))).body)
        for file in after:
            await self._attach(draft, file)
        if after:
            await self._step("PATCH", draft.id, body=_properties({TRY_PROPERTY: tried}), good=(200,))
        return draft

    async def _attach(self, draft: MailboxItem, file: FilePart) -> None:
        if len(file.data) <= _LARGEST_IN_A_REQUEST:
            await self._step("POST", draft.id, "attachments", body=_attachment(file), good=(201,))
            return
        item = {
            "attachmentType": "file",
            "name": file.filename,
            "contentType": file.content_type,
            "size": len(file.data),
            **({"isInline": True, "contentId": file.cid} if file.cid else {}),
        }
        place = (draft.id, "attachments", "createUploadSession")
        session = await self._step("POST", *place, body={"AttachmentItem": item}, good=(201,))
        url = session.body.get("uploadUrl")
        if not isinstance(url, str):
            raise Stopped(Refused(True, "upload", "Microsoft Graph named no address to upload a file to."))
        view = memoryview(file.data)
        for start in range(0, len(view), _CHUNK):
            await self._upload(url, view[start : start + _CHUNK], start, len(view))

    async def remove(self, draft: MailboxItem) -> Removal:
        """Take a draft away. Having removed it proves that it was not sent, and that it never will be."""
        reply = await self._step("POST", draft.id, "permanentDelete", good=(204, 400, 404, 405, 501))
        if reply.status == 204:
            return "removed"
        if reply.status == 404 and _code(reply) == GONE:
            return "gone"
        reply = await self._step("DELETE", draft.id, good=(204, 404))
        if reply.status == 204:
            return "moved"
        if _code(reply) == GONE:
            return "gone"
        raise Stopped(refused(reply, temporary=False))

    async def _upload(self, url: str, part: memoryview, start: int, size: int) -> None:
        try:
            reply = await self._api.upload(self._sender, url, part, start, size)
        except (NotSent, NoAnswer, MailboxBusy) as error:
            raise self._stopped(error) from error
        if reply.status in _SESSION_OVER:
            raise Stopped(refused(reply, temporary=True))
        self._check(reply, (200, 201, 202))

    async def _step(self, method: str, *path: str, good: Collection[int], **parts: Any) -> GraphReply:
        try:
            reply = await self._api.call(self._sender, method, *path, **parts)
        except (NotSent, NoAnswer, MailboxBusy) as error:
            raise self._stopped(error) from error
        self._check(reply, good)
        return reply

    def _stopped(self, error: NotSent | NoAnswer | MailboxBusy) -> Stopped:
        if isinstance(error, MailboxBusy):
            return Stopped(paced(self._key))
        if isinstance(error, NotSent):
            return Stopped(Refused(True, "connection", str(error)))
        return Stopped(Refused(True, "connection", f"Microsoft Graph did not answer ({error})."))

    def _check(self, reply: GraphReply, good: Collection[int]) -> None:
        if reply.status in good:
            return
        if reply.status == 429 or (reply.status == 503 and reply.wait is not None):
            raise Stopped(paced(self._key, reply))
        raise Stopped(refused(reply, temporary=reply.status in (401, 408, 409, 412) or reply.status >= 500))


def paced(key: str, reply: GraphReply | None = None) -> Paced:
    """Without a reply, or a time in it, some seconds are enough: a slot is held for that long at most."""
    wait = reply.wait if reply is not None else None
    return Paced(spread(key, wait if wait is not None else _SOON))


def refused(reply: GraphReply, temporary: bool) -> Refused:
    """Return the refusal that an answer of Graph stands for, in Graph's own words."""
    code, said = service_error(reply.body, reply.status)
    temporary = temporary or code == GONE  # the next try looks, and makes another one
    return Refused(temporary, code, f"Microsoft Graph answered {reply.status}: {said}", reply.wait)


def is_gone(reply: GraphReply) -> bool:
    """Whether the draft is not in the mailbox any more."""
    return reply.status == 404 and _code(reply) == GONE


def tried_of(envelope: Envelope) -> str:
    """Value of TRY_PROPERTY. No two tries of a message are in one second."""
    return envelope.tried_at.astimezone(UTC).replace(microsecond=0).isoformat()


def _code(reply: GraphReply) -> str:
    return service_error(reply.body, reply.status)[0]


def _item(body: Mapping[str, Any]) -> MailboxItem:
    properties = body.get("singleValueExtendedProperties")
    return MailboxItem(
        id=str(body.get("id", "")),
        is_draft=body.get("isDraft") is not False,
        message_id=str(body.get("internetMessageId", "")),
        tried=next(
            (
                str(each.get("value", ""))
                for each in (properties if isinstance(properties, list) else ())
                # The service may write the GUID in another case.
                if isinstance(each, Mapping) and str(each.get("id", "")).lower() == TRY_PROPERTY.lower()
            ),
            "",
        ),
    )


def _properties(values: Mapping[str, str]) -> dict[str, Any]:
    return {"singleValueExtendedProperties": [{"id": name, "value": value} for name, value in values.items()]}


def _divided(envelope: Envelope) -> tuple[list[FilePart], list[FilePart]]:
    """The files that fit into the draft's own request, and those that follow."""
    content = envelope.content
    room = _REQUEST - len((content.html or content.text or "").encode())
    within, after = [], []
    for file in content.files:
        needs = len(file.data) * 4 // 3 + 1000
        if needs <= room:
            room -= needs
            within.append(file)
        else:
            after.append(file)
    return within, after


def _message(envelope: Envelope) -> dict[str, Any]:
    """The HTML body, if there is one: Exchange makes the text part by itself."""
    content = envelope.content
    kind, text = ("html", content.html) if content.html is not None else ("text", content.text or "")
    return {
        "subject": content.subject,
        "body": {"contentType": kind, "content": text},
        "toRecipients": _recipients(content.to, envelope.recipients),
        "ccRecipients": _recipients(content.cc, envelope.recipients),
        "bccRecipients": _recipients(content.bcc, envelope.recipients),
        **(
            {"replyTo": _recipients(content.reply_to, {each.email for each in content.reply_to})}
            if content.reply_to
            else {}
        ),
    }


def _attachment(file: FilePart) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": file.filename,
        "contentType": file.content_type,
        "contentBytes": base64.b64encode(file.data).decode(),
        **({"isInline": True, "contentId": file.cid} if file.cid else {}),
    }


def _recipients(mailboxes: tuple[Mailbox, ...], wanted: Collection[str]) -> list[dict[str, Any]]:
    """Mailboxes that the envelope is for: the mail goes to all that it names."""
    return [
        {"emailAddress": {"address": address, **({"name": name} if name else {})}}
        for name, address in mailboxes
        if address in wanted
    ]
