"""A message's state in words, as a salesperson reads it, in that person's time zone."""

from __future__ import annotations

from datetime import datetime

from lib.clock import in_zone
from lib.languages import clock_time
from lib.messages.models import StoredMessage
from lib.verdicts.kpis import Kpis


def status_text(message: StoredMessage, kpis: Kpis, now: datetime, zone: str) -> str:
    """Return the message's state in a few words."""
    state = message.state
    if state == "scheduled" and message.due_at and message.due_at > now:
        return f"Scheduled to send {_day(message.due_at, now, zone)} {_time(message.due_at, zone)}"
    if state == "sent":
        return _delivered(message, kpis, now, zone) + _undelivered(message)
    return {
        "draft": "Draft",
        "scheduled": "Waiting to be sent",
        "submitting": "Being sent",
        "failed": "Could not be sent",
        "uncertain": "May have been sent: please check",
        "cancelled": "Cancelled",
        "received": "Received",
    }[state]


def reminder_text(message: StoredMessage, now: datetime, zone: str) -> str:
    """Return the state of the message's reminder in a few words; empty where it has none."""
    reminder = message.reminder
    if reminder is None:
        return ""
    if message.reminded_at:
        return f"Reminded you {_day(message.reminded_at, now, zone)}"
    if message.reminder_met:
        return "No reminder needed: it was " + ("answered" if reminder.condition == "no_reply" else "opened")
    unless = {"no_reply": " if unanswered", "not_opened": " if not opened", "always": ""}[reminder.condition]
    return f"Reminds you {_day(reminder.at, now, zone)} {_time(reminder.at, zone)}{unless}"


def _delivered(message: StoredMessage, kpis: Kpis, now: datetime, zone: str) -> str:
    """Return what became of a mail that was sent: what its recipients did, unless it came back from all of them."""
    counts = message.delivery
    if counts is None or not counts.bounced:
        return _engagement(message, kpis, now, zone)
    came_back = "ould not be delivered" + (f" to {counts.bounced} of {counts.total}" if counts.total > 1 else "")
    if not kpis.last_replied_at and not kpis.last_read_at and not kpis.clicks and not kpis.attachment_views:
        return f"C{came_back}"
    return f"{_engagement(message, kpis, now, zone)}; c{came_back}"


def _undelivered(message: StoredMessage) -> str:
    """Return for how many of the recipients it waits, and for how many it was refused; empty for none."""
    counts = message.delivery
    if counts is None:
        return ""
    waiting, refused = counts.waiting + counts.pending, counts.refused
    parts = [f"{waiting} still waiting"] * bool(waiting) + [f"{refused} refused"] * bool(refused)
    return f" (of {counts.total} recipients, {' and '.join(parts)})" if parts else ""


def _engagement(message: StoredMessage, kpis: Kpis, now: datetime, zone: str) -> str:
    if kpis.last_replied_at:
        return f"Answered {_day(kpis.last_replied_at, now, zone)}"
    if kpis.last_opened_at:
        return f"Last opened {_day(kpis.last_opened_at, now, zone)}"
    if message.follow_state is None or message.follow_state.state != "on":
        return "Sent, not followed"
    images = "" if kpis.uncertain.opens else ", images not loaded"
    if kpis.attachment_views:
        return f"Attachment viewed{images}"
    if kpis.clicks:
        return f"Clicked{images}"
    if kpis.uncertain.opens or kpis.uncertain.clicks:
        return "Perhaps opened"
    if kpis.machine.opens > kpis.own.opens or kpis.machine.clicks > kpis.own.clicks:
        return "Opened only by a mail scanner"
    return "Not yet opened"


def _day(moment: datetime, now: datetime, zone: str) -> str:
    """Return today, tomorrow, yesterday, or the date."""
    day, today = in_zone(moment, zone).date(), in_zone(now, zone).date()
    words = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return words.get((day - today).days, f"{day:%a} {day.day} {day:%b %Y}")


def _time(moment: datetime, zone: str) -> str:
    return clock_time(in_zone(moment, zone))
