"""A message's reminder is set, or fires, while the message is on its way: before some step of the worker that sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from lib.clock import rfc3339
from lib.storage import Change
from lib.storage.memory import MemoryTables
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, memory_host
from tests.faults.jobs import Request, Tick
from tests.faults.steps import Step, steps_of
from tests.support.mail_server import MailServer

STEPS: Sequence[Step] = ["the row says submitting", "the row says sent"]


class MeanwhileTables(MemoryTables):
    """Before the step is taken for the first time, something else happens."""

    def __init__(self) -> None:
        super().__init__()
        self._step: Step | None = None

    def before(self, step: Step, happen: Callable[[], Awaitable[object]]) -> None:
        self._step, self._happen = step, happen

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        if self._step in steps_of(table, changes):
            self._step = None
            await self._happen()
        return await super().write_rows(table, changes)


@pytest.fixture
def tables() -> MeanwhileTables:
    return MeanwhileTables()


@pytest.fixture
async def host(mails: MailServer, tables: MeanwhileTables) -> AsyncIterator[Host]:
    async with memory_host(mails.settings, tables) as made:
        yield made


def reminder(host: Host, **after: float) -> dict[str, Any]:
    return {"title": "Ask Ada", "condition": "always", "at": rfc3339(host.clock.now() + timedelta(**after))}


async def send_at_its_time(host: Host) -> None:
    host.clock.move(hours=1)
    await host.do(Tick("sweep_due"))
    await host.hand_over()
    await host.settle()


@pytest.mark.parametrize("step", STEPS)
async def test_a_mail_whose_reminder_is_set_meanwhile_is_sent_and_keeps_it(
    host: Host, mails: MailServer, tables: MeanwhileTables, step: Step
) -> None:
    message = await host.told_to_go(deliver_at=host.clock.now() + timedelta(hours=1))
    set_it = Request("PUT", f"/messages/{message}/reminder", reminder(host, hours=9))
    tables.before(step, lambda: host.do(set_it))

    await send_at_its_time(host)

    assert await ends_of(host.heed, mails, [message]) == [End("sent", received=1, reminder="set")]


@pytest.mark.parametrize("step", STEPS)
async def test_a_mail_whose_reminder_fires_meanwhile_is_sent_and_the_reminder_shown_once(
    host: Host, mails: MailServer, tables: MeanwhileTables, step: Step
) -> None:
    message = await host.told_to_go(
        deliver_at=host.clock.now() + timedelta(hours=1), reminder=reminder(host, minutes=59)
    )
    tables.before(step, lambda: host.do(Tick("remind")))

    await send_at_its_time(host)

    reminded = End("sent", received=1, cards=("reminder",), reminder="reminded")
    assert await ends_of(host.heed, mails, [message]) == [reminded]


async def test_a_file_that_is_added_while_the_mail_is_written_travels_in_it(
    host: Host, mails: MailServer, tables: MeanwhileTables
) -> None:
    message = await host.told_to_go()

    async def add() -> None:
        path = f"/api/orgs/acme/messages/{message}/attachments?filename=offer.txt&followed=false"
        added = await host.heed.request("POST", path, b"the offer itself", key=host.heed.key)
        assert added.status == 201

    tables.before("the row says submitting", add)
    await host.settle()

    assert await ends_of(host.heed, mails, [message]) == [End("sent", received=1)]
    [mail] = mails.mails.values()
    assert b"offer.txt" in mail


async def test_a_file_that_is_taken_out_while_the_mail_is_written_does_not_travel_in_it(
    host: Host, mails: MailServer, tables: MeanwhileTables
) -> None:
    message = await host.told_to_go()
    path = f"/api/orgs/acme/messages/{message}/attachments"
    added = await host.heed.request("POST", f"{path}?filename=offer.txt", b"the offer itself", key=host.heed.key)
    assert added.status == 201
    take_it_out = Request("DELETE", f"/messages/{message}/attachments/{added.json['id']}")
    tables.before("the row says submitting", lambda: host.do(take_it_out))

    await host.settle()

    assert await ends_of(host.heed, mails, [message]) == [End("sent", received=1)]
    [mail] = mails.mails.values()
    assert b"offer.txt" not in mail
