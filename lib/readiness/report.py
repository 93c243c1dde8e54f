"""The report: all checks of an organization at once, within ten seconds, and at most once a minute."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cachetools import LRUCache
from pydantic import BaseModel, Field

from lib.clock import Clock
from lib.fields import Moment, RecordRef
from lib.inbound.mailboxes.store import MailboxStore
from lib.lists.store import Lists, scope_of
from lib.organizations.settings import OrganizationSettings
from lib.people.addresses import domain_of
from lib.people.store import People
from lib.readiness import checks
from lib.readiness.checks import CheckState, ReadinessCheck
from lib.readiness.dns_records import DnsRecords
from lib.readiness.senders import TransportName, check_replies, check_sender
from lib.send_time.places import Place, place_of
from lib.storage import Storage, StorageError
from lib.storage.at_once import some_at_once
from lib.storage.layout import BLOBS, KINDS, QUEUES, StorageKind, container, table

log = logging.getLogger("heed.readiness")

SECONDS = 10.0
"""Limit of a report; what is not known by then is `unknown`."""

MOST_DOMAINS = 5
"""Domains of users' addresses that are looked at, those of most users first."""

_KNOWN_FOR = timedelta(minutes=1)
_MOST_REMEMBERED = 1_000
_MOST_USERS = 1_000
_MESSAGES = 100
_MOST_RECORDS = 200
_MOST_MAILBOXES = 100

_WORST: tuple[CheckState, ...] = ("problem", "warning", "unknown", "ok")

LogIn = Callable[[], Awaitable[ReadinessCheck]]
"""Logs in where mail goes out, and sends nothing."""

StorageTime = Callable[[], Awaitable[datetime]]
"""Asks storage what time it is."""


class ReadinessReport(BaseModel):
    """Findings about an organization."""

    state: CheckState = Field(description="the worst state of the checks; `unknown` is better than `warning`")
    checked_at: Moment
    checks: list[ReadinessCheck]


