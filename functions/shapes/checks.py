"""Checks of an unsent message: what its author should know before it goes out."""

from __future__ import annotations

from collections.abc import Sequence

from functions.api.endpoint import Call
from lib.fields import Check
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, MessageFields, StoredMessage
from lib.mime.write import ComposeError
from lib.people.addresses import same_mailbox
from lib.people.recipients import KnownRecipients


async def message_checks(
    call: Call, message: StoredMessage, state: FollowState, body: Body, known: KnownRecipients
) -> list[Check]:
    """Check the mail that the message would become if it were sent now."""
    followed = state.state == "on"
    try:
        inside = await call.services.preparation.files_inside(call.org, message, body, followed)
    except ComposeError as error:
        text = f"{error}."
        return [*known.checks(), Check(code="too_large_for_transport", text=text[0].upper() + text[1:])]
    checks = transport_checks(call, message, [file.size for file in inside], body)
    return [*known.checks(), *(check for each in checks.values() for check in each)]


def transport_checks(call: Call, message: MessageFields, sizes: Sequence[int], body: Body) -> dict[str, list[Check]]:
    """Check against the provider's limits, by the field that a check is about.

    `sizes` are the bytes of each file that travels inside the mail.
    """
    limits = call.services.limits
    people = {same_mailbox(each.email) for each in message.recipients()}
    text = sum(len(part.encode()) for part in (body.html, body.text) if part is not None)
    return {"to": limits.of_recipients(len(people)), "attachments": limits.of_files(sizes, text)}
