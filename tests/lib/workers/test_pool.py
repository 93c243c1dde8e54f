"""Work off the event loop: where it runs, who waits for whom, and what a worker's death costs."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from pathlib import Path

import pytest

from lib.errors import Busy
from lib.workers.places import Room, WorkPlaces
from lib.workers.pool import INLINE, JobLost, OffLoop
from tests.support.off_loop_jobs import begun_file, die, die_once, hold, refuse, where

LARGE = INLINE + 1


async def begun(path: Path) -> None:
    while not begun_file(path).exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.005)


def held(off_loop: OffLoop, organization: str, path: Path) -> asyncio.Task[int]:
    path.touch()
    return asyncio.create_task(off_loop.run(organization, LARGE, hold, path))


async def test_large_work_runs_in_another_process_and_small_work_in_this_one() -> None:
    off_loop = OffLoop()

    assert await off_loop.run("acme", INLINE, where) == os.getpid()
    assert await off_loop.run("acme", LARGE, where) != os.getpid()


async def test_one_worker_does_one_job_after_the_other() -> None:
    off_loop = OffLoop()

    assert len({await off_loop.run("acme", LARGE, where) for _ in range(3)}) == 1


async def test_an_organization_leaves_a_worker_to_the_others(tmp_path: Path) -> None:
    off_loop, path = OffLoop(workers=2), tmp_path / "held"
    first = held(off_loop, "loud", path)
    await begun(path)
    second = asyncio.create_task(off_loop.run("loud", LARGE, where))

    assert await off_loop.run("quiet", LARGE, where) != os.getpid()
    assert not first.done()
    assert not second.done()
    path.unlink()
    await asyncio.gather(first, second)


async def test_what_a_job_raises_is_raised_with_where_it_came_from() -> None:
    with pytest.raises(LookupError, match="no such thing") as caught:
        await OffLoop().run("acme", LARGE, refuse)

    assert "off_loop_jobs" in caught.value.__notes__[0]


async def test_the_job_of_a_worker_that_died_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "once"
    path.touch()

    assert await OffLoop().run("acme", LARGE, die_once, path) == "done"


async def test_a_job_that_kills_every_worker_is_given_up_and_the_next_one_is_done() -> None:
    off_loop = OffLoop()

    with pytest.raises(JobLost):
        await off_loop.run("acme", LARGE, die)

    assert await off_loop.run("acme", LARGE, where) != os.getpid()


async def test_a_worker_that_was_killed_while_idle_is_replaced() -> None:
    off_loop = OffLoop()
    killed = await off_loop.run("acme", LARGE, where)
    os.kill(killed, signal.SIGKILL)

    assert await off_loop.run("acme", LARGE, where) not in (killed, os.getpid())


async def test_a_job_that_cannot_be_sent_harms_no_other() -> None:
    off_loop = OffLoop(workers=1)

    with pytest.raises((AttributeError, pickle.PicklingError)):
        await off_loop.run("acme", LARGE, lambda: None)

    assert await off_loop.run("acme", LARGE, where) != os.getpid()


async def test_nobody_waits_for_workers_that_were_ended(tmp_path: Path) -> None:
    off_loop, path = OffLoop(workers=1), tmp_path / "held"
    first = held(off_loop, "loud", path)
    await begun(path)
    waiting = asyncio.create_task(off_loop.run("quiet", LARGE, where))
    await asyncio.sleep(0)

    off_loop.close()

    with pytest.raises(JobLost):
        await waiting
    with pytest.raises(JobLost):
        await off_loop.run("quiet", LARGE, where)
    path.unlink()
    await first


async def test_a_caller_who_goes_away_takes_no_worker_along(tmp_path: Path) -> None:
    off_loop, path = OffLoop(workers=1), tmp_path / "held"
    working = held(off_loop, "acme", path)
    await begun(path)
    waiting = asyncio.create_task(off_loop.run("acme", LARGE, where))
    await asyncio.sleep(0)

    working.cancel()
    waiting.cancel()
    await asyncio.gather(working, waiting, return_exceptions=True)
    path.unlink()

    assert await off_loop.run("acme", LARGE, where) != os.getpid()


def places() -> WorkPlaces:
    return WorkPlaces(most=3, most_of_one=2, most_bytes=10 * LARGE, most_bytes_of_one=5 * LARGE)


def test_an_organization_has_so_many_places_and_others_have_theirs() -> None:
    one = places()
    with one.place("loud", LARGE), one.place("loud", LARGE):
        with pytest.raises(Busy, match="again"), one.place("loud", LARGE):
            pass
        with one.place("quiet", LARGE), one.place("loud", INLINE):
            pass
    with one.place("loud", LARGE):
        pass


def test_all_together_have_so_many_places_too() -> None:
    one = places()
    with (
        one.place("a", LARGE),
        one.place("b", LARGE),
        one.place("c", LARGE),
        pytest.raises(Busy),
        one.place("d", LARGE),
    ):
        pass


def test_places_are_bounded_by_bytes_but_one_large_request_is_taken() -> None:
    one = places()
    with one.place("a", 20 * LARGE), pytest.raises(Busy), one.place("b", LARGE):
        pass
    with one.place("a", 4 * LARGE), pytest.raises(Busy), one.place("a", 2 * LARGE):
        pass


async def test_who_finds_no_room_waits_for_it_in_order() -> None:
    room = Room(10)
    taken = await room.take_bytes(8)
    large = asyncio.create_task(room.take_bytes(9))
    small = asyncio.create_task(room.take_bytes(2))
    await asyncio.sleep(0)
    assert not large.done()
    assert not small.done()

    room.give_back(taken)
    await asyncio.sleep(0)
    assert large.done()
    assert not small.done()
    room.give_back(await large)
    assert await small == 2


async def test_who_no_longer_waits_for_room_holds_up_nobody() -> None:
    room = Room(10)
    taken = await room.take_bytes(20)
    assert taken == 10
    gone = asyncio.create_task(room.take_bytes(10))
    next_one = asyncio.create_task(room.take_bytes(10))
    await asyncio.sleep(0)
    gone.cancel()
    room.give_back(taken)

    assert await next_one == 10
