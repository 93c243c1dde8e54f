"""Mails of an organization in words: each request, who made it, and what Heed says in the end and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bench.traces.explain import explain_trace
from bench.traces.organizations.kinds import DESCRIPTIONS
from bench.traces.organizations.play import play
from bench.traces.organizations.replay import HeedInAnOrganization, replay
from lib.catalogues.registry import Catalogues

_FROM_DAY = 30
"""Mails before this day are judged with less history, and are not shown."""


def explain_kind(kind: str, seed: int, count: int, catalogues: Catalogues) -> Iterator[str]:
    """Show so many mails with behavior of this kind."""
    yield DESCRIPTIONS[kind]
    networks = catalogues.networks
    outcomes = replay(play(seed), HeedInAnOrganization(catalogues), networks)
    shown = (
        outcome
        for outcome in outcomes
        if outcome.mail.day >= _FROM_DAY and any(each.scenario == kind for each in outcome.mail.trace.requests)
    )
    for number, outcome in enumerate(islice(shown, count)):
        mail = outcome.mail
        yield from explain_trace(number, mail.trace, mail.hits(networks), outcome.decisions)
        for answer in mail.answers:
            yield f"   {(answer.at - mail.trace.sent_at) / 1000:+12.1f} s  copy {answer.recipient}  {answer.kind}"
