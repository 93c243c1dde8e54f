"""An app has the functions of the part that the settings name, and imports nothing of the other parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from functions.api.table import TABLE, table_text
from functions.app import make_app
from functions.endpoints import table_rows
from infra.local.child import ROOT
from infra.local.host.application import list_functions
from lib.recipient_services import RecipientServices
from lib.settings import load_settings
from tests.support.heed import SETTINGS, Heed

PARTS = ("recipients", "crm", "work")

OF_RECIPIENTS = {"pixel", "image", "redirect", "attachment", "recipient_page", "recipients_health"}

FORBIDDEN = {
    "functions.api",
    "functions.resources",
    "functions.endpoints",
    "scheduler_fn",
    "reminder_fn",
    "lib.services",
    "lib.assessment",
    "lib.cards",
    "lib.composing",
    "lib.inbound",
    "lib.lists",
    "lib.records",
    "lib.reminders",
    "lib.rewrite",
    "lib.send_time",
    "lib.sending",
    "lib.templates",
    "lib.transports",
    "lib.verdicts",
    "lib.catalogues.agents",
    "lib.catalogues.registry",
    "azure.data.tables",
    "azure.identity",
    "azure.servicebus",
    "aiosmtplib",
    "bs4",
    "dns",
    "email_validator",
    "imapclient",
    "jinja2",
    "turbohtml",
}
"""Modules, with all below them, that an app of recipients' functions never holds."""

NOT_AT_THE_START = {"aiohttp", "azure.core", "azure.storage", "lib.files", "lib.messages", "lib.organizations"}
"""Modules that such an app imports after its start."""

LOAD = """
import asyncio, json, sys
import function_app
def held(names):
    return sorted(name for name in names if any(f"{module}.".startswith(f"{name}.") for module in sys.modules))
first, later = json.loads(sys.argv[1])
print(json.dumps(held(first)))
recipients = function_app.app._services.recipients
async def use():
    await recipients.load_hits()
    await recipients.load_files()
    assert recipients.attachment_views and recipients.hosted_images
    await function_app.app.close()
asyncio.run(use())
print(json.dumps(held(later)))
"""


def functions_of(part: str) -> dict[str, Any]:
    settings = load_settings({**SETTINGS, "HEED_FUNCTIONS": part})
    found = list_functions(make_app(RecipientServices(settings)))
    return {function.name: function for function in found}


def test_each_function_is_in_exactly_one_part_and_all_has_every_one() -> None:
    parts = {part: set(functions_of(part)) for part in PARTS}
    everything = set(functions_of("all"))

    assert set().union(*parts.values()) == everything
    assert sum(map(len, parts.values())) == len(everything)
    assert parts["recipients"] == OF_RECIPIENTS


def test_the_api_is_in_crm_and_queues_and_timers_are_in_work() -> None:
    kinds = {part: {function.trigger_type for function in functions_of(part).values()} for part in PARTS}

    assert kinds == {
        "recipients": {"httpTrigger"},
        "crm": {"httpTrigger"},
        "work": {"timerTrigger", "queueTrigger"},
    }
    assert all(
        function.trigger.route.startswith(("api/", "console/", "outlook/", "/"))
        for function in functions_of("crm").values()
    )


def test_the_table_of_endpoints_is_what_the_endpoints_declare() -> None:
    assert TABLE.read_text(encoding="utf-8") == table_text(table_rows())


def test_recipients_functions_import_nothing_of_the_other_parts() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps([sorted(FORBIDDEN | NOT_AT_THE_START), sorted(FORBIDDEN)])],
        cwd=ROOT,
        env=dict(os.environ) | SETTINGS | {"HEED_FUNCTIONS": "recipients"},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize("part", ["crm", "work", "all"])
def test_no_app_imports_the_api_or_the_assessor_at_its_start(part: str) -> None:
    later = ["lib.services", "functions.endpoints", "jinja2", "email_validator", "azure.storage"]
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps([later, []])],
        cwd=ROOT,
        env=dict(os.environ) | SETTINGS | {"HEED_FUNCTIONS": part},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines()[0] == "[]"


async def test_recipients_are_told_that_they_are_answered_with_storage_down(heed: Heed) -> None:
    answer = await heed.request("GET", "/o/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"
