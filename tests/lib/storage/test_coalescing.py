"""Work on one thing goes one at a time; what comes meanwhile is done together."""

from __future__ import annotations

import asyncio

import pytest

from lib.storage.coalescing import PerKeyWorker


async def test_what_comes_while_work_is_under_way_is_done_together_once() -> None:
    done: list[tuple[str, list[int]]] = []
    gate = asyncio.Event()

    async def work(key: str, items: list[int]) -> None:
        done.append((key, items))
        await gate.wait()

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=100)
    adding = [asyncio.create_task(worker.do_items("a", [number])) for number in range(5)]
    other = asyncio.create_task(worker.do_items("b", [9]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*adding, other)

    assert sorted(item for key, items in done for item in items if key == "a") == [0, 1, 2, 3, 4]
    assert len([key for key, _ in done if key == "a"]) <= 2
    assert ("b", [9]) in done


async def test_a_failure_reaches_those_whose_items_it_was_and_no_others() -> None:
    async def work(key: str, items: list[int]) -> None:
        if 1 in items:
            raise ValueError("no ones")

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=1)
    results = await asyncio.gather(
        worker.do_items("a", [0]), worker.do_items("a", [1]), worker.do_items("a", [2]), return_exceptions=True
    )

    assert results[0] is None
    assert isinstance(results[1], ValueError)
    assert results[2] is None


async def test_a_call_is_given_no_more_than_it_may_but_always_something() -> None:
    sizes: list[int] = []

    async def work(key: str, items: list[int]) -> None:
        sizes.append(len(items))

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=3)
    await asyncio.gather(*(worker.do_items("a", [0, 0]) for _ in range(4)), worker.do_items("a", [0] * 9))

    assert sum(sizes) == 17
    assert all(size <= 3 or size == 9 for size in sizes)


async def test_whoever_stops_waiting_takes_nobody_with_them() -> None:
    gate = asyncio.Event()

    async def work(key: str, items: list[int]) -> None:
        await gate.wait()

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=100)
    impatient = asyncio.create_task(worker.do_items("a", [1]))
    patient = asyncio.create_task(worker.do_items("a", [2]))
    await asyncio.sleep(0)
    impatient.cancel()
    gate.set()

    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_sizes_bound_a_call_where_they_are_told() -> None:
    batches: list[list[int]] = []

    async def work(key: str, items: list[int]) -> None:
        batches.append(items)

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=10, size_of=lambda item: item)
    await asyncio.gather(*(worker.do_items("a", [size]) for size in (4, 4, 4, 30, 1)))

    assert batches == [[4, 4], [4], [30], [1]]


async def test_after_a_failure_what_nobody_waits_for_any_more_is_dropped() -> None:
    done: list[list[int]] = []
    gate = asyncio.Event()

    async def work(key: str, items: list[int]) -> None:
        done.append(items)
        await gate.wait()
        if 0 in items:
            raise ValueError("the first call fails")

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=1)
    failing, impatient, patient = (asyncio.create_task(worker.do_items("a", [number])) for number in range(3))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(failing, impatient, patient, return_exceptions=True)

    assert done == [[0], [2]]


async def test_closing_ends_who_waits_for_work_that_does_not_end() -> None:
    async def work(key: str, items: list[int]) -> None:
        await asyncio.Event().wait()

    worker: PerKeyWorker[str, int] = PerKeyWorker(work, most=1)
    waiting = [asyncio.create_task(worker.do_items("a", [number])) for number in range(2)]
    await asyncio.sleep(0)
    await worker.close(0)

    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
