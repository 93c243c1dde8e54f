"""Polling: once a minute, every mailbox of every organization, side by side.

The mailboxes of one organization on one server share 20 seconds, and four of them are polled at once. What had no turn
by then comes first at the next time. So a server that hangs takes time from its own mailboxes alone, and the
whole run ends before the next one begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cachetools import LRUCache

from lib.clock import Clock
from lib.inbound.mailboxes.errors import PollFailed
from lib.inbound.mailboxes.models import MailboxState
from lib.inbound.mailboxes.secrets import MailboxSecrets
from lib.inbound.mailboxes.store import MailboxStore, Polled
from lib.inbound.mailboxes.turn import LeaseTaken, Turn
from lib.inbound.sink import MailSink
from lib.organizations.registry import Organizations
from lib.storage import StorageError
from lib.storage.documents import UnreadableRow
from lib.workers.places import WorkPlaces

log = logging.getLogger("heed.mailboxes")

SECONDS_A_SERVER = 20.0
_SECONDS_A_RUN = 50.0
_AT_ONCE_A_SERVER = 4
_SERVERS_AT_ONCE = 128
_SERVERS_AT_ONCE_OF_ONE = 16
"""Servers that are connected to at once, in all and for one organization."""

MOST_POLLS_AT_ONCE = _SERVERS_AT_ONCE * _AT_ONCE_A_SERVER
"""Mailboxes that are polled at once. Each IMAP session blocks a thread of some 20 KB while it waits."""

_SHORTEST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_MOST_REMEMBERED = 100_000
_LONGEST_ERROR = 1000
"""Characters."""


class Poller(Protocol):
    """Polls mailboxes of one kind."""

    async def poll(self, turn: Turn, secret: str) -> None:
        """Read the new mails of the turn's mailbox.

        Raises PollFailed, LeaseTaken, StorageError, and errors of the network.
        """


@dataclass(frozen=True, slots=True)
class _Job:
    organization: str
    polled: Polled

    @property
    def key(self) -> tuple[str, str]:
        return self.organization, self.polled.mailbox.id

    @property
    def server(self) -> tuple[str, str, int]:
        """The server, of each organization apart: none can slow another's mailboxes at the same provider."""
        mailbox = self.polled.mailbox
        return self.organization, mailbox.host or mailbox.kind, mailbox.server_port


