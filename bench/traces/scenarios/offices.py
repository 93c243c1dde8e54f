"""Companies: many people behind one address, all their browsing through a cloud, and the sender's own people."""

from __future__ import annotations

from dataclasses import replace

from bench.traces import agents
from bench.traces.addresses import address_in, near
from bench.traces.draft import MICROSOFT, Draft, Source, any_gateway
from bench.traces.people import (
    Person,
    browser_headers,
    click,
    headers,
    interesting_links,
    outlook_desktop,
    outlook_web,
    person_behind,
    read_mail,
    soon,
)
from bench.traces.scanners import Scanner, all_links, scan
from bench.traces.scenarios.common import maybe_scanned, reader
from bench.traces.timing import DAY, HOUR, SECOND, lognormal, until_read
from lib.tracking.facts import SESSION


def one_address_for_all(draft: Draft) -> None:
    """Colleagues behind one address with the same managed programs; half of the time they look in the same minutes,
    as before a meeting."""
    gateway = any_gateway(draft.random)
    person = outlook_desktop(draft.random) if draft.random.random() < 0.5 else outlook_web(draft.random)
    person.loads = 0.9
    recipients = [draft.to(gateway) for _ in range(draft.random.randint(2, 6))]
    together = draft.random.random() < 0.5
    start = max(draft.delivered) + until_read(draft.random)
    for recipient in recipients:
        maybe_scanned(draft, recipient, gateway)
        if draft.random.random() < 0.85:
            later = start + soon(draft.random) if together else draft.delivered[recipient] + until_read(draft.random)
            same = Person(person.reader, person.browser, loads=person.loads, again=person.again)
            read_mail(draft, same, recipient, later)


def cloud_web_gateway(draft: Draft) -> None:
    """All browsing goes through a vendor's data centre: people from addresses where machines live."""
    gateway = any_gateway(draft.random)
    recipient = draft.to(gateway)
    maybe_scanned(draft, recipient, gateway)
    address = address_in(draft.random, "web-gateway")
    reads = agents.outlook_desktop(draft.random) if draft.random.random() < 0.5 else agents.edge(draft.random)
    browser = Source(address, browser_headers(draft.random, agents.windows_browser(draft.random)))
    read_mail(draft, Person(Source(address, headers(reads)), browser, loads=0.8), recipient)


def rented_desktop(draft: Draft) -> None:
    """A person works on a virtual desktop in a cloud, or over a VPN that ends in one."""
    recipient = draft.to_anyone()
    place = "azure" if draft.random.random() < 0.4 else "cloud"
    address = address_in(draft.random, place)
    browser = Source(address, browser_headers(draft.random, agents.windows_browser(draft.random)))
    reader_ = Source(address, headers(agents.outlook_desktop(draft.random)))
    read_mail(draft, Person(reader_, browser, loads=0.7), recipient)


def own_copy(draft: Draft) -> None:
    """A colleague, or the sender, looks at a copy that was passed on within the house: mostly from their own network,
    one time in twenty from a phone, where nothing shows it (the share is assumed). The sender's own copy is not here:
    it has no pixel and direct links. nylas-mail#3249, Salesflare, Mixmax."""
    recipient, person = reader(draft)
    for _ in range(draft.random.choices((1, 2, 4), (60, 30, 10))[0]):
        at = draft.sent_at + lognormal(draft.random, 20 * 60 * SECOND, 1.8, 2 * SECOND, 10 * DAY)
        if draft.random.random() < 0.95:
            address, agent = near(draft.random, draft.own_address), agents.outlook_desktop(draft.random)
        else:
            address, agent = address_in(draft.random, "mobile"), agents.outlook_iphone(draft.random)
        draft.request(at, Source(address, headers(agent)), "machine", recipient)
        if draft.visible_links and draft.random.random() < 0.2:
            browser = browser_headers(draft.random, agents.desktop_browser(draft.random))
            if draft.random.random() < 0.3:
                browser["cookie"] = f"{SESSION}=signed-in"
            item = draft.random.choice(draft.visible_links)
            draft.request(at + 9 * SECOND, Source(address, browser), "machine", recipient, "click", item)
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient)


def colleague_as_recipient(draft: Draft) -> None:
    """The recipient is of the sender's own company, and reads in the same network: an engagement like any other."""
    recipient = draft.to(any_gateway(draft.random))
    draft.colleagues.add(recipient)
    person = outlook_desktop(draft.random) if draft.random.random() < 0.5 else outlook_web(draft.random)
    address = near(draft.random, draft.own_address)
    person.reader, person.browser = Source(address, person.reader.headers), Source(address, person.browser.headers)
    read_mail(draft, person, recipient)


def outbound_scanner(draft: Draft) -> None:
    """A scanner at the sender's own provider looks at everything that leaves: many messages at once. Outreach."""
    gateway = any_gateway(draft.random)
    recipient, person = draft.to(gateway), person_behind(draft.random, gateway, without_apple=True)
    scanner = Scanner("azure" if draft.random.random() < 0.5 else "cloud", agents.imitating_scanner, draft.random)
    at = draft.sent_at + lognormal(draft.random, 2 * SECOND, 0.8, 100)
    scan(draft, scanner, recipient, at, all_links(draft), opens=True)
    busy = draft.random.choice((3, 8, 20, 60))
    draft.requests = [replace(request, elsewhere=busy) for request in draft.requests]
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient)


def wrong_clock(draft: Draft) -> None:
    """The server that sent it and the one that was asked disagree by seconds or a minute: hits before the hand-off."""
    draft.skew = -int(lognormal(draft.random, 15 * SECOND, 0.9, SECOND, 3 * 60 * SECOND))
    recipient, person = reader(draft)
    if draft.random.random() < 0.5:
        read_mail(draft, person, recipient, draft.delivered[recipient] + int(lognormal(draft.random, 20_000, 0.6)))
    else:
        scanner = Scanner("microsoft-protection", agents.microsoft_scanner, draft.random)
        scan(draft, scanner, recipient, draft.delivered[recipient] + 500, all_links(draft), opens=True)


def late_click_only(draft: Draft) -> None:
    """Images are blocked for good: a click, and never an open."""
    draft.has_at_least(1)
    recipient = draft.to(MICROSOFT)
    maybe_scanned(draft, recipient, MICROSOFT)
    person = outlook_desktop(draft.random)
    at = draft.delivered[recipient] + until_read(draft.random)
    for item in interesting_links(draft, draft.random.choice((1, 1, 2))):
        click(draft, person, recipient, at, item)
        at += int(lognormal(draft.random, 2 * HOUR, 2.5, 3 * SECOND))


SCENARIOS = {
    "one-address-for-all": (one_address_for_all, 2.0),
    "cloud-web-gateway": (cloud_web_gateway, 2.0),
    "rented-desktop": (rented_desktop, 1.0),
    "own-copy": (own_copy, 2.0),
    "colleague-as-recipient": (colleague_as_recipient, 1.0),
    "outbound-scanner": (outbound_scanner, 1.2),
    "wrong-clock": (wrong_clock, 1.0),
    "late-click-only": (late_click_only, 2.0),
}
