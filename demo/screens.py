"""The screens of the console as the demo fills them: with addresses, and with words for a picture of each."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from demo.names import SELLERS
from demo.texts import TEMPLATES

Who = Literal["seller", "admin", "operator", "nobody"]
"""Who sees the screen: a salesperson with a full key, an administrator of the organization, the operator of the
deployment, or those who have not signed in."""

ListItems = Callable[[str], AsyncIterator[Any]]
"""Lists all items of a list of the API. The path stands after `/api/orgs/{org}`, and has a query."""

ReadPage = Callable[[str], Awaitable[str]]
"""Reads a page of the console as a salesperson: its path below `/console/`, and its HTML."""

_SEALED_ADDRESS = re.compile(r"people/address\?address=([\w-]+)")
_ENGLISH = {each.id for each in TEMPLATES if each.language == "en"}


@dataclass(frozen=True, slots=True)
class Screen:
    """A page of the console."""

    group: str
    """Heading under which its picture stands."""

    name: str
    """Name of the picture's file."""

    title: str
    path: str
    """Path below `/console/`, with its query."""

    shows: str
    """What its picture shows, for those who do not see it."""

    who: Who = "seller"


async def find_screens(items: ListItems, settings_items: ListItems, read_page: ReadPage) -> list[Screen]:
    """List every screen, with the things of the demo that fill it best.

    `items` lists as a salesperson, `settings_items` as an administrator of the organization. `read_page` finds links
    that only the console can make.
    """
    followed = [each async for each in items("/messages?view=followed&sort=-sent_at&")]
    everything = [each async for each in items("/messages?view=all&sort=-sent_at&")]
    contacts = [each async for each in items("/records?view=engaged-this-week&type=contact&")]
    contacts = contacts or [each async for each in items("/records?type=contact&")]
    message = max(followed, key=_told_by)
    person = max(contacts, key=lambda each: (each["engagement"] or {"score": 0})["score"])
    path = f"people/contact/{person['id']}"
    return [
        *_daily_work(message, followed, everything),
        *_writing(everything),
        *_people(path, _SEALED_ADDRESS.findall(await read_page(path))[0]),
        *_knowledge(message["template"] or TEMPLATES[0].id),
        *_administration([each async for each in settings_items("/keys?")]),
        *_operation(),
        Screen("Ways in", "sign-in", "Sign in", "sign-in", "A form that asks for a key and a user.", "nobody"),
        Screen(
            "Ways in", "operator-door", "Sign in as the operator", "operator",
            "A form that asks for the administrator's key.", "nobody",
        ),
    ]  # fmt: skip


def _daily_work(message: Any, followed: Iterable[Any], everything: Sequence[Any]) -> list[Screen]:
    group = "Every day"
    screens = [
        Screen(group, "today", "Today", "", "Cards with what to do, and beside them news of people's reading."),
        Screen(
            group, "messages", "Messages", "messages",
            "A table of mails: what became of each in words, and how often people opened, clicked and answered.",
        ),
        Screen(
            group, "message", "A message", f"messages/{message['id']}",
            "One sentence says what became of the mail. Below stand people's numbers, a plot of time, and each event "
            "with its verdict.",
        ),
    ]  # fmt: skip
    scanned = next((each for each in followed if each["kpis"]["machine"]["opens"] and not each["kpis"]["opens"]), None)
    if scanned:
        words = "The mail was looked at by scanners alone: its numbers of people are zero, and the sentence says so."
        name = "message-scanned"
        screens.append(Screen(group, name, "A mail that only scanners opened", f"messages/{scanned['id']}", words))
    if thread := _longest_thread(everything):
        words = "Mails of a thread in their order, those that came in set apart from those that went out."
        screens.append(Screen(group, "conversation", "A conversation", f"conversations/{thread}", words))
    words = "A table of reminders that are set, the soonest first."
    screens.append(Screen(group, "reminders", "Reminders", "reminders", words))
    words = "Mails that failed, and mails that may not have gone out, with what can be done."
    return [*screens, Screen(group, "failures", "Failures", "failures", words)]


