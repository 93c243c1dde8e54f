"""All that the pages of a draft show, read at once: the message, its recipients and the advice on its time.

It is an endpoint that the console alone has, so that the checks of the API hold. Clients that have time ask for the
message, its recipients and its advice one after the other, and each looks up the recipients again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from functions.api.endpoint import Answer, Call, Endpoints
from functions.console.naming import name_of
from functions.console.visit import Visit
from functions.resources.delivery_advice import DeliveryAdvice, advise_on
from functions.resources.messages import load_message_with_body
from functions.resources.recipients import RecipientRead, recipients_read
from functions.shapes.message import MessageRead, ReadAhead, read_message
from lib.fields import QueryFlag
from lib.messages.deliveries import fixed_follow_state

_own_endpoints = Endpoints("Console", may=("full", "user"))


class ReviewQuery(BaseModel):
    checks: QueryFlag = True
    """Whether the message is checked, and a time advised, in place of the name of its template."""


class Review(BaseModel):
    """A message that was not sent, with all that is known of it."""

    message: MessageRead
    recipients: Sequence[RecipientRead]
    names: Mapping[tuple[str, str], str]
    """Names of the records that recipients are, or may be, by type and id."""

    template: str
    """The name of the template that it was made of; empty where there is none, or where it was not asked for."""

    advice: DeliveryAdvice | None
    """None where no advice was asked for."""


@_own_endpoints("GET", "/messages/{message}/review", query=ReviewQuery, answers={200: Review})
async def review_message(call: Call) -> Answer:
    """Read the message and its body together, then all that is known of its recipients."""
    services, has_checks = call.services, call.query.checks
    (loaded, body), _ = await asyncio.gather(
        load_message_with_body(call),
        services.address_hashes.find(call.org, ""),  # the secret of hashes is at hand from then on
    )
    message = loaded.message
    emails = [each.email for each in message.recipients()] if has_checks else []
    template = message.template if not has_checks else None
    decision, files, bounced, earlier, named = await asyncio.gather(
        services.preparation.decision(call.org, call.organization.settings, message, call.known_user),
        services.files.attachments(call.org, message),
        services.bounces.find_bounced(call.org, emails),
        services.advisor.read_ahead(call.org, message) if has_checks else _nothing(),
        services.templates.load_even_deleted(call.org, template) if template else _nothing(),
    )
    state, ahead = fixed_follow_state(message) or decision.state, ReadAhead(body, files, bounced)
    shown = await read_message(call, loaded, state, decision.known, has_checks=has_checks, ahead=ahead)
    advice = await advise_on(call, message, decision, call.now, earlier) if has_checks else None
    possible = [record for each in decision.known.recipients for record in each.match.possible]
    names = {(each.type, each.id): name_of(each) for each in possible}
    review = Review(
        message=shown,
        recipients=recipients_read(loaded, decision),
        names=names,
        template=named.name if named else template or "",
        advice=advice,
    )
    return Answer(200, review)


async def _nothing() -> None:
    """Read nothing."""


async def load_review(visit: Visit, *, has_checks: bool = True) -> Review:
    """Review the message of the path. Raises Problem."""
    [endpoint] = _own_endpoints.all
    query = {"checks": "true" if has_checks else "false"}
    answer = await visit.call(endpoint, {"message": visit.path["message"]}, query)
    assert isinstance(answer.body, Review)
    return answer.body
