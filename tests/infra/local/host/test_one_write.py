"""The protocol of the local host: an answer leaves in one write, whole and before the connection closes."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from infra.local.host.one_write import OneWriteProtocol

HEADERS = [(b"content-length", b"5")]
GET = b"GET / HTTP/1.1\r\nhost: heed\r\n\r\n"


class Recorder(asyncio.Transport):
    """Keeps what is written to it, and when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.closed_after is None
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed_after = len(self.writes)

    def is_closing(self) -> bool:
        return self.closed_after is not None


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"hello"})


async def slow(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"hello"})


async def answered(application: Any, request: bytes, transport: Recorder | None = None) -> Recorder:
    state = ServerState()
    config = uvicorn.Config(application, lifespan="off", log_config=None, access_log=False)
    transport = transport or Recorder()
    protocol = OneWriteProtocol(config, state, {})
    protocol.connection_made(transport)
    protocol.data_received(request)
    while state.tasks:
        await asyncio.wait(set(state.tasks))
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    return transport


async def test_head_and_body_leave_together() -> None:
    [answer] = (await answered(hello, GET)).writes
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nhello")


async def test_an_answer_without_a_body_leaves_too() -> None:
    [answer] = (await answered(hello, GET.replace(b"GET", b"HEAD"))).writes
    assert answer.endswith(b"\r\n\r\n")


async def test_a_head_does_not_wait_for_a_body_that_takes_its_time() -> None:
    head, body = (await answered(slow, GET)).writes
    assert head.endswith(b"\r\n\r\n")
    assert body == b"hello"


async def test_everything_leaves_before_the_connection_closes() -> None:
    transport = await answered(hello, GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert transport.closed_after == len(transport.writes) == 1
    assert transport.writes[0].endswith(b"hello")


async def test_what_is_no_http_is_told_so_before_the_connection_closes() -> None:
    transport = await answered(hello, b"\x16\x03\x01 no HTTP\r\n\r\n")
    assert transport.closed_after == len(transport.writes) == 1
    assert transport.writes[0].startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_goes_before_its_answer_leaves_is_no_error() -> None:
    errors: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    transport = Recorder()

    async def hello_to_nobody(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        transport.close()

    await answered(hello_to_nobody, GET, transport)
    assert transport.writes == []
    assert errors == []
