"""The smoke test of deployments, run against a whole Heed on this machine."""

import secrets

import pytest

from infra.smoke import main
from tests.end_to_end.running import ADMIN_KEY, Running


@pytest.fixture(autouse=True)
def admin_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEED_ADMIN_KEY", ADMIN_KEY)


def test_a_deployment_that_works_passes(heed: Running, capsys: pytest.CaptureFixture[str]) -> None:
    said = main([heed.base_url, "--to", "smoke@example.com", "--patience", "60"]), capsys.readouterr()
    assert said[0] == 0, said[1].err
    assert [line.partition(":")[0] for line in said[1].out.splitlines()] == [
        "health",
        "pixel",
        "link",
        "timeline",
        "mail",
    ]


async def test_the_organization_of_the_test_is_gone_afterwards(heed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "remains")
    assert main([heed.base_url, "--to", "not an address", "--patience", "60"]) == 1
    status, _ = await heed.request("GET", "/api/orgs/smokeremains", key=ADMIN_KEY)
    assert status == 404


def test_a_wrong_key_fails(heed: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEED_ADMIN_KEY", "not-the-key-of-this-one")
    assert main([heed.base_url, "--patience", "5"]) == 1
    assert "PUT /api/orgs/smoke" in capsys.readouterr().err


def test_a_deployment_that_does_not_answer_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:9", "--patience", "0"]) == 1
    assert "health: not within 0 s" in capsys.readouterr().err


def test_it_says_that_it_needs_the_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("HEED_ADMIN_KEY")
    assert main(["http://127.0.0.1:9"]) == 2
    assert "HEED_ADMIN_KEY is missing" in capsys.readouterr().err
