"""Feedback: the acting user says of an event who it was. The judge takes that as evidence beside the rest."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import not_there
from functions.resources.messages import event_shaper, load_message
from functions.shapes.timeline import Event
from lib.assessment.summary import Summary, summary_of
from lib.errors import NotAllowed
from lib.fields import Model
from lib.messages.feedback import Was, Word
from lib.messages.store import Loaded
from lib.tracking.facts import Fact
from lib.verdicts.fact_store import Judged
from lib.verdicts.repeats import is_repeat

endpoints = Endpoints("Verdicts")


class EventFeedback(Model):
    """Word of a user on who it was."""

    was: Was | None = Field(
        description="`person`: a recipient; `machine`: a scanner or the like; `me`: the user, or a colleague; "
        "null takes the user's word back"
    )


@endpoints("POST", "/messages/{message}/timeline/{event}/feedback", body=EventFeedback, answers={200: Event})
async def give_feedback(call: Call) -> Answer:
    """Say of an event who it was, and see it judged again. The last word of a user on an event counts."""
    loaded = await load_message(call)
    user, key = call.acting_user(), call.path["event"]
    fact, _ = await _find_event(call, loaded, key)
    _check_judged_again(fact, summary_of(loaded))
    word = Word(was=call.body.was, at=call.now) if call.body.was else None
    store = call.services.feedback
    await store.save_word(call.org, loaded.message.id, key, user, word)
    after = await call.services.assessor.refresh(call.org, loaded.message.id)
    if after is None:
        await store.forget_message(call.org, loaded.message.id)
        raise not_there("message")
    return Answer(200, await _event(call, after, key))


async def _find_event(call: Call, loaded: Loaded, key: str) -> Judged:
    """Find the event of the timeline. Raises Problem."""
    found = await call.services.fact_store.find_judged(call.org, loaded.message.id, key)
    if found is None or is_repeat(found[1]):
        raise not_there("event")
    return found


def _check_judged_again(fact: Fact, summary: Summary) -> None:
    """Raises NotAllowed where the event is not judged any more."""
    if not fact.is_hit:
        raise NotAllowed("Mail that came back says by itself who wrote it: there is nothing to judge.")
    if summary.base is not None and fact.at <= summary.base.until:
        raise NotAllowed("The event is too old: what it was judged by is deleted, and its verdict stays as it is.")
    if summary.folded is not None and fact.at <= summary.folded.until:
        raise NotAllowed("The message has so many events that this one is counted for good; its verdict stays.")


async def _event(call: Call, loaded: Loaded, key: str) -> Event:
    shape = await event_shaper(call, loaded)
    return shape(*await _find_event(call, loaded, key))