def _longest_thread(everything: Sequence[Any]) -> str | None:
    english = {each["conversation"] for each in everything if each["template"] in _ENGLISH}
    threads = [each["conversation"] for each in everything if each["kind"] == "reply" and each["conversation"]]
    return max(threads, key=lambda each: (each in english, threads.count(each)), default=None)


def _told_by(message: Any) -> tuple[int, ...]:
    """Rate how much the page of a message shows: an answer, people's reading, and machines beside them."""
    kpis = message["kpis"]
    several = min(kpis["opens"], 3) + min(kpis["clicks"], 2) + min(kpis["attachment_views"], 1)
    machine = min(kpis["machine"]["opens"] + kpis["machine"]["clicks"], 4)
    return (message["template"] in _ENGLISH, min(kpis["replies"], 1) + several + machine, -len(message["to"]))


def _writing(everything: Sequence[Any]) -> list[Screen]:
    group, ids = "Writing", _first_of_each_status(everything)
    draft, scheduled = f"write/{ids['draft']}", f"write/{ids['scheduled']}"
    return [
        Screen(group, "write", "Write", "write", "An empty form for a mail."),
        Screen(
            group, "write-draft", "A draft", draft,
            "Recipients with what they allow, the text, files, and what the mail regards.",
        ),
        Screen(
            group, "write-template", "Choose a template", f"{draft}/template",
            "Templates with the rates of their answers, the recommended one first, and why.",
        ),
        Screen(group, "write-preview", "Preview", f"{draft}/preview", "The mail as its recipient will see it."),
        Screen(
            group, "write-check", "Check before sending", f"{draft}/check",
            "What will be followed and why, what to know of the mail, and three times at which it may leave.",
        ),
        Screen(group, "write-time", "When it leaves", f"{scheduled}/time", "Other times for a scheduled mail."),
        Screen(group, "write-reminder", "A mail's reminder", f"{scheduled}/reminder", "A form for a reminder."),
        Screen(group, "track", "Track a mail", "track", "A form that takes a mail which another program has sent."),
    ]  # fmt: skip


def _first_of_each_status(everything: Sequence[Any]) -> Mapping[str, str]:
    """Return a message of each status, one of the newcomer's own and in English where there is one."""
    last_first = sorted(everything, key=lambda each: (each["from"] == SELLERS[0][0], each["template"] in _ENGLISH))
    return {each["status"]: each["id"] for each in last_first}


def _people(path: str, address: str) -> list[Screen]:
    """`path` leads to the person, and `address` is the person's, sealed."""
    group = "People"
    return [
        Screen(group, "people", "People", "people", "A table of contacts with their addresses and owners."),
        Screen(
            group, "person", "A person", path,
            "One sentence about the person, their mails, their score by its parts, and what they have consented to.",
        ),
        Screen(
            group, "address", "An address", f"people/address?address={address}",
            "All that is known about a mail address, with its consents.",
        ),
        Screen(group, "merge", "Merge records", f"{path}/merge", "Records that may be the same as this one."),
        Screen(
            group, "erase", "Erase", f"people/erase?address={address}", "The second step before an address is erased."
        ),
        Screen(
            group, "engaged", "Engaged this week", "engaged", "A table of people by score, with bars."
        ),
    ]  # fmt: skip


def _knowledge(template: str) -> list[Screen]:
    templates, reports = "Templates", "How sure we are"
    return [
        Screen(templates, "templates", "Templates", "templates", "Templates with their rates as bars with intervals."),
        Screen(
            templates, "template", "A template", f"templates/{template}", "Its rates, and how it looks when filled in."
        ),
        Screen(templates, "template-edit", "Change a template", f"templates/{template}/edit", "A form with its text."),
        Screen(templates, "template-new", "A new template", "templates/new", "The same form, empty."),
        Screen(
            templates, "template-delete", "Delete a template", f"templates/{template}/delete", "The second step before."
        ),
        Screen(
            reports, "scanner-noise", "Scanner noise", "reports/scanner-noise",
            "Mails that machines opened far more often than people do.",
        ),
        Screen(
            reports, "reliability", "Reliability", "reports/reliability",
            "How often verdicts came true, as a plot beside its table.",
        ),
        Screen(
            "Oneself", "options", "My options", "options",
            "What is tracked, one's own networks, alerts and quiet hours.",
        ),
    ]  # fmt: skip


