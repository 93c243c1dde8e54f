"""Stands between a client and a server, so that a test can cut the line or make it slow."""

import asyncio
from contextlib import suppress

from tests.support.loopback_proxy import LoopbackProxy


class TcpForwarder(LoopbackProxy):
    """Passes bytes on. What the server answers arrives `delay` seconds late."""

    def __init__(self, target_url: str, delay: float = 0) -> None:
        super().__init__(target_url)
        self._delay = delay
        self._is_cut = False
        self._bytes_left: int | None = None

    def cut(self) -> None:
        """Drop every connection, and each new one at once."""
        self._is_cut = True
        super().end()

    def cut_once_after(self, size: int) -> None:
        """Drop every connection once the server has answered so many bytes more."""
        self._bytes_left = size

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    def end(self) -> None:
        self.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await self._connect()
        ends = {writer, upstream_writer}
        self._connections |= ends
        await asyncio.gather(
            self._pass_on(reader, upstream_writer, False), self._pass_on(upstream_reader, writer, True)
        )
        self._connections -= ends

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_answer: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if is_answer:
                    await asyncio.sleep(self._delay)
                    if self._is_used_up(len(data)):
                        for connection in self._connections:
                            connection.transport.abort()
                        break
                writer.write(data)
                await writer.drain()
        writer.close()

    def _is_used_up(self, size: int) -> bool:
        if self._bytes_left is None:
            return False
        self._bytes_left -= size
        if self._bytes_left > 0:
            return False
        self._bytes_left = None
        return True
