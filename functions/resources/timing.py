"""The delivery time of a message, and its reminder."""

from __future__ import annotations

from functions.api.endpoint import Answer, Call, Endpoints
from functions.resources.messages import answer_with_message, check_message_times, load_message
from functions.shapes.message import MessageRead
from lib.fields import Model, Moment
from lib.messages.models import Reminder

endpoints = Endpoints("Timing")


class DeliverySpec(Model):
    """The time at which a mail is to go out."""

    deliver_at: Moment


@endpoints("PUT", "/messages/{message}/schedule", body=DeliverySpec, answers={200: MessageRead})
async def put_schedule(call: Call) -> Answer:
    """Set or change the delivery time. A draft still has to be sent; 409 once the message is being sent."""
    loaded = await load_message(call)
    wanted = loaded.message.model_copy(update={"deliver_at": call.body.deliver_at})
    await check_message_times(call, wanted, {"deliver_at"})
    await call.services.schedule.move(call.org, loaded, call.body.deliver_at)
    return await answer_with_message(call, 200, loaded.message.id, rescheduled=True)


@endpoints("DELETE", "/messages/{message}/schedule", answers={200: MessageRead})
async def delete_schedule(call: Call) -> Answer:
    """Remove the delivery time: a message that waits for it goes out at once."""
    loaded = await load_message(call)
    await call.services.schedule.move(call.org, loaded, None)
    return await answer_with_message(call, 200, loaded.message.id, rescheduled=True)


@endpoints("PUT", "/messages/{message}/reminder", body=Reminder, answers={200: MessageRead})
async def put_reminder(call: Call) -> Answer:
    """Set or change the reminder, also after the message was sent."""
    loaded = await load_message(call)
    await check_message_times(call, loaded.message.model_copy(update={"reminder": call.body}), {"reminder"})
    await call.services.reminders.change(call.org, loaded, call.body)
    return await answer_with_message(call, 200, loaded.message.id)


@endpoints("DELETE", "/messages/{message}/reminder", answers={200: MessageRead})
async def delete_reminder(call: Call) -> Answer:
    """Remove the reminder, and its card."""
    loaded = await load_message(call)
    await call.services.reminders.change(call.org, loaded, None)
    return await answer_with_message(call, 200, loaded.message.id)
