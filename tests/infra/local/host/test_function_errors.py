"""A function that raises: the caller learns nothing, the log learns everything."""

import logging

import aiohttp
import azure.functions as func
import pytest

from tests.support.hosts import running_host


def make_application() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("coroutine")
    async def broken_coroutine(req: func.HttpRequest) -> str:
        raise ValueError("secret")

    @app.route("plain")
    def broken_plain(req: func.HttpRequest) -> str:
        raise ValueError("secret")

    @app.route("number")
    def returns_a_number(req: func.HttpRequest) -> int:
        return 7

    @app.route("sound")
    def sound(req: func.HttpRequest) -> str:
        return "as ever"

    return app


@pytest.mark.parametrize(
    ("path", "name"),
    [("coroutine", "broken_coroutine"), ("plain", "broken_plain"), ("number", "returns_a_number")],
)
async def test_an_error_is_500_without_a_body_and_stands_in_the_log(
    path: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_host(make_application()) as host, aiohttp.ClientSession(host.base_url) as session:
        response = await session.get(f"/api/{path}")
        assert response.status == 500
        assert await response.read() == b""
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert name in record.getMessage()
    assert record.exc_info


async def test_the_host_goes_on_after_an_error() -> None:
    async with running_host(make_application()) as host, aiohttp.ClientSession(host.base_url) as session:
        await session.get("/api/coroutine")
        assert await (await session.get("/api/sound")).text() == "as ever"
