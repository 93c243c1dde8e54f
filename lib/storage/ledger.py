"""Ledgers: shares that count exactly once in a sum, however many processes write, and however often.

A share is what one thing (a message, a sale) gives to an account (a record, a template). The account's sum is kept by
differences: a share and its sum change in one transaction, on condition of both versions. Every share has a generation
that grows with every change of it, so that a writer that was held up finds a higher one and changes nothing.

How a share comes there: a follower of assessments plans it and writes nothing; the plan goes into the message's
summary, on condition that no other assessor has written one meanwhile; only then the share is entered. A process that
dies before that leaves a plan that is not `settled`, and the next plan for the message finds it so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel

from lib.storage import Conflict, Missing
from lib.storage.retry import Attempts

log = logging.getLogger("heed.ledger")


class LedgerShare(BaseModel):
    """Share of one thing in an account. Subclasses add the values."""

    generation: int = 0

    def digest(self) -> str:
        """Hash of the values: equal for shares that give the same."""
        return blake2b(self.model_dump_json(exclude={"generation"}).encode(), digest_size=8).hexdigest()


class PlannedShare(BaseModel):
    """A share as a follower's part of a message's summary plans it. Subclasses name the account."""

    digest: str = ""
    """Digest of the share; empty for one that is taken away."""

    generation: int
    """Grows with every change: of two writers at the same time, the later one stays."""

    settled: bool = False
    """Whether the share was seen in storage since."""

    async def plan_again(self, digest: str, read_share: Callable[[], Awaitable[LedgerShare | None]]) -> Self:
        """Plan the share that has this digest now. Storage is asked only where the plan is the same, and not settled.

        Raises StorageError.
        """
        if digest == self.digest and (self.settled or self.is_entered(await read_share())):
            return self.model_copy(update={"settled": True})
        return self.model_copy(update={"digest": digest, "generation": self.generation + 1, "settled": False})

    def is_entered(self, share: LedgerShare | None) -> bool:
        """Whether the share of this plan, or a later one, is in storage."""
        return share is not None and share.generation >= self.generation


AnyShare = TypeVar("AnyShare", bound=LedgerShare)
AnySum = TypeVar("AnySum", bound=BaseModel)
_Answer = TypeVar("_Answer")
_RowModel = TypeVar("_RowModel")


class Versioned(NamedTuple, Generic[_RowModel]):
    """A row's model with its etag; both None where there is no row."""

    model: _RowModel | None
    etag: str | None


class LedgerAccount(Protocol[AnyShare, AnySum]):
    """The sum of one account, and the one share of it that is to be entered."""

    @property
    def name(self) -> str:
        """Name for logs and errors."""

    async def read_sum(self) -> Versioned[AnySum]: ...

    async def read_share(self) -> Versioned[AnyShare]: ...

    async def exchange(self, there: Versioned[AnySum], old: Versioned[AnyShare], new: AnyShare) -> None:
        """Put `new` in place of `old`, and the sum after it in place of `there`, in one transaction.

        Raises Conflict where one of them is another version, Missing where a row or the whole table is not there.
        """

    async def recount(self) -> None:
        """Put the sum as all shares of the account have it. Raises Conflict, Missing."""


class Ledger:
    """Enters shares. Of an account one change goes at a time in this process."""

    def __init__(self) -> None:
        self._attempts = Attempts()

    async def enter_share(self, organization: str, account: LedgerAccount[AnyShare, AnySum], share: AnyShare) -> None:
        """Put the share, unless one of its generation or a later one is there. Again is the same. Raises Stale.

        A sum that is missing is counted anew. Where the organization is gone, nothing happens.
        """
        await self.attempt(organization, account.name, lambda: _enter(organization, account, share))

    async def attempt(self, organization: str, name: str, change: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Do `change`, which reads and writes rows of the account `name`, again while it raises Conflict.

        Raises Stale after too many tries.
        """
        return await self._attempts.attempt_change(organization, name, change)


async def _enter(organization: str, account: LedgerAccount[AnyShare, AnySum], share: AnyShare) -> None:
    """Raises Conflict, for another try."""
    there, old = await asyncio.gather(account.read_sum(), account.read_share())
    if old.model is not None and old.model.generation >= share.generation:
        return
    if there.model is None and old.model is not None:
        await _repair(account)
    try:
        await account.exchange(there, old, share)
    except Missing as missing:
        if there.model is None:
            log.info("organization %s is gone: %s", organization, missing)
            return
        await _repair(account)


async def _repair(account: LedgerAccount[AnyShare, AnySum]) -> None:
    """Raises Conflict, always: the share is to be entered into the sum that is there then."""
    log.error("rows of %s were missing: it is counted anew", account.name)
    with suppress(Missing):
        await account.recount()
    raise Conflict(f"{account.name} was counted anew")
