"""Commands that cannot be done: an operator gets a sentence and an exit code, never a traceback, never a secret."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from lib.operations.due_check import DueCheck
from lib.services import Services
from tests.heed.conftest import Commands, Ran
from tests.support.heed import SETTINGS

KEY = base64.b64encode(b"the key of the account").decode()
DOWN = f"AccountName=a;AccountKey={KEY};" + "".join(
    f"{service}Endpoint=http://127.0.0.1:9/a;" for service in ("Table", "Queue", "Blob")
)


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands whose storage does not answer."""
    return Commands({**SETTINGS, "AzureWebJobsStorage": DOWN}, monkeypatch)


def is_sentence(ran: Ran) -> bool:
    said = ran.out + ran.err
    return ran.err.strip() != "" and "Traceback" not in said and KEY not in said and "secret words" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("organizations", "list"),
        ("check", "acme"),
        ("move", "acme", "--cancel"),
        ("export", "acme", "{folder}/out"),
        ("backup", "acme", "{folder}/out"),
        ("token-keys", "reseal"),
        ("readiness", "acme"),
    ],
)
async def test_storage_that_is_down_is_told(down: Commands, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = await down.run(*(each.format(folder=tmp_path) for each in arguments))

    assert (ran.code, is_sentence(ran), "run it again" in ran.err) == (1, True, True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AzureWebJobsStorage", f"AccountKey={KEY}"),
        ("AzureWebJobsStorage", f"AccountName=a;AccountKey={KEY}?"),
        ("AzureWebJobsStorage", KEY),
        ("AzureWebJobsStorage", f"AccountName=a;AccountKey={KEY};TableEndpoint=nowhere"),
        ("HEED_TOKEN_KEYS", f"k1:{KEY}"),
        ("HEED_CATALOGUES", "/nowhere/secret words"),
        ("HEED_BASE_URL", "secret words"),
    ],
)
async def test_a_wrong_setting_is_told(down: Commands, name: str, value: str) -> None:
    ran = await down.run("organizations", "list", **{name: value})

    assert (ran.code, is_sentence(ran)) in ((2, True), (1, True))


@pytest.mark.parametrize("content", [b"secret words", b"\xff\xfe", b"", b"0" * 63])
async def test_a_file_that_holds_no_secret_is_told(down: Commands, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    (tmp_path / "backup").write_bytes(b"")

    ran = await down.run("restore", str(tmp_path / "backup"), "--secret-from", str(tmp_path / "secret"))

    assert (ran.code, is_sentence(ran)) == (2, True)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1]", b"{", b'{"tracking": "secret words"}', b"[" * 100_000])
async def test_settings_that_are_none_are_told(commands: Commands, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings").write_bytes(content)

    ran = await commands.run("organizations", "save", "acme", "--settings", str(tmp_path / "settings"))

    assert (ran.code, is_sentence(ran)) == (2, True)


async def test_a_place_where_no_file_can_be_is_told(
    commands: Commands, services: Services, organization: str, tmp_path: Path
) -> None:
    await services.address_hashes.hash_address(organization, "ada@example.com")  # there is a secret
    nowhere = str(tmp_path / "none" / "file")
    for arguments in (
        ("backup", organization, nowhere),
        ("export", organization, nowhere),
        ("backup", organization, str(tmp_path / "file"), "--secret-to", nowhere),
    ):
        ran = await commands.run(*arguments)
        assert (ran.code, is_sentence(ran), "No such file" in ran.err) == (1, True, True)


async def test_backup_and_secret_do_not_share_a_file(commands: Commands, organization: str, tmp_path: Path) -> None:
    file = str(tmp_path / "file")

    ran = await commands.run("backup", organization, file, "--secret-to", f"{tmp_path}/./file")

    assert (ran.code, os.listdir(tmp_path)) == (2, [])


async def test_a_fault_of_heed_is_told_without_what_it_holds(
    commands: Commands, organization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(DueCheck, "find", fail)
    ran = await commands.run("check", organization)

    assert (ran.code, is_sentence(ran), "ZeroDivisionError in test_faults.py" in ran.err) == (1, True, True)


async def test_a_part_of_a_check_that_there_is_not_is_refused(commands: Commands, organization: str) -> None:
    ran = await commands.run("check", organization, "--only", "list")

    assert (ran.code, ran.out) == (2, "")
    assert "due, lists, records, evidence" in ran.err


async def test_options_that_exclude_each_other_are_refused(commands: Commands, organization: str) -> None:
    both = ("--account", "newdata", "--setting", "HEED_STORAGE_X")
    for arguments in (
        ("move", organization, *both),
        ("move", organization, "--account", "Not An Account"),
        ("move", organization, "--account", "newdata", "--cancel"),
        ("organizations", "save", "another", "--name", "x", *both),
    ):
        ran = await commands.run(*arguments)
        assert (arguments, ran.code, is_sentence(ran)) == (arguments, 2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--account", "Not An Account"), "The name of an account has 3 to 24 of a-z0-9."),
        (("--account", "AccountName=x;AccountKey=secret=="), "The name of an account has 3 to 24 of a-z0-9."),
        (("--setting", "ACME"), "The name of such a setting is HEED_STORAGE_ with up to 80 of A-Z0-9_ after it."),
        (("--account", "newdata", "--kind", "facts=No"), "The name of an account has 3 to 24 of a-z0-9."),
        (("--account", "newdata", "--setting", "HEED_STORAGE_X"), "Give one of --account and --setting."),
    ],
)
async def test_a_wrong_account_is_refused_in_plain_words_that_do_not_repeat_it(
    commands: Commands, organization: str, arguments: tuple[str, ...], told: str
) -> None:
    ran = await commands.run("move", organization, *arguments)

    assert (ran.code, ran.out, ran.err) == (2, "", f"{told}\n")


async def test_an_export_over_a_file_that_all_could_read_is_private(
    commands: Commands, organization: str, tmp_path: Path
) -> None:
    part = tmp_path / "lines.part"
    part.write_text(json.dumps({"of": "an export that was cut off"}))
    part.chmod(0o644)

    assert (await commands.run("export", organization, str(tmp_path / "lines"))).code == 0

    assert os.stat(tmp_path / "lines").st_mode & 0o077 == 0
    assert "cut off" not in (tmp_path / "lines").read_text()
