"""Webmail that loads images through a proxy of its own: Gmail, Yahoo, Outlook on the web."""

from __future__ import annotations

from bench.traces import agents
from bench.traces.addresses import address_in
from bench.traces.draft import GOOGLE, MICROSOFT, YAHOO, Draft, Source
from bench.traces.people import gmail, headers, outlook_proxied, read_mail, yahoo
from bench.traces.scenarios.common import maybe_scanned
from bench.traces.timing import SECOND, lognormal


def gmail_person(draft: Draft) -> None:
    """The proxy loads the image when the person looks; later looks come from its cache."""
    recipient = draft.to(GOOGLE)
    maybe_scanned(draft, recipient, GOOGLE, chance=0.05)
    read_mail(draft, gmail(draft.random), recipient)


def gmail_prefetch(draft: Draft) -> None:
    """Gmail loads the image seconds after delivery while its user is active in the inbox; one in two reads it then."""
    recipient = draft.to(GOOGLE)
    source = Source(address_in(draft.random, "google-proxy"), headers(agents.GMAIL_PREFETCH))
    at = draft.delivered[recipient] + lognormal(draft.random, 6 * SECOND, 0.9, 500)
    draft.request(at, source, "machine", recipient)
    if draft.random.random() < 0.5:
        person = gmail(draft.random)
        person.loads = 0.5  # the other half is shown from the cache
        read_mail(draft, person, recipient)


def yahoo_person(draft: Draft) -> None:
    """Through Yahoo's proxy."""
    read_mail(draft, yahoo(draft.random), draft.to(YAHOO if draft.random.random() < 0.8 else None))


def outlook_through_proxy(draft: Draft) -> None:
    """Through Microsoft's proxy: a person's open from a network where scanners live as well."""
    gateway = MICROSOFT if draft.random.random() < 0.6 else None
    recipient = draft.to(gateway)
    maybe_scanned(draft, recipient, gateway)
    read_mail(draft, outlook_proxied(draft.random), recipient)


SCENARIOS = {
    "gmail-person": (gmail_person, 9.0),
    "gmail-prefetch": (gmail_prefetch, 0.8),
    "yahoo-person": (yahoo_person, 1.5),
    "outlook-through-proxy": (outlook_through_proxy, 2.0),
}
