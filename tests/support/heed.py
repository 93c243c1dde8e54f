"""Heed in one process, as tests drive it: the real app over storage in memory, called through its real routes."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.functions.queue import QueueMessage

from infra.local.host.asking import Response, ask
from infra.local.host.invocation import InvocationError
from lib.clock import SetClock
from lib.inbound.sink import MailSink
from lib.sending.mx_lookup import Resolve
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Storage
from lib.storage.memory import MemoryQueues, StorageWriter, memory_storage
from lib.tracking.journal import Writer
from lib.transports import Transport
from lib.transports.mail_server import MailServer
from lib.transports.memory import MemoryTransport
from tests.support.one_app import Functions, calling, functions_of
from tests.support.remembering_sink import RememberingSink

BASE_URL = "https://heed.test"
ADMIN_KEY = "admin-key-of-tests"
START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
"""Gmail's image proxy: a person's open even seconds after the mail went out, when a browser's is open to doubt."""

THUNDERBIRD = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"
_A_PERSONS = "a person's"

TOKEN_KEYS = "k1:" + base64.urlsafe_b64encode(bytes(range(64))).decode().rstrip("=")
SETTINGS = {
    "HEED_BASE_URL": BASE_URL,
    "HEED_ADMIN_KEY": ADMIN_KEY,
    "HEED_TOKEN_KEYS": TOKEN_KEYS,
    "HEED_TRUSTED_HOPS": "1",
    "HEED_MX_LOOKUP": "off",
    "HEED_REQUESTS_PER_SECOND": "1000000",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}


def mail_server_of(settings: Mapping[str, str]) -> MailServer:
    """The mail server that these settings name, beside those of every test."""
    server = load_settings({**SETTINGS, **settings}).mail_server()
    assert server is not None
    return server


@dataclass(slots=True)
class Heed:
    """`acme` is an organization with the user `rep1`, who has opted in; `key` is its full key."""

    clock: SetClock = field(default_factory=lambda: SetClock(START))
    storage: Storage = field(default_factory=memory_storage)
    transport: Transport | None = field(default_factory=MemoryTransport)
    writer: Writer | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    resolve_mx: Resolve | None = None
    mail_sink: MailSink = field(default_factory=RememberingSink)
    key: str = ""
    services: Services = field(init=False)
    _functions: Functions = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(
            load_settings({**SETTINGS, **self.settings}),
            storage=self.storage,
            writer=self.writer or StorageWriter(self.storage),
            transport=self.transport,
            clock=self.clock,
            resolve_mx=self.resolve_mx,
            mail_sink=self.mail_sink,
        )
        with calling(self.services):
            self._functions = functions_of(frozenset(self.settings.items()))

    async def start(self, **settings: Any) -> Heed:
        """With the organization `acme`, its key, and the user `rep1`."""
        self.key = await self.organization("acme", **settings)
        await self.put("/users/rep1", {"email": "rep@acme.example", "name": "Rita Rep", "opt_in": True})
        return self

    async def organization(self, name: str, **settings: Any) -> str:
        """Make one; its full key."""
        path = f"/api/orgs/{name}"
        made = await self.request("PUT", path, {"name": name, "settings": settings}, key=ADMIN_KEY)
        assert made.status in (200, 201), made.body
        return str((await self.request("POST", f"{path}/keys", {"scope": "full"}, key=ADMIN_KEY)).json["key"])

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One HTTP request, through routing and everything."""
        with calling(self.services):
            return await ask(self._functions.http, BASE_URL, method, path, body, key=key, headers=headers)

    async def api(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """A call of acme's, with its key; `path` as it stands after `/api/orgs/acme`. `if_match="…"` and so on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.request(method, f"/api/orgs/acme{path}", body, key=self.key, headers=named)

    async def get(self, path: str, **headers: str) -> Any:
        answer = await self.api("GET", path, **headers)
        assert answer.status == 200, answer.body
        return answer.json

    async def put(self, path: str, body: Any) -> Any:
        answer = await self.api("PUT", path, body)
        assert answer.status in (200, 201), answer.body
        return answer.json

    async def post(self, path: str, body: Any = None) -> Any:
        answer = await self.api("POST", path, body)
        assert answer.status in (200, 201, 202), answer.body
        return answer.json

    async def draft(self, **fields: Any) -> str:
        """A draft to ada@example.com; its id."""
        message = {
            "from": "rep1",
            "to": [{"email": "ada@example.com", "name": "Ada"}],
            "subject": "Hello",
            "html": '<p>Hi <a href="https://example.com/a?b=1&amp;c=2">offer</a></p>',
            **fields,
        }
        return str((await self.post("/messages", message))["id"])

    async def sent(self, **fields: Any) -> str:
        """A message that went out some time ago, so that whoever looks at it now looks like a person; its id."""
        message = await self.draft(**fields)
        await self.post(f"/messages/{message}/send")
        await self.work()
        self.clock.move(minutes=90)
        return message

    def mail(self, number: int = -1) -> bytes:
        """What the transport has been given."""
        assert isinstance(self.transport, MemoryTransport)
        return self.transport.sent[number].mime

    def urls(self, kind: str, number: int = -1) -> list[str]:
        """Paths of our own URLs in a mail's HTML part: `c` for links, `o` for the pixel."""
        from email import message_from_bytes

        parts = [
            part for part in message_from_bytes(self.mail(number)).walk() if part.get_content_type() == "text/html"
        ]
        payload = parts[0].get_payload(decode=True)
        assert isinstance(payload, bytes)
        return re.findall(rf"{BASE_URL}(/{kind}/[A-Za-z0-9_.-]+)", payload.decode())

    async def hit(self, path: str, agent: str | None = _A_PERSONS, method: str = "GET", **headers: str) -> Response:
        """A recipient's request; the assessor has not seen it yet.

        By default the mail is opened through Gmail and links are followed in a browser: the least doubtful person.
        """
        if agent == _A_PERSONS:
            agent = GMAIL if path.startswith(("/o/", "/i/")) else CHROME
        language = {"accept-language": "en"} if agent == CHROME else {}
        sent = {**language, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if agent is not None:
            sent["user-agent"] = agent
        return await self.request(method, path, headers=sent)

    async def work(self, *queues: str) -> int:
        """Let the queue triggers do what waits, whatever its delay; how many messages that were."""
        await self.services.floods.settle()
        await self.services.journal.settle()
        done = 0
        waiting = self.storage.queues
        assert isinstance(waiting, MemoryQueues)
        names = queues or tuple(self._functions.queues)
        while any(sent := [taken for name in names if (taken := waiting.take_message(name))]):
            for message in sent:
                await self.hand_over(message.queue, message.body)
                done += 1
        return done

    async def hand_over(self, queue: str, body: str, tries: int = 1) -> None:
        """Let the queue's function work on a message, which it has been given so many times."""
        with calling(self.services):
            await self._functions.queues[queue](QueueMessage(id="1", body=body.encode(), dequeue_count=tries))

    async def tick(self, timer: str) -> None:
        """Let a timer's function run."""
        with calling(self.services):
            await self._functions.timers[timer](None)


__all__ = ["Heed", "InvocationError", "Response"]
