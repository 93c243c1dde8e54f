"""Generated code of the clients: what it was made of, and when it is stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clients import generate
from infra.clients.__main__ import main
from infra.clients.generate import PYTHON, TYPESCRIPT, digest_for_python, digest_for_typescript


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A repository whose clients have been generated just now."""
    (tmp_path / PYTHON).mkdir(parents=True)
    (tmp_path / PYTHON / ".made_of").write_text(digest_for_python())
    types = tmp_path / TYPESCRIPT
    types.parent.mkdir(parents=True)
    types.write_text("export interface paths {}")
    types.with_name(f"{types.name}.made_of").write_text(digest_for_typescript())
    return tmp_path


def test_code_of_this_document_is_not_stale(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], generated) == 0
    assert capsys.readouterr().err == ""


def test_code_of_another_document_is_stale(
    generated: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "_document", lambda: b"{}")

    assert main(["--check"], generated) == 1
    assert [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()] == [f"{PYTHON}", f"{TYPESCRIPT}"]


def test_code_of_unknown_origin_is_stale(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (generated / PYTHON / ".made_of").unlink()

    assert main(["--check"], generated) == 1
    assert "run make clients" in capsys.readouterr().err


def test_a_repository_without_generated_code_has_nothing_stale(tmp_path: Path) -> None:
    assert main(["--check"], tmp_path) == 0


def test_a_generator_that_fails_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "_document", lambda: b'{"paths": {}, "openapi": "9.9.9"}')

    assert main([], tmp_path) == 1
    assert "client was not created" in capsys.readouterr().err
