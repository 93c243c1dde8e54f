"""Users' choices of alerts: whether and how a user is told of new cards beside the list of cards.

A choice is a row of the table `people`: partition `alerts`, key = the user's id. The addresses of chat channels are
secrets, as anyone who has one can write to the channel: they are stored sealed.
"""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from lib.errors import Stale
from lib.fields import ChosenId, MadeId, Model, TimeOfDay
from lib.storage import Missing, Tables
from lib.storage.repository import Repository
from lib.storage.retry import retry_on_conflict
from lib.tokens import KeyRing, Purpose, Resealed, reseal_one

ALERTS = "alerts"
"""The partition of choices."""

Channel = Literal["teams", "slack"]
CHANNELS: tuple[Channel, ...] = ("teams", "slack")

CardKind = Literal[
    "email_opened", "link_clicked", "attachment_viewed", "reminder", "send_failed", "send_uncertain", "reply",
    "auto_reply", "bounce", "complaint",
]  # fmt: skip
"""Kinds of cards."""

ChannelAddress = Annotated[str, StringConstraints(min_length=1, max_length=1000)]

_HOSTS: dict[Channel, tuple[str, ...]] = {
    # https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook, and the
    # addresses of the workflows that replace these; https://api.slack.com/messaging/webhooks. Read in November 2026.
    "teams": (".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com"),
    "slack": ("hooks.slack.com", "hooks.slack-gov.com"),
}


class DigestChoice(Model):
    """The time of a mail that lists the open cards."""

    at: TimeOfDay = Field("08:00", description="hours and minutes in the user's time zone")
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        [1, 2, 3, 4, 5], min_length=1, max_length=7, description="1 is Monday"
    )


class QuietHours(Model):
    """Hours of every day, in the user's time zone, in which nothing is told; it is told at their end."""

    start: TimeOfDay = "20:00"
    end: TimeOfDay = "07:00"

    @model_validator(mode="after")
    def _are_hours(self) -> QuietHours:
        if self.start == self.end:
            raise ValueError("quiet hours end at another time than they start")
        return self

    @property
    def times(self) -> tuple[time, time]:
        """Start and end as times of the day."""
        return time.fromisoformat(self.start), time.fromisoformat(self.end)


class AlertRules(Model):
    """Everything of a choice that is no secret."""

    digest: DigestChoice | None = Field(
        None, description="a mail to the user that lists the open cards; none goes out while there are none"
    )
    quiet_hours: QuietHours | None = Field(None, description="hours of every day in which nothing is told; null: none")
    muted_kinds: list[CardKind] = Field(
        default_factory=list, max_length=10, description="kinds of cards that are not told"
    )
    muted_messages: list[MadeId] = Field(
        default_factory=list, max_length=500, description="messages whose cards are not told"
    )
    most_a_day: int = Field(
        20, ge=1, le=200, description="cards that are told in the channels on one day; the last one says so"
    )


class StoredAlerts(AlertRules):
    """A choice as it is stored."""

    user: ChosenId
    teams: str | None = None
    """The sealed address of the channel."""
    slack: str | None = None

    @property
    def has_channels(self) -> bool:
        """Whether single cards are told."""
        return bool(self.teams or self.slack)

    def sealed(self, channel: Channel) -> str | None:
        """Return the sealed address of a channel."""
        return self.teams if channel == "teams" else self.slack


class AlertChoices:
    """Choices in storage. Every method raises StorageError."""

    def __init__(self, tables: Tables, ring: KeyRing) -> None:
        self.rows = Repository(tables, "people", StoredAlerts)
        self._ring = ring

    async def load(self, organization: str, user: str) -> StoredAlerts | None:
        """Load a user's choice; None where there is none."""
        found = await self.rows.load(organization, ALERTS, user)
        return found[0] if found else None

    async def has_channels(self, organization: str, user: str) -> bool:
        """Tell whether the user is told of single cards."""
        choice = await self.load(organization, user)
        return choice is not None and choice.has_channels

    async def delete(self, organization: str, user: str) -> bool:
        """Delete a user's choice; whether there was one."""
        try:
            await self.rows.remove(organization, ALERTS, user)
        except Missing:
            return False
        return True

    def seal(self, organization: str, user: str, address: str) -> str:
        """Seal the address of a channel for this user."""
        return self._ring.seal(Purpose.CHANNEL, address.encode(), organization, user)

    async def reseal_channels(self, organization: str, *, write: bool = True) -> Resealed:
        """Seal addresses of channels with the first token key that an older one has sealed. Again is the same.

        Raises Stale.
        """
        done = Resealed()
        unreadable: list[Resealed] = []
        users = self.rows.list(organization, ALERTS, unreadable=lambda: unreadable.append(Resealed(unreadable=1)))
        async for user, _, _ in users:
            done += await retry_on_conflict(
                f"the alerts of {user}", partial(self._reseal, organization, user, write=write), on=Stale
            )
        return sum(unreadable, done)

    async def _reseal(self, organization: str, user: str, *, write: bool) -> Resealed:
        found = await self.rows.load(organization, ALERTS, user)
        if found is None:
            return Resealed()
        done, update = Resealed(), dict[str, str]()
        for channel in CHANNELS:
            if before := found[0].sealed(channel):
                update[channel], outcome = reseal_one(self._ring, Purpose.CHANNEL, before, organization, user)
                done += outcome
        if write and done.sealed_anew:
            await self.rows.change(organization, ALERTS, user, found[0].model_copy(update=update), found[1])
        return done

    def unseal(self, organization: str, user: str, sealed: str) -> str | None:
        """Open a sealed address; None where it was sealed for another user, or with a key that is gone."""
        plain = self._ring.unseal(Purpose.CHANNEL, sealed, organization, user)
        return plain.decode() if plain else None


def is_host_of(channel: Channel, address: str) -> bool:
    """Whether an https address is of the hosts that a channel's addresses have."""
    parts = urlsplit(address)
    host = f".{parts.hostname or ''}"
    return parts.scheme == "https" and any(host.endswith(f".{end.lstrip('.')}") for end in _HOSTS[channel])


def hosts_text(channel: Channel) -> str:
    """List the hosts of a channel's addresses, for people."""
    return ", ".join(f"…{host}" if host.startswith(".") else host for host in _HOSTS[channel])
