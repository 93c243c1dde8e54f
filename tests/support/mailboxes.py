"""Polling as tests drive it: mailboxes of acme and others in storage in memory, and a sink that remembers."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from lib.clock import Clock, SystemClock
from lib.inbound.mailboxes.graph import GraphPoller
from lib.inbound.mailboxes.imap import ImapPoller
from lib.inbound.mailboxes.models import Mailbox, MailboxSpec
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.polling import Polling
from lib.inbound.mailboxes.secrets import MailboxSecrets
from lib.inbound.mailboxes.store import Mailboxes
from lib.inbound.origin import Origin
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.storage import Change, Storage
from lib.storage.memory import memory_storage
from lib.transports.identity import Identity
from tests.support.dovecot import PASSWORD
from tests.support.provider_servers.credentials import Credential

SECRET = "HEED_MAILBOX_ACME_REP"


@dataclass(slots=True)
class RememberingSink:
    """`kept` and `refused` are in the order in which they came; `failures` are raised first, one for each mail."""

    kept: list[tuple[str, str, Origin]] = field(default_factory=list)
    """(organization, subject, origin)"""
    raw: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, Origin, str]] = field(default_factory=list)
    """(headers, origin, reason)"""
    failures: list[Exception] = field(default_factory=list)
    seconds: float = 0.0
    """How long it takes over each mail."""

    async def keep_mail(self, organization: str, raw: bytes, origin: Origin) -> None:
        await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        self.kept.append((organization, str(message_from_bytes(raw)["Subject"]), origin))
        self.raw.append(raw)

    async def refuse_mail(self, organization: str, headers: bytes, origin: Origin, reason: str) -> None:
        self.refused.append((headers, origin, reason))

    @property
    def subjects(self) -> list[str]:
        return [subject for _, subject, _ in self.kept]


@dataclass(slots=True)
class Polls:
    """Mailboxes of the organization `acme`, and a poller of all. `tls` is what its connections trust."""

    tls: ssl.SSLContext | None = None
    clock: Clock = field(default_factory=SystemClock)
    sink: RememberingSink = field(default_factory=RememberingSink)
    secrets: dict[str, str] = field(default_factory=lambda: {SECRET: PASSWORD})
    storage: Storage = field(default_factory=memory_storage)
    graph_url: str = "http://127.0.0.1:1/v1.0"
    seconds_a_server: float = 20.0
    loopback: bool = True
    credential: Credential = field(default_factory=Credential)
    writes: Counter[str] = field(default_factory=Counter)
    mailboxes: Mailboxes = field(init=False)
    polling: Polling = field(init=False)

    async def start(self, *organizations: str) -> Polls:
        self.mailboxes = Mailboxes(self.storage.tables, self.loopback)
        registry = Organizations(self.storage, self.clock)
        for organization in organizations or ("acme",):
            await registry.save_organization(organization, OrganizationSpec(name=organization), None)
        tokens = AccessTokens(self.clock)
        identity = Identity("https://graph.microsoft.com/.default", self.credential)
        pollers = {
            "imap": ImapPoller(tokens, tls=self.tls, loopback=self.loopback),
            "graph": GraphPoller(self.graph_url, tokens, identity, self.clock),
        }
        self.polling = Polling(
            registry,
            self.mailboxes,
            MailboxSecrets(self.secrets, None),
            pollers,
            self.sink,
            self.clock,
            self.seconds_a_server,
        )
        write = self.storage.tables.write_rows

        async def count_and_write(table: str, changes: Sequence[Change]) -> list[str | None]:
            self.writes[table] += 1
            return await write(table, changes)

        self.storage.tables.write_rows = count_and_write  # type: ignore[method-assign]
        return self

    async def save(self, name: str = "m1", organization: str = "acme", **fields: Any) -> None:
        """Put a mailbox."""
        spec: dict[str, Any] = {"kind": "imap", "host": "localhost", "user": "rep", "secret": SECRET, **fields}
        await self.mailboxes.save_mailbox(organization, name, MailboxSpec.model_validate(spec), None)

    async def read(self, name: str = "m1", organization: str = "acme") -> Mailbox:
        """The mailbox, as the API answers it."""
        mailbox = await self.mailboxes.read_mailbox(organization, name)
        assert mailbox is not None
        return mailbox

    async def error(self, name: str = "m1", organization: str = "acme") -> str | None:
        return (await self.read(name, organization)).last_error

    async def run(self) -> None:
        await self.polling.run()


def mail(subject: str, size: int = 0, **headers: str) -> bytes:
    """A mail with this subject, of `size` bytes more or less."""
    lines = {"From": "ada@example.com", "Subject": subject, "Message-ID": f"<{subject}@example.com>", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    body = ("0123456789" * 7 + "\r\n") * (size // 72)
    return f"{head}\r\nHello\r\n{body}".encode()


__all__ = ["SECRET", "Polls", "RememberingSink", "mail"]
