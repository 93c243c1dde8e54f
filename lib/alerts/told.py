"""Notes of what was told, so that no card is told twice in a channel.

Rows of the table `cards`, partition = the user: `told|<card>` with a state for each channel, `told-day|<date>` with the
number of cards that were told on a day, `told-error|<channel>` with the last failure of a channel, and
`told-digest|<date>`. A post is noted before it goes out. A process that dies in between leaves a card that was perhaps
told, and that is not told again: the card itself stays in the user's list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from lib.cards.store import TOLD
from lib.errors import Stale
from lib.fields import Moment
from lib.people.alert_choices import Channel
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Row, Tables, Upsert, Value, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table

PostState = Literal["trying", "told", "again", "failed"]
"""`trying`: a post is under way, or the process died with it; `again`: the channel certainly has not taken it."""

_DAYS_KEPT = 3


class ToldCard(BaseModel):
    """Posts about a card, by channel."""

    channels: dict[Channel, PostState] = {}
    withdrawn: bool = False
    """Whether all channels were told that the card was withdrawn."""

    withdrawn_from: list[Channel] = []
    """The channels that were told that, or are being told."""


class ChannelFailure(BaseModel):
    """The last failure of a channel."""

    channel: Channel
    at: Moment
    text: str


class ToldCards:
    """The notes in storage. Every method raises StorageError."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load(self, organization: str, user: str, card: str) -> tuple[ToldCard, str | None]:
        """Load the note of a card, with its etag."""
        row = await self._tables.read_row(table(organization, "cards"), user, f"{TOLD}{card}")
        return (ToldCard(), None) if row is None else (unpack(ToldCard, row), row.etag)

    async def save(
        self, organization: str, user: str, card: str, told: ToldCard, etag: str | None, day: Row | None = None
    ) -> str:
        """Save the note in place of the version `etag`, with the count of the day; its new etag. Raises Stale."""
        changes: list[Change] = [put_if_unchanged(Row(user, f"{TOLD}{card}", pack(told), etag))]
        if day:
            changes.append(put_if_unchanged(day))
        try:
            etags = await self._tables.write_rows(table(organization, "cards"), changes)
        except (Conflict, Missing) as error:
            raise Stale from error
        return etags[0] or ""

    async def count_of_day(self, organization: str, user: str, date: str) -> tuple[int, Row]:
        """Return the number of cards told on the date, and the row that counts one more, to be saved with a note.

        On the first card of a date, the counts of earlier days go.
        """
        row = await self._tables.read_row(table(organization, "cards"), user, f"told-day|{date}")
        if row is None:
            await self._delete_all_but(organization, user, Range.prefix("told-day|"), _DAYS_KEPT)
        count = int(row.values["count"]) if row else 0
        values: Mapping[str, Value] = {"v": 1, "count": count + 1}
        return count, Row(user, f"told-day|{date}", values, row.etag if row else None)

    async def claim_digest(self, organization: str, user: str, date: str) -> bool:
        """Note the digest of a date before it goes out; whether it is the first. Notes of earlier days go.

        They go first: what fails behind the note would cost the digest.
        """
        await self._delete_all_but(organization, user, Range.prefix("told-digest|"), _DAYS_KEPT)
        try:
            await self._tables.write_rows(
                table(organization, "cards"), [Insert(Row(user, f"told-digest|{date}", {"v": 1}))]
            )
        except Conflict:
            return False
        return True

    async def _delete_all_but(self, organization: str, user: str, keys: Range, newest: int) -> None:
        found = [row.key async for row in self._tables.query(table(organization, "cards"), user, keys)]
        await self._delete(organization, user, found[:-newest])

    async def note_failure(self, organization: str, user: str, channel: Channel, at: datetime, text: str) -> None:
        """Note why a post failed, for the user to see."""
        failure = ChannelFailure(channel=channel, at=at, text=text)
        row = Row(user, f"told-error|{channel}", pack(failure))
        await self._tables.write_rows(table(organization, "cards"), [Upsert(row)])

    async def failures(self, organization: str, user: str) -> list[ChannelFailure]:
        """List the last failure of each channel."""
        rows = self._tables.query(table(organization, "cards"), user, Range.prefix("told-error|"))
        return [unpack(ChannelFailure, row) async for row in rows]

    async def forget_failures(self, organization: str, user: str, channels: Collection[Channel]) -> None:
        """Forget the failures of channels that have another address now."""
        await self._delete(organization, user, [f"told-error|{channel}" for channel in channels])

    async def _delete(self, organization: str, user: str, keys: Collection[str]) -> None:
        for key in keys:
            with suppress(Missing):
                await self._tables.write_rows(table(organization, "cards"), [Delete(user, key)])
