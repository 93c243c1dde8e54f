"""Inbound mail: one mail as it came, what became of it, and mail that a person tracks by hand."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from functions.api.endpoint import READERS, Answer, Call, Endpoints
from functions.api.problems import Problem, invalid, not_there
from functions.resources.messages import answer_with_message, load_message
from functions.resources.simulate import LARGEST_SIMULATION
from functions.shapes.message import MessageRead
from lib.errors import NotAllowed
from lib.fields import ChosenId, Model, Regarding
from lib.files.filenames import as_download
from lib.ids import MADE
from lib.inbound.mailboxes.models import FolderPath
from lib.inbound.origin import Origin
from lib.inbound.outcomes import InboundOutcome
from lib.inbound.take_in import MAIL_TYPE, ByHand
from lib.mime.read import BadMail, MailTooLarge, raw_mail_of
from lib.mime.received import MOST_BYTES

endpoints = Endpoints("Inbound mail")


class InboundQuery(Model):
    mailbox: ChosenId | None = Field(None, description="the id of the mailbox that it came to")
    folder: FolderPath | None = Field(None, description="the folder of the mailbox in which it lies")
    category: FolderPath | None = Field(None, description="the category that it has")


class TrackedMail(Model):
    """A mail that a person tracks: one that came in, or one that a user has sent with another program."""

    mime: Annotated[str, Field(json_schema_extra={"maxLength": LARGEST_SIMULATION})] = Field(
        description=f"the mail as it is, or in base64; at most {MOST_BYTES:,} bytes"
    )
    regarding: Regarding | None = Field(None, description="the record that it is about")


@endpoints(
    "POST",
    "/inbound",
    query=InboundQuery,
    answers={202: InboundOutcome},
    largest_file=MOST_BYTES,
    media_type=MAIL_TYPE,
    may=("full", "inbound"),
    everybodys=True,
)
async def receive_mail(call: Call) -> Answer:
    """Take in one mail as it came. The answer tells what became of it, or that it is queued. Again is the same."""
    try:
        outcome = await call.services.mail_intake.receive_mail(call.org, call.body, await _origin(call))
    except BadMail as error:
        raise _bad_mail(error) from None
    return Answer(202, outcome, message=outcome.message)


@endpoints("GET", "/inbound/{id}", answers={200: InboundOutcome}, may=(*READERS, "inbound"))
async def get_inbound(call: Call) -> Answer:
    """Read what became of an inbound mail."""
    mail = call.path["id"]
    outcome = await call.services.mail_intake.load_outcome(call.org, mail) if MADE.fullmatch(mail) else None
    if outcome is None or not await _sees_message(call, outcome.message):
        raise not_there("inbound mail")
    return Answer(200, outcome)


@endpoints("POST", "/messages/track", body=TrackedMail, answers={201: MessageRead}, largest_body=LARGEST_SIMULATION)
async def track_message(call: Call) -> Answer:
    """Track a mail by hand. One that is a message already is answered as that message.

    Callers who see their own mail alone get 409 where the mail is another user's. It is tracked as that user's.
    """
    spec: TrackedMail = call.body
    try:
        raw = await call.services.off_loop.run(call.org, len(spec.mime), raw_mail_of, spec.mime)
        outcome = await call.services.mail_intake.track_mail(call.org, raw, ByHand(spec.regarding, call.user()))
    except BadMail as error:
        raise _bad_mail(error, ["mime"]) from None
    if outcome.message is None:  # what is tracked by hand is a message, or was one before, or its writer was erased
        raise NotAllowed(outcome.because)
    if not await _sees_message(call, outcome.message):
        raise NotAllowed("The mail is tracked as another user's, and people here see their own mail alone.")
    return await answer_with_message(call, 201, outcome.message)


@endpoints("GET", "/messages/{message}/mail", answers={200: MAIL_TYPE})
async def get_mail(call: Call) -> Answer:
    """Download a received message as the mail that it came as, where the organization keeps whole mails.

    Nothing in it is checked: it is as its writer made it.
    """
    message = (await load_message(call)).message
    with call.services.uploads.place(call.org, MOST_BYTES):
        raw = await call.services.mail_intake.read_kept_mail(call.org, message)
    if raw is None:
        raise Problem(404, "No mail is kept of this message.")
    headers = {
        "Content-Disposition": as_download(f"{message.id}.eml"),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Answer(200, raw, headers=headers, media_type=MAIL_TYPE)


async def _sees_message(call: Call, message: str | None) -> bool:
    """Tell whether the caller sees a message, which is looked up where people see their own mail alone."""
    if call.sees_only is None:
        return True
    loaded = await call.services.messages.load(call.org, message) if message else None
    return loaded is not None and call.sees_mail_of(loaded.message.sender)


async def _origin(call: Call) -> Origin:
    """Return the place that the caller names. Raises Problem."""
    query: InboundQuery = call.query
    if query.mailbox is None:
        if query.folder is not None or query.category is not None:
            raise invalid(["query", "mailbox"], "name the mailbox to which the folder or the category belongs")
        return Origin()
    found = await call.services.mailboxes.load_mailbox(call.org, query.mailbox)
    if found is None:
        raise invalid(["query", "mailbox"], "there is no such mailbox")
    mailbox = found[0]
    category = mailbox.category_of([query.category]) if query.category else None
    return Origin(mailbox.id, query.folder, category, mailbox.owner)


def _bad_mail(error: BadMail, loc: list[str] | None = None) -> Problem:
    if isinstance(error, MailTooLarge):
        return Problem(413, f"The mail is too large: {error}.")
    return invalid(loc or ["body"], f"the mail cannot be read: {error}")
