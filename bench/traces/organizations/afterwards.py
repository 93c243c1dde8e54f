"""Events of whole mailboxes, long after the mail: moves to another service, and searches for lawyers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from bench.traces.organizations.copies import Copy
from bench.traces.organizations.vendors import Vendor
from bench.traces.organizations.world import START, Company, Organization
from bench.traces.timing import DAY, HOUR, SECOND, lognormal

MOVED = 2
SEARCHED = 2
"""Companies of an organization to which it happens. Assumed."""


def mail_migration(copy: Copy, at: float, mover: Vendor) -> None:
    """A company's mailboxes are moved to another service, which draws each old mail once: the image, months after the
    sending, from one source at many mailboxes of a domain within hours. Source: what makers of such tools describe."""
    with copy.acting("mail-migration"):
        copy.draft.request(at, mover.source(copy.random, at), "machine", copy.number)


def e_discovery(copy: Copy, at: float, tool: Vendor) -> None:
    """Lawyers' review software opens the mails of some mailboxes and tests their links, long afterwards, from one
    source within hours. Source: what makers of such tools describe."""
    source = tool.source(copy.random, at)
    with copy.acting("e-discovery"):
        copy.draft.request(at, source, "machine", copy.number)
        for item in copy.draft.visible_links[: copy.random.choice((0, 1, 2))]:
            at += lognormal(copy.random, 2 * SECOND, 0.6, 200)
            copy.draft.request(at, source, "machine", copy.number, "click", item)


def move_and_search(organization: Organization, copies: Sequence[Copy]) -> None:
    """Let it happen at some companies, once for each, on a day in the second or third month."""
    random = Random(f"afterwards {organization.seed}")
    chosen = random.sample(organization.companies, MOVED + SEARCHED)
    for place, company in enumerate(chosen):
        begin = START + random.randrange(35, 100) * DAY + random.randrange(DAY)
        for copy in _old_mail(random, copies, company, begin):
            at = begin + random.randrange(6 * HOUR)
            if place < MOVED:
                mail_migration(copy, at, organization.machines[2])
            else:
                e_discovery(copy, at, organization.machines[3])


def _old_mail(random: Random, copies: Sequence[Copy], company: Company, before: int) -> list[Copy]:
    """Copies that are still in the mailboxes: three of four."""
    there = [copy for copy in copies if copy.company is company and copy.delivered < before - DAY]
    return [copy for copy in there if random.random() < 0.75]
