"""Mailboxes at Microsoft 365: protection at delivery, Safe Links at the click, sandboxes, and quiet ones."""

from __future__ import annotations

from bench.traces.draft import MICROSOFT, Draft
from bench.traces.people import (
    Person,
    click,
    how_many_clicks,
    interesting_links,
    open_mail,
    outlook_desktop,
    outlook_web,
    person_behind,
    read_mail,
)
from bench.traces.scanners import check_at_click, gateway_scan, sandbox_scan
from bench.traces.scenarios.common import company, somebody_reads
from bench.traces.timing import between_clicks, lognormal, until_click, until_read


def eop_delivery_scan(draft: Draft) -> None:
    """Scanned at delivery and not read."""
    for recipient in company(draft, MICROSOFT):
        gateway_scan(draft, recipient, MICROSOFT)


def eop_scan_then_person(draft: Draft) -> None:
    """Scanned at delivery, read hours later."""
    recipients = company(draft, MICROSOFT)
    for recipient in recipients:
        gateway_scan(draft, recipient, MICROSOFT)
    somebody_reads(draft, recipients, MICROSOFT, chance=0.9)


def safe_links_at_click(draft: Draft) -> None:
    """A person clicks, and Microsoft fetches the same link around it."""
    draft.has_at_least(1)
    recipient = draft.to(MICROSOFT)
    person = person_behind(draft.random, MICROSOFT, without_apple=True)
    if draft.random.random() < 0.2:
        gateway_scan(draft, recipient, MICROSOFT)
    now = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, now)
    _clicks_checked(draft, person, recipient, now)


def _clicks_checked(draft: Draft, person: Person, recipient: int, opened: int) -> None:
    now = opened + until_click(draft.random)
    for item in interesting_links(draft, how_many_clicks(draft.random)):
        check_at_click(draft, recipient, now, item)
        click(draft, person, recipient, now, item)
        now += between_clicks(draft.random)


def safe_links_sandbox(draft: Draft) -> None:
    """Detonated in Azure and not read."""
    for recipient in company(draft, MICROSOFT):
        sandbox_scan(draft, recipient, draft.delivered[recipient] + lognormal(draft.random, 9000, 1.0))


def safe_links_sandbox_then_person(draft: Draft) -> None:
    """Detonated in Azure, read later, and links checked at the click."""
    draft.has_at_least(1)
    recipient = draft.to(MICROSOFT)
    sandbox_scan(draft, recipient, draft.delivered[recipient] + lognormal(draft.random, 9000, 1.0))
    person = person_behind(draft.random, MICROSOFT, without_apple=True)
    now = draft.delivered[recipient] + until_read(draft.random)
    open_mail(draft, person, recipient, now)
    if draft.random.random() < 0.5:
        _clicks_checked(draft, person, recipient, now)


def scan_and_person_same_minute(draft: Draft) -> None:
    """The person reads while, or just after, the scanner is at it."""
    draft.has_at_least(1)
    recipient = draft.to(MICROSOFT)
    start = draft.delivered[recipient] + int(lognormal(draft.random, 4000, 0.8))
    gateway_scan(draft, recipient, MICROSOFT, at=start)
    person = (outlook_desktop if draft.random.random() < 0.5 else outlook_web)(draft.random)
    read_mail(draft, person, recipient, start + int(lognormal(draft.random, 18_000, 0.7, 2000, 60_000)))


def microsoft_quiet(draft: Draft) -> None:
    """No scan that asks for anything: a recipient reads, or does not."""
    somebody_reads(draft, company(draft, MICROSOFT), MICROSOFT, chance=0.9)


SCENARIOS = {
    "eop-delivery-scan": (eop_delivery_scan, 2.2),
    "eop-scan-then-person": (eop_scan_then_person, 2.8),
    "safe-links-at-click": (safe_links_at_click, 6.0),
    "safe-links-sandbox": (safe_links_sandbox, 1.6),
    "safe-links-sandbox-then-person": (safe_links_sandbox_then_person, 2.0),
    "scan-and-person-same-minute": (scan_and_person_same_minute, 2.0),
    "microsoft-quiet": (microsoft_quiet, 11.0),
}
