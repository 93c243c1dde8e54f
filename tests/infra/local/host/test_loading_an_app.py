"""What the host loads, and what it refuses with one clear line rather than run it half."""

import os
from pathlib import Path

import aiohttp
import azure.functions as func
import pytest

from infra.local.errors import StartError
from infra.local.host.application import list_functions, load_application
from tests.support.hosts import running_host

SCRIPT = """
import os
import azure.functions as func
import neighbour

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = func.Blueprint()

@blueprint.function_name("Greeter")
@blueprint.route()
def greet(req):
    return neighbour.GREETING + os.environ["WHOM"]

app.register_functions(blueprint)
"""


async def test_it_runs_an_unchanged_folder_with_its_host_json_and_settings(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(SCRIPT)
    (tmp_path / "neighbour.py").write_text("GREETING = 'Hello, '")
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}')
    async with (
        running_host(tmp_path, {"WHOM": "Ada"}) as host,
        aiohttp.ClientSession(host.base_url) as session,
    ):
        # Without a route, a function answers under its name.
        assert await (await session.get("/v1/Greeter")).text() == "Hello, Ada"
    assert "WHOM" not in os.environ


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"no function_app\.py"):
        load_application(tmp_path)


def test_two_apps_in_one_script_are_refused(tmp_path: Path) -> None:
    lines = ["import azure.functions as func", "one = func.FunctionApp()", "two = func.FunctionApp()"]
    (tmp_path / "function_app.py").write_text("\n".join(lines))
    with pytest.raises(StartError, match="exactly one FunctionApp; it defines 2"):
        load_application(tmp_path)


async def test_an_unknown_trigger_is_refused_by_function_and_type() -> None:
    app = func.FunctionApp()

    @app.blob_trigger("blob", path="in/{name}", connection="AzureWebJobsStorage")
    def on_blob(blob: func.InputStream) -> None: ...

    with pytest.raises(StartError, match="Function on_blob has a trigger unknown to the local host: blobTrigger"):
        async with running_host(app):
            pass


def test_an_unknown_binding_is_refused_by_function_and_type() -> None:
    app = func.FunctionApp()

    @app.route("x")
    @app.queue_output("out", queue_name="q", connection="AzureWebJobsStorage")
    def sends(req: func.HttpRequest, out: func.Out[str]) -> None: ...

    with pytest.raises(StartError, match="Function sends has a binding unknown to the local host: queue"):
        list_functions(app)


def test_a_parameter_that_nothing_fills_is_refused() -> None:
    app = func.FunctionApp()

    @app.route("x")
    def asks(req: func.HttpRequest, other: str) -> None: ...

    with pytest.raises(StartError, match="Function asks has parameters that no binding fills: other"):
        list_functions(app)


async def test_a_function_that_wants_a_key_of_the_host_is_refused() -> None:
    app = func.FunctionApp()

    @app.route("x", auth_level=func.AuthLevel.FUNCTION)
    def guarded(req: func.HttpRequest) -> None: ...

    with pytest.raises(StartError, match="Function guarded has another auth level than anonymous"):
        async with running_host(app):
            pass


async def test_a_route_that_azure_keeps_for_itself_is_refused() -> None:
    app = func.FunctionApp()

    @app.route("administrators")
    def administrators(req: func.HttpRequest) -> None: ...

    with pytest.raises(StartError, match="no route may start with admin or runtime"):
        async with running_host(app):
            pass


async def test_a_queue_without_its_connection_setting_is_refused() -> None:
    app = func.FunctionApp()

    @app.queue_trigger("message", queue_name="work", connection="NOT_SET")
    def works(message: func.QueueMessage) -> None: ...

    with pytest.raises(StartError, match="Function works needs the setting NOT_SET"):
        async with running_host(app):
            pass