def _administration(keys: Sequence[Any]) -> list[Screen]:
    pages = {
        "organization": ("Organization", "Whose mail is followed, and what people see."),
        "users": ("Users", "A table of users, and how many have agreed to tracking."),
        "users/new": ("A new user", "An empty form."),
        "users/nora": ("A user", "A form with name, address, time zone and what is tracked."),
        "users/nora/delete": ("Delete a user", "The second step before."),
        "users/everybody?opt_in=yes": ("Opt everybody in", "The second step before."),
        "keys": ("Keys", "A table of keys with their scopes, and a form for another one."),
        f"keys/{keys[0]['id']}/revoke": ("Revoke a key", "The second step before."),
        "webhooks": ("Webhooks", "A table of webhooks and their state."),
        "webhooks/new": ("A new webhook", "An empty form."),
        "webhooks/crm": ("A webhook", "Its address, its events, and what became of deliveries."),
        "webhooks/crm/edit": ("Change a webhook", "A form with its address and events."),
        "webhooks/crm/secret": ("Another secret", "The second step before the secret is changed."),
        "webhooks/crm/delete": ("Delete a webhook", "The second step before."),
        "mailboxes": ("Mailboxes", "A table of mailboxes, with the error of the one that does not answer."),
        "mailboxes/new": ("A new mailbox", "An empty form."),
        "mailboxes/nora/edit": ("Change a mailbox", "A form with its server, its folders and the name of its secret."),
        "mailboxes/nora/delete": ("Remove a mailbox", "The second step before."),
        "rules": ("Rules", "What mail that comes in makes a task or a case."),
        "rules/warranty": ("Change a rule", "A form with its conditions and what it makes."),
        "rules/warranty/delete": ("Delete a rule", "The second step before."),
        "hours": ("Hours", "Working hours and what is advised about the time of sending."),
        "scores": ("Scores", "How many points an open, a click and an answer are worth."),
        "privacy": ("Privacy and retention", "How long mail and hits are kept, and on what basis."),
        "inbound": ("Inbound mail", "Which mail is kept of what comes in."),
        "sign-in": ("Sign-in", "A form for the organization's own identity provider."),
        "sign-in/remove": ("Remove the provider", "The second step before."),
        "switches": ("Switches", "Ways to stop tracking, links or sending at once."),
        "switches/links": ("Turn links off", "The second step before."),
        "readiness": ("Readiness", "What is well, what is not, and what to do about it."),
        "audit": ("Audit log", "A table of changes with who made them."),
    }  # fmt: skip
    return [
        Screen("Settings", "-".join(["settings", *_words(path)]), title, f"settings/{path}", shows, "admin")
        for path, (title, shows) in pages.items()
    ]


def _words(path: str) -> list[str]:
    """Split a path into the words of a file's name, without the ids that differ from demo to demo."""
    return [each for each in path.partition("?")[0].split("/") if len(each) < 20]


def _operation() -> list[Screen]:
    group = "Operating the deployment"
    return [
        Screen(
            group, "operator", "State", "operator",
            "Health, queues with the age of what waits, sweeps, and the age of catalogues.", "operator",
        ),
        Screen(
            group, "operator-dead-letters", "Dead letters", "operator/dead-letters",
            "Work that failed every time; there is none.", "operator",
        ),
        Screen(
            group, "operator-verdicts", "Verdicts by day", "operator/verdicts?org=demo",
            "Bars with the shares of people, machines and doubt by day.", "operator",
        ),
        Screen(
            group, "operator-rejudge", "Check again", "operator/rejudge?org=demo",
            "A form that shows what the rules of today would say of mail that was checked before.", "operator",
        ),
    ]  # fmt: skip
