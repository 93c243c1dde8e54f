"""One message: what became of it in a sentence, in numbers, in a plot and event by event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from functions.api.paging import Page
from functions.console.happenings import happening_of
from functions.console.naming import name_of_template, names_of_records
from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Framed, Redirect, Reply, Screens, Shown
from functions.console.visit import Visit
from functions.shapes.message import MessageRead
from functions.shapes.timeline import Event
from lib.console.happenings import Happening, rows_of
from lib.console.plots import HEIGHT, WIDTH, timeline_plot
from lib.console.sentences import Sentence, sentence_of
from lib.fields import RecordRef
from lib.messages.models import StoredMessage

screens = Screens(READERS)

_EVENTS = 100
_MOST_ANSWERS = 3

_SHOWN = {
    "": "All",
    "people": "People",
    "unsure": "Unsure",
    "machines": "Machines",
    "own": "Your side",
}
"""Filters of the timeline, by their names in the address."""


@screens("GET", "messages/{message}")
async def message(visit: Visit) -> Reply:
    """Show the page."""
    path = {"message": visit.path["message"]}
    shown, timeline = await asyncio.gather(
        visit.ask("get_message", path, {"checks": "false"}),
        visit.ask("message_timeline", path, {"limit": _EVENTS, "cursor": visit.query("cursor")}),
    )
    found: MessageRead = shown
    happenings = _happenings(visit, found, timeline)
    chosen = visit.query("show") if visit.query("show") in _SHOWN else ""
    kept = [each for each in happenings if _is_chosen(each, chosen)]
    answers, records, template = await asyncio.gather(
        _answers(visit, happenings), names_of_records(visit, _records(found)), name_of_template(visit, found.template)
    )
    values = {
        "message": found,
        "records": records,
        "template": template,
        "recipients": [*found.to, *found.cc, *found.bcc],
        "sentence": _sentence(visit, found, happenings),
        "counts": _counts(happenings),
        "is_whole": timeline.next is None and not visit.query("cursor"),
        "is_first_page": not visit.query("cursor"),
        "filters": _SHOWN,
        "chosen": chosen,
        "rows": rows_of(kept),
        "plot": timeline_plot(happenings, found.sent_at, visit.times) if found.sent_at else None,
        "plot_size": (WIDTH, HEIGHT),
        "happenings": happenings,
        "more": with_query(path_to("messages", found.id), show=chosen, cursor=timeline.next) if timeline.next else None,
        "answers": answers,
        "has_places": any(each.place for each in happenings),
        "may_say": visit.may_write,
        "may_write": _may_write(visit, found),
        "was_judged": visit.query("judged") == "again",
    }
    return Shown("message.html", values)


def _may_write(visit: Visit, found: MessageRead) -> bool:
    """Tell whether the person may change the message or answer it: those without a full key only where it is theirs."""
    return "full" in visit.scopes or (visit.may_write and found.sender in ("", visit.user.id))


def _records(found: MessageRead) -> list[RecordRef | None]:
    """List the records that the page names: what the mail regards, and whose word keeps it from being followed."""
    recipients = [*found.to, *found.cc, *found.bcc] if found.follow_state.state == "blocked" else []
    return [found.regarding, *(each.record for each in recipients)]


def _happenings(visit: Visit, found: MessageRead, timeline: Page[Event]) -> list[Happening]:
    names = {each.email: each.name or each.email for each in (*found.to, *found.cc, *found.bcc)}
    return [happening_of(event, names, visit.user.id) for event in timeline.items]


def _sentence(visit: Visit, found: MessageRead, happenings: Sequence[Happening]) -> Sentence:
    """Say what became of the message: of one that was not sent, or is not followed, why."""
    if found.status in ("failed", "uncertain"):
        text = found.failure.text if found.failure else ""
        return Sentence("bad", f"{found.status_text}.", text)
    if found.status not in ("sent", "sending"):
        return Sentence("plain", f"{found.status_text}.")
    if found.follow_state.state != "on" and not happenings:
        return Sentence("plain", "Sent, and not followed.", found.follow_state.reason)
    names = [each.name or each.email for each in (*found.to, *found.cc, *found.bcc)]
    return sentence_of(happenings, found.kpis, names, visit.times)


def _is_chosen(happening: Happening, chosen: str) -> bool:
    match chosen:
        case "people":
            return happening.verdict == "human"
        case "unsure":
            return happening.verdict == "uncertain"
        case "machines":
            return happening.verdict == "machine" and not happening.is_own
        case "own":
            return happening.is_own
        case _:
            return not happening.is_own


def _counts(happenings: Sequence[Happening]) -> Mapping[str, int]:
    """Count the events that each filter shows."""
    return {chosen: sum(_is_chosen(each, chosen) for each in happenings) for chosen in _SHOWN}


async def _answers(visit: Visit, happenings: Sequence[Happening]) -> list[StoredMessage]:
    """Read the newest mails that have come back, without their files, which would be another round.

    One that came to a colleague's mailbox is the colleague's.
    """
    mails = [each.mail for each in happenings if each.mail is not None and each.kind in ("reply", "bounce")]
    wanted = list(dict.fromkeys(mails))[:_MOST_ANSWERS]
    loaded = await asyncio.gather(*(visit.services.messages.load(visit.org, each) for each in wanted))
    sees_only = visit.signed_in.caller().sees_only
    return [each.message for each in loaded if each is not None and sees_only in (None, each.message.sender)]


@screens("POST", "messages/{message}/events/{event}")
async def say_who_it_was(visit: Visit) -> Reply:
    """Take the person's word on an event, which is evidence beside the rest."""
    path = {"message": visit.path["message"], "event": visit.path["event"]}
    await visit.ask("give_feedback", path, body={"was": visit.form.text("was") or None})
    return Redirect(f"{path_to('messages', path['message'])}#e-{path['event']}")


@screens("POST", "messages/{message}/judge")
async def judge_again(visit: Visit) -> Reply:
    """Have the message judged again, by the rules of today."""
    path = {"message": visit.path["message"]}
    await visit.ask("reassess_message", path)
    return Redirect(with_query(path_to("messages", path["message"]), judged="again"))


@screens("GET", "messages/{message}/body")
async def message_body(visit: Visit) -> Reply:
    """Show the mail's HTML alone, for a frame."""
    found: MessageRead = await visit.ask("get_message", {"message": visit.path["message"]}, {"checks": "false"})
    return Framed(found.html or "")
