"""Log lines in Azure: which of them are kept, and what none of them may hold."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.app import make_app
from infra.local.child import ROOT
from infra.local.host.application import list_functions
from lib.tracing import message_span
from tests.support.heed import ADMIN_KEY, SETTINGS, Heed
from tests.support.leaks import leaks_in, look_at_files, raise_leaks

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


@pytest.mark.parametrize(
    "text",
    [
        "to ada@example.com",
        "to <Ada.Lovelace+x@mail.example.co.uk>",
        "GET /subjects/ada%40example.com",
        f"Authorization: Bearer {ADMIN_KEY}",
        f"heed_acme.{'0' * 32}.{'Ab3-_' * 8}xyz",
        "https://heed.blob.core.windows.net/heed-acme/a?sv=2026&sig=abc",
        "DefaultEndpointsProtocol=https;AccountName=heed;AccountKey=a2V5",
        "https://hooks.slack.com/services/T0/B0/x",
        "secret whsec_a2V5",
    ],
)
def test_what_no_log_may_hold_is_found(text: str) -> None:
    assert leaks_in(text)
    assert leaks_in(f"before {text}, after")


async def test_keys_and_tokens_are_found(heed: Heed) -> None:
    await heed.sent()
    assert leaks_in(heed.key)
    for path in (*heed.urls("o"), *heed.urls("c")):
        assert leaks_in(f"GET {path}")


@pytest.mark.parametrize(
    "text",
    [
        f"message {'0a' * 16}: another worker has it",
        f"sha256 {'0a' * 32}",
        'heed.metric {"name": "dead_letters", "queue": "outbox", "value": 1}',
        "journal row 2026050409-1777887000000a1b2c3d4e5f6 cannot be read",
        "storage answers 503 ServerBusy",
    ],
)
def test_ids_and_figures_may_be_in_the_log(text: str) -> None:
    assert leaks_in(text) == []


def _write_line() -> None:
    logging.getLogger("heed.some").info("mail to %s", "ada@example.com")


def _write_error() -> None:
    try:
        raise ValueError("ada@example.com was refused")
    except ValueError:
        logging.getLogger("heed.some").exception("it failed")


def _make_span() -> None:
    with message_span("a" * 32, "work", to="ada@example.com"):
        pass


@pytest.mark.parametrize("leak", [_write_line, _write_error, _make_span])
def test_a_line_or_a_span_that_leaks_fails_its_test(leak: Callable[[], None]) -> None:
    leak()
    with pytest.raises(AssertionError, match=r"ada@example\.com"):
        raise_leaks()
    raise_leaks()


def test_a_process_that_leaks_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "heed.log").write_text("Admin key:    local-admin a@b.example\nmail to ada@example.com\n")
    look_at_files(tmp_path)
    (tmp_path / "a" / "heed.log").unlink()
    with pytest.raises(AssertionError) as found:
        raise_leaks()
    assert "ada@example.com" in str(found.value)
    assert "b.example" not in str(found.value)
