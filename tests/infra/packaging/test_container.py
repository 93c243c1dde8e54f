"""The container's files say what the rest of the repository says: nothing here starts a container."""

import json
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from infra.packaging.build import ROOT, app_python
from lib.settings import Settings

FOLDER = ROOT / "infra" / "container"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FOLDER / "compose.yaml")["services"]
    return found


def test_the_image_has_the_python_of_the_app() -> None:
    assert f"python:4-python{app_python()}" in (FOLDER / "Dockerfile").read_text()


def test_the_image_takes_in_the_package_alone() -> None:
    assert (FOLDER / "Dockerfile.dockerignore").read_text().split() == ["*", "!dist/package"]


def test_storage_and_mail_catcher_are_those_of_the_local_host(services: dict[str, Any]) -> None:
    versions = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert services["storage"]["image"].endswith(f"azurite:{versions['azurite']}")
    assert services["mail"]["image"].endswith(f"maildev:{versions['maildev']}")


def test_every_setting_is_one_that_heed_knows(services: dict[str, Any]) -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    assert {name for name in services["heed"]["environment"] if name.startswith("HEED_")} <= known


def test_keys_are_demanded_and_stand_nowhere(services: dict[str, Any]) -> None:
    for name in ("HEED_ADMIN_KEY", "HEED_TOKEN_KEYS"):
        assert re.fullmatch(rf"\$\{{{name}:\?.+\}}", services["heed"]["environment"][name])


def test_ports_are_open_to_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
