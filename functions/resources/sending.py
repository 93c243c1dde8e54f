"""Sending a message: by Heed, or by a CRM that sends prepared copies by itself."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem, invalid
from functions.resources.messages import answer_with_message, load_message
from functions.shapes.checks import mail_checks, transport_checks
from functions.shapes.message import MessageRead
from lib.checks import Check
from lib.composing.bodies import size_of
from lib.composing.mail import KeptCopy, Mail, Prepared
from lib.composing.preparation import check_domain
from lib.errors import NotAllowed
from lib.fields import Model, Moment
from lib.files.models import StoredFile
from lib.messages.conversations import with_message_id
from lib.messages.copies import state_of_all
from lib.messages.follow_state import Decision
from lib.messages.matched_records import matched_records
from lib.messages.models import Body, MessageFields, Recipient, Remark, StoredMessage
from lib.messages.store import Lease, Loaded, sharing_links
from lib.mime.write import ComposeError

endpoints = Endpoints("Sending")

MessageId = Annotated[str, StringConstraints(pattern=r"^<[^<>\s\x00-\x1f\x7f]{1,980}>$")]


_LARGEST_COPIES = 24_000_000
"""Bytes of all copies together, where there are several. The answer is some two and a half times as large."""


class PreparedCopy(BaseModel):
    """One mail to send to these recipients alone; its To and Cc also name the recipients of the other copies."""

    recipients: list[Recipient]
    mime: str = Field(description="in base64")
    html: str | None
    text: str | None
    headers: dict[str, str] = Field(description="headers of the mail, as `mime` has them")


class SenderCopy(BaseModel):
    """A copy of the mail for the CRM to file in the sender's Sent Items, and never to be sent.

    The headers and the Message-ID are the same. Links are direct and there is no pixel, so that a sender who reads or
    forwards the copy is not taken for a recipient.
    """

    mime: str = Field(description="in base64")
    html: str | None
    text: str | None


class PreparedMessage(BaseModel):
    """A mail for a CRM that sends by itself."""

    copies: list[PreparedCopy] = Field(description="the mails to send")
    sender_copy: SenderCopy = Field(description="the mail to keep")
    mark: str = Field(
        description="a value for the header `X-Heed-Message` of a mail that goes out with another Message-ID: a copy "
        "of the mail that comes in is known by it"
    )
    remarks: list[Remark]
    check: list[Check] = Field(description="what to know of the mail before it is sent")


class SentByCrm(Model):
    """A CRM's report that it has sent the prepared mail."""

    message_id: MessageId | None = Field(
        None,
        description="the mail's Message-ID, if it went out with another one; a mail that was reported without it can "
        "be reported once more with it",
    )
    sent_at: Moment


class Resolution(Model):
    """The outcome of an uncertain message, which Heed cannot find out by itself."""

    as_: Literal["sent", "resend"] = Field(alias="as")


async def _check_complete(call: Call, loaded: Loaded) -> Body:
    """Check that the draft lacks nothing that a mail needs, and return its body. Raises Problem."""
    message = loaded.message
    if not message.recipients():
        raise invalid(["to"], "a message needs at least one recipient to be sent")
    body = await call.services.messages.body(call.org, message.id)
    if body.html is None and body.text is None:
        raise invalid(["html"], "a message needs html or text to be sent")
    check_domain(call.organization.settings, await call.services.preparation.sender(call.org, message))
    return body


async def _check_files(call: Call, message: StoredMessage, body: Body, decision: Decision) -> Sequence[StoredFile]:
    """Return the files that travel inside the mail, which is checked again when it goes out. Raises Problem."""
    followed = all(each.follow for each in decision.recipients)
    try:
        return await call.services.preparation.files_inside(call.org, message, body, followed)
    except ComposeError as error:
        raise invalid(["attachments"], f"{error}") from None


def _check_limits(call: Call, message: StoredMessage, inside: Sequence[StoredFile], body: Body) -> None:
    """Check the limits of the mail's provider. Raises Problem."""
    for loc, checks in transport_checks(call, message, [file.size for file in inside], body).items():
        for check in checks:
            raise invalid([loc], check.text)


@endpoints("POST", "/messages/{message}/send", answers={202: MessageRead})
async def send_message(call: Call) -> Answer:
    """Send a message now or at its `deliver_at`; a sent one to the recipients whom the provider refused."""
    loaded = await load_message(call)
    await send_loaded(call, loaded)
    return await answer_with_message(call, 202, loaded.message.id)


async def send_loaded(call: Call, loaded: Loaded) -> None:
    """Check that the mail is complete and fits, and queue it, once for each request. Raises Problem, Refusal."""
    message, decision = loaded.message, None
    if message.state in ("draft", "failed") and message.asked_by != call.made_id:
        body = await _check_complete(call, loaded)
        decision = await call.services.preparation.decision(call.org, call.organization.settings, message)
        with call.services.large_requests.place(call.org, size_of(body)):
            inside = await _check_files(call, message, body, decision)
            _check_limits(call, message, inside, body)
    await call.services.schedule.send(call.org, loaded, call.made_id, decision)


@endpoints("POST", "/messages/{message}/prepare", answers={200: PreparedMessage})
async def prepare_message(call: Call) -> Answer:
    """Write the mail, in one copy or several, for a CRM that sends by itself. Nothing is sent.

    Each copy goes to its own recipients alone, whatever names stand in its To and Cc.
    """
    loaded = await load_message(call)
    if loaded.message.state != "draft":
        raise NotAllowed(f"Only a draft can be prepared; this message is {loaded.message.status}.")
    body = await _check_complete(call, loaded)
    services = call.services
    message = loaded.message
    if message.message_id is None:
        made = await services.preparation.message_id(call.org, message)
        message = message.model_copy(update={"message_id": made})
    files = await services.preparation.load_files(call.org, message)
    # Twice: what is sent, and what the sender keeps.
    with services.large_requests.place(call.org, 2 * (size_of(body) + files.size())):
        return await _prepared(call, loaded, message, body)


