"""The counts of templates follow the messages: forwards, backwards, and once, whoever dies or is held up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from lib.clock import SetClock, month_of
from lib.errors import Stale
from lib.fields import Regarding
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.people.address_hashes import AddressHashes
from lib.storage import Change, Conflict, Delete, Storage, Unavailable
from lib.storage import retry as attempts
from lib.storage.memory import memory_storage
from lib.templates import Contacts, TemplateCounting, Templates, TemplatesFollower, TemplateUse
from lib.templates.shares import TemplateCounts, TemplateShare
from lib.templates.tallies import Cell, Tally
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import Kpis
from lib.verdicts.tallies import Tallies
from tests.support.engaging import SlowTables
from tests.support.failing import Failure, When, failing_storage
from tests.support.heed import START

MONTH = month_of(START)
NOTHING = Kpis()
OPENED = Kpis(opens=3)
CLICKED = Kpis(clicks=1)
REPLIED = Kpis(opens=1, replies=2)


@dataclass(slots=True)
class Desk:
    """An organization. `uses` stands for what the messages' summaries say of their templates, with a version."""

    storage: Storage = field(default_factory=memory_storage)
    failure: Failure = field(default_factory=Failure)
    tables: SlowTables = field(init=False)
    counts: TemplateCounting = field(init=False)
    follower: TemplatesFollower = field(init=False)
    clock: SetClock = field(init=False)
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    uses: dict[str, tuple[int, TemplateUse | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = SlowTables(self.storage.tables)
        self.storage = failing_storage(replace(self.storage, tables=self.tables), self.failure)
        self.counts = TemplateCounting(self.storage.tables)
        self.clock = SetClock(START)
        self.follower = self._follower(self.counts)

    def another_process(self) -> TemplatesFollower:
        return self._follower(TemplateCounting(self.storage.tables))

    def _follower(self, counts: TemplateCounting) -> TemplatesFollower:
        tables = self.storage.tables
        contacts = Contacts(tables, AddressHashes(self.storage, self.clock))
        return TemplatesFollower(counts, Templates(tables, self.clock), contacts)

    async def open(self) -> Desk:
        await self.tables.create("heedacmetemplates")
        return self

    def sent(self, template: str | None = "t1", regarding: str | None = None, followed: bool = True) -> str:
        """A message that was sent; its id."""
        message = StoredMessage(
            id=f"{len(self.messages):032x}",
            sender="rep1",
            state="sent",
            created_at=START,
            template=template,
            regarding=Regarding(type=regarding, id="x1") if regarding else None,
            follow_state=FollowState(state="on" if followed else "off", reason=""),
        )
        self.messages[message.id] = message
        return message.id

    def assessed(self, message: str, kpis: Kpis) -> AssessedMessage:
        return AssessedMessage("acme", self.messages[message], "", [], [], {}, kpis, Tallies())

    async def plan(self, message: str, kpis: Kpis, follower: TemplatesFollower | None = None) -> TemplateUse | None:
        """What the assessor does first: say what the message gives, and put that into the summary. Raises Stale."""
        version, before = self.uses.get(message, (0, None))
        use = (await (follower or self.follower).plan(self.assessed(message, kpis), before)).part
        await asyncio.sleep(0)
        if self.uses.get(message, (0, None))[0] != version:
            raise Stale
        kept = TemplateUse.model_validate_json(use.model_dump_json()) if use else None
        self.uses[message] = (version + 1, kept)
        return kept

    async def assess(self, message: str, kpis: Kpis, follower: TemplatesFollower | None = None) -> None:
        use = await self.plan(message, kpis, follower)
        await (follower or self.follower).apply(self.assessed(message, kpis), use)

    async def of(self, template: str = "t1", regarding: str | None = None) -> Tally:
        counts = (await self.counts.load_counts("acme")).get(template, TemplateCounts())
        return sum_of(counts, regarding)


def sum_of(counts: TemplateCounts, regarding: str | None = None) -> Tally:
    cells = [(Cell.read(key), Tally.from_numbers(numbers)) for key, numbers in counts.cells.items()]
    return sum((tally for cell, tally in cells if regarding in (None, cell.regarding)), Tally())


@pytest.fixture
async def desk() -> Desk:
    return await Desk().open()


async def test_a_message_counts_once_however_often_it_was_read(desk: Desk) -> None:
    for kpis in (NOTHING, OPENED, CLICKED, REPLIED, Kpis(attachment_views=1)):
        await desk.assess(desk.sent(), kpis)

    assert await desk.of() == Tally(sent=5, followed=5, opened=4, clicked=1, replied=1)


async def test_machines_and_the_uncertain_do_not_count(desk: Desk) -> None:
    kpis = Kpis.model_validate({"machine": {"opens": 3, "clicks": 2}, "uncertain": {"opens": 1}, "raw": {"opens": 4}})

    await desk.assess(desk.sent(), kpis)

    assert await desk.of() == Tally(sent=1, followed=1)


async def test_of_mail_that_is_not_followed_only_the_number_is_known(desk: Desk) -> None:
    await desk.assess(desk.sent(followed=False), REPLIED)

    assert await desk.of() == Tally(sent=1)


async def test_counts_are_kept_by_the_type_of_record_that_the_mail_is_about(desk: Desk) -> None:
    await desk.assess(desk.sent(regarding="opportunity"), REPLIED)
    await desk.assess(desk.sent(regarding="case"), NOTHING)
    await desk.assess(desk.sent(), OPENED)

    assert await desk.of(regarding="opportunity") == Tally(sent=1, followed=1, opened=1, replied=1)
    assert await desk.of(regarding="case") == Tally(sent=1, followed=1)
    assert await desk.of(regarding="lead") == Tally()
    assert (await desk.of()).sent == 3


async def test_drafts_and_mail_without_a_template_count_for_nobody(desk: Desk) -> None:
    draft = desk.sent()
    desk.messages[draft].state = "draft"
    desk.tables.calls = 0

    await desk.assess(draft, NOTHING)
    await desk.assess(desk.sent(None), OPENED)

    assert desk.tables.calls == 0
    assert await desk.counts.load_counts("acme") == {}


async def test_counts_follow_a_verdict_that_is_taken_back(desk: Desk) -> None:
    message = desk.sent()
    await desk.assess(message, REPLIED)

    await desk.assess(message, NOTHING)

    assert await desk.of() == Tally(sent=1, followed=1)


async def test_a_message_that_is_sent_no_more_is_taken_away(desk: Desk) -> None:
    message = desk.sent()
    await desk.assess(message, OPENED)
    desk.messages[message].state = "failed"

    await desk.assess(message, OPENED)

    assert await desk.of() == Tally()
    left = (await desk.counts.load_counts("acme"))["t1"]
    assert (left.cells, left.fresh, left.people) == ({}, {}, {})


async def test_where_nothing_has_changed_no_request_is_made(desk: Desk) -> None:
    message = desk.sent()
    await desk.assess(message, OPENED)
    await desk.assess(message, OPENED)
    desk.tables.calls = 0

    await desk.assess(message, Kpis(opens=4))

    assert desk.tables.calls == 0
    assert (await desk.of()).opened == 1


async def test_messages_of_one_template_all_count_when_they_come_at_once(desk: Desk) -> None:
    messages = [desk.sent() for _ in range(30)]
    other = desk.another_process()

    await asyncio.gather(
        *(desk.assess(message, REPLIED, other if place % 2 else None) for place, message in enumerate(messages))
    )

    assert await desk.of() == Tally(sent=30, followed=30, opened=30, replied=30)


async def test_of_two_assessors_the_one_that_lost_writes_nothing(desk: Desk) -> None:
    message = desk.sent()

    answers = await asyncio.gather(desk.assess(message, OPENED), desk.assess(message, OPENED), return_exceptions=True)

    assert sorted(isinstance(answer, Stale) for answer in answers) == [False, True]
    assert (await desk.of()).sent == 1


async def test_an_assessor_that_was_held_up_changes_nothing_that_a_later_one_has_written(desk: Desk) -> None:
    message = desk.sent()
    await desk.assess(message, NOTHING)
    late = await desk.plan(message, REPLIED)

    await desk.assess(message, OPENED)
    await desk.follower.apply(desk.assessed(message, REPLIED), late)

    assert await desk.of() == Tally(sent=1, followed=1, opened=1)


async def test_an_assessor_that_was_held_up_does_not_come_back_when_the_verdict_does(desk: Desk) -> None:
    message = desk.sent()
    await desk.assess(message, NOTHING)
    late = await desk.plan(message, REPLIED)

    await desk.assess(message, NOTHING)
    await desk.follower.apply(desk.assessed(message, REPLIED), late)

    assert await desk.of() == Tally(sent=1, followed=1)


async def test_who_dies_before_the_rows_are_written_is_followed_by_one_who_writes_them(desk: Desk) -> None:
    message = desk.sent()
    await desk.plan(message, OPENED)
    assert await desk.of() == Tally()

    await desk.assess(message, OPENED)

    assert await desk.of() == Tally(sent=1, followed=1, opened=1)


async def life_of_a_message(number: int, when: When) -> tuple[TemplateCounts, int]:
    """A message that is assessed again and again, while one operation fails: (the end, how many operations)."""
    desk = await Desk().open()
    await desk.assess(desk.sent("t1", "case"), OPENED)
    message = desk.sent("t1", "opportunity")
    desk.failure.arm(number, when)
    for kpis in (NOTHING, OPENED, REPLIED, OPENED, CLICKED):
        while True:
            try:
                await desk.assess(message, kpis)
                break
            except Unavailable:
                continue
    count = desk.failure.count
    desk.failure.arm(0, when)
    await desk.assess(message, CLICKED)
    return (await desk.counts.load_counts("acme"))["t1"], count


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_storage_fails_the_end_is_the_same(when: When) -> None:
    expected, count = await life_of_a_message(0, when)
    assert count > 10
    assert sum_of(expected, "opportunity") == Tally(sent=1, followed=1, opened=1, clicked=1)

    for number in range(1, count + 1):
        found, _ = await life_of_a_message(number, when)
        assert found == expected, f"operation {number} fails {when} it is done"


async def test_a_sale_counts_once_and_can_be_taken_back(desk: Desk) -> None:
    await desk.assess(desk.sent(), OPENED)
    won = TemplateShare(generation=1, regarding="opportunity", numbers=Tally(won=1).numbers())

    await desk.counts.enter_sale_share("acme", "t1", "o1", won)
    await desk.counts.enter_sale_share("acme", "t1", "o1", won)
    await desk.counts.enter_sale_share("acme", "t1", "o2", won)
    both = (await desk.of()).won
    await desk.counts.enter_sale_share("acme", "t1", "o1", TemplateShare(generation=2, regarding="opportunity"))
    await desk.counts.enter_sale_share("acme", "t1", "o1", won)

    assert (both, (await desk.of()).won, (await desk.of()).sent) == (2, 1, 1)


async def test_counts_that_were_lost_are_counted_anew_by_the_next_event(desk: Desk) -> None:
    messages = [desk.sent() for _ in range(3)]
    for message in messages:
        await desk.assess(message, OPENED)
    await desk.counts.enter_sale_share("acme", "t1", "o1", TemplateShare(generation=1, numbers=Tally(won=1).numbers()))
    await desk.assess(desk.sent("t10"), OPENED)
    await desk.tables.write_rows("heedacmetemplates", [Delete("tallies", f"c|t1|{MONTH}")])

    await desk.assess(messages[0], CLICKED)

    assert await desk.of() == Tally(sent=3, followed=3, opened=3, clicked=1, won=1)


async def test_a_message_that_release_0_1_0_has_counted_counts_when_it_is_judged_again(desk: Desk) -> None:
    """Its summary names the template and a generation, but no month. Nothing has to happen to the message."""
    message = desk.sent()
    desk.uses[message] = (1, TemplateUse.model_validate({"template": "t1", "generation": 3, "settled": True}))

    await desk.assess(message, OPENED)
    await desk.assess(message, OPENED)

    assert await desk.of() == Tally(sent=1, followed=1, opened=1)


async def test_counts_that_were_damaged_can_be_counted_anew(desk: Desk) -> None:
    for _ in range(3):
        await desk.assess(desk.sent(), OPENED)
    await desk.tables.write_rows("heedacmetemplates", [Delete("tallies", f"c|t1|{MONTH}")])
    await desk.assess(desk.sent(), NOTHING)
    assert (await desk.of()).sent == 1

    await desk.counts._account("acme", "t1", MONTH, "").recount()

    assert await desk.of() == Tally(sent=4, followed=4, opened=3)


async def test_messages_of_an_organization_that_is_gone_harm_nobody() -> None:
    desk = Desk()

    await desk.assess(desk.sent(), OPENED)

    assert await desk.counts.load_counts("acme") == {}


async def test_who_is_never_let_through_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_LONGEST_PAUSE", 0.0)

    async def refuse(table: str, changes: Sequence[Change]) -> list[str | None]:
        raise Conflict("somebody was quicker")

    monkeypatch.setattr(desk.tables, "write_rows", refuse)

    with pytest.raises(Stale, match="template t1"):
        await desk.assess(desk.sent(), OPENED)


async def test_a_message_that_is_forgotten_is_counted_no_more(desk: Desk) -> None:
    kept, forgotten = desk.sent(), desk.sent()
    await desk.assess(kept, OPENED)
    await desk.assess(forgotten, REPLIED)

    for _ in range(2):
        await desk.follower.forget("acme", forgotten, desk.uses[forgotten][1])

    assert await desk.of() == Tally(sent=1, followed=1, opened=1)
