"""Mailboxes whose new mail Heed reads."""

from __future__ import annotations

from functions.api.authorization import Who
from functions.api.endpoint import READERS, Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.patching import names_given, patch_of, patched
from functions.api.problems import answering_not_there, not_there
from lib.errors import NotAllowed
from lib.inbound.mailboxes.models import MailboxRead, MailboxSpec
from lib.storage.versions import IfMatch, check_version

endpoints = Endpoints("Mailboxes")

MailboxPatch = patch_of(MailboxSpec, __name__)
_READERS: tuple[Who, ...] = (*READERS, "admin")
_CHANGERS: tuple[Who, ...] = ("full", "admin")


@endpoints(
    "PUT",
    "/mailboxes/{id}",
    body=MailboxSpec,
    answers={201: MailboxRead, 200: MailboxRead},
    may=_CHANGERS,
    everybodys=True,
)
async def put_mailbox(call: Call) -> Answer:
    """Make a mailbox, or replace one. Reading begins with the mail that comes from then on."""
    return await _saved(call, call.body, call.if_match)


@endpoints("GET", "/mailboxes/{id}", answers={200: MailboxRead}, may=_READERS)
async def get_mailbox(call: Call) -> Answer:
    """Read a mailbox, and how its last poll went."""
    mailbox = await call.services.mailboxes.read_mailbox(call.org, call.path["id"])
    if mailbox is None:
        raise not_there("mailbox")
    return Answer(200, mailbox, mailbox.etag)


@endpoints("PATCH", "/mailboxes/{id}", body=MailboxPatch, answers={200: MailboxRead}, may=_CHANGERS, everybodys=True)
async def patch_mailbox(call: Call) -> Answer:
    """Change some fields of a mailbox."""
    found = await call.services.mailboxes.load_mailbox(call.org, call.path["id"])
    if found is None:
        raise not_there("mailbox")
    stored, etag = found
    check_version(call.if_match, etag)
    spec = MailboxSpec.model_validate(patched(MailboxSpec, stored, call.body))
    return await _saved(call, spec, IfMatch.for_version(etag))


async def _saved(call: Call, spec: MailboxSpec, if_match: IfMatch | None) -> Answer:
    mailbox, made = await call.services.mailboxes.save_mailbox(call.org, call.path["id"], spec, if_match)
    call.note("mailbox.made" if made else "mailbox.changed", mailbox.id, fields=names_given(call.body))
    return Answer(201 if made else 200, mailbox, mailbox.etag)


@endpoints("POST", "/mailboxes/{id}/poll", answers={202: MailboxRead}, may=_CHANGERS, everybodys=True)
async def poll_mailbox(call: Call) -> Answer:
    """Have a mailbox read within a minute, as a test, though it waits after failures. `last_error` tells then."""
    services, mailbox_id = call.services, call.path["id"]
    found = await services.mailboxes.load_mailbox(call.org, mailbox_id)
    if found is None:
        raise not_there("mailbox")
    if not found[0].enabled:
        raise NotAllowed("The mailbox is switched off: switch it on first.")
    await services.mailboxes.ask_for_poll(call.org, mailbox_id)
    mailbox = await services.mailboxes.read_mailbox(call.org, mailbox_id)
    if mailbox is None:
        raise not_there("mailbox")
    return Answer(202, mailbox, mailbox.etag)


@endpoints("DELETE", "/mailboxes/{id}", answers={200: Deleted}, may=_CHANGERS, everybodys=True)
async def delete_mailbox(call: Call) -> Answer:
    """Delete a mailbox. Mail that was read from it stays."""
    with answering_not_there("mailbox"):
        await call.services.mailboxes.remove_mailbox(call.org, call.path["id"], call.if_match)
    call.note("mailbox.deleted", call.path["id"])
    return Answer(200, Deleted(deleted=call.path["id"]))


@endpoints("GET", "/mailboxes", query=PageQuery, answers={200: Page[MailboxRead]}, may=_READERS)
async def list_mailboxes(call: Call) -> Answer:
    """List the mailboxes, by id."""
    listed = call.services.mailboxes.list_mailboxes(call.org, last_key(call), call.query.limit + 1)
    found = [(mailbox.id, mailbox) async for mailbox in listed]
    return Answer(200, page(call, found))
