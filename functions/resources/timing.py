"""The delivery time of a message, and its reminder."""

from __future__ import annotations

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.resources.messages import answer_with_message, check_message_times, load_message
from functions.shapes.message import MessageRead
from lib.errors import NotAllowed
from lib.fields import Model, Moment, Regarding
from lib.lists.store import Listed
from lib.messages.models import MessageStatus, Reminder

endpoints = Endpoints("Timing")


class DeliverySpec(Model):
    """The time at which a mail is to go out."""

    deliver_at: Moment


class ReminderItem(Reminder):
    """A reminder that has not fired, and the message that it is about."""

    message: str
    subject: str
    status: MessageStatus
    regarding: Regarding | None


@endpoints("GET", "/reminders", query=PageQuery, answers={200: Page[ReminderItem]})
async def list_reminders(call: Call) -> Answer:
    """List the acting user's reminders that have not fired, soonest first. One that has fired is a card."""
    query: PageQuery = call.query
    rows = call.services.lists.reminders(call.org, call.acting_user(), last_key(call), query.limit + 1)
    found = [(cursor, _reminder(listed)) async for cursor, listed in rows]
    return Answer(200, page(call, found))


def _reminder(listed: Listed) -> ReminderItem:
    message = listed.message
    assert message.reminder is not None
    return ReminderItem(
        **dict(message.reminder),
        message=message.id,
        subject=message.subject,
        status=message.status,
        regarding=message.regarding,
    )


@endpoints("PUT", "/messages/{message}/schedule", body=DeliverySpec, answers={200: MessageRead})
async def put_schedule(call: Call) -> Answer:
    """Set or change the delivery time. A draft still has to be sent; 409 once the message is being sent."""
    loaded = await load_message(call)
    wanted = loaded.message.model_copy(update={"deliver_at": call.body.deliver_at})
    await check_message_times(call, wanted, {"deliver_at"})
    await call.services.schedule.move(call.org, loaded, call.body.deliver_at)
    return await answer_with_message(call, 200, loaded.message.id)


@endpoints("DELETE", "/messages/{message}/schedule", answers={200: MessageRead})
async def delete_schedule(call: Call) -> Answer:
    """Remove the delivery time: a message that waits for it goes out at once."""
    loaded = await load_message(call)
    await call.services.schedule.move(call.org, loaded, None)
    return await answer_with_message(call, 200, loaded.message.id)


@endpoints("POST", "/messages/{message}/take-back", answers={200: MessageRead})
async def take_back_message(call: Call) -> Answer:
    """Turn a scheduled message into a draft again; 409 once sending has begun.

    `deliver_at` stays as it is, for the next time that the message is sent.
    """
    loaded = await load_message(call)
    await call.services.schedule.take_back(call.org, loaded)
    return await answer_with_message(call, 200, loaded.message.id)


@endpoints("PUT", "/messages/{message}/reminder", body=Reminder, answers={200: MessageRead})
async def put_reminder(call: Call) -> Answer:
    """Set or change the reminder, also after the message was sent."""
    loaded = await load_message(call)
    if loaded.message.state == "received":
        raise NotAllowed("A received message takes no reminder: set it on the message that answers it.")
    await check_message_times(call, loaded.message.model_copy(update={"reminder": call.body}), {"reminder"})
    await call.services.reminders.change(call.org, loaded, call.body)
    return await answer_with_message(call, 200, loaded.message.id)


@endpoints("DELETE", "/messages/{message}/reminder", answers={200: MessageRead})
async def delete_reminder(call: Call) -> Answer:
    """Remove the reminder, and its card."""
    loaded = await load_message(call)
    await call.services.reminders.change(call.org, loaded, None)
    return await answer_with_message(call, 200, loaded.message.id)
