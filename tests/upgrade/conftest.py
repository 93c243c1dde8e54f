"""Release 0.1.0 and today's code, each in a host of its own, on one storage and with one set of keys."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.child import ROOT
from infra.local.servers.azurite import Azurite, start_azurite
from infra.local.servers.mail_catcher import MailCatcher, start_mail_catcher
from tests.end_to_end.running import Running, start_heed

OLD_RELEASE = "v0.1.0"


@pytest.fixture(scope="session")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code of release 0.1.0."""
    packed = subprocess.run(["git", "archive", OLD_RELEASE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"this clone does not have {OLD_RELEASE}: git fetch --tags")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Storage that no other Heed works on: one that still runs for other tests would take mail from the queues."""
    running = start_azurite(tmp_path_factory.mktemp("azurite-of-both"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    """A real SMTP server that keeps what it gets."""
    catcher = start_mail_catcher(tmp_path_factory.mktemp("mail"))
    yield catcher
    catcher.stop()


@pytest.fixture
def old(tmp_path: Path, azurite: Azurite, mail: MailCatcher, old_code: Path) -> Iterator[Running]:
    """A host of release 0.1.0."""
    running = start_heed(tmp_path / "old", azurite, mail, code=old_code)
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def new(tmp_path: Path, azurite: Azurite, mail: MailCatcher, old: Running) -> Iterator[Running]:
    """A host of today's code, started after the old one."""
    running = start_heed(tmp_path / "new", azurite, mail, HEED_TOKEN_FORM="1")
    yield running
    running.stop()
