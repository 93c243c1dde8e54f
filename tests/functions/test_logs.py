"""Log lines in Azure: which of them are kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from functions.app import make_app
from infra.local.child import ROOT
from infra.local.host.application import list_functions
from tests.support.heed import SETTINGS, Heed

HITS = {"pixel", "image", "redirect", "attachment"}

LOAD = """
import logging
logging.basicConfig(level=logging.INFO)
import function_app
names = %r
print([name for name in names if logging.getLogger(name).isEnabledFor(logging.INFO)])
print([name for name in names if logging.getLogger(name).isEnabledFor(logging.WARNING)] == names)
"""
SDK_LOGGERS = [
    "azure.core.pipeline.policies.http_logging_policy",
    "azure.identity.aio._internal.get_token_mixin",
    "azure.servicebus._pyamqp.aio._connection_async",
]


def test_the_loaded_app_leaves_the_azure_sdk_only_warnings() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD % SDK_LOGGERS],
        cwd=ROOT,
        env=dict(os.environ) | SETTINGS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.splitlines() == ["[]", "True"]


@pytest.fixture(scope="module")
def logging_of_the_host() -> Any:
    return json.loads((ROOT / "host.json").read_text())["logging"]


def test_no_line_of_the_log_is_sampled_away(logging_of_the_host: Any) -> None:
    sampling = logging_of_the_host["applicationInsights"]["samplingSettings"]
    assert set(sampling["excludedTypes"].split(";")) >= {"Trace", "Exception"}


async def test_the_host_itself_writes_no_lines_for_each_hit(logging_of_the_host: Any) -> None:
    functions = {function.name for function in list_functions(make_app(Heed().services.recipients))}
    quiet = {name for name, level in logging_of_the_host["logLevel"].items() if level == "Warning"}
    assert functions >= HITS
    assert quiet >= {f"Function.{name}" for name in HITS}
