"""Runs timer-triggered functions as the Functions host does.

One run at a time per timer; ticks that fall into a run are dropped; a tick missed while the host was down is
made up for once, at start, when the timer is monitored. Its status is then a JSON file in the data folder.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.functions.timer import TimerRequest

from infra.local.files import write_private
from infra.local.host.application import Function
from infra.local.host.clock import TimerClock
from infra.local.host.invocation import InvocationError, Invoke
from infra.local.host.running_tasks import RunningTasks, start_in_background
from infra.local.host.schedules import TimerSchedule, is_monitored_by_default, parse_schedule

logger = logging.getLogger("heed.host")

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """The last run of a timer (None: never yet), and the next one as seen at `updated`."""

    last: datetime | None
    next: datetime
    updated: datetime

    def as_dict(self) -> dict[str, str]:
        """Return the form in which the Functions host shows and stores it."""
        return {
            "Last": (self.last or NEVER).isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }


class StatusFile:
    """The status of one timer on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> ScheduleStatus | None:
        """Read the stored status; None where there is none, or none that can be read."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            last, following, updated = (
                datetime.fromisoformat(stored[name]) for name in ("Last", "Next", "LastUpdated")
            )
            return ScheduleStatus(None if last == NEVER else last, following, updated)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            logger.warning("%s cannot be read; the timer starts anew", self._path)
            return None

    def write_status(self, status: ScheduleStatus) -> None:
        write_private(self._path, json.dumps(status.as_dict()) + "\n")


class TimerTrigger:
    """A timer and its function."""

    def __init__(
        self,
        schedule: TimerSchedule,
        invoke: Invoke,
        clock: TimerClock,
        status_file: StatusFile | None,
        run_on_startup: bool,
    ) -> None:
        self._schedule = schedule
        self._invoke = invoke
        self._clock = clock
        self._status_file = status_file
        self._run_on_startup = run_on_startup
        self._status: ScheduleStatus | None = None
        self._runs = RunningTasks()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait for the ticks."""
        self._loop = start_in_background(self._follow_schedule())

    async def stop(self, seconds: float) -> None:
        """Wait for no more ticks, and at most that long for a run under way."""
        if self._loop is not None:
            self._loop.cancel()
        await self._runs.finish(seconds)

    async def _follow_schedule(self) -> None:
        past_due = self._is_past_due()
        if past_due or self._run_on_startup:
            await self._run(past_due)
        while True:
            await self._clock.sleep_until(self._schedule.next_after(self._clock.now()))
            await self._run(past_due=False)

    def _is_past_due(self) -> bool:
        """Return whether a tick was missed since the last run; store a first status where there is none."""
        if self._status_file is None:
            return False
        now = self._clock.now()
        stored = self._status_file.read()
        # A schedule that was changed meanwhile counts from now on: its past ticks never were promised.
        if stored is None or self._schedule.next_after(stored.updated) != stored.next:
            self._store(ScheduleStatus(stored.last if stored else None, self._schedule.next_after(now), now))
            return False
        self._status = stored
        return stored.next <= now

    async def _run(self, past_due: bool) -> None:
        # Shielded: a stop cancels the waiting for the tick, not the function.
        await asyncio.shield(self._runs.start(self._invoke_once(past_due)))

    async def _invoke_once(self, past_due: bool) -> None:
        began = self._clock.now()
        status: dict[str, Any] = self._status.as_dict() if self._status else {}
        # An error is in the log already; the next tick comes all the same.
        with suppress(InvocationError):
            await self._invoke(TimerRequest(past_due=past_due, schedule_status=status))
        if self._status_file is not None:
            self._store(ScheduleStatus(began, self._schedule.next_after(began), began))

    def _store(self, status: ScheduleStatus) -> None:
        self._status = status
        if self._status_file is not None:
            try:
                self._status_file.write_status(status)
            except OSError as error:
                logger.error("The status of a timer could not be stored: %s", error)


def make_timer_trigger(
    function: Function, schedule_text: str, invoke: Invoke, clock: TimerClock, status_folder: Path
) -> TimerTrigger:
    """Build the trigger from the binding; `schedule_text` is its schedule with settings filled in."""
    schedule = parse_schedule(function.name, schedule_text)
    trigger = function.trigger
    monitored = trigger.use_monitor is not False and is_monitored_by_default(schedule, clock.now())
    status_file = StatusFile(status_folder / f"{function.name}.json") if monitored else None
    return TimerTrigger(schedule, invoke, clock, status_file, bool(trigger.run_on_startup))
