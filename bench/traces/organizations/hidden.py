"""Behaviour that nothing tells: people and machines who do the same, drawn from the same distributions.

Each pair shares one function, and only the label differs. Here a probability near the share of people is right, and a
sure verdict is not. How many such visits a company gets can be counted; whose a single one is, cannot be said, and
there is never a certain case to learn from.
"""

from __future__ import annotations

from bench.traces import agents
from bench.traces.addresses import address_in
from bench.traces.draft import Source
from bench.traces.organizations.copies import Copy
from bench.traces.people import browser_headers, interesting_links, read_mail
from bench.traces.timing import until_click, until_read
from bench.traces.trace import Actor

AT_THE_READER_S_OWN = 0.35
"""Share of machines among the clicks of a browser that acts for its reader. Assumed."""


def residential_sandbox(copy: Copy) -> None:
    """A sandbox rents a line of a home and follows one link to three in a current browser at a person's pace; now and
    then it loads the image. No address comes again. It cannot be told from a stranger to whom the mail was passed on
    (`passed-to-a-stranger`). Source: vendors of residential proxies advertise it; the rest is assumed."""
    with copy.acting("residential-sandbox", nothing_tells=True):
        _visit_of_a_stranger(copy, "machine")


def passed_to_a_stranger(copy: Copy) -> None:
    """The recipient passes the mail on to a person who is seen nowhere else, who follows a link, mostly without
    images."""
    with copy.acting("passed-to-a-stranger", nothing_tells=True):
        copy.draft.read.add(copy.number)
        _visit_of_a_stranger(copy, "person")


def _visit_of_a_stranger(copy: Copy, actor: Actor) -> None:
    random, draft = copy.random, copy.draft
    at = copy.delivered + until_read(random)
    source = Source(address_in(random, "home"), browser_headers(random, agents.desktop_browser(random)))
    if random.random() < 0.15 or not draft.visible_links:
        draft.request(at, source, actor, copy.number)
    for item in interesting_links(draft, random.choice((1, 1, 2, 3))):
        at += until_click(random)
        draft.request(at, source, actor, copy.number, "click", item)


def colleague_looks_once(copy: Copy) -> None:
    """A colleague of the sender opens a copy on a phone that asks for no other mail. It cannot be told from a
    stranger's phone (`opened-on-a-stranger-s-phone`). Sources: nylas-mail#3249, Salesflare, Mixmax."""
    with copy.acting("colleague-looks-once", nothing_tells=True):
        _look_on_a_phone(copy, "machine")


def opened_on_a_strangers_phone(copy: Copy) -> None:
    """The recipient passes the mail on, and it is opened once, on a phone."""
    with copy.acting("opened-on-a-stranger-s-phone", nothing_tells=True):
        copy.draft.read.add(copy.number)
        _look_on_a_phone(copy, "person")


def _look_on_a_phone(copy: Copy, actor: Actor) -> None:
    agent = agents.outlook_iphone(copy.random) if copy.random.random() < 0.6 else agents.outlook_android(copy.random)
    source = Source(address_in(copy.random, "mobile"), browser_headers(copy.random, agent))
    copy.draft.request(copy.delivered + until_read(copy.random), source, actor, copy.number)


def assistant_in_the_readers_browser(copy: Copy) -> None:
    """A browser with an assistant reads the mail for its user at the user's own place, and follows a link in the same
    program. Whether a click was the user's or the assistant's, nothing tells: each is a machine's by chance. Source:
    vendors of such browsers say that they keep Chrome's agent."""
    at = copy.delivered + until_read(copy.random)
    begin = len(copy.draft.requests)
    with copy.acting("assistant-in-the-reader-s-browser"):
        read_mail(copy.draft, copy.with_device(copy.device_at(at), at), copy.number, at)
    clicks = copy.clicks_of_people(begin)
    for click in clicks:
        copy.draft.requests.remove(click)
        actor: Actor = "machine" if copy.random.random() < AT_THE_READER_S_OWN else "person"
        with copy.acting("assistant-in-the-reader-s-browser", nothing_tells=True):
            same = Source(click.address, click.headers)
            copy.draft.request(click.at, same, actor, copy.number, "click", click.item)
