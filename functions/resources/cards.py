"""Cards of the relationship assistant, for the acting user."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.problems import not_there
from functions.shapes.message import time_zone_of
from lib.cards.store import Action, Card, CardKind, CardPriority, CardRecipient, CardStatus, version_of
from lib.errors import NotAllowed, WrongField
from lib.fields import Model, Moment, Regarding
from lib.ids import short_hash
from lib.messages.models import Reminder
from lib.people.calls import Activity
from lib.storage.versions import ETag, check_version

endpoints = Endpoints("Cards")

_BACK = "The recipient is back, and has not replied yet"
"""Title of a reminder that an automatic reply's card sets."""


class CardsQuery(PageQuery):
    status: CardStatus = "open"


class CardRead(BaseModel):
    """A card of the acting user."""

    id: str
    kind: CardKind
    priority: CardPriority
    title: str
    text: str
    created_at: Moment
    message: str
    regarding: Regarding | None
    recipient: CardRecipient | None
    mail: str | None = Field(description="the id of the received message that the card tells of")
    back_at: Moment | None = Field(description="the day on which the writer of an auto-reply is back, at 0:00 UTC")
    actions: list[Action]
    status: CardStatus
    snoozed_until: Moment | None
    withdrawn_because: str | None = Field(description="why Heed took the card back")
    useful: bool | None
    etag: ETag


class CallMade(BaseModel):
    """The card, which is done, and the call on the record's list of activities."""

    card: CardRead
    activity: Activity


class SnoozeSpec(Model):
    """The time until which a card is put away."""

    until: Moment | None = Field(None, description="by default in an hour, for one of normal priority in a day")


class ReturnSpec(Model):
    """The time to which a reminder is moved."""

    at: Moment | None = Field(
        None, description="by default the day of return, when work begins, in the acting user's time zone"
    )


class Feedback(Model):
    """The user's opinion of a card."""

    useful: bool


def _read(card: Card) -> CardRead:
    fields = {name: getattr(card, name) for name in CardRead.model_fields if hasattr(card, name)}
    actions: list[Action] = []
    if card.status != "done":
        actions += ["call"] if card.related() else []
        actions += ["draft"] if card.offers_draft else []
        actions += ["move-reminder"] if card.back_at else []
        actions += ["snooze", "dismiss"]
    return CardRead(**fields, actions=actions, withdrawn_because=card.because, etag=version_of(card))


async def _unchanged(call: Call) -> tuple[Card, str] | None:
    """Load the card of the path. None where an earlier try of this request has changed it; raises Stale, Problem."""
    card, etag = await load_card(call)
    if card.changed_by == call.made_id:
        return None
    check_version(call.if_match, version_of(card))
    await _remove_undone(call, card)
    return card, etag


async def _remove_undone(call: Call, card: Card) -> bool:
    """Finish an undo that an earlier process began and did not finish. Return whether there was anything left to do."""
    return card.undone is not None and await call.services.activities.remove_activity(call.org, card.undone)


async def load_card(call: Call) -> tuple[Card, str]:
    """Load the acting user's card of the path, with its etag. Raises Problem."""
    found = await call.services.cards.load_card(call.org, call.acting_user(), call.path["card"])
    if found is None:
        raise not_there("card")
    return found


async def _answer(call: Call) -> Answer:
    card, _ = await load_card(call)
    return Answer(200, _read(card), version_of(card), message=card.message)


@endpoints("GET", "/cards", query=CardsQuery, answers={200: Page[CardRead]})
async def list_cards(call: Call) -> Answer:
    """List the acting user's cards, the most pressing first."""
    query: CardsQuery = call.query
    rows = call.services.cards.page(call.org, call.acting_user(), query.status, last_key(call), query.limit + 1)
    return Answer(200, page(call, [(cursor, _read(card)) async for cursor, card in rows]))


@endpoints("GET", "/cards/{card}", answers={200: CardRead})
async def get_card(call: Call) -> Answer:
    """Read a card."""
    card, _ = await load_card(call)
    check_version(call.if_match, version_of(card))
    return Answer(200, _read(card), version_of(card), message=card.message)


