"""A stop takes nothing new and lets what runs come to its end."""

import asyncio
import time

import aiohttp
import azure.functions as func
import pytest

from tests.support.hosts import running_host


def make_application(began: asyncio.Event) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    loop = asyncio.get_running_loop()

    @app.route("coroutine")
    async def coroutine(req: func.HttpRequest) -> str:
        began.set()
        await asyncio.sleep(0.5)
        return "finished"

    @app.route("plain")
    def plain(req: func.HttpRequest) -> str:
        loop.call_soon_threadsafe(began.set)
        time.sleep(0.5)
        return "finished"

    return app


@pytest.mark.parametrize("path", ["coroutine", "plain"])
async def test_a_request_under_way_is_answered(path: str) -> None:
    began = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        async with running_host(make_application(began)) as host:
            answer = asyncio.create_task(session.get(f"{host.base_url}/api/{path}"))
            await began.wait()
        assert await (await answer).text() == "finished"


async def test_no_connection_is_taken_afterwards() -> None:
    async with running_host(make_application(asyncio.Event())) as host:
        pass
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{host.base_url}/api/coroutine")


async def test_a_timer_run_under_way_comes_to_its_end() -> None:
    began, ended = asyncio.Event(), False
    app = func.FunctionApp()

    @app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    async def sweep(timer: func.TimerRequest) -> None:
        nonlocal ended
        began.set()
        await asyncio.sleep(0.5)
        ended = True

    async with running_host(app):
        await began.wait()
    assert ended


class ClosableApp(func.FunctionApp):
    """An app that opened something."""

    closed = False

    async def close(self) -> None:
        self.closed = True


async def test_an_app_closes_what_it_opened() -> None:
    app = ClosableApp()
    async with running_host(app):
        assert not app.closed
    assert app.closed
