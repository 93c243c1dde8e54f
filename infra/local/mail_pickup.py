"""Pickup of caught mail: gives each mail that the catcher has taken to Heed, as a company's mail server would.

Every organization is given every mail, by `POST /inbound` and with a key of scope `inbound`. Heed decides whose mail it
is: it knows its own outgoing mail again, and keeps what answers a message of the organization, or is for a user who has
more kept. The names of the mails that were given are written down afterwards. So a mail is given once, over restarts,
too, and again only where the process dies in between; then Heed knows the mail by its Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from infra.local.files import write_private
from infra.local.servers.mail_catcher import MailCatcher

logger = logging.getLogger("heed.host")

SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_AFTER_FAILURE = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_KEY = {"scope": "inbound", "name": "mail catcher"}


class _NotNow(Exception):
    """Heed or the catcher did not answer as it should; the mail is given again later."""


class MailPickup:
    """Gives caught mails to the Heed at the URL `heed`. What it remembers lies in the data folder."""

    def __init__(self, heed: str, admin_key: str, catcher: MailCatcher, data_dir: Path) -> None:
        self._heed = heed
        self._admin = _bearer(admin_key)
        self._catcher = catcher
        self._given_file = data_dir / "mail-given"
        self._given = set(_lines(self._given_file))
        self._keys_file = data_dir / "mail-keys"
        self._keys: dict[str, str] = dict(line.split(" ", 1) for line in _lines(self._keys_file))
        self._sizes: dict[str, int] = {}
        """Bytes of mails at the last look, by name: a mail that still grows is left alone."""

    async def run(self) -> None:
        """Look for mails again and again, until the task is canceled."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                try:
                    await self._look(session)
                    await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
                except (_NotNow, aiohttp.ClientError, TimeoutError) as error:
                    logger.warning("caught mail waits: %s", error or type(error).__name__)
                    await asyncio.sleep(_SECONDS_AFTER_FAILURE)
                except Exception:
                    logger.exception("caught mail waits")
                    await asyncio.sleep(_SECONDS_AFTER_FAILURE)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        """Give the new mails, the oldest first. Raises _NotNow and errors of the network."""
        found = {path.stem: path.stat() for path in self._catcher.mails.glob("*.eml") if path.stem not in self._given}
        whole = [name for name, state in found.items() if self._sizes.get(name) == state.st_size]
        self._sizes = {name: state.st_size for name, state in found.items()}
        for name in sorted(whole, key=lambda each: found[each].st_mtime_ns):
            raw = await self._read_mail(session, name)
            if raw is not None:
                await self._give_mail(session, raw)
                self._note_given(name)

    async def _read_mail(self, session: aiohttp.ClientSession, name: str) -> bytes | None:
        """Read a mail; None where the catcher has not come to its end, or where it was deleted."""
        async with session.get(f"{self._catcher.web_url}/email/{name}/source") as answer:
            return await answer.read() if answer.status == 200 else None

    async def _give_mail(self, session: aiohttp.ClientSession, raw: bytes) -> None:
        async for organization in self._organizations(session):
            status, answer = await self._post_mail(session, organization, raw)
            if status == 202 and answer["outcome"] in ("tracked", "queued"):
                logger.info("a mail has come in for organization %s: %s", organization, answer["kind"] or "queued")
            elif 400 <= status < 500 and status not in (404, 429):
                logger.warning("organization %s takes no such mail: %s", organization, answer["detail"])
            elif status not in (202, 404):
                raise _NotNow(f"Heed answers {status}")

    async def _organizations(self, session: aiohttp.ClientSession) -> AsyncIterator[str]:
        url, cursor = f"{self._heed}/api/orgs", ""
        while True:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            async with session.get(url, params=query, headers=self._admin) as answer:
                if answer.status != 200:
                    raise _NotNow(f"Heed answers {answer.status} when it is asked for its organizations")
                page = await answer.json()
            for each in page["items"]:
                yield each["id"]
            cursor = page["next"]
            if not cursor:
                return

    async def _post_mail(self, session: aiohttp.ClientSession, organization: str, raw: bytes) -> tuple[int, Any]:
        """Give a mail to an organization; a key that is no longer known is replaced. Returns (status, answer)."""
        for key in (self._keys.get(organization), None):
            key = key or await self._make_key(session, organization)
            headers = {**_bearer(key), "Content-Type": "message/rfc822"}
            url = f"{self._heed}/api/orgs/{organization}/inbound"
            async with session.post(url, data=raw, headers=headers) as answer:
                found = answer.status, await answer.json(content_type=None) if answer.status < 500 else None
            if found[0] != 401:
                break
        return found

    async def _make_key(self, session: aiohttp.ClientSession, organization: str) -> str:
        url = f"{self._heed}/api/orgs/{organization}/keys"
        async with session.post(url, json=_KEY, headers=self._admin) as answer:
            if answer.status != 201:
                raise _NotNow(f"Heed answers {answer.status} when it is asked for a key of {organization}")
            key = str((await answer.json())["key"])
        self._keys[organization] = key
        write_private(self._keys_file, "".join(f"{name} {each}\n" for name, each in self._keys.items()))
        return key

    def _note_given(self, name: str) -> None:
        with self._given_file.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        self._given.add(name)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
