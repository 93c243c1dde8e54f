"""People who do what machines do: who are quick, follow many links, come back, move, or ask for privacy."""

from __future__ import annotations

from bench.traces.draft import Draft, Source
from bench.traces.people import (
    click,
    how_many_clicks,
    interesting_links,
    look_again,
    open_mail,
    outlook_phone,
    person_behind,
    read_mail,
)
from bench.traces.scenarios.common import maybe_scanned, reader
from bench.traces.timing import (
    MINUTE,
    SECOND,
    between_clicks,
    between_tabs,
    lognormal,
    until_click,
    until_read,
    until_read_at_once,
)


def fast_reader(draft: Draft) -> None:
    """Opens 3 to 60 s after delivery; a third click, within seconds."""
    recipient, person = reader(draft)
    at = draft.delivered[recipient] + until_read_at_once(draft.random)
    wants = how_many_clicks(draft.random) if draft.random.random() < 0.35 else 0
    open_mail(draft, person, recipient, at)
    now = at + int(lognormal(draft.random, 6 * SECOND, 0.7, SECOND, MINUTE))
    for item in interesting_links(draft, wants):
        click(draft, person, recipient, now, item)
        now += between_clicks(draft.random)
    look_again(draft, person, recipient, now)


def reader_of_many_links(draft: Draft) -> None:
    """Follows most links or all, one after the other, some with seconds between them."""
    draft.has_at_least(3)
    recipient, person = reader(draft)
    links = draft.visible_links
    now = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, now)
    now += until_click(draft.random)
    chosen = links if draft.random.random() < 0.4 else interesting_links(draft, draft.random.randint(2, len(links)))
    for item in chosen:
        click(draft, person, recipient, now, item)
        now += between_clicks(draft.random)


def links_into_tabs(draft: Draft) -> None:
    """Opens two to four links in tabs within seconds, to read them afterwards."""
    draft.has_at_least(2)
    recipient, person = reader(draft)
    now = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, now)
    now += until_click(draft.random)
    for item in interesting_links(draft, draft.random.choices((2, 3, 4), (65, 25, 10))[0]):
        click(draft, person, recipient, now, item)
        now += between_tabs(draft.random)


def double_clicker(draft: Draft) -> None:
    """Clicks the same link twice within a second or two, as some click everything."""
    draft.has_at_least(1)
    recipient, person = reader(draft)
    now = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, now)
    now += until_click(draft.random)
    item = interesting_links(draft, 1)[0]
    click(draft, person, recipient, now, item)
    click(draft, person, recipient, now + int(lognormal(draft.random, 300, 0.6, 60, 2000)), item)


def reopener(draft: Draft) -> None:
    """Comes back again and again for days; one in ten more than 20 times."""
    recipient, person = reader(draft)
    person.again = max(person.again, 0.7)
    at = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, at)
    look_again(draft, person, recipient, at, chance=0.97 if draft.random.random() < 0.1 else 0.8)


def phone_on_the_move(draft: Draft) -> None:
    """Opens at one place, clicks from another network, opens again from a third."""
    recipient = draft.to_anyone()
    person = outlook_phone(draft.random)
    person.moves = 0.8
    read_mail(draft, person, recipient, clicks=how_many_clicks(draft.random) if draft.random.random() < 0.5 else 0)


def forward(draft: Draft) -> None:
    """The recipient reads, and passes it on: hours later a person with another network and program reads."""
    recipient, person = reader(draft)
    first = read_mail(draft, person, recipient)
    for _ in range(draft.random.choices((1, 2, 3), (70, 20, 10))[0]):
        second = person_behind(draft.random, draft.gateways[recipient], without_apple=True)
        at = first + int(lognormal(draft.random, 90 * MINUTE, 1.6, 40 * SECOND))
        maybe_scanned(draft, recipient, draft.gateways[recipient], chance=0.05)
        read_mail(draft, second, recipient, at)


def privacy_headers(draft: Draft) -> None:
    """A browser that sends DNT or Global Privacy Control: its opens leave nothing, its clicks no name."""
    draft.has_at_least(1)
    recipient, person = reader(draft)
    signal = {"sec-gpc": "1"} if draft.random.random() < 0.6 else {"dnt": "1"}
    person.browser = Source(person.browser.address, {**person.browser.headers, **signal})
    if not person.proxied:
        person.reader = Source(person.reader.address, {**person.reader.headers, **signal})
    read_mail(draft, person, recipient, clicks=how_many_clicks(draft.random))


def one_link(draft: Draft) -> None:
    """A mail with a single link, read and often clicked."""
    draft.has_links(1)
    recipient, person = reader(draft)
    read_mail(draft, person, recipient, clicks=draft.random.choice((0, 1)))


def no_links(draft: Draft) -> None:
    """A mail without a link: opens are all there is."""
    draft.has_links(0)
    recipient, person = reader(draft, without_apple=False)
    read_mail(draft, person, recipient)


def nobody_reads(draft: Draft) -> None:
    """No hit, unless a scanner looks: the fate of most mail."""
    recipient = draft.to_anyone()
    maybe_scanned(draft, recipient, draft.gateways[recipient], chance=0.4)


SCENARIOS = {
    "fast-reader": (fast_reader, 3.0),
    "reader-of-many-links": (reader_of_many_links, 2.0),
    "links-into-tabs": (links_into_tabs, 1.5),
    "double-clicker": (double_clicker, 1.5),
    "reopener": (reopener, 1.5),
    "phone-on-the-move": (phone_on_the_move, 3.0),
    "forward": (forward, 2.5),
    "privacy-headers": (privacy_headers, 1.0),
    "one-link": (one_link, 2.0),
    "no-links": (no_links, 2.0),
    "nobody-reads": (nobody_reads, 4.0),
}
