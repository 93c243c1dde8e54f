"""Does on one machine what the Functions host does in Azure: runs an app's functions by their triggers."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import azure.functions as func
import uvicorn

from infra.local.errors import StartError
from infra.local.host.application import Function, list_functions
from infra.local.host.clock import SystemTimerClock, TimerClock
from infra.local.host.host_json import HostOptions
from infra.local.host.http_triggers import HttpTriggers
from infra.local.host.invocation import Invoke, make_invoke
from infra.local.host.log_lines import LateLines
from infra.local.host.one_write import OneWriteProtocol
from infra.local.host.queue_triggers import LEASE, QueueTrigger
from infra.local.host.routing import shadowed_routes
from infra.local.host.timer_triggers import make_timer_trigger
from infra.local.settings import connection_string, fill_in_settings

logger = logging.getLogger("heed.host")

GRACE_SECONDS = 10
LISTEN_BACKLOG = 2048
KEEP_ALIVE_SECONDS = 60


class Listener(Protocol):
    """A part of the host that waits for events of one kind and runs a function on each."""

    def start(self) -> None: ...

    async def stop(self, seconds: float) -> None: ...


class Host:
    """The functions of one app, ready to run.

    `settings` are the app settings (usually the environment), `data_dir` is where the status of timers is kept.
    `queue_lease` is how long a queue message is hidden from others at a time.
    """

    def __init__(
        self,
        application: func.FunctionApp,
        options: HostOptions,
        settings: Mapping[str, str],
        data_dir: Path,
        clock: TimerClock | None = None,
        queue_lease: timedelta = LEASE,
    ) -> None:
        self._application = application
        self._options = options
        self._settings = settings
        self._data_dir = data_dir
        self._clock = clock or SystemTimerClock()
        self._queue_lease = queue_lease
        self._threads = ThreadPoolExecutor(thread_name_prefix="function")
        self._listeners: list[Listener] = []
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._late_lines = LateLines()
        self._log_handlers: list[logging.Handler] = []
        self.base_url = ""
        self.http = HttpTriggers(options.route_prefix)
        for function in list_functions(application):
            self._add(function, make_invoke(function, self._threads))

    async def start(self, listening_socket: socket.socket) -> None:
        """Serve HTTP on the bound socket, start timers and queues; returns once requests are answered."""
        self._warn_of_shadowed_routes()
        self._drop_late_lines()
        self._server = _Server(self.http)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening_socket]))
        host, port = listening_socket.getsockname()[:2]
        self.base_url = f"http://{host}:{port}"
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait([ready, self._serving], return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():
            ready.cancel()
            await self._serving
        for listener in self._listeners:
            listener.start()

    async def stop(self) -> None:
        """Take no new work, and give running work at most GRACE_SECONDS to end."""
        ending: list[Awaitable[None]] = [listener.stop(GRACE_SECONDS) for listener in self._listeners]
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            ending.append(self._serving)
        await asyncio.gather(*ending)
        await self._close_application()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._say_what_was_dropped()

    async def _close_application(self) -> None:
        """Give an app that has a coroutine `close` the time to close what it opened."""
        close = getattr(self._application, "close", None)
        if close is None:
            return
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await close()
        except Exception:
            logger.exception("the app could not be closed in order")

    def _add(self, function: Function, invoke: Invoke) -> None:
        match function.trigger_type:
            case "httpTrigger":
                self.http.add_function(function, invoke)
            case "timerTrigger":
                self._listeners.append(self._timer(function, invoke))
            case "queueTrigger":
                self._listeners.append(self._queue(function, invoke))
            case "serviceBusTrigger":
                self._listeners.append(self._service_bus(function, invoke))
            case other:
                raise StartError(f"Function {function.name} has a trigger unknown to the local host: {other}.")

    def _timer(self, function: Function, invoke: Invoke) -> Listener:
        schedule = fill_in_settings(function.trigger.schedule, self._settings, function.name)
        return make_timer_trigger(function, schedule, invoke, self._clock, self._data_dir / "timers")

    def _queue(self, function: Function, invoke: Invoke) -> Listener:
        trigger = function.trigger
        return QueueTrigger(
            function.name,
            fill_in_settings(trigger.queue_name, self._settings, function.name),
            connection_string(self._settings, trigger.connection, function.name),
            invoke,
            self._options.queues,
            self._queue_lease,
        )

    def _service_bus(self, function: Function, invoke: Invoke) -> Listener:
        # The SDK takes a while to import, and most apps here do without it.
        from infra.local.host.service_bus_triggers import ServiceBusTrigger, service_bus_connection

        if not hasattr(function.trigger, "queue_name"):
            raise StartError(f"Function {function.name} has a topic's trigger, which the local host does not know.")
        return ServiceBusTrigger(
            function.name,
            fill_in_settings(function.trigger.queue_name, self._settings, function.name),
            service_bus_connection(self._settings, function.trigger.connection, function.name),
            invoke,
            self._options.service_bus,
        )

    def _drop_late_lines(self) -> None:
        self._log_handlers = list(logging.getLogger().handlers)
        for handler in self._log_handlers:
            handler.addFilter(self._late_lines)

    def _say_what_was_dropped(self) -> None:
        for handler in self._log_handlers:
            handler.removeFilter(self._late_lines)
        for name, count in self._late_lines.dropped.items():
            logger.warning("Dropped, as in Azure: %d log lines of %s that no running invocation wrote", count, name)

    def _warn_of_shadowed_routes(self) -> None:
        for taken, meant in shadowed_routes(self.http.router.routes):
            logger.warning(
                "In Azure, function %s (%s) would answer for %s (%s): it tries routes in order of names",
                taken.function_name,
                taken.template,
                meant.function_name,
                meant.template,
            )


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling, and with an event that says when it accepts connections."""

    def __init__(self, application: HttpTriggers) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=OneWriteProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                proxy_headers=False,
                server_header=False,
                backlog=LISTEN_BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Who started the host decides what a signal means.
        yield


def bind(port: int) -> socket.socket:
    """Bind a socket to the port of this machine only (0: any free one). Raises OSError when it is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
        # Listening from now on: a second socket could be bound to the port until then.
        bound.listen(LISTEN_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
