"""The operator's commands over a real Azurite, run as an operator runs them."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from heed.application import application
from infra.local.servers.azurite import Azurite, start_azurite
from infra.packaging.build import ROOT
from lib.organizations.registry import OrganizationSpec
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Storage
from lib.storage.accounts import KnownAccounts, NamedAccount, Routes, resolve_account, routed_storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.memory import memory_storage
from tests.faults.accounts import Accounts, azurite_accounts
from tests.support.heed import SETTINGS, Heed


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


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Accounts of a real Azurite that no other tests share."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AZURITE_ACCOUNTS", azurite_accounts())
        running = start_azurite(tmp_path_factory.mktemp("accounts"))
    yield Accounts(running)
    running.stop()


@dataclass(slots=True)
class Deployment:
    """Heed over an account of its own on Azurite, with commands for the same account."""

    heed: Heed
    commands: Commands
    account: Account

    def start_command(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own, which can be killed."""
        environment = {**os.environ, **self.commands.settings, **settings}
        return subprocess.Popen(
            [sys.executable, "-m", "heed", *arguments], env=environment, stdout=subprocess.DEVNULL, cwd=ROOT
        )


@pytest.fixture
async def deployment(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deployment]:
    """Heed with the organization acme; queues are in memory, so that a test says when they are worked off."""
    account = accounts.new()
    storage = azure_storage(account)
    routed = routed_storage(Routes(storage, KnownAccounts(), open_own(storage.closers)))
    heed = await Heed(storage=replace(routed, queues=memory_storage().queues)).start()
    settings = {**SETTINGS, "AzureWebJobsStorage": connection_string(account)}
    yield Deployment(heed, Commands(settings, monkeypatch), account)
    await close_storage(storage)


def open_own(closers: list[object]) -> Callable[[str, NamedAccount], Storage]:
    """Open organizations' own accounts, as settings name them."""

    def opened(organization: str, own: NamedAccount) -> Storage:
        account = resolve_account(organization, own, os.environ, Account.entered_by_identity("shared", {}))
        made = azure_storage(account)
        closers.extend(made.closers)
        return made

    return opened


def connection_string(account: Account) -> str:
    """The account as the app's settings have it."""
    assert account.key is not None
    key = base64.b64encode(account.key).decode()
    endpoints = {"Table": account.table_endpoint, "Queue": account.queue_endpoint, "Blob": account.blob_endpoint}
    named = "".join(f"{kind}Endpoint={url};" for kind, url in endpoints.items())
    return f"DefaultEndpointsProtocol=http;AccountName={account.name};AccountKey={key};{named}"
