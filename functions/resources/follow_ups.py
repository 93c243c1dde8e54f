"""Drafted follow-ups: a card of a reply or of a reminder offers a mail in the thread, with the recommended template."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import not_there
from functions.resources.cards import load_card
from functions.resources.composing import make_message
from functions.resources.templates import find_recommendations, render_newest
from functions.shapes.message import MessageRead
from functions.shapes.new_message import NewMessage
from lib.cards.store import Card
from lib.errors import NotAllowed
from lib.messages.conversations import may_have_left, prefilled_fields
from lib.messages.models import MessageFields, StoredMessage
from lib.templates.greeting import merge_spec
from lib.templates.listing import Shown
from lib.templates.models import MergeSpec, StoredTemplate

endpoints = Endpoints("Cards")


@endpoints("POST", "/cards/{card}/draft", answers={201: MessageRead})
async def draft_from_card(call: Call) -> Answer:
    """Draft a follow-up in the thread of the card's mail, of the recommended template; the card stays."""
    card, _ = await load_card(call)
    if not card.offers_draft:
        raise NotAllowed("This card is about no mail to follow up.")
    original, parent = await _original_and_parent(call, card)
    if not may_have_left(parent):
        raise NotAllowed(f"A message that is {parent.status} cannot be followed up: it has not been sent.")
    fields: dict[str, object] = {"sender": card.user, "in_reply_to": parent.id, "regarding": card.regarding}
    template = await _recommended(call, original)
    if template is not None:
        rendered = await render_newest(call, template, _merge_spec(card, parent))
        fields |= {"template": template.id, "html": rendered.html, "text": rendered.text}
    return await make_message(replace(call, body=NewMessage.model_validate(fields)))


async def _original_and_parent(call: Call, card: Card) -> tuple[StoredMessage, StoredMessage]:
    """Load the message that the card is about, and the one to answer: the received one, if it is there."""
    loading = (call.services.messages.load(call.org, each) for each in (card.message, card.mail) if each)
    original, *received = await asyncio.gather(*loading)
    if original is None:
        raise not_there("message")
    parent = next((each for each in received if each), original)
    return original.message, parent.message


async def _recommended(call: Call, original: StoredMessage) -> StoredTemplate | None:
    """Choose the recommended template among those of the original's language; its own one has been read already."""
    templates, counts = await asyncio.gather(
        call.services.templates.list_templates(call.org), call.services.template_counts.load_counts(call.org)
    )
    languages = [each.language.lower() for each, _ in templates if each.id == original.template]
    others = [each for each in templates if each[0].id != original.template]
    fitting = [each for each in others if not languages or each[0].language.lower() in languages]
    # Where too few mails regarded such records, all mails decide; a recommendation comes before a trial.
    picked: list[Shown] = []
    for regarding in dict.fromkeys([original.regarding.type if original.regarding else None, None]):
        some, _ = await find_recommendations(call, fitting, counts, regarding)
        picked += [each for each in some if each.advice.recommended]
    best = max(picked, key=lambda each: (each.advice.pick == "recommendation", each.evidence.sent), default=None)
    return best.template if best else None


def _merge_spec(card: Card, parent: StoredMessage) -> MergeSpec:
    """Return the values of a template's fields for the answer to a message."""
    to = prefilled_fields(parent, MessageFields(sender=card.user)).get("to", [])
    return merge_spec(to, (), (), card.user, card.regarding)