async def _prepared(call: Call, loaded: Loaded, message: StoredMessage, body: Body) -> Answer:
    services = call.services
    mail = await services.preparation.prepare(call.org, message, body, call.now)
    await _check_files(call, message, body, mail.decision)
    try:
        prepared = await written(call, mail, range(len(mail.divisions)))
        kept = await services.preparation.write_kept_copy(mail)
    except ComposeError as error:
        raise Problem(422, f"The mail could not be written: {error}.") from None
    check = await mail_checks(
        call, body, mail.remarks, mail.original.files, mail.followed is not None, mail.decision.known
    )
    after = message.model_copy(update={"remarks": mail.remarks})
    copies = sharing_links([each.copy for each in prepared])
    # The CRM may send it, and its recipient answer, before the CRM says so.
    await services.threads.enter_message(call.org, after)
    await services.messages.put_plan(call.org, loaded.message, after, loaded.etag, copies, Lease(until=call.now))
    size = len(kept.composed.mime) + sum(len(each.composed.mime) for each in prepared)
    bare = [each.without_files() for each in prepared]
    answer = await services.off_loop.run(
        call.org,
        size,
        _prepared_json,
        message,
        bare,
        kept.without_files(),
        services.ring.mint_for_address(call.org, message.id),
        mail.remarks,
        check,
    )
    return Answer(200, answer)


def _prepared_json(
    message: StoredMessage,
    prepared: list[Prepared],
    kept: KeptCopy,
    mark: str,
    remarks: list[Remark],
    check: list[Check],
) -> bytes:
    answer = PreparedMessage(
        copies=[prepared_copy(message, each) for each in prepared],
        sender_copy=sender_copy(kept),
        mark=mark,
        remarks=remarks,
        check=check,
    )
    return answer.model_dump_json().encode()


async def written(call: Call, mail: Mail, numbers: Sequence[int]) -> list[Prepared]:
    """Write these copies of the mail. Raises ComposeError, and Problem where they are too large for one answer."""
    prepared, size = list[Prepared](), 0
    for number in numbers:
        prepared.append(await call.services.preparation.write_copy(mail, number))
        size += len(prepared[-1].composed.mime)
        if len(prepared) > 1 and size > _LARGEST_COPIES:
            detail = f"The {len(numbers)} copies of this mail are too large for one answer: send it to fewer at a time."
            raise Problem(422, detail)
        await asyncio.sleep(0)  # others wait for this process, too
    return prepared


def prepared_copy(message: MessageFields, prepared: Prepared) -> PreparedCopy:
    """Show a copy that a CRM is to send."""
    recipients = message.recipients()
    return PreparedCopy(
        recipients=[recipients[number] for number in prepared.copy.recipients],
        mime=base64.b64encode(prepared.composed.mime).decode(),
        html=prepared.body.html,
        text=prepared.body.text,
        headers=prepared.composed.headers,
    )


def sender_copy(kept: KeptCopy) -> SenderCopy:
    """Show the copy that the sender keeps."""
    mime = base64.b64encode(kept.composed.mime).decode()
    return SenderCopy(mime=mime, html=kept.body.html, text=kept.body.text)


@endpoints("POST", "/messages/{message}/sent", body=SentByCrm, answers={200: MessageRead})
async def mark_sent(call: Call) -> Answer:
    """Mark a prepared message as sent by the CRM.

    A second report changes nothing, but that it may tell the Message-ID that the first one did not tell.
    """
    loaded = await load_message(call)
    message = loaded.message
    if message.state == "draft" and loaded.copies:
        gateways, decision = await asyncio.gather(
            call.services.gateways.find_gateways([each.email for each in message.recipients()]),
            call.services.preparation.decision(call.org, call.organization.settings, message),
        )
        found = {"gateways": gateways, "matched": matched_records(decision.known)}
        sent = _sent(call, loaded).model_copy(update=found)
        await call.services.threads.enter_message(call.org, sent)
        await call.services.messages.change(call.org, sent, loaded.etag)
    elif message.state == "sent":
        await _learn_message_id(call, loaded)
    else:
        raise NotAllowed(f"The message is {message.status}, and was not prepared: POST …/prepare comes first.")
    return await answer_with_message(call, 200, message.id)


async def _learn_message_id(call: Call, loaded: Loaded) -> None:
    """Take down the Message-ID of a mail that the CRM has reported without it."""
    is_sent_by_crm = all(copy.state is None for copy in loaded.copies)
    learned = with_message_id(loaded.message, call.body.message_id)
    if is_sent_by_crm and learned is not None:
        await call.services.threads.enter_message(call.org, learned)
        await call.services.messages.change(call.org, learned, loaded.etag)


def _sent(call: Call, loaded: Loaded) -> StoredMessage:
    """Return the message as sent, followed as it was when its copies were prepared."""
    message = with_message_id(loaded.message, call.body.message_id) or loaded.message
    return message.model_copy(
        update={
            "state": "sent",
            "sent_at": call.body.sent_at,
            "follow_state": state_of_all(message, loaded.copies),
        }
    )


@endpoints("POST", "/messages/{message}/resolve", body=Resolution, answers={200: MessageRead})
async def resolve_message(call: Call) -> Answer:
    """Resolve an uncertain message: it was sent, or it is to be sent again."""
    loaded = await load_message(call)
    await call.services.schedule.resolve(call.org, loaded, resend=call.body.as_ == "resend")
    return await answer_with_message(call, 200, loaded.message.id)