@endpoints("POST", "/cards/{card}/dismiss", answers={200: CardRead})
async def dismiss_card(call: Call) -> Answer:
    """Dismiss a card: it is dealt with, or needs nothing."""
    if found := await _unchanged(call):
        await call.services.cards.finish(call.org, *found, call.made_id)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/snooze", body=SnoozeSpec, answers={200: CardRead})
async def snooze_card(call: Call) -> Answer:
    """Put a card away: until the time given, by default for an hour when it is pressing, else for a day."""
    found = await _unchanged(call)
    until = call.body.until
    if until and until <= call.now:
        raise WrongField(["until"], "the time is in the past")
    if found:
        await call.services.cards.snooze(call.org, *found, until, call.made_id)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/call", answers={201: CallMade})
async def call_from_card(call: Call) -> Answer:
    """Make a call activity on the record that the card is about; the card is dealt with."""
    card, etag = await load_card(call)
    if card.status == "done" and card.activity:
        return await _called(call, card.activity)
    check_version(call.if_match, version_of(card))
    record = card.related()
    if record is None:
        raise NotAllowed("There is no record to call about: neither the message nor its recipient names one.")
    await _remove_undone(call, card)
    activity = Activity(
        id=short_hash("call", card.user, card.id, etag),
        kind="call",
        record=record,
        title=card.title,
        at=call.now,
        user=card.user,
        message=card.message,
    )
    await call.services.cards.finish(call.org, card, etag, call.made_id, activity)
    return await _called(call, activity)


async def _called(call: Call, activity: Activity) -> Answer:
    """Store the call of the finished card, unless another request has. Raises NotAllowed where one has."""
    if not await call.services.activities.make_activity(call.org, activity, call.made_id):
        raise NotAllowed("This card is done.")
    card, _ = await load_card(call)
    return Answer(201, CallMade(card=_read(card), activity=activity), version_of(card), message=card.message)


@endpoints("POST", "/cards/{card}/move-reminder", body=ReturnSpec, answers={200: CardRead})
async def move_reminder_of_card(call: Call) -> Answer:
    """Move the mail's reminder to the day on which its recipient is back; without one, set it. The card is dealt with.

    Undoing brings the card back, and leaves the reminder.
    """
    found = await _unchanged(call)
    if found is None:
        return await _answer(call)
    card, etag = found
    if card.status == "done":
        raise NotAllowed("This card is done.")
    if card.back_at is None:
        raise NotAllowed("This card names no day of return.")
    await _move_reminder(call, card, call.body.at or await _beginning_of_work(call, card.back_at))
    await call.services.cards.finish(call.org, card, etag, call.made_id)
    return await _answer(call)


async def _beginning_of_work(call: Call, day: datetime) -> datetime:
    """Return when the acting user's work begins on that day (UTC)."""
    begin = time.fromisoformat(call.organization.settings.work_hours.start)
    return datetime.combine(day.astimezone(UTC).date(), begin, ZoneInfo(await time_zone_of(call)))


async def _move_reminder(call: Call, card: Card, at: datetime) -> None:
    """Set the time of the message's reminder. Raises Problem, NotAllowed, Stale."""
    if at <= call.now:
        raise NotAllowed("The time is in the past.")
    loaded = await call.services.messages.load(call.org, card.message)
    if loaded is None:
        raise not_there("message")
    before = loaded.message.reminder
    moved = before.model_copy(update={"at": at}) if before else Reminder(title=_BACK, condition="no_reply", at=at)
    await call.services.reminders.change(call.org, loaded, moved)
    await call.services.assessor.refresh(call.org, card.message)


@endpoints("POST", "/cards/{card}/undo", answers={200: CardRead})
async def undo_card(call: Call) -> Answer:
    """Undo the last action; a call activity is removed, too."""
    card, etag = await load_card(call)
    is_repeated = card.changed_by == call.made_id
    if not await _remove_undone(call, card) and not is_repeated:
        check_version(call.if_match, version_of(card))
        await call.services.cards.undo(call.org, card, etag, call.made_id)
        if card.activity:
            await call.services.activities.remove_activity(call.org, card.activity)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/feedback", body=Feedback, answers={200: CardRead})
async def rate_card(call: Call) -> Answer:
    """Say whether the card was of use."""
    if found := await _unchanged(call):
        await call.services.cards.rate(call.org, *found, call.body.useful, call.made_id)
    return await _answer(call)
