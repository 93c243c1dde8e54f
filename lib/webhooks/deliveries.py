"""Deliveries in storage: rows of the table `feed`, a partition for each subscription.

Keys: `state` how far the subscription has come in the feed; `wait|<page>|<number>` a delivery that is to be tried, in
the order of the feed; `delivered|…` and `dead|…` one that has come to rest, the newest event first. New deliveries and
the place in the feed behind them are written in one transaction, so that each event becomes one delivery.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import get_args

from lib.clock import Clock, moment
from lib.errors import NotAllowed, Stale
from lib.feed.models import FeedEvent, FeedPlace
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.documents import pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import FEED, table
from lib.storage.protocols import MOST_CHANGES
from lib.storage.sort_keys import ascending_number, descending_number
from lib.webhooks.models import DeliveryOutcome, EventDelivery, FeedProgress
from lib.webhooks.rounds import as_of, is_ahead

MOST_WAITING = 1_000
"""Deliveries of a subscription that wait at once; further events wait in the feed."""

LEASE = timedelta(minutes=2)
"""Time for which one worker has a subscription."""

_STATE = "state"
_LARGEST_PAGE = 10**10 - 1
_LARGEST_NUMBER = 10**6 - 1


class Deliveries:
    """Rows of deliveries. Methods raise StorageError."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def begin(self, organization: str, webhook: str, place: FeedPlace) -> None:
        """Let a new subscription begin at a place of the feed."""
        state = FeedProgress(page=place.page, number=place.number)
        await write_late_rows(self._tables, organization, FEED, [Upsert(Row(_partition(webhook), _STATE, pack(state)))])

    async def load_state(self, organization: str, webhook: str) -> tuple[FeedProgress, str] | None:
        """Load how far a subscription has come, with the row's etag; None where it does not exist."""
        row = await self._tables.read_row(table(organization, FEED), _partition(webhook), _STATE)
        return None if row is None else (unpack(FeedProgress, row), row.etag or "")

    async def save_state(self, organization: str, webhook: str, state: FeedProgress, etag: str) -> str:
        """Save the state in place of the version `etag`; return the new one. Raises Stale."""
        return await self._write_with_state(organization, webhook, state, etag, ())

    async def resume(self, organization: str, webhook: str) -> None:
        """Let the next round come at once, where the last one was broken off."""
        loaded = await self.load_state(organization, webhook)
        if loaded is not None and loaded[0].resume_at:
            with suppress(Stale):  # a worker has it just now
                state = loaded[0].model_copy(update={"resume_at": 0, "failures": 0})
                await self.save_state(organization, webhook, state, loaded[1])

    async def add_events(
        self,
        organization: str,
        webhook: str,
        state: FeedProgress,
        etag: str,
        events: Sequence[tuple[FeedPlace, FeedEvent]],
    ) -> tuple[list[EventDelivery], str]:
        """Make deliveries of these events, each with the place behind it; return them, and the state's new etag.

        The state names the place behind them all. Raises Stale.
        """
        now = self._clock.now()
        rows = [
            EventDelivery(
                page=behind.page,
                number=behind.number - 1,
                event=event.id,
                type=event.type,
                message=event.message,
                made_at=now,
                next_at=now,
            )
            for behind, event in events
        ]
        changes = [Insert(_row(webhook, "waiting", each)) for each in rows]
        return rows, await self._write_with_state(organization, webhook, state, etag, changes)

    async def list_waiting(self, organization: str, webhook: str, limit: int = MOST_WAITING) -> list[EventDelivery]:
        """List what is to be tried, in the order of the feed."""
        keys = Range.prefix(_prefix("waiting"))
        rows = self._tables.query(table(organization, FEED), _partition(webhook), keys, limit)
        now = self._clock.now()
        return [as_of(unpack(EventDelivery, row), now) async for row in rows]

    async def list_deliveries(
        self, organization: str, webhook: str, outcome: DeliveryOutcome, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, EventDelivery]]:
        """List deliveries with their cursors: those that wait in the order of the feed, others the newest first."""
        keys = Range.prefix(_prefix(outcome))
        keys = Range(low=keys.low, high=keys.high, after=after)
        async for row in self._tables.query(table(organization, FEED), _partition(webhook), keys, limit):
            yield row.key, unpack(EventDelivery, row)

    async def try_later(self, organization: str, webhook: str, delivery: EventDelivery) -> None:
        """Write a delivery that is to be tried again."""
        with suppress(Missing):  # the subscription was deleted meanwhile
            row = _row(webhook, "waiting", delivery)
            change = Replace(Row(row.partition, row.key, row.values, "*"))
            await self._tables.write_rows(table(organization, FEED), [change])

    async def end(self, organization: str, webhook: str, delivery: EventDelivery, outcome: DeliveryOutcome) -> None:
        """Let a delivery come to rest. Again is the same."""
        ended = delivery.model_copy(update={"next_at": None, "ended_at": self._clock.now()})
        gone = _row(webhook, "waiting", delivery)
        with suppress(Missing):
            await self._tables.write_rows(
                table(organization, FEED),
                [Delete(gone.partition, gone.key), Upsert(_row(webhook, outcome, ended))],
            )

    async def replay(self, organization: str, webhook: str, delivery_id: str) -> EventDelivery | None:
        """Let a delivery be tried at once: one that waits, or has come to rest. None where there is none.

        Raises NotAllowed where it has just changed.
        """
        page, _, number = delivery_id.partition("-")
        if not (page.isdecimal() and number.isdecimal() and len(page) <= 10 and len(number) <= 6):
            return None
        for outcome in ("waiting", "dead", "delivered"):
            key = _key(outcome, int(page), int(number))
            row = await self._tables.read_row(table(organization, FEED), _partition(webhook), key)
            if row is not None:
                return await self._wait_again(organization, webhook, row)
        return None

    async def replay_dead(self, organization: str, webhook: str, limit: int) -> int:
        """Let what was given up wait again, the newest first; return the number."""
        keys, count = Range.prefix(_prefix("dead")), 0
        rows = self._tables.query(table(organization, FEED), _partition(webhook), keys, limit)
        for row in [row async for row in rows]:
            with suppress(NotAllowed):
                await self._wait_again(organization, webhook, row)
                count += 1
        return count

    async def _wait_again(self, organization: str, webhook: str, row: Row) -> EventDelivery:
        now, found = self._clock.now(), unpack(EventDelivery, row)
        again = found.model_copy(update={"made_at": now, "next_at": now, "ended_at": None, "attempts": 0})
        new = _row(webhook, "waiting", again)
        changes: list[Change] = [Delete(row.partition, row.key), Insert(new)]
        if new.key == row.key:
            changes = [Replace(Row(new.partition, new.key, new.values, row.etag))]
        try:
            await self._tables.write_rows(table(organization, FEED), changes)
        except (Conflict, Missing) as error:
            raise NotAllowed("The delivery has just changed: read it again.") from error
        return again

    async def delete_old(self, organization: str, webhook: str, first_page: int) -> None:
        """Delete deliveries that have come to rest, of events before a page of the feed."""
        for outcome in ("delivered", "dead"):
            prefix = Range.prefix(_prefix(outcome))
            last = _key(outcome, max(0, first_page - 1), _LARGEST_NUMBER)
            if first_page > 0:
                await self._delete(organization, webhook, Range(low=last, high=prefix.high))

    async def delete_left(self, organization: str, webhook: str) -> None:
        """Delete the deliveries that an earlier subscription of that id has left, if its removal was broken off."""
        for outcome in get_args(DeliveryOutcome):
            await self._delete(organization, webhook, Range.prefix(_prefix(outcome)))

    async def delete_all(self, organization: str, webhook: str) -> None:
        """Delete all rows of a subscription."""
        await self._delete(organization, webhook, Range())

    async def _delete(self, organization: str, webhook: str, keys: Range) -> None:
        name = table(organization, FEED)
        rows = [row.key async for row in self._tables.query(name, _partition(webhook), keys)]
        for some in batches_of(rows, MOST_CHANGES):
            with suppress(Missing):  # another process deletes them, too
                await self._tables.write_rows(name, [Delete(_partition(webhook), key) for key in some])

    async def _write_with_state(
        self, organization: str, webhook: str, state: FeedProgress, etag: str, changes: Sequence[Change]
    ) -> str:
        row = Row(_partition(webhook), _STATE, pack(state), etag)
        try:
            etags = await self._tables.write_rows(table(organization, FEED), [Replace(row), *changes])
        except (Conflict, Missing) as error:
            raise Stale(f"another worker has the webhook {webhook}") from error
        return etags[0] or ""

    def is_leased(self, state: FeedProgress) -> bool:
        """Whether a worker has the subscription."""
        return is_ahead(moment(state.lease_until), self._clock.now(), LEASE)


def _partition(webhook: str) -> str:
    return f"deliveries|{webhook}"


def _prefix(outcome: DeliveryOutcome) -> str:
    return f"{'wait' if outcome == 'waiting' else outcome}|"


def _key(outcome: DeliveryOutcome, page: int, number: int) -> str:
    in_order = ascending_number if outcome == "waiting" else descending_number
    return f"{_prefix(outcome)}{in_order(page, _LARGEST_PAGE)}|{in_order(number, _LARGEST_NUMBER)}"


def _row(webhook: str, outcome: DeliveryOutcome, delivery: EventDelivery) -> Row:
    return Row(_partition(webhook), _key(outcome, delivery.page, delivery.number), pack(delivery))
