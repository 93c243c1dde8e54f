"""Prepare storage for a round, and count what the round has left there."""

import asyncio
import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.bare_server import TABLE
from lib.clock import SystemClock
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, Recipient, StoredMessage
from lib.messages.store import MessageStore
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.people.store import USERS, People
from lib.people.users import StoredUser
from lib.storage import Range, Row, Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import table
from lib.tokens import Claim, KeyRing, Purpose
from lib.tracking.journal import facts_of

ORGANIZATION = "bench"
MESSAGES = 1000
JOURNAL = table(ORGANIZATION, "journal")
_FACTS = {JOURNAL: Range(low="2", high="3"), TABLE: Range(low="1", high="2")}
"""Where a table has facts: the journal's partitions begin with the year, the bare handlers' with a time."""

_USER = "rep1"
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Mail:
    """Messages that have gone out, each to one recipient with one link, and the key that made their tokens."""

    key: str = field(
        default_factory=lambda: "k1:" + base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("=")
    )
    ids: list[str] = field(default_factory=lambda: [secrets.token_hex(16) for _ in range(MESSAGES)])

    def write_paths(self, purpose: Purpose, path: Path) -> None:
        """Write the path of every message's pixel, or link, to the file."""
        ring = KeyRing.parse(self.key)
        path.write_text("".join(f"{one}\n" for one in self._paths(ring, purpose)), encoding="ascii")

    def _paths(self, ring: KeyRing, purpose: Purpose) -> Iterable[str]:
        for number, message in enumerate(self.ids):
            if purpose is Purpose.OPEN:
                yield f"/o/{ring.mint(purpose, Claim(ORGANIZATION, message, 0))}.gif"
            else:
                destination = f"https://www.example.com/offers/{number}?utm_source=newsletter&utm_medium=email"
                yield f"/c/{ring.mint(purpose, Claim(ORGANIZATION, message, 0, 0, destination))}"


def prepare(
    connection_string: str,
    mail: Mail,
    *,
    with_messages: bool,
    organization: str = ORGANIZATION,
    sent_at: datetime | None = None,
) -> None:
    """Make the organization's tables and queues, and its user and messages if a round reads them.

    The messages were sent at `sent_at`, by default just now.
    """
    asyncio.run(_prepare(connection_string, mail if with_messages else None, organization, sent_at))


def count_facts(connection_string: str, name: str) -> int:
    """Count the facts in the table."""
    return asyncio.run(_count_facts(connection_string, name))


async def _prepare(connection_string: str, mail: Mail | None, organization: str, sent_at: datetime | None) -> None:
    storage = azure_storage(Account.parse(connection_string))
    try:
        organizations = Organizations(storage, SystemClock())
        await organizations.save_organization(organization, OrganizationSpec(name="Benchmark"), None)
        await storage.tables.create(TABLE)
        if mail is not None:
            user = StoredUser(id=_USER, email="rep@bench.example", opt_in=True)
            await People(storage.tables).users.save(organization, USERS, _USER, user, None)
            await _make_messages(storage, mail, organization, sent_at or datetime.now(UTC))
    finally:
        await close_storage(storage)


async def _make_messages(storage: Storage, mail: Mail, organization: str, sent_at: datetime) -> None:
    store = MessageStore(storage)
    ids = iter(mail.ids)

    async def make_some() -> None:
        for message in ids:
            await store.make(organization, _message(message, sent_at), Body(text="Hello"))

    await asyncio.gather(*(make_some() for _ in range(_AT_ONCE)))


def _message(message: str, sent_at: datetime) -> StoredMessage:
    return StoredMessage.model_validate(
        {
            "id": message,
            "from": _USER,
            "to": [Recipient(email="ada@example.com")],
            "subject": "Our offer",
            "state": "sent",
            "created_at": sent_at,
            "sent_at": sent_at,
            "follow_state": FollowState(state="on", reason="Opens and clicks are recorded."),
        }
    )


async def _count_facts(connection_string: str, name: str) -> int:
    storage = azure_storage(Account.parse(connection_string))
    try:
        return sum([_facts_in(row) async for row in storage.tables.query(name, _FACTS[name])])
    finally:
        await close_storage(storage)


def _facts_in(row: Row) -> int:
    """A row of the journal holds a commit's facts, a row of the bare handlers one."""
    return 1 if "fact" in row.values else len(facts_of(row))
