"""`python -m infra.local.service_bus FILE [PORT]`: the broker alone, until it is told to end.

FILE keeps the messages from one run to the next; without a port, any free one is taken and said.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from infra.local.service_bus.server import Server


async def main(file: Path, port: int) -> None:
    server, stop = Server(file=file), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start(port)
    print(f"Service Bus listens at 127.0.0.1:{server.port}", flush=True)
    await stop.wait()
    await server.stop()


logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
