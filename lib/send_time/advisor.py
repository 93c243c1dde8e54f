"""Delivery advice for a message: read the sender and the recipient's engagement with earlier mail; then advise.

Cost: what looking the recipient up costs (`lib.people.recipients`), one read (sender) and one list of the recipient's
mails, then one read for each mail that was engaged with at a time that the list does not know, at most `MOST_MAILS`,
all at the same time. With Azure Maps, two requests to it for a record without a time zone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lib.clock import moment, wall_time
from lib.fields import RecordRef
from lib.lists.acts import PersonAct
from lib.lists.store import Listed, Lists, scope_of
from lib.messages.models import StoredMessage
from lib.organizations.settings import WorkHours
from lib.people.matching import RecordMatch
from lib.people.records import StoredRecord
from lib.people.store import People
from lib.send_time import sentences
from lib.send_time.advice import Advice, advise
from lib.send_time.places import Nowhere, Place, place_of
from lib.send_time.reading import EarlierAct, EarlierMail
from lib.verdicts.fact_store import FactStore

if TYPE_CHECKING:
    from lib.send_time.azure_maps import AzureMaps

MOST_MAILS = 30
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

    async def read_ahead(self, organization: str, message: StoredMessage) -> Sequence[Listed] | None:
        """Read the newest mails of a message's only recipient before it is looked up; None where no record is named."""
        recipients = message.recipients()
        if len(recipients) != 1 or recipients[0].record is None:
            return None
        return await self._lists.newest_of_record(organization, recipients[0].record, _LISTED)

    async def advise(
        self,
        organization: str,
        work_hours: WorkHours,
        match: RecordMatch,
        sender_zone: str,
        now: datetime,
        read_ahead: Sequence[Listed] | None = None,
    ) -> Advice:
        """Advise when to send a message to its only recipient; no time is suggested where the place is not known.

        The place of a recipient who may be one of several records is known if all of these have the same time zone.
        `read_ahead` are the mails that `read_ahead` found.
        """
        if not match.possible:
            return Advice(sentences.NO_RECORD)
        place = await self._place_of_all(match.possible, now)
        if isinstance(place, Nowhere):
            return Advice(place.because)
        mails = await self._mails(organization, match, ZoneInfo(place.zone), read_ahead)
        return await asyncio.to_thread(advise, place, work_hours, sender_zone, mails, now)

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

    async def _mails(
        self, organization: str, match: RecordMatch, zone: ZoneInfo, read_ahead: Sequence[Listed] | None
    ) -> list[EarlierMail]:
        """Read what the recipient did with the newest mails that went to nobody else and were engaged with."""
        record = match.record
        if record is None:
            return []
        is_alone = len(match.possible) == 1 and match.possible[0].ref() == record and not match.possible[0].merged
        if read_ahead is None or not is_alone:
            page = self._lists.page(organization, scope_of(record=record), "followed", "-sent_at", None, _LISTED)
            read_ahead = [listed async for _, listed in page]
        engaged = [listed for listed in read_ahead if _is_engaged(listed, record)]
        mails = await asyncio.gather(*(self._mail(organization, listed, zone) for listed in engaged[:MOST_MAILS]))
        return [mail for mail in mails if mail]

    async def _mail(self, organization: str, listed: Listed, zone: ZoneInfo) -> EarlierMail | None:
        """Tell what people did with a mail; None where it is not known when it was sent or first read."""
        message, acts = listed.message, listed.acts
        if message.sent_at is None:
            return None
        if acts is None:
            acts = await self._acts(organization, message.id)
        if acts is None:
            return None
        done = [EarlierAct(each.kind, wall_time(moment(each.at), zone), each.probability) for each in acts]
        return EarlierMail(wall_time(message.sent_at, zone), done)

    async def _acts(self, organization: str, message: str) -> list[PersonAct] | None:
        """Read the acts of people from the message's facts; None where these are too many."""
        found = [each async for each in self._rows.newest_first(organization, message, limit=_MOST_FACTS)]
        if len(found) == _MOST_FACTS:
            return None
        return [
            PersonAct(kind=fact.kind, at=fact.at, probability=verdict.probability)
            for _, fact, verdict in found
            if verdict.kind == "human"
        ]


def _is_engaged(listed: Listed, recipient: RecordRef) -> bool:
    """Whether a mail went to this recipient alone, who did something with it."""
    kpis, recipients = listed.kpis, listed.message.matched_recipients()
    is_alone = len(recipients) == 1 and recipients[0].record == recipient
    return is_alone and bool(kpis.opens or kpis.clicks or kpis.attachment_views or kpis.replies)
