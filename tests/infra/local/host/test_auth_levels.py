"""Which key opens which function."""

import json
from pathlib import Path

import aiohttp
import azure.functions as func
import pytest

from infra.local.host.host import running_host


def make_application() -> func.FunctionApp:
    app = func.FunctionApp()

    for level in (func.AuthLevel.ANONYMOUS, func.AuthLevel.FUNCTION):

        async def answer(req: func.HttpRequest) -> str:
            return "in"

        answer.__name__ = f"{level.value}_level"
        app.route(level.value, auth_level=level)(answer)

    @app.route("by-default")
    async def by_default(req: func.HttpRequest) -> str:
        return "in"

    return app


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("anonymous", None, 200),
        ("function", None, 401),
        ("function", "wrong", 401),
        ("function", "function", 200),
        ("function", "master", 200),
        ("by-default", None, 401),
        ("by-default", "function", 200),
    ],
)
async def test_the_key_decides(tmp_path: Path, path: str, key: str | None, status: int) -> None:
    async with running_host(make_application(), data_dir=tmp_path) as host:
        stored = json.loads((tmp_path / "host-keys.json").read_text())
        given = {"x-functions-key": stored.get(key, key)} if key else {}
        async with aiohttp.ClientSession(host.base_url) as session:
            assert (await session.get(f"/api/{path}", headers=given)).status == status


async def test_only_the_master_key_opens_admin_functions(tmp_path: Path) -> None:
    app = func.FunctionApp()

    @app.route("keys", auth_level=func.AuthLevel.ADMIN)
    async def keys(req: func.HttpRequest) -> str:
        return "in"

    async with running_host(app, {"HEED_HOST_KEY": "given"}, data_dir=tmp_path) as host:
        function_key = json.loads((tmp_path / "host-keys.json").read_text())["function"]
        async with aiohttp.ClientSession(host.base_url) as session:
            assert (await session.get("/api/keys", params={"code": function_key})).status == 401
            assert (await session.get("/api/keys", params={"code": "given"})).status == 200


async def test_keys_stay_the_same_and_are_only_for_their_owner(tmp_path: Path) -> None:
    for _ in range(2):
        async with running_host(make_application(), data_dir=tmp_path):
            path = tmp_path / "host-keys.json"
            stored = path.read_text()
            assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == stored
