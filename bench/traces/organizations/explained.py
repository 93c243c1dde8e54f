"""Mails of an organization in words: each request, who made it, and what Heed says in the end and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.traces.explain import explain_trace
from bench.traces.organizations.kinds import DESCRIPTIONS
from bench.traces.organizations.play import PlayedMail
from bench.traces.organizations.replay import HeedInAnOrganization, replay
from lib.catalogues.registry import Catalogues


def explain_kind(kind: str, mails: Iterable[PlayedMail], count: int, catalogues: Catalogues) -> Iterator[str]:
    """Show so many mails with behavior of this kind: the last ones, which are judged with the most history."""
    yield DESCRIPTIONS[kind]
    networks = catalogues.networks
    outcomes = replay(mails, HeedInAnOrganization(catalogues), networks)
    shown = [each for each in outcomes if any(request.scenario == kind for request in each.mail.trace.requests)]
    for number, outcome in enumerate(shown[-count:]):
        mail = outcome.mail
        yield from explain_trace(number, mail.trace, mail.hits(networks), outcome.decisions)
        for answer in mail.answers:
            yield f"   {(answer.at - mail.trace.sent_at) / 1000:+12.1f} s  copy {answer.recipient}  {answer.kind}"
