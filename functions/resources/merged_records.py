"""Merging of records, and what is shown of a record that stands for others."""

from __future__ import annotations

from functions.api.endpoint import Answer, Call, Endpoints
from functions.resources.consents import consent_actor
from functions.resources.people import RecordRead, with_engagement
from lib.fields import Model, RecordRef
from lib.people.records import Record

endpoints = Endpoints("People and records")


class MergeInto(Model):
    """The record that stays."""

    into: RecordRef


@endpoints("POST", "/records/{type}/{id}/merge", body=MergeInto, answers={200: RecordRead}, may=("full",))
async def merge_record(call: Call) -> Answer:
    """Merge the record into another one, which stays and is answered.

    The record that stays gets the addresses of both, and the strictest of what both say about following; its other
    fields are its own. A no of the merged record is also entered in the consents of its addresses, so that no later
    `PUT` takes it back. From then on the id of the merged record stands for it: in messages, lists, activities and
    matching, and to `GET`. Engagement is counted for the record that stays, each message once; that of many messages
    takes a moment. A merge that is sent again changes nothing, or finishes what an error has cut short. It cannot be
    undone.
    """
    record = RecordRef(type=call.path["type"], id=call.path["id"])
    actor = consent_actor(call.actor)
    done = await call.services.record_merges.merge_record(
        call.org, record, call.body.into, actor, call.user(), call.if_match
    )
    for redirect in done.redirects:
        await call.services.engagements.record_changed(call.org, redirect)
        await call.services.wishes.record_changed(call.org, redirect, [])
    await call.services.wishes.record_changed(call.org, done.record.ref(), done.record.emails)
    kept = done.record.ref()
    call.note("record.merged", f"{record.type}/{record.id}", into=f"{kept.type}/{kept.id}")
    return await with_engagement(call, Answer(200, Record(**done.record.model_dump(), etag=done.etag), done.etag), kept)
