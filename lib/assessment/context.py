"""Context of a judgement: gathers from storage what the judge is told of a message besides its facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.assessment.session_places import SessionPlaces
from lib.assessment.sources_seen import WITHIN, Sightings
from lib.assessment.summary import Summary
from lib.assessment.visits import Visits
from lib.catalogues.registry import Catalogues
from lib.clock import Clock, milliseconds
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded
from lib.organizations.registry import Organizations
from lib.people.addresses import domain_of
from lib.people.store import People
from lib.reliability.counting import ReliabilityCounting
from lib.stops.organization_stops import NOTHING_STOPPED, OrganizationStops
from lib.tracking.facts import Fact
from lib.verdicts import Sending
from lib.verdicts.memory import NOTHING, Memory, Visit
from lib.verdicts.request import request_of
from lib.verdicts.thresholds import DEFAULT, MINUTE, Thresholds
from lib.verdicts.weights import Side

_USERS_LAST = timedelta(minutes=5)

_MOST_SETTLED = 200
"""Largest number of hits of one message whose entries are remembered."""


@dataclass(frozen=True, slots=True)
class _Users:
    """Own networks of one organization, the mail domains of its users, and what its certain cases say."""

    read_at: datetime
    made_at: datetime | None
    """The time at which the organization was made: another one of its id has other users."""

    networks: tuple[str, ...]
    domains: frozenset[str]
    prior_shift: Mapping[Side, float]


class ContextLoader:
    def __init__(
        self,
        people: People,
        organizations: Organizations,
        sightings: Sightings,
        visits: Visits,
        session_places: SessionPlaces,
        reliability: ReliabilityCounting,
        catalogues: Catalogues,
        clock: Clock,
    ) -> None:
        self._people = people
        self._organizations = organizations
        self._sightings = sightings
        self._visits = visits
        self._session_places = session_places
        self._reliability = reliability
        self._catalogues = catalogues
        self._clock = clock
        self._known: dict[str, _Users] = {}

    async def note(self, organization: str, loaded: Loaded, new: Iterable[Fact]) -> None:
        """Note new facts' sources before the facts are judged, so that they count for other messages."""
        await self._sightings.note(organization, self._early(loaded, new))

    async def forget_sources(self, organization: str, facts: Iterable[Fact]) -> None:
        """Forget the sources of hits that are not to be kept. Raises StorageError."""
        await self._sightings.forget(organization, facts)

    async def save_visits(
        self, organization: str, memory: Memory, visits: Iterable[Visit], *, is_whole: bool = False
    ) -> None:
        """Remember what a judgement has found of sources; `is_whole`: of all facts. Raises StorageError."""
        await self._visits.save_visits(organization, memory, visits, is_whole=is_whole)

    async def forget_visits(self, organization: str, message: StoredMessage, recipients: Iterable[int | None]) -> None:
        """Forget what was remembered of a message's copies, of those recipients. Raises StorageError."""
        everyone = message.recipients()
        numbers = set(recipients)
        for number, recipient in enumerate(everyone):
            if number in numbers or (None in numbers and len(everyone) == 1):
                await self._visits.forget_address(organization, recipient.email, message.id)

    async def load_context(
        self,
        organization: str,
        loaded: Loaded,
        summary: Summary,
        facts: Collection[Fact],
        stops: OrganizationStops = NOTHING_STOPPED,
    ) -> Sending:
        """Gather the context as it is now. `facts` are all that are to be judged.

        Where the organization counts without who, it knows nothing of what sources did with other mails.
        """
        users = await self._users(organization)
        message = loaded.message
        recipients = message.recipients()
        emails = [recipient.email for recipient in recipients]
        memory = NOTHING
        if stops.state.names_recipients:
            memory = await self._visits.recall(organization, message.id, message.sender, emails, facts, stops)
            worked = await self._session_places.recall(organization, message.sender, memory, facts, stops)
            memory = replace(memory, worked=worked)
        return Sending(
            sent_at=_handed_over(loaded),
            sent_at_of=_handed_over_to(loaded),
            links=max((copy.link_count for copy in loaded.copies), default=0),
            honeypots=frozenset(item for copy in loaded.copies for item in copy.honeypots),
            gateways=tuple(message.gateways),
            own_networks=users.networks,
            colleagues=frozenset(
                number for number, recipient in enumerate(recipients) if domain_of(recipient.email) in users.domains
            ),
            elsewhere=await self._sightings.elsewhere(organization, self._early(loaded, facts), summary.elsewhere),
            opens_before=summary.folded.kpis.raw.opens if summary.folded else 0,
            memory=memory,
            looked_at=milliseconds(self._clock.now()),
            feedback=loaded.feedback.opinions(),
            prior_shift=users.prior_shift,
        )

    def settled(self, elsewhere: Mapping[str, int], known: Iterable[Fact]) -> dict[str, int]:
        """Pick the final entries of `Sending.elsewhere`: of hits that were `known` before, and are not of this minute.

        These have been looked up twice, and all that came together with them is long there.
        """
        if len(elsewhere) > _MOST_SETTLED:
            return {}
        until = milliseconds(self._clock.now()) - MINUTE
        return {fact.key: elsewhere[fact.key] for fact in known if fact.key in elsewhere and fact.at <= until}

    async def thresholds(self, organization: str) -> Thresholds:
        """The judge's thresholds, with those of the organization in their place where it has set any."""
        own = (await self._organizations.settings(organization)).human_from
        return replace(DEFAULT, human_from=own.over(DEFAULT.human_from))

    def _early(self, loaded: Loaded, facts: Iterable[Fact]) -> list[Fact]:
        """Hits of sources that can be known again, from before outbound scanners are done."""
        sent_at, sent_at_of = _handed_over(loaded), _handed_over_to(loaded)
        if sent_at is None:
            return []
        return [
            fact
            for fact in facts
            if fact.is_hit
            and fact.at - sent_at_of.get(-1 if fact.recipient is None else fact.recipient, sent_at) <= WITHIN
            and not request_of(fact, self._catalogues).is_shared
        ]

    async def _users(self, organization: str) -> _Users:
        known, now = self._known.get(organization), self._clock.now()
        made_at = await self._organizations.made_at(organization)
        if known is None or now - known.read_at > _USERS_LAST or known.made_at != made_at:
            networks: set[str] = set()
            domains: set[str] = set()
            async for user in self._people.readable_users(organization):
                networks.update(user.networks)
                domains.add(domain_of(user.email))
            shift = await self._prior_shift(organization)
            known = self._known[organization] = _Users(now, made_at, tuple(sorted(networks)), frozenset(domains), shift)
        return known

    async def _prior_shift(self, organization: str) -> Mapping[Side, float]:
        """By how much the organization's experience moves the priors; not at all where it counts without who."""
        if (await self._organizations.settings(organization)).tracking == "aggregate":
            return {}
        return await self._reliability.load_prior_shift(organization)


def _handed_over(loaded: Loaded) -> int | None:
    """Milliseconds at which the mail was first given to the mail server: scanners may act before its answer is here."""
    message = loaded.message
    if message.state not in ("submitting", "sent", "uncertain"):
        return None
    sent_at = [milliseconds(message.sent_at)] if message.sent_at else []
    return min([*_handed_over_to(loaded).values(), *sent_at], default=None)


def _handed_over_to(loaded: Loaded) -> dict[int, int]:
    """Milliseconds of the hand-over by recipient number, of mail that Heed has sent."""
    return {
        number: milliseconds(at)
        for copy in loaded.copies
        for number in copy.recipients
        if (at := copy.handed_over_at(number)) is not None
    }
