"""The operator's commands over a real Azurite, run as an operator runs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from heed.application import application
from infra.local.servers.azurite import Azurite
from lib.organizations.registry import OrganizationSpec
from lib.services import Services
from lib.settings import load_settings
from tests.support.heed import SETTINGS


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a command."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Commands:
    """Runs commands with the settings of an app."""

    settings: dict[str, str]
    monkeypatch: pytest.MonkeyPatch

    async def run(self, *arguments: str, **settings: str) -> Ran:
        """Run a command to its end, in a thread, as each has an event loop of its own."""
        with self.monkeypatch.context() as patched:
            for name, value in {**self.settings, **settings}.items():
                patched.setenv(name, value)
            ran = await asyncio.to_thread(CliRunner().invoke, application, list(arguments))
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return Ran(ran.exit_code, ran.stdout, ran.stderr)


@pytest.fixture
def settings(azurite: Azurite) -> dict[str, str]:
    return {**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}


@pytest.fixture
def commands(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(settings, monkeypatch)


@pytest.fixture
async def services(settings: dict[str, str]) -> AsyncIterator[Services]:
    """The app that runs beside the commands."""
    made = Services(load_settings(settings))
    yield made
    await made.close()


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Ids of organizations that no other test has."""
    return lambda: f"o{uuid4().hex[:12]}"


@pytest.fixture
async def organization(services: Services, new_name: Callable[[], str]) -> str:
    """A new organization."""
    name = new_name()
    await services.organizations.save_organization(name, OrganizationSpec(name="Acme"), None)
    return name
