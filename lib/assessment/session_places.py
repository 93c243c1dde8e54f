"""Places of sessions: where users work in the console and in the add-in of Outlook.

A sender looks at sent mail where the sender works, so that a session there is evidence of whose look it was. Of a user,
a place and a kind of device there is one row in the organization's table `evidence`, with keyed hashes: of the user's
id, of the user's address as recipients' addresses are hashed, of the place as those of hits, of the kind of device. It
says when the first and the last session were, and on how many days. Sessions on telephones leave none: these come out
of networks that a carrier's customers share, and no catalogue tells all of them.

Rows are written beside the answer of a page, once a day and process, and lost where storage fails: the next page writes
them. Nothing waits for them. Rows of which the last session is `evidence_rows.LASTS` ago are not read, and the
retention sweep deletes them. Of a user there are `MOST_PLACES`; a new one takes the place of the oldest. They go with
the user, and with an erasure of the address, which finds them by their keys.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable, Iterable
from typing import NamedTuple

from cachetools import TTLCache

from lib.assessment.evidence_rows import delete_evidence, delete_partition, remembered_since
from lib.assessment.source_keys import HashText, hash_place, is_own_line
from lib.catalogues.devices import device_of
from lib.catalogues.registry import Catalogues
from lib.clock import Clock
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.store import People
from lib.stops.organization_stops import NOTHING_STOPPED, OrganizationStops
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, StorageError, Tables
from lib.storage.documents import UnreadableRow
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import EVIDENCE, table
from lib.tracking.facts import Fact
from lib.verdicts.memory import MOST_DAYS, Memory, SourceKey, Worked, is_settled

MOST_PLACES = 20
"""Places, each with a kind of device, that are remembered of a user."""

PARTITIONS = tuple(f"s{digit}" for digit in "0123456789abcdef")
"""Partitions of the table. An earlier release, which works beside this one during an upgrade, looks at none of them."""

_KEY = re.compile(r"[0-9a-f]{16}\|[0-9a-f]{16}\|[0-9a-f]{16}\|[0-9a-f]{8}")
"""Hashes of the user's id, the user's address, the place and the kind of device."""

_VERSION = 1
_DAY = 86_400_000
"""Milliseconds."""

_NOTED_FOR = 86_400.0
"""Seconds for which a process remembers that it has noted a day's session."""

_READ_FOR = 300.0
"""Seconds for which the places of a user are remembered in a process."""

_MOST_REMEMBERED = 10_000
_MOST_AT_ONCE = 32
"""Sessions that a process notes at the same time; more are left to the next page."""

_PATIENCE = 20.0
"""Seconds after which the noting of a session is given up."""

log = logging.getLogger("heed.visits")


class SessionPlace(NamedTuple):
    """A place at which a user has worked, and the kind of device."""

    user: str
    address: str
    place: str
    kind: str
    first: int
    """Milliseconds since 1970 of the first session."""

    last: int
    """Milliseconds since 1970 of the last session that was noted."""

    days: int
    """Number of days with a session, `MOST_DAYS` at most."""


