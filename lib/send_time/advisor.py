"""Delivery advice for a message: read the sender and engagement with earlier mail; then advise.

Cost: what looking the recipient up costs (`lib.people.recipients`), one read (sender) and one list of the recipient's
mails, then one read for each mail that was engaged with, at most `MOST_MAILS`. If these are enough for a habit, the
same for recent mails of the whole organization, with a read of each record and sender: at most 93 reads, many of them
at the same time. With Azure Maps, two requests to it for a record without a time zone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lib.clock import moment
from lib.fields import RecordRef
from lib.lists.store import Listed, Lists, scope_of
from lib.messages.models import StoredMessage
from lib.organizations.settings import WorkHours
from lib.people.matching import RecordMatch
from lib.people.records import StoredRecord
from lib.people.store import People
from lib.send_time import sentences
from lib.send_time.advice import Advice, Seen, advise
from lib.send_time.habits import FEWEST_MAILS, EngagedMoment, mails_of
from lib.send_time.places import Nowhere, Place, place_of
from lib.verdicts.fact_store import FactStore

if TYPE_CHECKING:
    from lib.send_time.azure_maps import AzureMaps

MOST_MAILS = 30
MOST_SIMILAR_MAILS = 20
_LISTED = 50
_MOST_FACTS = 200
_UNKNOWN_SENDERS_ZONE = "UTC"


class Advisor:
    """Delivery advice over storage."""

    def __init__(self, people: People, lists: Lists, rows: FactStore, maps: AzureMaps | None) -> None:
        self._people = people
        self._lists = lists
        self._rows = rows
        self._maps = maps

    async def advise(
        self, organization: str, work_hours: WorkHours, match: RecordMatch, sender_zone: str, now: datetime
    ) -> Advice:
        """Advise when to send a message to its only recipient; no time is suggested where the place is not known.

        The place of a recipient who may be one of several records is known if all of these have the same time zone.
        """
        if not match.possible:
            return Advice(sentences.NO_RECORD)
        place = await self._place_of_all(match.possible, now)
        if isinstance(place, Nowhere):
            return Advice(place.because)
        seen = await self._seen(organization, match.record, place.zone, now) if match.record else Seen()
        return await asyncio.to_thread(advise, place, work_hours, sender_zone, seen, now)

    async def sender_zone(self, organization: str, message: StoredMessage) -> str:
        """The sender's time zone; UTC if the user is gone."""
        user = await self._people.user(organization, message.sender)
        return user.time_zone if user else _UNKNOWN_SENDERS_ZONE

    async def _place_of_all(self, records: Sequence[StoredRecord], now: datetime) -> Place | Nowhere:
        """Find the one place of these records. Azure Maps bills each question, and is asked about a single one."""
        if len(records) == 1:
            return await self._place(records[0], now)
        places = await asyncio.to_thread(lambda: [place_of(each.time_zone, each.address, now) for each in records])
        known = [each for each in places if isinstance(each, Place)]
        if len(known) < len(places) or len({each.zone for each in known}) > 1:
            return Nowhere(sentences.AMBIGUOUS)
        return known[0]

    async def _place(self, record: StoredRecord, now: datetime) -> Place | Nowhere:
        if self._maps and record.address and not record.time_zone and any(dict(record.address).values()):
            found = await self._maps.place_of(record.address)
            if found:
                return found
        return await asyncio.to_thread(place_of, record.time_zone, record.address, now)

    async def _seen(self, organization: str, recipient: RecordRef, zone: str, now: datetime) -> Seen:
        scope = scope_of(record=recipient)
        mails = [
            (listed, zone) for listed in await self._engaged(organization, scope) if _recipient(listed) == recipient
        ]
        own = await self._engagements(organization, mails[:MOST_MAILS])
        if len(mails_of(own)) < FEWEST_MAILS:
            return Seen(own)
        others = [each for each in await self._engaged(organization, scope_of()) if _recipient(each) != recipient]
        return Seen(own, await self._of_others(organization, others[:MOST_SIMILAR_MAILS], now))

    async def _engaged(self, organization: str, scope: str) -> list[Listed]:
        """List the newest followed mails that went to one recipient and were engaged with."""
        page = self._lists.page(organization, scope, "followed", "-sent_at", None, _LISTED)
        return [listed async for _, listed in page if _is_engaged(listed) and len(listed.message.recipients()) == 1]

    async def _of_others(self, organization: str, mails: Sequence[Listed], now: datetime) -> list[EngagedMoment]:
        zones = await asyncio.gather(*(self._zone_for(organization, listed.message, now) for listed in mails))
        return await self._engagements(organization, list(zip(mails, zones, strict=True)))

    async def _zone_for(self, organization: str, message: StoredMessage, now: datetime) -> str:
        """The zone in which the mail was read: the recipient's, else the sender's, as most mail goes to people nearby.

        Built-in data only: Azure Maps would bill for each mail.
        """
        ref = message.matched_recipients()[0].record
        record = await self._people.record(organization, ref) if ref else None
        if record:
            place = await asyncio.to_thread(place_of, record.time_zone, record.address, now)
            if isinstance(place, Place):
                return place.zone
        return await self.sender_zone(organization, message)

    async def _engagements(self, organization: str, mails: Sequence[tuple[Listed, str]]) -> list[EngagedMoment]:
        found = await asyncio.gather(*(self._of_mail(organization, listed.message.id, zone) for listed, zone in mails))
        return [engagement for engagements in found for engagement in engagements]

    async def _of_mail(self, organization: str, message: str, zone: str) -> Iterable[EngagedMoment]:
        facts = self._rows.newest_first(organization, message, limit=_MOST_FACTS)
        place = ZoneInfo(zone)
        return [
            EngagedMoment(message, fact.kind, moment(fact.at).astimezone(place).replace(tzinfo=None))
            async for _, fact, verdict in facts
            if verdict.kind == "human"
        ]


def _recipient(listed: Listed) -> RecordRef | None:
    return listed.message.matched_recipients()[0].record


def _is_engaged(listed: Listed) -> bool:
    return bool(listed.kpis.opens or listed.kpis.clicks or listed.kpis.replies)
