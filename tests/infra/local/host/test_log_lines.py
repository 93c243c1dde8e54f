"""Log lines that are kept: those of an invocation that still runs, as in Azure."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import azure.functions as func
import pytest

from infra.local.host.host import Host
from tests.support.hosts import running_host

log = logging.getLogger("an.app")


def make_application(release: asyncio.Event) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    tasks = set()

    async def say_when_released(name: str) -> None:
        await release.wait()
        log.error("late: %s", name)

    async def say(text: str) -> None:
        log.error(text)

    @app.route("answer")
    async def answer(req: func.HttpRequest) -> str:
        log.error("in the handler")
        await asyncio.gather(say("in a task of the handler"), asyncio.sleep(0))
        return ""

    @app.route("plain")
    def plain(req: func.HttpRequest) -> str:
        log.error("in a plain function")
        return ""

    @app.route("later")
    async def later(req: func.HttpRequest) -> str:
        tasks.add(asyncio.create_task(say_when_released("a task")))
        return ""

    @app.route("outside")
    async def outside(req: func.HttpRequest) -> str:
        await asyncio.to_thread(log.error, "in a thread of its own")
        asyncio.get_running_loop().call_soon(log.error, "in a callback")
        await asyncio.sleep(0.01)
        return ""

    @app.route("broken")
    async def broken(req: func.HttpRequest) -> str:
        raise ValueError("the reason")

    @app.route("wait")
    async def wait(req: func.HttpRequest) -> str:
        release.set()
        await asyncio.sleep(0.01)
        return ""

    return app


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with running_host(make_application(asyncio.Event())) as host:
        yield host


async def visit(host: Host, *paths: str) -> None:
    async with aiohttp.ClientSession(host.base_url) as session:
        for path in paths:
            async with session.get(f"/api/{path}") as response:
                await response.read()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "an.app"]


async def test_lines_of_a_running_invocation_are_kept(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    await visit(host, "answer", "plain")
    assert lines(caplog) == ["in the handler", "in a task of the handler", "in a plain function"]


async def test_a_task_that_outlives_its_invocation_has_its_lines_dropped(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    # Another invocation runs while the line is written; it is not the line's.
    await visit(host, "later", "wait")
    assert lines(caplog) == []


async def test_lines_of_threads_and_callbacks_are_dropped(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    await visit(host, "outside")
    assert lines(caplog) == []


async def test_the_hosts_own_lines_are_kept(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    await visit(host, "broken")
    assert "ValueError: the reason" in caplog.text


async def test_the_host_says_at_its_end_how_much_it_has_dropped(caplog: pytest.LogCaptureFixture) -> None:
    async with running_host(make_application(asyncio.Event())) as host:
        await visit(host, "later", "later", "wait")
    assert "2 log lines of an.app" in caplog.text


async def test_after_its_end_the_log_takes_every_line(caplog: pytest.LogCaptureFixture) -> None:
    async with running_host(make_application(asyncio.Event())):
        log.error("while it runs")
    log.error("after it")
    assert lines(caplog) == ["after it"]