class Readiness:
    """Reports, each remembered for a minute; callers at the same time share one."""

    def __init__(
        self,
        people: People,
        lists: Lists,
        mailboxes: MailboxStore,
        storage: Storage,
        dns: DnsRecords,
        log_in: LogIn,
        storage_time: StorageTime,
        clock: Clock,
        *,
        base_url: str,
        transport: TransportName,
        maps: bool,
        networks_as_of: str | None,
    ) -> None:
        self._people = people
        self._lists = lists
        self._mailboxes = mailboxes
        self._storage = storage
        self._dns = dns
        self._log_in = log_in
        self._storage_time = storage_time
        self._clock = clock
        self._base_url = base_url
        self._transport: TransportName = transport
        self._maps = maps
        self._networks_as_of = networks_as_of
        self._reports: LRUCache[str, tuple[datetime, asyncio.Task[ReadinessReport]]] = LRUCache(_MOST_REMEMBERED)

    async def report(self, organization: str, settings: OrganizationSettings) -> ReadinessReport:
        """Find out how ready the organization is. It takes ten seconds at most; it raises nothing."""
        until, task = self._reports.get(organization, (None, None))
        if task is None or until is None or until <= self._clock.now():
            task = asyncio.create_task(self._made(organization, settings))
            self._reports[organization] = self._clock.now() + _KNOWN_FOR, task
        # A caller who goes away must not take the report from the others.
        return await asyncio.shield(task)

    async def _made(self, organization: str, settings: OrganizationSettings) -> ReadinessReport:
        work = {
            "transport": self._one(self._log_in()),
            "links": self._at_once(checks.check_base_url(self._base_url)),
            "senders": self._senders(organization),
            "replies": self._one(check_replies(self._dns, settings.inbound.reply_domain)),
            "maps": self._at_once(checks.check_maps(is_set=self._maps)),
            "networks": self._at_once(checks.check_networks(self._networks_as_of)),
            "clock": self._clocks(),
            "storage": self._read_storage(organization),
            "opt-in": self._opt_in(organization, settings),
            "time-zones": self._zones(organization),
            "mailbox": self._read_mailboxes(organization),
            "dead-letters": self._dead_letters(),
        }
        tasks = {code: asyncio.ensure_future(each) for code, each in work.items()}
        try:
            await asyncio.wait(tasks.values(), timeout=SECONDS)
        finally:
            for each in tasks.values():
                each.cancel()
        found = [check for code, each in tasks.items() for check in _finding(code, each)]
        state = next((state for state in _WORST if any(check.state == state for check in found)), "ok")
        return ReadinessReport(state=state, checked_at=self._clock.now(), checks=found)

    async def _one(self, check: Awaitable[ReadinessCheck]) -> list[ReadinessCheck]:
        return [await check]

    async def _at_once(self, check: ReadinessCheck) -> list[ReadinessCheck]:
        return [check]

    async def _senders(self, organization: str) -> list[ReadinessCheck]:
        page = await self._people.list_users(organization, None, None, _MOST_USERS)
        counted = Counter(domain_of(user.email) for user, _ in page.users)
        domains = [domain for domain, _ in counted.most_common(MOST_DOMAINS) if "." in domain]
        host = (urlsplit(self._base_url).hostname or "").lower()
        found = await asyncio.gather(*(check_sender(self._dns, each, self._transport, host) for each in domains))
        return [check for some in found for check in some]

    async def _clocks(self) -> list[ReadinessCheck]:
        before = self._clock.now()
        storage = await self._storage_time()
        # The header has whole seconds.
        middle = before + (self._clock.now() - before) / 2 - timedelta(seconds=0.5)
        return [checks.check_clock(middle - storage)]

    async def _read_storage(self, organization: str) -> list[ReadinessCheck]:
        kinds = (*KINDS, BLOBS)
        answers = await some_at_once(self._answers(organization, kind) for kind in kinds)
        return [checks.check_storage([kind for kind, answer in zip(kinds, answers, strict=True) if not answer])]

    async def _answers(self, organization: str, kind: StorageKind) -> bool:
        """Whether a kind of storage can be read. Each may be in an account of its own."""
        try:
            if kind == "blobs":
                async for _ in self._storage.blobs.list_blobs(container(organization)):
                    break
            else:
                await self._storage.tables.read_row(table(organization, kind), "readiness", "check")
        except StorageError as error:
            log.error("the %s of organization %s cannot be read: %s", kind, organization, error)
            return False
        return True

    async def _opt_in(self, organization: str, settings: OrganizationSettings) -> list[ReadinessCheck]:
        share = await self._people.count_opt_in(organization)
        return [checks.check_opt_in(share, required=settings.require_opt_in)]

    async def _zones(self, organization: str) -> list[ReadinessCheck]:
        refs: dict[tuple[str, str], RecordRef] = {}
        async for _, listed in self._lists.page(organization, scope_of(), "all", "-sent_at", None, _MESSAGES):
            if listed.message.state != "received":
                found = [each.record for each in listed.message.matched_recipients() if each.record]
                refs.update(((ref.type, ref.id), ref) for ref in found)
        wanted = [*refs.values()][:_MOST_RECORDS]
        read = await some_at_once(self._people.stored_record(organization, ref) for ref in wanted)
        records = [each[0] for each in read if each]
        now = self._clock.now()

        def count() -> int:
            return sum(isinstance(place_of(each.time_zone, each.address, now), Place) for each in records)

        return [checks.check_zones(await asyncio.to_thread(count), len(records))]

    async def _read_mailboxes(self, organization: str) -> list[ReadinessCheck]:
        listed = self._mailboxes.list_mailboxes(organization, None, _MOST_MAILBOXES)
        return checks.check_mailboxes([(each.id, each.last_error) async for each in listed])

    async def _dead_letters(self) -> list[ReadinessCheck]:
        counts = await some_at_once(map(self._storage.queues.dead_letters.count, QUEUES))
        return [checks.check_dead_letters(sum(counts))]


def _finding(code: str, task: asyncio.Future[list[ReadinessCheck]]) -> Iterable[ReadinessCheck]:
    """The checks of a task; one of state `unknown` where it has failed, or has not ended in time."""
    if task.done() and not task.cancelled():
        error = task.exception()
        if error is None:
            return task.result()
        log.warning("the check %s of readiness failed: %s", code, type(error).__name__)
        sentence = f"This could not be found out ({type(error).__name__})."
    else:
        sentence = f"This could not be found out within {SECONDS:.0f} seconds."
    return [ReadinessCheck(code=code, state="unknown", sentence=sentence, what_to_do="Ask again in a few minutes.")]
