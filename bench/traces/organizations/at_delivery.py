"""Scans of a mail when it arrives, hours later or days later. A company has one way, and one product that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.traces.draft import MICROSOFT, Source
from bench.traces.organizations.copies import Copy
from bench.traces.organizations.hidden import residential_sandbox
from bench.traces.scanners import all_links, gateway_scan, sandbox_scan
from bench.traces.timing import DAY, HOUR, MINUTE, SECOND, lognormal, until_scan

QUARTER = 14 * MINUTE


def nothing_scans(copy: Copy) -> None:
    """No scanner, as before Google's mailboxes."""


def gateways_own_scan(copy: Copy) -> None:
    """The product that the MX record names scans from its listed networks, and Microsoft's also from Azure. Sources: as
    in `bench.traces.scanners`."""
    if copy.company.gateway == MICROSOFT and copy.random.random() < 0.3:
        sandbox_scan(copy.draft, copy.number, copy.delivered + until_scan(copy.random))
    else:
        gateway_scan(copy.draft, copy.number, copy.company.gateway)


def unlisted_burst(copy: Copy) -> None:
    """A product in a network of no list loads the image and all links within seconds. Its pace tells, in one mail
    alone. Source: customerminds."""
    at = copy.delivered + until_scan(copy.random)
    with copy.acting("unlisted-burst"):
        _ask(copy, at, [copy.company.scanner.source(copy.random, at)], all_links(copy.draft), 400, opens=True)


def one_unlisted_link(copy: Copy) -> None:
    """A product in a network of no list checks one link within a quarter of an hour, and loads no image. In one mail
    only the hour tells; over mails, the source is seen at people of several companies. Source: Barracuda's first link
    (`bench.traces.scanners`); Suped for the delay."""
    at = copy.delivered + lognormal(copy.random, 2 * MINUTE, 1.0, 5 * SECOND, QUARTER)
    links = copy.draft.visible_links
    if links:
        item = links[0] if copy.random.random() < 0.6 else copy.random.choice(links)
        with copy.acting("one-unlisted-link"):
            _ask(copy, at, [copy.company.scanner.source(copy.random, at)], [item], 0, opens=False)


def two_unlisted_addresses(copy: Copy) -> None:
    """Two addresses of no list take turns at the links, seconds apart. In one mail they look like two readers; over
    mails, both are seen at people of several companies. Source: onetimesecret#359: fetches come from two clouds."""
    at = copy.delivered + lognormal(copy.random, 3 * MINUTE, 0.9, 5 * SECOND, QUARTER)
    links = all_links(copy.draft)
    some = links[: copy.random.randint(2, max(2, len(links)))]
    sources = copy.company.scanner.sources(copy.random, at, 2)
    with copy.acting("two-unlisted-addresses"):
        _ask(copy, at, sources, some, 15 * SECOND, opens=copy.random.random() < 0.5)


def patient_scanner(copy: Copy) -> None:
    """A product opens the mail soon, waits 15 to 40 minutes, and then follows every link in order. Open and clicks
    vouch for each other; that all came from one source, and in order, tells. Source: Suped: sandboxes that wait."""
    random = copy.random
    at = copy.delivered + lognormal(random, 40 * SECOND, 0.8, 5 * SECOND, 10 * MINUTE)
    source = copy.company.scanner.source(random, at)
    later = at + lognormal(random, 25 * MINUTE, 0.2, 15 * MINUTE, 40 * MINUTE)
    with copy.acting("patient-scanner"):
        _ask(copy, at, [source], [], 0, opens=True)
        _ask(copy, later, [source], list(range(copy.draft.links)), random.choice((2, 5, 20)) * SECOND, opens=False)


def hidden_link_last(copy: Copy) -> None:
    """A product opens the mail and follows what people see, half a minute apart; the hidden link, where there is one,
    comes last. The same source minutes later tells of the earlier links. Source: mautic#9798."""
    at = copy.delivered + lognormal(copy.random, 4 * MINUTE, 0.8, 20 * SECOND, QUARTER)
    links = [*copy.draft.visible_links, *sorted(copy.draft.honeypots)]
    source = copy.company.scanner.source(copy.random, at)
    with copy.acting("hidden-link-last"):
        _ask(copy, at, [source], links, 35 * SECOND, opens=True)


def scan_hours_later(copy: Copy) -> None:
    """A product looks again after one to ten hours: the image, then every link in order, seconds apart. That it is late
    says nothing; order and coverage do, and the same source at other people's mail. Source: Suped."""
    _scan_late(copy, "scan-hours-later", lognormal(copy.random, 3 * HOUR, 0.7, HOUR, 10 * HOUR))


def scan_days_later(copy: Copy) -> None:
    """A product looks at the mail again after one to six days, in the same way. Source: Suped: rescans when a sender's
    reputation changes."""
    _scan_late(copy, "scan-days-later", lognormal(copy.random, 2 * DAY, 0.6, DAY, 6 * DAY))


def _scan_late(copy: Copy, kind: str, wait: float) -> None:
    at = copy.delivered + wait
    source = copy.company.scanner.source(copy.random, at)
    pace = copy.random.choice((1, 4, 12)) * SECOND
    with copy.acting(kind):
        _ask(copy, at, [source], list(range(copy.draft.links)), pace, opens=copy.random.random() < 0.85)


def archive(copy: Copy) -> None:
    """An archive renders each mail once within a day: the image and no link, in a browser of no listed network. Only
    the same source at many people's mail tells. Source: what vendors of mail archives say; the times are assumed."""
    at = copy.delivered + lognormal(copy.random, HOUR, 1.2, MINUTE, DAY)
    with copy.acting("archive"):
        _ask(copy, at, [copy.company.scanner.source(copy.random, at)], [], 0, opens=True)


def _ask(copy: Copy, at: float, sources: Sequence[Source], links: Sequence[int], gap: float, *, opens: bool) -> None:
    """The image, perhaps, and these links one after the other. `gap` is the median in milliseconds."""
    draft = copy.draft
    if opens:
        draft.request(at, sources[0], "machine", copy.number)
    now = at
    for place, item in enumerate(links):
        now += lognormal(copy.random, gap, 0.5, 50) if gap and (place or opens) else 0
        draft.request(now, sources[place % len(sources)], "machine", copy.number, "click", item)


KINDS: dict[str, Callable[[Copy], None]] = {
    "nothing-scans": nothing_scans,
    "the-gateway-s-own-scan": gateways_own_scan,
    "unlisted-burst": unlisted_burst,
    "one-unlisted-link": one_unlisted_link,
    "two-unlisted-addresses": two_unlisted_addresses,
    "patient-scanner": patient_scanner,
    "hidden-link-last": hidden_link_last,
    "scan-hours-later": scan_hours_later,
    "scan-days-later": scan_days_later,
    "residential-sandbox": residential_sandbox,
    "archive": archive,
}
