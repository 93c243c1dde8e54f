"""A simulation: shows the mail as it would go out now. Nothing is stored or sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem, invalid, invalid_fields
from functions.resources.delivery_advice import DeliveryAdvice, advise_on
from functions.resources.recipients import RecipientRead, recipients_read
from functions.resources.sending import PreparedCopy, SenderCopy, prepared_copy, sender_copy, written
from functions.shapes.checks import mail_checks
from lib.checks import Check
from lib.composing.mail import KeptCopy, Mail, Prepared
from lib.fields import ChosenId
from lib.ids import new_id
from lib.messages.copy_rows import Copy
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, MessageSpec, Remark, StoredMessage
from lib.messages.store import Loaded
from lib.mime.parts import Mailbox
from lib.mime.read import MOST_BYTES, BadMail, MailTooLarge, RawMail, read_mail_text
from lib.mime.write import Composed, ComposeError
from lib.people.addresses import same_mailbox
from lib.people.store import USERS

endpoints = Endpoints("Sending")

LARGEST_SIMULATION = MOST_BYTES * 4 // 3 + MOST_BYTES // 10
"""Bytes of a request: the largest raw mail in base64, with line breaks."""

_MOST_COPIES = 5
_MOST_SHOWN = 2_000_000
"""Characters of the bodies of all shown copies. Larger mails show fewer copies, two at least."""

_LONGEST_SUBJECT = 998
_LONGEST_NAME = 200


class Simulation(MessageSpec):
    """A message as it would be posted, or a raw mail.

    The sender of a raw mail is the user in `from`, else the acting user, else the user whose address is in its From.
    """

    sender: ChosenId | None = Field(None, alias="from", description="the id of the sending user")  # type: ignore[assignment]
    mime: Annotated[str, Field(json_schema_extra={"maxLength": LARGEST_SIMULATION})] | None = Field(
        None, description=f"a raw mail (RFC 5322) of up to {MOST_BYTES:,} bytes, as it is or in base64"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Simulation:
        if self.mime is not None and self.model_fields_set & {"to", "cc", "bcc", "subject", "html", "text"}:
            raise ValueError("give either mime, or the fields of a message")
        return self


class SimulatedCopy(PreparedCopy):
    """A copy as it would be sent."""

    follow_state: FollowState
    links: list[str] = Field(description="destinations of the links that lead through Heed")


class SimulationRead(BaseModel):
    """The mail as it would be sent."""

    follow_state: FollowState
    recipients: list[RecipientRead] = Field(description="whether each recipient is followed, and why")
    copies: list[SimulatedCopy] = Field(description="the mails that would be sent, at most five of them")
    sender_copy: SenderCopy = Field(description="the mail that the sender would keep")
    remarks: list[Remark]
    check: list[Check] = Field(description="what to know of the mail before it is sent")
    delivery_advice: DeliveryAdvice = Field(description="when to send it, as of now")


@endpoints("POST", "/simulate", body=Simulation, answers={200: SimulationRead}, largest_body=LARGEST_SIMULATION)
async def simulate(call: Call) -> Answer:
    """Show who would be followed, what, and the mail as it would look. Nothing is stored or sent."""
    spec, remarks, sealed = await _spec(call)
    if not spec.recipients():
        raise invalid(["mime" if call.body.mime is not None else "to"], "a message needs at least one recipient")
    if spec.html is None and spec.text is None and sealed is None:
        raise invalid(["html"], "a message needs html or text")
    services = call.services
    message = StoredMessage(
        id=new_id(),
        created_at=call.now,
        message_id=await services.preparation.message_id(call.org, spec),
        **spec.model_dump(exclude={"html", "text"}, by_alias=False),
    )
    if sealed is not None:
        return await _sealed(call, message, sealed)
    body = Body(html=spec.html, text=spec.text)
    try:
        mail = await services.preparation.prepare(call.org, message, body, call.now, is_trial=True)
        shown = _shown(mail)
        prepared = await written(call, mail, shown)
        kept = await services.preparation.write_kept_copy(mail)
    except ComposeError as error:
        raise Problem(422, f"The mail could not be written: {error}.") from None
    recipients = recipients_read(Loaded(message, "", []), mail.decision)
    remarks = [*remarks, *_left_out(len(mail.divisions) - len(shown)), *mail.remarks]
    check = await mail_checks(call, body, remarks, mail.original.files, mail.followed is not None, mail.decision.known)
    size = len(kept.composed.mime) + sum(len(each.composed.mime) for each in prepared)
    advice = await advise_on(call, message, mail.decision, call.now)
    answer = await services.off_loop.run(
        call.org, size, _json, message, prepared, kept, mail.follow_state, recipients, remarks, check, advice
    )
    return Answer(200, answer)


async def _sealed(call: Call, message: StoredMessage, raw: RawMail) -> Answer:
    """Show a signed or encrypted mail, which would go out as it is. Raises Problem."""
    mail = await call.services.preparation.prepare(call.org, message, Body(), call.now, is_trial=True)
    state, decision = mail.follow_state, mail.decision
    if state.state == "on":
        state = FollowState(state="blocked", reason=f"The mail is {raw.seal}: following it would change it.")
        refused = [replace(each, follow=False, because=state.reason) for each in decision.recipients]
        decision = replace(decision, state=state, recipients=refused)
    body, composed = Body(html=raw.html, text=raw.text), Composed(raw.raw, raw.headers)
    everybody = Copy(recipients=list(range(len(message.recipients()))), follow_state=state)
    prepared = Prepared(everybody, composed, body, mail.sender.email, [], mail.head())
    text = f"This mail is {raw.seal}. It stays as it is and is not followed: a change would break it."
    remarks = [Remark(code="signed", text=text)]
    recipients = recipients_read(Loaded(message, "", []), decision)
    kept = KeptCopy(composed, body)
    check = await mail_checks(call, Body(), remarks, mail.original.files, False, mail.decision.known)
    advice = await advise_on(call, message, decision, call.now)
    answer = await call.services.off_loop.run(
        call.org, 2 * len(raw.raw), _json, message, [prepared], kept, state, recipients, remarks, check, advice
    )
    return Answer(200, answer)


def _json(
    message: StoredMessage,
    prepared: list[Prepared],
    kept: KeptCopy,
    follow_state: FollowState,
    recipients: list[RecipientRead],
    remarks: list[Remark],
    check: list[Check],
    advice: DeliveryAdvice,
) -> bytes:
    copies = [
        SimulatedCopy(
            **prepared_copy(message, each).model_dump(),
            follow_state=each.copy.follow_state,
            links=[link for number, link in enumerate(each.copy.links) if number not in each.copy.honeypots],
        )
        for each in prepared
    ]
    answer = SimulationRead(
        follow_state=follow_state,
        recipients=recipients,
        copies=copies,
        sender_copy=sender_copy(kept),
        remarks=remarks,
        check=check,
        delivery_advice=advice,
    )
    return answer.model_dump_json().encode()


def _shown(mail: Mail) -> list[int]:
    """Choose the first copies and the last, which may be the untracked one. The others differ only in their tokens."""
    count, most = len(mail.divisions), min(_MOST_COPIES, max(2, _MOST_SHOWN // (mail.original.size() or 1)))
    return list(range(count)) if count <= most else [*range(most - 1), count - 1]


def _left_out(count: int) -> list[Remark]:
    text = f"{count} more copies are not shown; they differ from those before them in their tokens alone."
    return [Remark(code="more-copies", text=text)] if count else []


async def _spec(call: Call) -> tuple[MessageSpec, list[Remark], RawMail | None]:
    """Return the message, remarks on the mail that it was read from, and that mail if it is signed or encrypted.

    Raises Problem.
    """
    simulation: Simulation = call.body
    if simulation.mime is None:
        sender = simulation.sender or call.user()
        if sender is None:
            raise invalid(["from"], "name the sending user")
        fields = simulation.model_dump(exclude={"mime", "sender"}, exclude_unset=True)
        return MessageSpec.model_validate({**fields, "from": sender}), [], None
    try:
        mail = await call.services.off_loop.run(call.org, len(simulation.mime), read_mail_text, simulation.mime)
    except MailTooLarge as error:
        raise Problem(413, f"mime: {error}.") from None
    except BadMail as error:
        raise invalid(["mime"], f"{error}") from None
    sender = simulation.sender or call.user() or await _user_of(call, mail.sender)
    fields = {**_fields(mail), "from": sender, "follow": simulation.follow}
    try:
        spec = MessageSpec.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error, ["mime"]) from None
    return spec, _remarks(mail), mail if mail.seal else None


def _fields(mail: RawMail) -> dict[str, Any]:
    def recipients(mailboxes: list[Mailbox]) -> list[dict[str, str]]:
        return [{"email": each.email, "name": each.name[:_LONGEST_NAME]} for each in mailboxes]

    return {
        "to": recipients(mail.to),
        "cc": recipients(mail.cc),
        "bcc": recipients(mail.bcc),
        "subject": mail.subject[:_LONGEST_SUBJECT],
        "html": mail.html,
        "text": mail.text,
    }


async def _user_of(call: Call, sender: Mailbox | None) -> str:
    """Find the user with that address. Raises Problem where there is none."""
    wanted = same_mailbox(sender.email) if sender else ""
    async for _, user, _ in call.services.people.users.list(call.org, USERS):
        if same_mailbox(user.email) == wanted:
            return user.id
    raise invalid(["from"], "no user has the address of the mail's From; name the sending user")


def _remarks(mail: RawMail) -> list[Remark]:
    if not mail.others:
        return []
    kinds = ", ".join(sorted(set(mail.others))[:5])
    text = f"{len(mail.others)} further parts of the mail ({kinds}) are not shown here; following does not change them."
    return [Remark(code="other-parts", text=text)]
