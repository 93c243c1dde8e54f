"""Findings of an assessment, and what is made of them: the message's summary, and what its followers get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lib.assessment.compaction import FoldedFacts
from lib.assessment.followers import Plans
from lib.assessment.summary import Summary
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.evidence import Class
from lib.verdicts.fact_store import StoredFacts
from lib.verdicts.forwards import OtherReader
from lib.verdicts.kpis import Kpis
from lib.verdicts.memory import Memory, Visit
from lib.verdicts.tallies import Tallies


@dataclass(frozen=True, slots=True)
class Assessment:
    """Findings about a message's facts, before any of them is written."""

    facts: Mapping[str, Fact]
    known: Mapping[str, tuple[Fact, Verdict]]
    stored: StoredFacts
    verdicts: Mapping[str, Verdict]
    kpis: Kpis
    folded: FoldedFacts | None
    base: FoldedFacts | None
    """Facts that are retired; `folded` begins with them."""

    oldest: int | None
    """Time of the oldest fact that is not retired, in milliseconds since 1970."""

    oldest_retired: int | None
    """Time of the oldest retired fact that is not deleted, in milliseconds since 1970."""

    bare_until: int | None
    """Time up to which retired facts have lost what they were judged by, in milliseconds since 1970."""

    live: Sequence[Fact]
    """Facts that are not folded, without those that belong to others."""

    looked_at: int
    """Number of facts that are not folded, those that belong to others included."""

    tallies: Tallies
    other_readers: list[OtherReader]
    attachment_views: dict[int, int]
    elsewhere: Mapping[str, int]
    """Final answers of `Sightings.elsewhere`, for the summary."""

    refused: Sequence[Fact]
    """Stored facts that are not to be kept; none of the others above."""

    memory: Memory
    """What sources did with other mails, as it was recalled."""

    visits: Sequence[Visit]
    """What they did with this one."""

    names_recipients: bool
    """Whether the organization wants to know whose the facts are."""

    @property
    def changes(self) -> list[tuple[Fact, Verdict, Verdict]]:
        """(fact, verdict as stored, verdict now)."""
        return [
            (fact, verdict, self.verdicts[key])
            for key, (fact, verdict) in self.known.items()
            if verdict != self.verdicts[key]
        ]


def are_late(facts: Sequence[Fact], folded: FoldedFacts | None) -> bool:
    """Whether one of them belongs to those that were folded, perhaps without it, or is a witness for them: mail that
    came back. That its row is there says nothing: the process that put it may have died before counting it."""
    return folded is not None and any(fact.at <= folded.until or not fact.is_hit for fact in facts)


def new_summary(found: Assessment, plans: Plans, again_at: datetime | None, late_look_at: datetime | None) -> Summary:
    """Make the message's summary. `again_at` and `late_look_at` are the looks that were asked for."""
    return Summary.model_construct(
        kpis=found.kpis,
        again_at=again_at,
        late_look_at=late_look_at,
        folded=found.folded,
        base=found.base,
        oldest=found.oldest,
        oldest_retired=found.oldest_retired,
        bare_until=found.bare_until,
        live=found.looked_at,
        other_readers=found.other_readers,
        attachment_views=found.attachment_views,
        elsewhere=dict(found.elsewhere),
        **plans.parts(),
    )


def assessed_message(
    organization: str, loaded: Loaded, found: Assessment, planned: Sequence[StoredMessage]
) -> AssessedMessage:
    """Make what followers get: the facts that are not folded, and of the folded ones those that an alert may tell of.

    `planned` are versions of the message for which followers have planned in vain.
    """
    first = _first_hits(loaded.message.id, found)
    verdicts = {fact.key: Verdict(kind, 1.0, (), "", 1.0) for fact, kind in first}
    live = {fact.key for fact in found.live}
    return AssessedMessage(
        organization,
        loaded.message,
        loaded.etag,
        loaded.copies,
        [*(fact for fact, _ in first), *found.live],
        {**verdicts, **found.verdicts},
        found.kpis,
        found.tallies,
        names_recipients=found.names_recipients,
        folded=frozenset(verdicts.keys() - live),
        planned_before=planned,
    )


def _first_hits(message: str, found: Assessment) -> list[tuple[Fact, Class]]:
    """Return the folded facts that an alert may tell of, each with its verdict."""
    if found.folded is None:
        return []
    first = [(opened.fact, opened.kind) for opened in found.folded.first_opens]
    for hit in found.folded.first_hits:
        fact = Fact(hit.key, message, hit.kind, hit.at, "GET", recipient=hit.recipient, item=hit.item)
        first.append((fact, hit.verdict))
    first += [(answer.fact, answer.kind) for answer in found.folded.answers]
    return first
