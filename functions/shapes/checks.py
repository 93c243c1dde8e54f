"""Checks of an unsent message: what its author should know before it goes out. Their list is `lib.checks`."""

from __future__ import annotations

from collections.abc import Sequence

from functions.api.endpoint import Call
from lib.checks import Check, make_check
from lib.composing.checks import body_checks, file_checks
from lib.composing.files_in_mail import MailFiles
from lib.composing.mail import Trial
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, MessageFields, Remark, StoredMessage
from lib.mime.write import ComposeError
from lib.people.addresses import same_mailbox
from lib.people.recipients import KnownRecipients

EDITABLE = ("draft", "failed")
"""States in which a message can be changed."""


async def message_checks(
    call: Call,
    message: StoredMessage,
    state: FollowState,
    body: Body,
    known: KnownRecipients,
    bounced: Sequence[str] | None = None,
) -> list[Check]:
    """Check the mail that the message would become if it were sent now; `known` are its recipients.

    `bounced` are those whom mail did not reach last, where that was looked up before.
    A message that was told to go is held against the provider's limits alone: its author has seen the rest.
    """
    followed, is_draft, settings = state.state == "on", message.state in EDITABLE, call.organization.settings
    trial = await call.services.preparation.try_out(call.org, message, body, followed and is_draft, settings)
    checks = await mail_checks(call, body, trial.remarks, trial.files, followed, known, bounced) if is_draft else []
    return [*checks, *_checks_of_size(call, message, body, trial, followed)]


async def mail_checks(
    call: Call,
    body: Body,
    remarks: Sequence[Remark],
    files: MailFiles,
    followed: bool,
    known: KnownRecipients,
    bounced: Sequence[str] | None = None,
) -> list[Check]:
    """Check what the mail shows, its files and its recipients; `remarks` are those of its preparation."""
    checks = await call.services.off_loop.run(call.org, len(body.html or ""), body_checks, body, remarks, followed)
    checks += await _checks_of_recipients(call, known, bounced)
    return [*checks, *file_checks(files.followed_names() if followed else ())]


async def _checks_of_recipients(call: Call, known: KnownRecipients, bounced: Sequence[str] | None) -> list[Check]:
    if bounced is None:
        bounced = await call.services.bounces.find_bounced(call.org, [each.said.email for each in known.recipients])
    return [*known.checks(), *([make_check("bounced_before", bounced)] if bounced else [])]


def _checks_of_size(call: Call, message: StoredMessage, body: Body, trial: Trial, followed: bool) -> list[Check]:
    try:
        inside = trial.files.inside(trial.images, followed=followed)
    except ComposeError as error:
        text = f"{error}."
        return [make_check("too_large_for_transport", remark=text[0].upper() + text[1:])]
    checks = transport_checks(call, message, [file.size for file in inside], body)
    return [check for each in checks.values() for check in each]


def transport_checks(call: Call, message: MessageFields, sizes: Sequence[int], body: Body) -> dict[str, list[Check]]:
    """Check against the provider's limits, by the field that a check is about.

    `sizes` are the bytes of each file that travels inside the mail.
    """
    limits = call.services.limits
    people = {same_mailbox(each.email) for each in message.recipients()}
    text = sum(len(part.encode()) for part in (body.html, body.text) if part is not None)
    return {"to": limits.of_recipients(len(people)), "attachments": limits.of_files(sizes, text)}
