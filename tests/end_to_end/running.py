"""A whole Heed on this machine, as `make run` starts it: host, Azurite, SMTP catcher, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from infra.local.child import ROOT, free_port
from infra.local.servers.azurite import Azurite
from infra.local.servers.mail_catcher import MailCatcher
from tests.support.heed import CHROME, GMAIL, TOKEN_KEYS

ADMIN_KEY = "local-admin"
_PATIENCE_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Running:
    """A started host."""

    base_url: str
    mail: MailCatcher | None
    """The catcher that was given; None where the host has started its own."""

    log: Path
    """What it writes to stderr and stdout."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def said(self, name: str) -> str:
        """What the host has said under that name when it started."""
        return next(line.split()[-1] for line in self.log.read_text().splitlines() if line.startswith(f"{name}:"))

    async def request(
        self,
        method: str,
        url: str,
        *,
        key: str | None = None,
        json: Any = None,
        data: bytes | None = None,
        user: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, Any]:
        """(status, parsed JSON); `url` begins after the host, `user` is the acting one."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= {"X-Heed-User": user} if user else {}
        headers |= {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.base_url + url, json=json, data=data, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def organization(self, name: str) -> str:
        """A new organization with the user `rep1`; its full key."""
        await self.request("PUT", f"/api/orgs/{name}", key=ADMIN_KEY, json={"name": name})
        _, made = await self.request("POST", f"/api/orgs/{name}/keys", key=ADMIN_KEY, json={"scope": "full"})
        user = {"email": "rita@acme.example", "name": "Rita Rep", "opt_in": True}
        await self.request("PUT", f"/api/orgs/{name}/users/rep1", key=made["key"], json=user)
        return str(made["key"])

    async def visit(self, url: str) -> tuple[int, str | None]:
        """What a recipient gets: (status, Location). Gmail's proxy loads pixels, a browser follows links."""
        agent = GMAIL if "/o/" in url else CHROME
        sent = {"User-Agent": agent, "Accept-Language": "en", "Accept": "text/html", "Accept-Encoding": "gzip, deflate"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False, headers=sent) as answer,
        ):
            await answer.read()
            return answer.status, answer.headers.get("Location")

    async def inbox(self, subject: str, *holding: str) -> bytes | None:
        """The raw mail of that subject which holds all the texts, if the catcher has it."""
        url = self.mail.web_url if self.mail else self.said("Inbox")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/email") as listed:
                mails = await listed.json()
            found = [mail["id"] for mail in mails if mail["subject"] == subject]
            for mail in found:
                async with session.get(f"{url}/email/{mail}/download") as answer:
                    raw = await answer.read()
                if all(text.encode() in raw for text in holding):
                    return raw
            return None


def start_heed(
    folder: Path,
    azurite: Azurite | None,
    mail: MailCatcher | None,
    *,
    in_parts: bool = False,
    code: Path = ROOT,
    **more: str,
) -> Running:
    """Start the host over the given servers (None: servers of its own), and wait until it is ready.

    `code` is the folder of the copy of Heed that is started. In parts, there are
    three hosts, and a front that is the one address of them all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "heed.log"
    settings = {
        "HEED_PORT": str(port),
        "HEED_DATA_DIR": str(folder),
        "HEED_ADMIN_KEY": ADMIN_KEY,
        "HEED_REQUESTS_PER_SECOND": "1000000",
        "HEED_TOKEN_KEYS": TOKEN_KEYS,
        **({"HEED_SMTP_HOST": mail.smtp_host, "HEED_SMTP_PORT": str(mail.smtp_port)} if mail else {}),
        **({"AzureWebJobsStorage": azurite.connection_string} if azurite else {}),
        **more,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEED_", "Azure"))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local", *(["--parts"] if in_parts else [])],
            cwd=code,
            env=inherited | settings,
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while b"\nAdmin key:" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return Running(f"http://127.0.0.1:{port}", mail, log, process)


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer of `look`."""
    for _ in range(_PATIENCE_SECONDS * 10):
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it never came")
