"""Shared parts of scenarios."""

from __future__ import annotations

from bench.traces.draft import GOOGLE, ICLOUD, MICROSOFT, YAHOO, Draft, any_gateway
from bench.traces.people import Person, person_behind, read_mail
from bench.traces.scanners import cloud_scan, gateway_scan

SCANNED = 0.1
"""How often a mail of a scenario about people is scanned at delivery as well, with any gateway. Assumed."""


def company(draft: Draft, gateway: str | None) -> list[int]:
    """One recipient, or now and then colleagues of the same company."""
    count = draft.random.choices((1, 2, 3, 4, 6), (87, 7, 3, 2, 1))[0]
    return [draft.to(gateway) for _ in range(count)]


def reader(draft: Draft, *, without_apple: bool = True) -> tuple[int, Person]:
    """A recipient anywhere, with the program that they read with; the mail may have been scanned before."""
    gateway = any_gateway(draft.random)
    recipient = draft.to(gateway)
    maybe_scanned(draft, recipient, gateway)
    return recipient, person_behind(draft.random, gateway, without_apple=without_apple)


def maybe_scanned(draft: Draft, recipient: int, gateway: str | None, chance: float = SCANNED) -> None:
    """By the gateway's scanner; before Google's mailboxes, which are not scanned with requests, by one in a cloud."""
    if draft.random.random() >= chance:
        return
    if gateway in (None, GOOGLE, YAHOO, ICLOUD) or (gateway == MICROSOFT and draft.random.random() < 0.2):
        cloud_scan(draft, recipient, draft.delivered[recipient] + 2000)
    else:
        gateway_scan(draft, recipient, gateway)


def somebody_reads(draft: Draft, recipients: list[int], gateway: str | None, chance: float = 0.6) -> None:
    """Each of them with this chance, later and independently, as people do."""
    for recipient in recipients:
        if draft.random.random() < chance:
            read_mail(draft, person_behind(draft.random, gateway), recipient)
