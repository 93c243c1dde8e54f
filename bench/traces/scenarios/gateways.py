"""Secure mail gateways of others, with and without browser isolation, and scanners that no list knows."""

from __future__ import annotations

from bench.traces.addresses import address_in, near
from bench.traces.agents import imitating_scanner
from bench.traces.draft import (
    BARRACUDA,
    CISCO,
    GOOGLE,
    HORNET,
    MICROSOFT,
    MIMECAST,
    PROOFPOINT,
    SOPHOS,
    TREND,
    Draft,
    Source,
)
from bench.traces.people import Person, how_many_clicks, person_behind, read_mail
from bench.traces.scanners import Scanner, all_links, cloud_scan, gateway_scan, scan
from bench.traces.scenarios.common import company, somebody_reads
from bench.traces.timing import MINUTE, SECOND, lognormal, until_read

_ISOLATED = {PROOFPOINT: "proofpoint", MIMECAST: "mimecast", CISCO: "cisco"}
_UNNAMED = ((None, 30), (MICROSOFT, 38), (GOOGLE, 20), (SOPHOS, 5), (TREND, 4), (HORNET, 3))
"""Before whose mailboxes scanners sit whose networks no list has: most come in through an API, so that the MX record
tells of another person. Assumed."""


def barracuda_scan(draft: Draft) -> None:
    """The first link, or all of them; two of five mails are never read."""
    recipients = company(draft, BARRACUDA)
    for recipient in recipients:
        gateway_scan(draft, recipient, BARRACUDA)
    if draft.random.random() < 0.6:
        somebody_reads(draft, recipients, BARRACUDA, chance=0.9)


def proofpoint_scan(draft: Draft) -> None:
    """Scanned; two of five mails are never read."""
    _vendor(draft, PROOFPOINT)


def mimecast_scan(draft: Draft) -> None:
    """Scanned; two of five mails are never read."""
    _vendor(draft, MIMECAST)


def cisco_scan(draft: Draft) -> None:
    """Scanned; two of five mails are never read."""
    _vendor(draft, CISCO)


def _vendor(draft: Draft, gateway: str) -> None:
    recipients = company(draft, gateway)
    for recipient in recipients:
        gateway_scan(draft, recipient, gateway)
    if draft.random.random() < 0.6:
        somebody_reads(draft, recipients, gateway, chance=0.9)


def isolated_browsing(draft: Draft) -> None:
    """People whose clicks open in the vendor's own browser: from its network, hours after the mail. warmbly#526."""
    recipient, person = _isolated(draft)
    read_mail(draft, person, recipient, clicks=how_many_clicks(draft.random))


def isolated_browsing_early(draft: Draft) -> None:
    """A click within ten minutes of the mail, when the vendor's scanner may still be at it."""
    recipient, person = _isolated(draft)
    at = draft.delivered[recipient] + int(lognormal(draft.random, 3 * MINUTE, 0.8, 15 * SECOND, 9 * MINUTE))
    read_mail(draft, person, recipient, at, clicks=how_many_clicks(draft.random))


def _isolated(draft: Draft) -> tuple[int, Person]:
    draft.has_at_least(1)
    gateway = draft.random.choices(tuple(_ISOLATED), (5, 3, 2))[0]
    recipient = draft.to(gateway)
    if draft.random.random() < 0.6:
        gateway_scan(draft, recipient, gateway)
    person = person_behind(draft.random, gateway, without_apple=True)
    person.browser = Source(address_in(draft.random, _ISOLATED[gateway]), person.browser.headers)
    person.moves = 0.0
    return recipient, person


def unknown_cloud_scanner(draft: Draft) -> None:
    """All links in seconds, from a cloud, as a current browser; not read."""
    for recipient in company(draft, _unnamed(draft)):
        cloud_scan(draft, recipient, draft.delivered[recipient] + lognormal(draft.random, 8 * SECOND, 1.2))


