"""Polling as tests drive it: mailboxes in storage in memory, whose mail goes to a sink that remembers."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.clock import Clock, SystemClock
from lib.inbound.mailboxes.graph import GraphPoller
from lib.inbound.mailboxes.imap import ImapPoller
from lib.inbound.mailboxes.models import MailboxRead, MailboxSpec
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.polling import Poller, Polling
from lib.inbound.mailboxes.secrets import MailboxSecrets
from lib.inbound.mailboxes.store import MailboxStore
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.storage import Change, Storage
from lib.storage.memory import memory_storage
from lib.transports.identity import Identity
from tests.support.dovecot import PASSWORD
from tests.support.provider_servers.credentials import Credential
from tests.support.remembering_sink import RememberingSink

SECRET = "HEED_MAILBOX_ACME_REP"


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
    mailboxes: MailboxStore = field(init=False)
    polling: Polling = field(init=False)

    async def start(self, *organizations: str) -> Polls:
        self.mailboxes = MailboxStore(self.storage.tables, self.loopback)
        registry = Organizations(self.storage, self.clock)
        for organization in organizations or ("acme",):
            await registry.save_organization(organization, OrganizationSpec(name=organization), None)
        tokens = AccessTokens(self.clock)
        identity = Identity("https://graph.microsoft.com/.default", self.credential)
        pollers: dict[str, Poller] = {
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

    async def read(self, name: str = "m1", organization: str = "acme") -> MailboxRead:
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
