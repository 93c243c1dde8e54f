"""The local host for the length of a test."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import azure.functions as func

from infra.local.host.application import load_application
from infra.local.host.host import Host, bind
from infra.local.host.host_json import HostOptions, host_options, read_host_json


@contextlib.asynccontextmanager
async def running_host(
    application: func.FunctionApp | Path,
    settings: Mapping[str, str] | None = None,
    *,
    host_json: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Host]:
    """Run an app on a free port for the length of the block; `host.base_url` is where it answers.

    A path is the folder of a `function_app.py`, whose `host.json` is read unless `host_json` is given. The
    settings are put into the environment before the app is loaded, and taken out at the end. `options` go to
    Host; without a `data_dir` there is one for the length of the block.
    """
    with _environment(settings or {}), tempfile.TemporaryDirectory() as temporary:
        options.setdefault("data_dir", Path(temporary))
        if isinstance(application, Path):
            chosen = read_host_json(application / "host.json")
            application = load_application(application)
        else:
            chosen = HostOptions()
        if host_json is not None:
            chosen = host_options(host_json)
        host = Host(application, chosen, os.environ, **options)
        await host.start(bind(0))
        try:
            yield host
        finally:
            await host.stop()


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