class SessionPlaces:
    """Notes, reads and forgets places of sessions."""

    def __init__(
        self, tables: Tables, people: People, hashes: AddressHashes, catalogues: Catalogues, clock: Clock
    ) -> None:
        self._tables = tables
        self._people = people
        self._hashes = hashes
        self._catalogues = catalogues
        self._clock = clock
        self._noted: TTLCache[Hashable, bool] = TTLCache(_MOST_REMEMBERED, _NOTED_FOR, timer=self._timer)
        self._read: TTLCache[tuple[str, str], list[SessionPlace]] = TTLCache(
            _MOST_REMEMBERED, _READ_FOR, timer=self._timer
        )
        self._noting: set[asyncio.Task[None]] = set()

    def _timer(self) -> float:
        return self._clock.now().timestamp()

    # Writing

    def note_session(self, organization: str, user: str, request: Fact) -> None:
        """Note beside the answer that a user works where the request, as a fact would have it, came from."""
        asked = organization, user, request.network, request.agent, request.at // _DAY
        if request.network is None or asked in self._noted or len(self._noting) >= _MOST_AT_ONCE:
            return
        self._noted[asked] = True
        task = asyncio.create_task(self._note(asked, organization, user, request))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _note(self, asked: Hashable, organization: str, user: str, request: Fact) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._note_of_user(organization, user, request)
        except (StorageError, TimeoutError, UnreadableRow) as error:
            self._noted.pop(asked, None)
            log.warning("the place of a session could not be noted: %s", type(error).__name__)

    async def _note_of_user(self, organization: str, user: str, request: Fact) -> None:
        found = await self._people.user(organization, user)
        if found is not None:
            await self.save_session(organization, user, found.email, request)

    async def settle(self) -> None:
        """Wait until the sessions are noted."""
        await asyncio.gather(*self._noting)

    async def save_session(self, organization: str, user: str, email: str, request: Fact) -> None:
        """Write that the user, whose address is `email`, works where the request came from.

        Again, on that day, changes nothing. Raises StorageError.
        """
        hash_text = await self._hashes.text_hash(organization)
        kind = await asyncio.to_thread(self._kind_on_own_line, hash_text, request)
        if kind is None:
            return
        address = short_hash(await self._hashes.hash_address(organization, email))
        hashed = _hash_user(hash_text, user)
        now = SessionPlace(hashed, address, hash_place(hash_text, request.network), kind, request.at, request.at, 1)
        rows = {row.key: row async for row in self._rows(organization, hashed)}
        row = rows.get(_row_of(now).key)
        before = read_session_place(row) if row else None
        if before and now.last // _DAY <= before.last // _DAY:
            return
        if before:
            now = before._replace(last=now.last, days=min(before.days + 1, MOST_DAYS))
        over = [] if row else sorted(rows.values(), key=_last)[: max(0, len(rows) + 1 - MOST_PLACES)]
        changes: list[Change] = [Delete(each.partition, each.key) for each in over]
        changes.append(Replace(_row_of(now, row.etag)) if row else Insert(_row_of(now)))
        try:
            await write_late_rows(self._tables, organization, EVIDENCE, changes)
        except (Conflict, Missing):
            # Another process has noted the session, or forgotten the user, or the organization is gone.
            return

    def _kind_on_own_line(self, hash_text: HashText, request: Fact) -> str | None:
        """Hash the kind of a computer; None where many companies share the network, and for any other device."""
        return self._kind(hash_text, request.agent) if is_own_line(request, self._catalogues) else None

    def _kind(self, hash_text: HashText, agent: str | None) -> str | None:
        """Hash the operating system of a computer: its browser and its mail program have it in common."""
        device = device_of(agent, self._catalogues.agents)
        return hash_text(f"computer {device['os']}")[:8] if device["type"] == "desktop" else None

    # Reading

    async def recall(
        self,
        organization: str,
        sender: str,
        memory: Memory,
        facts: Iterable[Fact],
        stops: OrganizationStops = NOTHING_STOPPED,
    ) -> dict[tuple[str, str], Worked]:
        """Find the sessions of a mail's sender, a user's id, at the places of opens, by place and agent.

        `memory` has the sources. One read for a sender, at most once in five minutes; none where the places of all
        opens are known. Raises StorageError.
        """
        opens = [fact for fact in facts if fact.kind == "open" and _is_unknown(memory.keys.get(fact.key), memory)]
        if not opens or not sender:
            return {}
        hash_text = await self._hashes.text_hash(organization)
        places = await self._places(organization, _hash_user(hash_text, sender))
        since = remembered_since(self._clock.now())
        days: dict[str, dict[str, int]] = defaultdict(dict)
        for each in places:
            if each.last >= since and stops.is_kept(each.address, each.first):
                # Of a user whose address has changed there are two rows.
                there = days[each.place]
                there[each.kind] = max(each.days, there.get(each.kind, 0))
        found: dict[tuple[str, str], Worked] = {}
        for fact in opens:
            key = memory.keys[fact.key]
            kinds = days.get(key.place)
            if kinds and (key.place, key.agent) not in found:
                alike = self._kind(hash_text, fact.agent)
                found[key.place, key.agent] = Worked(max(kinds.values()), kinds.get(alike or "", 0))
        return found

    async def _places(self, organization: str, user: str) -> list[SessionPlace]:
        asked = organization, user
        found = self._read.get(asked)
        if found is None:
            rows = [read_session_place(row) async for row in self._rows(organization, user)]
            if None in rows:
                log.error("organization %s: %d rows of sessions cannot be read", organization, rows.count(None))
            found = self._read[asked] = [each for each in rows if each is not None]
        return found

    # Forgetting

    async def forget_user(self, organization: str, user: str) -> None:
        """Delete all places of a user. Again changes nothing. Raises StorageError."""
        hashed = _hash_user(await self._hashes.text_hash(organization), user)
        async for row in self._rows(organization, hashed):
            await delete_evidence(self._tables, organization, row.partition, row.key)
        self._read.pop((organization, hashed), None)

    async def delete_old(
        self, organization: str, partition: str, until: int, stops: OrganizationStops = NOTHING_STOPPED
    ) -> int:
        """Delete places whose last session was up to `until` (milliseconds since 1970), of one of `PARTITIONS`.

        So go those of before an erasure, which a restored backup has brought back, and rows that cannot be read.
        Return the number of rows. Raises StorageError.
        """

        def is_remembered(row: Row) -> bool:
            found = read_session_place(row)
            return found is not None and found.last > until and stops.is_kept(found.address, found.first)

        return await delete_partition(self._tables, organization, partition, is_remembered)

    def _rows(self, organization: str, user: str) -> AsyncIterator[Row]:
        return self._tables.query(table(organization, EVIDENCE), f"s{user[0]}", Range.prefix(f"{user}|"))


def _hash_user(hash_text: HashText, user: str) -> str:
    return hash_text(f"user {user}")[:16]


def _row_of(place: SessionPlace, etag: str | None = None) -> Row:
    values = {"v": _VERSION, "first": place.first, "last": place.last, "days": place.days}
    return Row(f"s{place.user[0]}", "|".join(place[:4]), values, etag)


def read_session_place(row: Row) -> SessionPlace | None:
    """Read a row; None where it cannot be read."""
    if not _KEY.fullmatch(row.key) or row.values.get("v") != _VERSION:
        return None
    user, address, place, kind = row.key.split("|")
    try:
        return SessionPlace(user, address, place, kind, *(int(row.values[name]) for name in ("first", "last", "days")))
    except (KeyError, ValueError, OverflowError):
        return None


def _last(row: Row) -> int:
    """Return the time of the last session of a row; 0 for one that cannot be read."""
    found = read_session_place(row)
    return found.last if found else 0


def _is_unknown(key: SourceKey | None, memory: Memory) -> bool:
    """Whether a session at the place of the source may say something."""
    return key is not None and not is_settled(key, memory.at_company.get(key.company, ()))
