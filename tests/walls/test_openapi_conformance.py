"""A whole Heed on this machine, tried by schemathesis: every answer is one that the OpenAPI document declares.

`make fuzz` tries far more requests.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from infra.local.servers.azurite import Azurite
from infra.local.servers.mail_catcher import start_mail_catcher
from tests.end_to_end.running import ADMIN_KEY, Running, start_heed

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_OF_THE_ADMINISTRATOR = r"^/api/(ops/|health/deep$|orgs$|orgs/\{org\}(/keys.*|/audit|/switch-off|/reassess)?$)"
_OF_ORGANIZATIONS = rf"^(?!{_OF_THE_ADMINISTRATOR[1:]})/api/"


@pytest.fixture(scope="module")
def heed(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Iterator[Running]:
    """A Heed of its own, with a mail catcher of its own: much is sent."""
    mail = start_mail_catcher(tmp_path_factory.mktemp("mail"))
    running = start_heed(tmp_path_factory.mktemp("heed"), azurite, mail)
    yield running
    running.stop()
    mail.stop()


async def draft(heed: Running, key: str) -> str:
    fields = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello", "html": "<p>Hi</p>"}
    return str((await heed.request("POST", "/api/orgs/fuzz/messages", key=key, json=fields))[1]["id"])


@pytest.mark.parametrize(
    ("who", "paths"),
    [
        ("organization", _OF_ORGANIZATIONS),
        ("organization's administrator", "^/api/"),
        ("administrator", _OF_THE_ADMINISTRATOR),  # last: it deletes the organization
    ],
)
async def test_every_answer_is_one_that_the_document_declares(
    heed: Running, tmp_path: Path, who: str, paths: str
) -> None:
    is_long = settings.get_current_profile_name() == "fuzz"
    if who == "organization's administrator" and not is_long:
        pytest.skip("make fuzz tries it")
    key = await heed.organization("fuzz")
    admin_key = (await heed.request("POST", "/api/orgs/fuzz/keys", key=ADMIN_KEY, json={"scope": "admin"}))[1]["key"]
    keys = {"organization": key, "organization's administrator": admin_key, "administrator": ADMIN_KEY}
    for kind in ("contact", "lead"):
        await heed.request("PUT", f"/api/orgs/fuzz/records/{kind}/c1", key=key, json={"name": "C"})
    ids = {"message": await draft(heed, key), "user": "rep1", "type": "contact", "id": "c1", "org": "fuzz"}
    names = "\n".join(f'"path.{name}" = "{value}"' for name, value in ids.items())
    acting = "" if who == "administrator" else '\n"header.X-Heed-User" = "rep1"'
    config = tmp_path / "schemathesis.toml"
    config.write_text(f"[parameters]\n{names}{acting}\n")

    tried = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"{heed.base_url}/api/openapi.json",
        *("--header", f"Authorization: Bearer {keys[who]}"),
        *("--checks", ",".join(_CHECKS), "--include-path-regex", paths),
        *("--exclude-operation-id", "receive_mail"),  # schemathesis writes no message/rfc822
        *("--phases", "coverage,fuzzing" if is_long else "fuzzing"),
        *("--max-examples", "100" if is_long else "1", "--generation-deterministic"),
        *("--no-color", "--continue-on-failure", "--warnings", "off"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await tried.communicate())[0].decode()

    assert "Traceback" not in heed.log.read_text()
    assert tried.returncode == 0, said