class Polling:
    """The poller of all mailboxes."""

    def __init__(
        self,
        organizations: Organizations,
        mailboxes: MailboxStore,
        secrets: MailboxSecrets,
        pollers: Mapping[str, Poller],
        sink: MailSink,
        clock: Clock,
        seconds_a_server: float = SECONDS_A_SERVER,
    ) -> None:
        self._organizations = organizations
        self._mailboxes = mailboxes
        self._secrets = secrets
        self._pollers = pollers
        self._sink = sink
        self._clock = clock
        self._seconds_a_server = seconds_a_server
        self._large_mails = WorkPlaces(most=64, most_of_one=8, most_bytes=100_000_000, most_bytes_of_one=52_500_000)
        self._last_turns: LRUCache[tuple[str, str], int] = LRUCache(_MOST_REMEMBERED)
        self._turns = 0

    async def run(self) -> None:
        """Poll all mailboxes whose time has come; for a timer."""
        servers: defaultdict[tuple[str, str, int], list[_Job]] = defaultdict(list)
        async for job in self._due_jobs():
            servers[job.server].append(job)
        end = asyncio.get_running_loop().time() + _SECONDS_A_RUN
        everywhere = asyncio.Semaphore(_SERVERS_AT_ONCE)
        of_one: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_SERVERS_AT_ONCE_OF_ONE))

        async def poll_server(organization: str, jobs: list[_Job]) -> None:
            async with of_one[organization], everywhere:
                deadline = min(asyncio.get_running_loop().time() + self._seconds_a_server, end)
                await self._poll_server(jobs, deadline)

        # The servers that waited longest come first.
        waiting = sorted(servers.items(), key=lambda each: min(map(self._last_turn, each[1])))
        await asyncio.gather(*(poll_server(server[0], jobs) for server, jobs in waiting))

    async def _due_jobs(self) -> AsyncIterator[_Job]:
        now = self._clock.now()
        async for organization in self._organizations.list_organizations():
            try:
                found = await self._mailboxes.list_polled(organization)
            except (StorageError, UnreadableRow) as error:
                log.error("the mailboxes of organization %s could not be listed: %s", organization, error)
                continue
            for polled in found:
                if _is_due(polled, now):
                    yield _Job(organization, polled)

    def _last_turn(self, job: _Job) -> int:
        return self._last_turns.get(job.key, 0)

    async def _poll_server(self, jobs: Iterable[_Job], deadline: float) -> None:
        slots = asyncio.Semaphore(_AT_ONCE_A_SERVER)

        async def poll_one(job: _Job) -> None:
            async with slots:
                if asyncio.get_running_loop().time() < deadline:
                    self._turns += 1
                    self._last_turns[job.key] = self._turns
                    await self._poll(job, deadline)

        await asyncio.gather(*map(poll_one, sorted(jobs, key=self._last_turn)))

    async def _poll(self, job: _Job, deadline: float) -> None:
        """Poll a mailbox, and write down what came of it. No error leaves this method."""
        turn = Turn(job.organization, job.polled, self._mailboxes, self._sink, self._large_mails, self._clock)
        try:
            failure = await self._failure(turn, deadline)
            self._note(turn, failure)
            await turn.finish()
            self._mailboxes.note_poll(*job.key, self._clock.now())
        except LeaseTaken:
            return
        except StorageError as error:
            log.warning("mailbox %s of organization %s waits for storage: %s", job.key[1], job.key[0], error)

    async def _failure(self, turn: Turn, deadline: float) -> PollFailed | None:
        """Poll a mailbox; return why that failed, or None. Raises LeaseTaken, StorageError."""
        try:
            async with asyncio.timeout_at(deadline):
                secret = await self._secrets.read_secret(turn.organization, turn.mailbox.secret)
                await self._pollers[turn.mailbox.kind].poll(turn, secret)
        except PollFailed as failure:
            return failure
        except LeaseTaken:
            raise
        except StorageError as error:
            # What was read before the outage is written down, if that can be done.
            log.warning("a mail of organization %s could not be kept: %s", turn.organization, error)
            return PollFailed("A mail could not be kept for now. It will be read again.")
        except TimeoutError:
            # Many mails, or large ones, take more turns than one.
            return None if turn.has_read else PollFailed("The server did not answer in time.")
        except (OSError, EOFError):
            return PollFailed("The connection to the server broke off.")
        except Exception:
            log.exception("mailbox %s of organization %s", turn.mailbox.id, turn.organization)
            return PollFailed("Heed failed on a mail or on an answer of the server. It will try again.")
        return None

    def _note(self, turn: Turn, failure: PollFailed | None) -> None:
        state = turn.state
        if failure is None:
            state.failures, state.next_poll_at = 0, None
            state.last_error = " ".join(turn.failed_folders)[:_LONGEST_ERROR] or None
            return
        state.failures += 1
        state.last_error = f"{failure}"[:_LONGEST_ERROR]
        wait = min(_SHORTEST_WAIT * 2 ** min(state.failures - 1, 10), _LONGEST_WAIT)
        state.next_poll_at = turn.now() + max(wait, failure.wait)


def _is_due(polled: Polled, now: datetime) -> bool:
    """Whether a mailbox is to be polled. What is known of another connection is forgotten first."""
    mailbox, state = polled.mailbox, polled.state
    connection = mailbox.connection_digest()
    if state.connection != connection:
        polled.state = state = MailboxState(connection=connection)
    for places in (state.imap, state.graph, state.graph_changes):
        for path in places.keys() - {folder.path for folder in mailbox.folders}:
            del places[path]
    return mailbox.enabled and (state.next_poll_at is None or state.next_poll_at <= now)
