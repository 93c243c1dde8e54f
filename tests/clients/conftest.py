"""The clients as they are installed: the hand-written face with generated code, in folders of the tests' own."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from infra.clients.generate import PYTHON, generate_python
from infra.local.child import ROOT
from infra.local.servers.mail_catcher import MailCatcher, start_mail_catcher
from tests.end_to_end.running import Running, start_heed


@pytest.fixture(scope="package")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has the package `heed_client`, generated code included."""
    folder = tmp_path_factory.mktemp("python")
    package = folder / "heed_client"
    shutil.copytree(ROOT / PYTHON.parent, package, ignore=shutil.ignore_patterns(PYTHON.name, "__pycache__"))
    generate_python(package / PYTHON.name)
    return folder


@pytest.fixture(scope="package")
def heed_client(python_client: Path) -> Iterator[ModuleType]:
    """The package `heed_client`, imported."""
    sys.path.insert(0, str(python_client))
    yield importlib.import_module("heed_client")
    sys.path.remove(str(python_client))


@pytest.fixture(scope="package")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    """A real SMTP server that keeps what it gets."""
    catcher = start_mail_catcher(tmp_path_factory.mktemp("mail"))
    yield catcher
    catcher.stop()


@pytest.fixture(scope="package")
def heed(tmp_path_factory: pytest.TempPathFactory, mail: MailCatcher) -> Iterator[Running]:
    """A whole Heed with storage of its own: two that share queues would take each other's work.

    Tests take an organization each.
    """
    running = start_heed(tmp_path_factory.mktemp("heed"), None, mail)
    yield running
    running.stop()
