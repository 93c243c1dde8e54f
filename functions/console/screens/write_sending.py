"""The last steps of writing: a look at the mail, the check before sending, the time at which it leaves, a reminder."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from functions.api.endpoint import Answer
from functions.api.problems import Problem, invalid
from functions.console.draft_pictures import with_pictures_inside
from functions.console.drafts import CONDITIONS, DraftForm, field_errors, read_reminder, read_time, reminder_form
from functions.console.naming import names_of_records
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to
from functions.console.reviews import Review, load_review
from functions.console.screen import WRITERS, Framed, Redirect, Reply, Screens, Shown
from functions.console.visit import Visit
from functions.shapes.checks import EDITABLE
from functions.shapes.message import MessageRead
from lib.clock import rfc3339
from lib.console.local_times import local_text
from lib.console.simple_html import count_links
from lib.errors import Refusal
from lib.rewrite.plain_text import plain_text
from lib.storage.versions import etag_of

screens = Screens(WRITERS)


class FollowedPart(NamedTuple):
    """A part of the mail that will be followed, and what that tells."""

    icon: str
    what: str
    tells: str


@screens("GET", "write/{message}/preview")
async def preview(visit: Visit) -> Reply:
    """Show the mail as its recipients will see it, in a frame of its own."""
    found = await _message(visit)
    text = found.text if found.text is not None else plain_text(found.html or "", lambda _: None)
    return Shown("write_preview.html", {"message": found, "text": text.strip(), "is_editable": _is_editable(found)})


@screens("GET", "write/{message}/preview/body")
async def preview_body(visit: Visit) -> Reply:
    """Show the mail's HTML alone, with the draft's own pictures inside."""
    found = await _message(visit)
    return Framed(await with_pictures_inside(visit.services, visit.org, found.id, found.html or ""))


async def _message(visit: Visit) -> MessageRead:
    found: MessageRead = await visit.ask("get_message", {"message": visit.path["message"]}, {"checks": "false"})
    return found


def _is_editable(message: MessageRead) -> bool:
    return message.status in EDITABLE


@screens("GET", "write/{message}/check")
async def check_draft(visit: Visit) -> Reply:
    """Show what will be followed and why, what to know of the mail, and when it leaves."""
    return await _check_page(visit)


async def _check_page(visit: Visit, problem: Problem | None = None) -> Reply:
    review = await load_review(visit)
    found, recipients = review.message, review.recipients
    if not _is_editable(found):
        return Redirect(path_to("write", found.id))
    values = {
        **_times(visit, review, problem),
        "recipients": recipients,
        "names": review.names,
        "records": await names_of_records(visit, [found.regarding]),
        "missing": _missing(found),
        "checks": [*found.check, *(check for file in found.attachments for check in file.check)],
        "followed": _followed(found),
        "is_split": found.follow_state.state == "on" and not all(each.follow for each in recipients),
    }
    return Shown("write_check.html", values, problem.document.status if problem else 200)


def _times(visit: Visit, review: Review, problem: Problem | None) -> dict[str, Any]:
    """Return what the choice of a time shows."""
    found, advice = review.message, review.advice
    assert advice is not None
    is_later = advice.suggested_at is not None and advice.suggested_at > visit.now
    chosen = visit.form.text("at") or local_text(found.deliver_at, visit.user.time_zone)
    return {
        "message": found,
        "etag": etag_of(found.etag),
        "advice": advice,
        "advised": rfc3339(advice.suggested_at) if advice.suggested_at and is_later else "",
        "at": chosen,
        "problem": problem.document if problem else None,
        "errors": field_errors(problem, DraftForm()) if problem else {},
    }


def _missing(message: MessageRead) -> list[str]:
    """Name what keeps the mail from being sent."""
    missing = []
    if not (message.to or message.cc or message.bcc):
        missing.append("It has no recipient.")
    if message.html is None and message.text is None:
        missing.append("It has no text.")
    return missing


def _followed(message: MessageRead) -> list[FollowedPart]:
    """Name what will be followed; nothing where the mail is not."""
    if message.follow_state.state != "on":
        return []
    found = []
    if message.html is not None:
        found.append(FollowedPart("mail-open", "Opens", "an invisible picture tells that somebody looks at the mail"))
    links = count_links(message.html or "")
    if links:
        leads = "link leads" if links == 1 else "links lead"
        found.append(FollowedPart("mouse-pointer-click", f"{links:,} {leads} through Heed", "clicks are counted"))
    found.extend(
        FollowedPart("paperclip", each.filename, "it is stored with Heed, and opens for all who have its link")
        for each in message.attachments
        if each.followed
    )
    return [*found, FollowedPart("reply", "Answers", "as far as Heed receives the organization’s mail")]


@screens("POST", "write/{message}/send")
async def send_draft(visit: Visit) -> Reply:
    """Send what was checked, now or at a time. What was sent meanwhile is not sent again."""
    path, found = {"message": visit.path["message"]}, await _message(visit)
    if not _is_editable(found):
        return Redirect(path_to("messages", found.id))
    try:
        etag = visit.form.text("etag")
        if etag != etag_of(found.etag):
            raise Problem(412, "The mail has changed since you checked it. This is how it is now: look once more.")
        at = _chosen_time(visit)
        if at != found.deliver_at:
            moved = await _move(visit, path, at, etag)
            etag = etag_of(moved.version or "")
        await visit.ask("send_message", path, etag=etag)
    except (Problem, Refusal) as error:
        return await _check_page(visit, told_in_form(error))
    return Redirect(path_to("messages", found.id))


def _chosen_time(visit: Visit) -> datetime | None:
    """Return the time that the button stands for; None for now. Raises Problem."""
    match visit.form.text("when"):
        case "advised":
            return _read_advised(visit.form.text("advised"))
        case "mine":
            at = read_time(visit.form.text("at"), visit.user.time_zone, "at")
            if at is None:
                raise invalid(["at"], "choose a day and a time")
            return at
        case _:
            return None


def _read_advised(text: str) -> datetime:
    """Read the advised time as the page has written it. Raises Problem."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(["at"], "there is no advised time any more") from None
    if at.tzinfo is None:
        raise invalid(["at"], "the advised time lacks its zone")
    return at


