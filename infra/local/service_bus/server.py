"""A stand-in for Azure Service Bus on this machine's loopback: the queues that Heed needs, for the Azure SDK.

It keeps messages in memory, and in a file from one run to the next; it is for development and tests.
"""

import asyncio
import itertools
import json
from contextlib import suppress
from pathlib import Path

from infra.local.files import write_private
from infra.local.service_bus.addresses import connection_string
from infra.local.service_bus.connection import Connection
from infra.local.service_bus.queues import Broker, QueueSettings

TICK_SECONDS = 0.05
BEAT_SECONDS = 15


class Server:
    """A broker that listens; `start` it inside a running event loop."""

    def __init__(self, settings: QueueSettings | None = None, file: Path | None = None) -> None:
        self.broker = Broker(settings or QueueSettings())
        self._file = file
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def connection_string(self) -> str:
        return connection_string(self.port)

    async def start(self, port: int = 0) -> None:
        """Listen on the port of this machine only (0: any free one). Raises OSError when it is taken."""
        if self._file is not None and self._file.exists():
            self.broker.load(json.loads(self._file.read_text(encoding="utf-8")))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Cut all connections, and keep the messages in the file."""
        assert self._server is not None
        assert self._ticking is not None
        self._server.close()
        ending = [self._ticking, *self._connections.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._file is not None:
            write_private(self._file, json.dumps(self.broker.dump()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self.broker, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._connections[connection] = task
        try:
            with suppress(asyncio.CancelledError):
                await connection.serve()
        finally:
            del self._connections[connection]

    async def _tick(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(TICK_SECONDS)
            self.broker.tick()
            if number % round(BEAT_SECONDS / TICK_SECONDS) == 0:
                for connection in tuple(self._connections):
                    connection.beat()
