"""Rotation of token keys, in steps that break no link while instances of the app restart one after the other.

1. A new key goes to the end of the ring: every instance can open what it will seal.
2. The new key goes to the front: it seals from then on.
3. Texts that are stored sealed (`Resealing`) are sealed with it.
4. An old key leaves the ring, a day later at the earliest, as kept answers, jobs and cursors last so long, and when no
   link in mail of its time matters any more.

Instances tell which keys they have (`lib.operations.instances`); a step waits until all are ready for it.

The ring is a setting of the app, so the functions of the steps give the setting's next value.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator

from lib.errors import NotAllowed
from lib.organizations.registry import Organizations
from lib.people.alert_choices import AlertChoices
from lib.tokens import KeyRing, Resealed
from lib.webhooks.store import Webhooks

_RANDOM_BYTES = 64


def with_new_key(setting: str, key_id: str) -> str:
    """The ring with a new key at its end, which seals nothing yet. Raises ValueError, NotAllowed."""
    entries = _entries(setting)
    if key_id in entries:
        raise NotAllowed(f"The ring has a key {key_id} already; it has {', '.join(entries)}.")
    key = base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=")
    return _setting([*entries.values(), f"{key_id}:{key}"])


def with_key_first(setting: str, key_id: str) -> str:
    """The ring in which this key seals. Raises ValueError, NotAllowed."""
    entries = _entries(setting)
    _check_known(entries, key_id)
    return _setting([entries.pop(key_id), *entries.values()])


def without_key(setting: str, key_id: str) -> str:
    """The ring without a key: what it has sealed opens no more. Raises ValueError, NotAllowed."""
    entries = _entries(setting)
    _check_known(entries, key_id)
    if next(iter(entries)) == key_id:
        raise NotAllowed(f"The key {key_id} seals: put another one first.")
    del entries[key_id]
    return _setting(list(entries.values()))


def _entries(setting: str) -> dict[str, str]:
    """The entries by key id, newest first. Raises ValueError."""
    KeyRing.parse(setting)
    return {entry.strip()[:2]: entry.strip() for entry in setting.split(",")}


def _check_known(entries: dict[str, str], key_id: str) -> None:
    if key_id not in entries:
        raise NotAllowed(f"The ring has no key {key_id}; it has {', '.join(entries)}.")


def _setting(entries: list[str]) -> str:
    setting = ",".join(entries)
    KeyRing.parse(setting)
    return setting


class Resealing:
    """Seals with the first key what is stored sealed and stays: secrets of webhooks, addresses of chat channels."""

    def __init__(self, organizations: Organizations, webhooks: Webhooks, alert_choices: AlertChoices) -> None:
        self._organizations = organizations
        self._webhooks = webhooks
        self._alert_choices = alert_choices

    async def reseal_all(self, *, write: bool = True) -> AsyncIterator[tuple[str, Resealed]]:
        """Yield each organization with what was done there. Again is the same. Raises Stale, StorageError."""
        async for organization in self._organizations.list_organizations():
            webhooks = await self._webhooks.reseal_secrets(organization, write=write)
            yield organization, webhooks + await self._alert_choices.reseal_channels(organization, write=write)