async def _move(visit: Visit, path: dict[str, str], at: datetime | None, etag: str) -> Answer:
    if at is None:
        return await visit.call("delete_schedule", path, etag=etag)
    return await visit.call("put_schedule", path, body={"deliver_at": rfc3339(at)}, etag=etag)


@screens("GET", "write/{message}/time")
async def delivery_time(visit: Visit) -> Reply:
    """Show when a scheduled message leaves, with other times and the way to stop it."""
    return await _time_page(visit)


async def _time_page(visit: Visit, problem: Problem | None = None) -> Reply:
    review = await load_review(visit)
    found = review.message
    if found.status != "scheduled":
        return Redirect(path_to("write", found.id) if _is_editable(found) else path_to("messages", found.id))
    values = _times(visit, review, problem)
    return Shown("write_time.html", values, problem.document.status if problem else 200)


@screens("POST", "write/{message}/time")
async def move_delivery(visit: Visit) -> Reply:
    """Change when a scheduled message leaves; now is a time, too."""
    path = {"message": visit.path["message"]}
    try:
        await _move(visit, path, _chosen_time(visit), visit.form.text("etag"))
    except (Problem, Refusal) as error:
        return await _time_page(visit, told_in_form(error))
    return Redirect(path_to("messages", path["message"]))


@screens("POST", "write/{message}/take-back")
async def take_back(visit: Visit) -> Reply:
    """Make a draft again of a scheduled message, and show its form."""
    path = {"message": visit.path["message"]}
    try:
        await visit.ask("take_back_message", path, etag=visit.form.text("etag") or None)
    except (Problem, Refusal) as error:
        return await _time_page(visit, told_in_form(error))
    return Redirect(path_to("write", path["message"]))


@screens("GET", "write/{message}/reminder")
async def reminder(visit: Visit) -> Reply:
    """Show the reminder of a message, which can be changed after sending, too."""
    found = await _message(visit)
    return _reminder_page(found, reminder_form(found.reminder, visit.user.time_zone))


def _reminder_page(found: MessageRead, fields: dict[str, Any], problem: Problem | None = None) -> Reply:
    typed = DraftForm(**fields)
    values = {
        "message": found,
        "form": typed,
        "conditions": CONDITIONS,
        "problem": problem.document if problem else None,
        "errors": field_errors(problem, typed) if problem else {},
    }
    return Shown("write_reminder.html", values, problem.document.status if problem else 200)


@screens("POST", "write/{message}/reminder")
async def save_reminder(visit: Visit) -> Reply:
    """Set, change or remove the reminder of a message."""
    path, found = {"message": visit.path["message"]}, await _message(visit)
    fields: dict[str, Any] = {name: visit.form.text(name) for name in ("remind_at", "remind_if", "remind_title")}
    try:
        wanted = None
        if visit.form.text("act") != "remove":
            wanted = read_reminder(DraftForm(subject=found.subject, **fields), visit.user.time_zone)
        if wanted:
            await visit.ask("put_reminder", path, body=wanted)
        else:
            await visit.ask("delete_reminder", path)
    except (Problem, Refusal) as error:
        return _reminder_page(found, fields, told_in_form(error))
    return Redirect(path_to("messages", found.id))
