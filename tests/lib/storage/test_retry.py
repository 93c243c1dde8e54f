"""Changes on condition of a version are tried again when another writer was first."""

import asyncio

import pytest

from lib.errors import Stale
from lib.storage import Conflict
from lib.storage.retry import Attempts, retry_on_conflict


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.storage.retry._FIRST_PAUSE", 0.0)


class Row:
    """A row that other writers change before the first few writes."""

    def __init__(self, others: int, error: type[Exception] = Conflict) -> None:
        self.others = others
        self.error = error
        self.tries = 0

    async def change(self) -> str:
        self.tries += 1
        if self.tries <= self.others:
            raise self.error
        return f"written at try {self.tries}"


async def test_a_change_is_tried_again_until_no_other_writer_is_first() -> None:
    assert await retry_on_conflict("the row", Row(others=3).change) == "written at try 4"


async def test_a_change_that_meets_another_writer_every_time_is_stale_and_says_of_what() -> None:
    row = Row(others=100)

    with pytest.raises(Stale, match="message m1 changed under every one of 5 tries"):
        await retry_on_conflict("message m1", row.change, tries=5)
    assert row.tries == 5


async def test_only_the_errors_that_mean_another_writer_are_tried_again() -> None:
    row = Row(others=1, error=Stale)

    with pytest.raises(Stale):
        await retry_on_conflict("the row", row.change)
    assert row.tries == 1
    assert await retry_on_conflict("the row", row.change, on=(Stale, Conflict)) == "written at try 2"


async def test_changes_of_one_subject_take_turns_and_others_do_not_wait() -> None:
    attempts, order, gate = Attempts(), list[str](), asyncio.Event()

    async def slow() -> None:
        await gate.wait()
        order.append("slow")

    async def quick(name: str) -> None:
        order.append(name)

    first = asyncio.create_task(attempts.attempt_change("acme", "a", slow))
    await asyncio.sleep(0)
    second = asyncio.create_task(attempts.attempt_change("acme", "a", lambda: quick("same")))
    await attempts.attempt_change("acme", "b", lambda: quick("other"))
    gate.set()
    await asyncio.gather(first, second)

    assert order == ["other", "slow", "same"]
