"""Cards of the relationship assistant, for the acting user."""

from __future__ import annotations

from pydantic import BaseModel, Field

from functions.endpoint import Answer, Call, Endpoints
from functions.paging import Page, PageQuery, page
from functions.problems import Problem, not_there
from lib.activities import Activity
from lib.cards import Action, Card, CardRecipient, Kind, Priority, Status
from lib.clock import rfc3339
from lib.fields import Model, Moment, Regarding
from lib.reminders import WrongField
from lib.repository import Stale

endpoints = Endpoints("Cards")


class CardsQuery(PageQuery):
    status: Status = "open"


class CardRead(BaseModel):
    """`withdrawn_because` tells why Heed took a card back."""

    id: str
    kind: Kind
    priority: Priority
    title: str
    text: str
    created_at: Moment
    message: str
    regarding: Regarding | None
    recipient: CardRecipient | None
    actions: list[Action]
    status: Status
    snoozed_until: Moment | None
    withdrawn_because: str | None
    useful: bool | None
    etag: str | None


class CallMade(BaseModel):
    """The card, which is done with it, and the call on the record's list of activities."""

    card: CardRead
    activity: Activity


class SnoozeSpec(Model):
    """For how long a card is put away."""

    until: Moment | None = Field(None, description="by default in an hour, for one of normal priority in a day")


class Feedback(Model):
    """Whether a card was worth showing."""

    useful: bool


def _read(card: Card, etag: str | None) -> CardRead:
    fields = {name: getattr(card, name) for name in CardRead.model_fields if hasattr(card, name)}
    actions: list[Action] = []
    if card.status != "done":
        actions = ["call", "snooze", "dismiss"] if card.related() else ["snooze", "dismiss"]
    return CardRead(**fields, actions=actions, withdrawn_because=card.because, etag=etag)


async def _load(call: Call) -> tuple[Card, str]:
    """The card of the path, as `If-Match` wants it."""
    found = await _there(call)
    if call.if_match not in (None, "*", found[1]):
        raise Stale
    return found


async def _there(call: Call) -> tuple[Card, str]:
    found = await call.services.cards.get(call.org, call.acting_user(), call.path["card"])
    if found is None:
        raise not_there("card")
    return found


async def _answer(call: Call) -> Answer:
    card, etag = await _there(call)
    return Answer(200, _read(card, etag), etag)


@endpoints("GET", "/cards", query=CardsQuery, answers={200: Page[CardRead]})
async def list_cards(call: Call) -> Answer:
    """The acting user's cards, the most pressing first."""
    query: CardsQuery = call.query
    rows = call.services.cards.page(call.org, call.acting_user(), query.status, query.after(), query.limit + 1)
    return Answer(200, page([(cursor, _read(card, None)) async for cursor, card in rows], query.limit))


@endpoints("GET", "/cards/{card}", answers={200: CardRead})
async def get_card(call: Call) -> Answer:
    """Read a card."""
    card, etag = await _load(call)
    return Answer(200, _read(card, etag), etag)


@endpoints("POST", "/cards/{card}/dismiss", answers={200: CardRead})
async def dismiss_card(call: Call) -> Answer:
    """It is dealt with, or needs nothing."""
    card, etag = await _load(call)
    await call.services.cards.finish(call.org, card, etag)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/snooze", body=SnoozeSpec, answers={200: CardRead})
async def snooze_card(call: Call) -> Answer:
    """Not now: it comes back after an hour when it is pressing, else after a day, or at the time given."""
    card, etag = await _load(call)
    until = call.body.until
    if until and until <= call.now:
        raise WrongField(["until"], f"{rfc3339(until)} is in the past: it is {rfc3339(call.now)}")
    await call.services.cards.snooze(call.org, card, etag, until)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/call", answers={201: CallMade})
async def call_from_card(call: Call) -> Answer:
    """Make a call activity on the record that the card is about; the card is dealt with."""
    card, etag = await _load(call)
    record = card.related()
    if record is None:
        raise Problem(409, "There is no record to call about: neither the message nor its recipient names one.")
    activity = Activity(
        id=call.made_id, kind="call", record=record, title=card.title, at=call.now, user=card.user, message=card.message
    )
    await call.services.activities.put(call.org, activity)
    await call.services.cards.finish(call.org, card, etag, activity)
    card, etag = await _there(call)
    return Answer(201, CallMade(card=_read(card, etag), activity=activity), etag)


@endpoints("POST", "/cards/{card}/undo", answers={200: CardRead})
async def undo_card(call: Call) -> Answer:
    """Take the last action back; a call activity goes, too."""
    card, etag = await _load(call)
    await call.services.cards.undo(call.org, card, etag)
    if card.activity:
        await call.services.activities.remove(call.org, card.activity)
    return await _answer(call)


@endpoints("POST", "/cards/{card}/feedback", body=Feedback, answers={200: CardRead})
async def rate_card(call: Call) -> Answer:
    """Say whether the card was of use."""
    card, etag = await _load(call)
    await call.services.cards.rate(call.org, card, etag, call.body.useful)
    return await _answer(call)
