"""Apple Mail: images loaded in advance whether or not anybody reads, and clicks that only people make."""

from __future__ import annotations

from bench.traces.draft import Draft, any_gateway
from bench.traces.people import apple_plain, apple_private, how_many_clicks, prefetch, read_mail
from bench.traces.scenarios.common import maybe_scanned


def apple_nobody(draft: Draft) -> None:
    """Prefetched and not read."""
    gateway = any_gateway(draft.random)
    recipient = draft.to(gateway)
    maybe_scanned(draft, recipient, gateway)
    prefetch(draft, apple_private(draft.random), recipient)


def apple_person(draft: Draft) -> None:
    """Prefetched or loaded at the first look; a person reads, and may click."""
    gateway = any_gateway(draft.random)
    recipient = draft.to(gateway)
    maybe_scanned(draft, recipient, gateway)
    read_mail(draft, apple_private(draft.random), recipient)


def apple_person_clicks(draft: Draft) -> None:
    """Prefetched, then a click from Private Relay or from the person's own network."""
    draft.has_at_least(1)
    recipient = draft.to(any_gateway(draft.random))
    read_mail(draft, apple_private(draft.random), recipient, clicks=how_many_clicks(draft.random))


def apple_without_protection(draft: Draft) -> None:
    """The protection is off: an agent like the prefetch's, from the person's own network, when the person reads."""
    read_mail(draft, apple_plain(draft.random), draft.to(any_gateway(draft.random)))


SCENARIOS = {
    "apple-nobody": (apple_nobody, 6.0),
    "apple-person": (apple_person, 5.0),
    "apple-person-clicks": (apple_person_clicks, 4.0),
    "apple-without-protection": (apple_without_protection, 2.0),
}
