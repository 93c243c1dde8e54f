"""Timers: one run at a time, missed ticks dropped, a tick missed while the host was down made up for once."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from infra.local.host.host import Host
from tests.infra.local.host.fake_clock import FakeClock
from tests.support.hosts import running_host

MINUTE = timedelta(minutes=1)


class Sweeper:
    """Makes apps with one timer, and knows what became of its runs."""

    def __init__(self, schedule: str = "0 * * * * *", **binding: Any) -> None:
        self.past_due: list[bool] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.fails = False
        self._schedule = schedule
        self._binding = binding

    def make_application(self) -> func.FunctionApp:
        app = func.FunctionApp()

        @app.timer_trigger("timer", schedule=self._schedule, **self._binding)
        async def sweep(timer: func.TimerRequest) -> None:
            self.past_due.append(timer.past_due)
            await self.may_end.wait()
            if self.fails:
                raise ValueError("no sweeping today")

        return app


@asynccontextmanager
async def sweeping(sweeper: Sweeper, clock: FakeClock, data_dir: Path) -> AsyncIterator[Host]:
    async with running_host(sweeper.make_application(), clock=clock, data_dir=data_dir) as host:
        yield host


async def test_a_timer_runs_at_each_tick(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper()
    async with sweeping(sweeper, clock, tmp_path):
        for runs in range(3):
            assert await clock.sleeper() == clock.now() + MINUTE
            assert len(sweeper.past_due) == runs
            await clock.move(MINUTE)
    assert sweeper.past_due[:2] == [False, False]


async def test_ticks_during_a_run_are_dropped(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper()
    async with sweeping(sweeper, clock, tmp_path):
        await clock.sleeper()
        sweeper.may_end.clear()
        await clock.move(MINUTE)
        await asyncio.sleep(0.05)
        await clock.move(3 * MINUTE)
        await asyncio.sleep(0.05)
        sweeper.may_end.set()
        assert await clock.sleeper() == clock.now() + MINUTE
    assert sweeper.past_due == [False]


async def test_an_error_does_not_end_the_schedule(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, sweeper = FakeClock(), Sweeper()
    sweeper.fails = True
    async with sweeping(sweeper, clock, tmp_path):
        for _ in range(2):
            await clock.sleeper()
            await clock.move(MINUTE)
        await clock.sleeper()
    assert sweeper.past_due == [False, False]
    assert "Function sweep failed" in caplog.text


async def test_a_tick_missed_while_the_host_was_down_is_made_up_for_once(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper()
    async with sweeping(sweeper, clock, tmp_path):
        await clock.sleeper()
    await clock.move(10 * MINUTE)
    async with sweeping(sweeper, clock, tmp_path):
        await clock.sleeper()
    async with sweeping(sweeper, clock, tmp_path):
        await clock.sleeper()
    assert sweeper.past_due == [True]


async def test_nothing_is_past_due_when_no_tick_was_missed(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper("0 0 * * * *")
    for _ in range(2):
        async with sweeping(sweeper, clock, tmp_path):
            await clock.sleeper()
        await clock.move(MINUTE)
    assert sweeper.past_due == []


async def test_a_changed_schedule_makes_nothing_past_due(tmp_path: Path) -> None:
    clock = FakeClock()
    async with sweeping(Sweeper("0 * * * * *"), clock, tmp_path):
        await clock.sleeper()
    await clock.move(10 * MINUTE)
    changed = Sweeper("0 0 * * * *")
    async with sweeping(changed, clock, tmp_path):
        await clock.sleeper()
    assert changed.past_due == []


async def test_without_monitor_missed_ticks_are_forgotten(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper(use_monitor=False)
    for _ in range(2):
        async with sweeping(sweeper, clock, tmp_path):
            await clock.sleeper()
        await clock.move(10 * MINUTE)
    assert sweeper.past_due == []


async def test_a_broken_status_file_is_no_obstacle(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper()
    (tmp_path / "timers").mkdir()
    (tmp_path / "timers" / "sweep.json").write_text('{"Last": ')
    async with sweeping(sweeper, clock, tmp_path):
        assert await clock.sleeper() == clock.now() + MINUTE


async def test_run_on_startup_runs_at_once_and_not_as_past_due(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper(run_on_startup=True)
    async with sweeping(sweeper, clock, tmp_path):
        await clock.sleeper()
    assert sweeper.past_due == [False]


async def test_the_schedule_may_stand_in_a_setting(tmp_path: Path) -> None:
    clock, sweeper = FakeClock(), Sweeper("%SWEEP_SCHEDULE%")
    async with running_host(
        sweeper.make_application(), {"SWEEP_SCHEDULE": "0 */5 * * * *"}, clock=clock, data_dir=tmp_path
    ):
        assert await clock.sleeper() == clock.now() + 5 * MINUTE


async def test_a_plain_function_runs_beside_the_event_loop() -> None:
    app = func.FunctionApp()
    threads: list[str] = []
    ran = asyncio.Event()
    loop = asyncio.get_running_loop()

    @app.timer_trigger("timer", schedule="0 * * * * *", run_on_startup=True)
    def sweep(timer: func.TimerRequest) -> None:
        threads.append(threading.current_thread().name)
        loop.call_soon_threadsafe(ran.set)

    async with running_host(app, clock=FakeClock()), asyncio.timeout(60):
        await ran.wait()
    assert threads[0].startswith("function")
