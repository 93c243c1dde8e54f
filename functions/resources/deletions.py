"""Deleting users and records: what waits is held, and a no outlives the record that said it."""

from __future__ import annotations

from contextlib import suppress

from functions.api.endpoint import Answer, Call, Deleted, Endpoints
from functions.api.problems import not_there
from functions.resources.consents import consent_actor
from functions.resources.people import MAY_CHANGE_USERS, check_not_merged
from lib.fields import RecordRef
from lib.people.records import StoredRecord
from lib.people.store import USERS
from lib.storage import Missing
from lib.storage.versions import check_version

endpoints = Endpoints("People and records", may=("full",))


@endpoints("DELETE", "/users/{user}", answers={200: Deleted}, may=MAY_CHANGE_USERS, everybodys=True)
async def delete_user(call: Call) -> Answer:
    """Delete a user. Scheduled mail of the user is held: it fails, and can be sent by another one.

    The first mails are held before the answer, the others soon after it. The acting user, if one is named, gets a card
    for each of them. The user's mailboxes are switched off. Messages, records and tasks keep the user's id. Consents
    are the addresses', and stay. The user's tokens end within a minute, and alerts at once.
    """
    user = call.path["user"]
    found = await call.services.people.users.load(call.org, USERS, user)
    if found is None:
        raise not_there("user")
    check_version(call.if_match, found[1])
    acting = call.user()
    is_shown = acting not in (None, user) and await call.services.people.user(call.org, acting or "") is not None
    await call.services.deleted_users.delete_user(call.org, user, found[1], acting if is_shown else None)
    await call.services.wishes.senders_changed(call.org, [user])
    call.note("user.deleted", user)
    return Answer(200, Deleted(deleted=user))


@endpoints("DELETE", "/records/{type}/{id}", answers={200: Deleted})
async def delete_record(call: Call) -> Answer:
    """Delete a record, with the ids of those that were merged into it.

    Mail is matched to it no more, and its messages do not count for its parent any more. Messages stay, and name its
    id. A record that says no to following leaves that no to its addresses, as an entry of their consents.
    """
    record = RecordRef(type=call.path["type"], id=call.path["id"])
    found = await call.services.people.stored_record(call.org, record)
    if found is None:
        # An earlier try may have deleted the record, and nothing more.
        await call.services.engagements.record_changed(call.org, record)
        raise not_there("record")
    stored, etag = found
    check_version(call.if_match, etag)
    check_not_merged(stored)
    if stored.follow_email == "do_not_allow":
        source = f"the record {stored.type} {stored.id}, which was deleted"
        await call.services.consents.keep_no(call.org, stored.emails, source, consent_actor(call.actor), call.user())
    await _delete_redirects(call, stored)
    await call.services.address_index.remove_record(call.org, stored, etag)
    await call.services.engagements.record_changed(call.org, record)
    await call.services.wishes.record_changed(call.org, record, stored.emails)
    call.note("record.deleted", f"{record.type}/{record.id}")
    return Answer(200, Deleted(deleted=record.id))


async def _delete_redirects(call: Call, record: StoredRecord) -> None:
    """Delete the records that were merged into one, so that their ids can be used again."""
    for each in record.merged:
        found = await call.services.people.stored_record(call.org, each)
        if found and found[0].merged_into:
            with suppress(Missing):
                await call.services.address_index.remove_record(call.org, *found)
        await call.services.engagements.record_changed(call.org, each)
