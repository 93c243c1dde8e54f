"""Machines that ask for a link because a person follows it: gateways, vendors, antivirus and Office."""

from __future__ import annotations

from collections.abc import Callable

from bench.traces import agents
from bench.traces.addresses import near
from bench.traces.draft import Source
from bench.traces.organizations.copies import Copy
from bench.traces.people import headers
from bench.traces.scanners import check_at_click
from bench.traces.timing import MINUTE, SECOND, lognormal
from bench.traces.trace import Request


def nothing_checks(copy: Copy, click: Request) -> None:
    """The browser asks, and nothing else does."""


def safe_links(copy: Copy, click: Request) -> None:
    """Microsoft fetches the link around the click, from its own networks. Source: resend-node#901."""
    check_at_click(copy.draft, copy.number, click.at, click.item)


def check_before_click(copy: Copy, click: Request) -> None:
    """A product in a network of no list fetches the link one to eight seconds before the browser is let through. Of the
    two, the person's is at the place where the mail was read. Source: resend-node#901, where the order is the other."""
    when = click.at - lognormal(copy.random, 2500, 0.6, 900, 8 * SECOND)
    with copy.acting("check-before-click"):
        _fetch(copy, when, copy.company.checker.source(copy.random, when), click.item)


def repeated_click(copy: Copy, click: Request) -> None:
    """A vendor repeats a click from elsewhere one to three minutes later, in a browser of years ago. The click before
    it vouches for it; the place and the browser tell. Source: support.arternal.com, on links that are checked again
    when a mail is read; delay and browsers are assumed."""
    when = click.at + lognormal(copy.random, 100 * SECOND, 0.3, MINUTE, 3 * MINUTE)
    with copy.acting("repeated-click"):
        _fetch(copy, when, copy.company.checker.source(copy.random, when), click.item)


def antivirus_at_the_reader(copy: Copy, click: Request) -> None:
    """The reader's own antivirus asks for the link, with HEAD or GET, from the reader's own address, a moment before
    the browser or after it. The place is the reader's; the method, the agent and the pair tell. Source:
    SergeyMosin/Appointments#293."""
    agent = copy.random.choice((*agents.ANTIVIRUS, click.headers.get("user-agent")))
    before = copy.random.random() < 0.7
    when = click.at + (-1 if before else 1) * lognormal(copy.random, 700, 0.6, 100, 4 * SECOND)
    method = "HEAD" if copy.random.random() < 0.5 else "GET"
    with copy.acting("antivirus-at-the-reader"):
        _fetch(copy, when, Source(near(copy.random, click.address), headers(agent)), click.item, method)


def office_asks(copy: Copy, click: Request) -> None:
    """Office asks whether the link leads to a document, from the reader's own address, and names itself. Sources:
    elifesciences/builder#333, ua-parser/uap-core#405."""
    when = click.at - lognormal(copy.random, 500, 0.5, 100, 2 * SECOND)
    agent = copy.random.choice(agents.OFFICE_CHECKS)
    method = "HEAD" if "Discovery" in agent or copy.random.random() < 0.5 else "GET"
    with copy.acting("office-asks"):
        _fetch(copy, when, Source(near(copy.random, click.address), headers(agent)), click.item, method)


def _fetch(copy: Copy, at: float, source: Source, item: int, method: str = "GET") -> None:
    copy.draft.request(at, source, "machine", copy.number, "click", item, method=method)


KINDS: dict[str, Callable[[Copy, Request], None]] = {
    "nothing-checks": nothing_checks,
    "safe-links": safe_links,
    "check-before-click": check_before_click,
    "repeated-click": repeated_click,
    "antivirus-at-the-reader": antivirus_at_the_reader,
    "office-asks": office_asks,
}
