"""The API's document as linters and generators of clients read it."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.endpoints import document
from infra.local.child import ROOT

HERE = Path(__file__).parent
TOOLS = ROOT / "node_modules" / ".bin"
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "SCARF_ANALYTICS": "false"}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, in a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(document("https://heed.example"))
    return path


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a tool, which has to find nothing."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=QUIET, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@needs_node
def test_spectral_finds_nothing(described: Path) -> None:
    run(TOOLS / "spectral", "lint", described, "--ruleset", HERE / "spectral.yaml", "--fail-severity", "hint")


@needs_node
def test_redocly_finds_nothing(described: Path) -> None:
    run(TOOLS / "redocly", "lint", described, "--config", HERE / "redocly.yaml", "--max-problems", "20")


@pytest.fixture
def models(heed_client: ModuleType) -> Any:
    """The generated models of Python."""
    return importlib.import_module("heed_client.generated.models")


def test_a_client_in_python_sends_what_its_caller_gives_and_nothing_else(models: Any) -> None:
    assert models.NewMessage(from_="rita").to_dict() == {"from": "rita"}
    assert models.UserPatch(opt_in=True).to_dict() == {"opt_in": True}


def test_a_client_in_python_reads_an_answer_and_takes_fields_that_it_does_not_know(models: Any) -> None:
    check = {"code": "clipped", "text": "Gmail clips it.", "later": 1}
    read = models.Check.from_dict(check)

    assert (read.text, read.additional_properties) == ("Gmail clips it.", {"later": 1})


def test_enumerations_have_names_that_read(models: Any) -> None:
    assert models.ListMessagesSort.SENT_AT_DESCENDING.value == "-sent_at"
    assert models.MessageStatus("scheduled") is models.MessageStatus.SCHEDULED


def test_a_word_of_a_later_release_is_read_as_it_is(models: Any) -> None:
    status = models.MessageStatus("recalled")

    assert status == "recalled"
    assert status.value == "recalled"
    assert status != models.MessageStatus.SENT
