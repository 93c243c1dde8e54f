"""Requests to addresses that organizations name stay outside, end in time, and read little."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from lib.outside import NotOutside
from lib.outside import http as outside_http
from lib.outside.http import RequestFailed, check_address, get_document, post_body

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners = list[web.AppRunner]()

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        return f"http://127.0.0.1:{port}/hook"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_posted_body_arrives_and_the_beginning_of_the_answer_is_read(serve: Serve) -> None:
    seen = list[tuple[str, bytes]]()

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers["x-sign"], await request.read()))
        return web.Response(status=429, text="later", headers={"Retry-After": "7"})

    reply = await post_body(await serve(answer), b'{"a":1}', {"X-Sign": "s"}, loopback=True)

    assert seen == [("s", b'{"a":1}')]
    assert reply == (429, "7", b"later")


async def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    inside = list[str]()

    async def inner(request: web.Request) -> web.Response:
        inside.append(request.path)
        return web.Response()

    target = await serve(inner)

    async def outer(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": target})

    assert (await post_body(await serve(outer), b"", {}, loopback=True)).status == 307
    assert inside == []


async def test_an_endless_answer_is_read_no_further_than_a_kilobyte(serve: Serve) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(16_384):  # a gigabyte
            await response.write(b"x" * 65_536)
            sent += 65_536
        return response

    url = await serve(endless)

    assert (await post_body(url, b"", {}, loopback=True)).beginning == b"x" * 1024
    with pytest.raises(RequestFailed, match="too large"):
        await get_document(url, {}, loopback=True, most_bytes=100_000)
    assert sent < 64_000_000


async def test_a_server_that_hangs_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_http, "_SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(RequestFailed, match="none came within 5 seconds"),
    ):
        await post_body(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", {}, loopback=True)


async def test_no_answer_tells_nothing_of_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RequestFailed) as refused:
        await post_body(f"http://127.0.0.1:{port}/secret-path", b"", {}, loopback=True)
    assert "secret" not in f"{refused.value}"
    assert f"{port}" not in f"{refused.value}"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://localhost./",
        "https://169.254.169.254/metadata",
        "https://168.63.129.16/",
        "http://203.0.113.9/",
        "https://user:secret@example.com/",
        "https:///",
        "ftp://example.com/",
        "https://exämple.com/",
        "https://example.com/\r\nHost: inside",
        "https://example.com:99999/",
        "https://exam ple.com/",
        "https://example..com/",
        "https://%31%32%37.0.0.1/",
    ],
)
async def test_an_address_of_the_inside_or_of_no_form_is_refused(url: str) -> None:
    with pytest.raises(NotOutside):
        await post_body(url, b"", {}, loopback=False)


def test_an_ordinary_address_is_fine_and_this_machine_only_where_it_is_allowed() -> None:
    check_address("https://hooks.example.com/services/T0/B0?x=1", loopback=False)
    check_address("https://crm_1.example.com/hook", loopback=False)
    check_address("http://localhost:8080/", loopback=True)
    with pytest.raises(NotOutside):
        check_address("http://localhost:8080/", loopback=False)
