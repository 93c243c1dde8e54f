"""Machines that say what they are, or that a header or a missing one gives away; most beside a person who reads."""

from __future__ import annotations

from bench.traces import agents
from bench.traces.addresses import address_in
from bench.traces.draft import Draft, Source
from bench.traces.people import click, headers, interesting_links, open_mail, read_mail
from bench.traces.scanners import Scanner, all_links, scan
from bench.traces.scenarios.common import reader
from bench.traces.timing import MINUTE, SECOND, lognormal, until_click, until_read, until_scan

_ANNOUNCEMENTS = (
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
)
"""Headers with which browsers announce that they load something in advance."""


def link_preview(draft: Draft) -> None:
    """A person reads and shares a link in a chat, whose service fetches it; Messages does so from the phone itself."""
    draft.has_at_least(1)
    recipient, person = reader(draft)
    clicked = read_mail(draft, person, recipient, clicks=1)
    item = interesting_links(draft, 1)[0]
    for _ in range(draft.random.choice((1, 1, 2))):
        at = clicked + lognormal(draft.random, 4 * MINUTE, 1.2, 5 * SECOND)
        from_phone = draft.random.random() < 0.25
        agent = agents.APPLE_MESSAGES_PREVIEW if from_phone else draft.random.choice(agents.PREVIEWERS)
        address = person.browser.address if from_phone else address_in(draft.random, "cloud")
        draft.request(at, Source(address, headers(agent)), "machine", recipient, "click", item)


def head_checker(draft: Draft) -> None:
    """Asks with HEAD whether the links work (civicrm#35328); half of the mails are read as well."""
    draft.has_at_least(1)
    recipient, person = reader(draft)
    scanner = Scanner("cloud", agents.imitating_scanner, draft.random)
    at = draft.delivered[recipient] + until_scan(draft.random)
    for item in all_links(draft):
        draft.request(at, scanner.source(), "machine", recipient, "click", item, method="HEAD")
        at += int(lognormal(draft.random, 400, 0.9))
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient)


def browser_prefetch(draft: Draft) -> None:
    """The person's own browser, or a webmail page, loads a link before anybody clicks, and says so (mautic#15844)."""
    draft.has_at_least(1)
    recipient, person = reader(draft)
    at = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, at)
    name, value = draft.random.choice(_ANNOUNCEMENTS)
    early = Source(person.browser.address, {**person.browser.headers, name: value})
    for item in interesting_links(draft, draft.random.choice((1, 1, 2, 3))):
        draft.request(at + lognormal(draft.random, 900, 0.7), early, "machine", recipient, "click", item)
    if draft.random.random() < 0.5:
        click(draft, person, recipient, at + until_click(draft.random), interesting_links(draft, 1)[0])


def without_agent(draft: Draft) -> None:
    """A scanner that sends no user agent; half of the mails are read as well."""
    recipient, person = reader(draft)
    scanner = Scanner("cloud", lambda _: None, draft.random, rotates=0.3)
    at = draft.delivered[recipient] + until_scan(draft.random)
    scan(draft, scanner, recipient, at, all_links(draft), opens=True)
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient)


def declared_robot(draft: Draft) -> None:
    """A library, a crawler, a headless browser, at any time; half of the mails are read as well."""
    recipient, person = reader(draft)
    scanner = Scanner("cloud", lambda random: random.choice(agents.DECLARED), draft.random)
    at = draft.delivered[recipient] + until_scan(draft.random)
    if draft.random.random() < 0.3:
        at = draft.delivered[recipient] + until_read(draft.random)
    scan(draft, scanner, recipient, at, all_links(draft), opens=draft.random.random() < 0.6)
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient)


def image_fetcher(draft: Draft) -> None:
    """Loads only the image, hours after delivery or at once, from a cloud as a browser: an archive, a help desk, a
    mailbox that is being moved. Nothing gives it away but where it comes from."""
    recipient, person = reader(draft)
    scanner = Scanner("cloud", agents.imitating_scanner, draft.random, rotates=0.5)
    early = draft.random.random() < 0.6
    wait = until_scan(draft.random) if early else until_read(draft.random)
    draft.request(draft.delivered[recipient] + wait, scanner.source(), "machine", recipient)
    if draft.random.random() < 0.4:
        read_mail(draft, person, recipient)


SCENARIOS = {
    "link-preview": (link_preview, 1.5),
    "head-checker": (head_checker, 1.0),
    "browser-prefetch": (browser_prefetch, 1.0),
    "without-agent": (without_agent, 1.0),
    "declared-robot": (declared_robot, 1.5),
    "image-fetcher": (image_fetcher, 1.0),
}