def unknown_cloud_scanner_then_person(draft: Draft) -> None:
    """All links in seconds, then people read the mail."""
    gateway = _unnamed(draft)
    recipients = company(draft, gateway)
    for recipient in recipients:
        cloud_scan(draft, recipient, draft.delivered[recipient] + lognormal(draft.random, 8 * SECOND, 1.2))
    somebody_reads(draft, recipients, gateway, chance=0.9)


def slow_cloud_scanner(draft: Draft) -> None:
    """Link by link over minutes, each time from another address: hard to tell from a reader. Perhaps one reads."""
    gateway = _unnamed(draft)
    recipient = draft.to(gateway)
    draft.has_at_least(2)
    scanner = Scanner("cloud", imitating_scanner, draft.random, rotates=0.8, masks=0.4)
    at = draft.delivered[recipient] + lognormal(draft.random, 90 * SECOND, 1.2)
    scan(draft, scanner, recipient, at, all_links(draft), opens=draft.random.random() < 0.6, speed="slow")
    if draft.random.random() < 0.5:
        read_mail(draft, person_behind(draft.random, gateway), recipient)


def scan_after_click(draft: Draft) -> None:
    """A person clicks, and 5 to 40 s later another network fetches the same link as another system: resend-node#901."""
    draft.has_at_least(1)
    gateway = _unnamed(draft)
    recipient = draft.to(gateway)
    person = person_behind(draft.random, gateway, without_apple=True)
    at = draft.delivered[recipient] + until_read(draft.random)
    read_mail(draft, person, recipient, at, clicks=1)
    clicked = next(request for request in draft.requests if request.kind == "click")
    scanner = Scanner("cloud", imitating_scanner, draft.random)
    later = clicked.at + lognormal(draft.random, 12 * SECOND, 0.5, 3 * SECOND, 60 * SECOND)
    draft.request(later, scanner.source(), "machine", recipient, "click", clicked.item)


def shared_sandbox(draft: Draft) -> None:
    """One sandbox has the mail's copies to several colleagues within seconds of each other; perhaps one reads."""
    gateway = draft.random.choice((PROOFPOINT, MIMECAST, CISCO, None))
    recipients = [draft.to(gateway) for _ in range(draft.random.randint(2, 6))]
    scanner = Scanner("cloud", imitating_scanner, draft.random)
    source = scanner.source()
    at = max(draft.delivered) + lognormal(draft.random, 6 * SECOND, 1.0)
    for recipient in recipients:
        scanner = Scanner("cloud", imitating_scanner, draft.random)
        scanner.current = Source(near(draft.random, source.address), source.headers)
        scan(draft, scanner, recipient, at, all_links(draft), opens=draft.random.random() < 0.8)
        at += lognormal(draft.random, 1200, 0.8)
    if draft.random.random() < 0.5:
        somebody_reads(draft, recipients, gateway, chance=0.4)


def _unnamed(draft: Draft) -> str | None:
    return draft.random.choices([gateway for gateway, _ in _UNNAMED], [share for _, share in _UNNAMED])[0]


SCENARIOS = {
    "barracuda-scan": (barracuda_scan, 2.2),
    "proofpoint-scan": (proofpoint_scan, 2.2),
    "mimecast-scan": (mimecast_scan, 1.7),
    "cisco-scan": (cisco_scan, 1.0),
    "isolated-browsing": (isolated_browsing, 1.5),
    "isolated-browsing-early": (isolated_browsing_early, 0.7),
    "unknown-cloud-scanner": (unknown_cloud_scanner, 2.2),
    "unknown-cloud-scanner-then-person": (unknown_cloud_scanner_then_person, 2.4),
    "slow-cloud-scanner": (slow_cloud_scanner, 1.2),
    "scan-after-click": (scan_after_click, 1.0),
    "shared-sandbox": (shared_sandbox, 1.0),
}
