"""Export and import as JSON lines, and the update of catalogues, by command."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from heed.running import OPERATOR
from lib.catalogues.registry import load_catalogues
from lib.organizations.audit import AuditEntry
from lib.storage import Range
from lib.storage.documents import unpack
from lib.storage.layout import PRIVACY, table
from tests.heed.conftest import Commands, Deployment
from tests.support.heed import ADMIN_KEY, Heed


async def lived_in(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"name": "Company"})
    parent = {"type": "account", "id": "a1"}
    await heed.put("/records/contact/c1", {"name": "Ada Ü", "emails": ["ada@example.com"], "parent": parent})
    await heed.put("/templates/t1", {"name": "Offer", "language": "en", "subject": "Hi", "html": "<p>x</p>"})
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "basis": "said so", "source": "phone"})
    await heed.put("/consents/nobody@example.com", {"follow": "allow", "basis": "x", "source": "x"})
    await heed.sent(to=[{"email": "carl@example.com", "name": "Carl"}])


async def shown(heed: Heed, organization: str, key: str) -> list[Any]:
    found: list[Any] = []
    for path in ("/users/rep1", "/records/contact/c1", "/records/account/a1", "/templates/t1"):
        read = (await heed.request("GET", f"/api/orgs/{organization}{path}", key=key)).json
        left_out = ("etag", "engagement", "made_at")
        found.append({name: value for name, value in read.items() if name not in left_out})
    consents = (await heed.request("GET", f"/api/orgs/{organization}/consents/ada@example.com", key=key)).json
    said = [{name: each[name] for name in ("follow", "basis", "source", "at")} for each in consents["history"]]
    return [*found, consents["follow"], said]


async def test_what_was_exported_can_be_imported_elsewhere_and_again(deployment: Deployment, tmp_path: Path) -> None:
    heed, commands = deployment.heed, deployment.commands
    await lived_in(heed)
    file = str(tmp_path / "acme.jsonl")
    await heed.request("PUT", "/api/orgs/other", {"name": "Other"}, key=ADMIN_KEY)
    key = (await heed.request("POST", "/api/orgs/other/keys", {"scope": "full"}, key=ADMIN_KEY)).json["key"]

    assert (await commands.run("export", "acme", file, "--dry-run")).code == 0
    assert os.listdir(tmp_path) == []
    exported = await commands.run("export", "acme", file)
    assert exported.out == "user: 1, record: 2, template: 1, consent: 1, message: 1\n"
    assert os.stat(file).st_mode & 0o077 == 0
    tried = await commands.run("import", "other", file, "--dry-run")
    assert (tried.code, (await heed.request("GET", "/api/orgs/other/users", key=key)).json["items"]) == (0, [])
    taken = await commands.run("import", "other", file)
    assert (taken.code, "1 messages were passed over" in taken.out) == (0, True)

    assert await shown(heed, "other", key) == await shown(heed, "acme", heed.key)
    found = (await heed.request("GET", "/api/orgs/other/records?email=ada@example.com", key=key)).json["items"]
    assert [each["id"] for each in found] == ["c1"]
    assert (await commands.run("import", "other", file)).code == 0
    assert await shown(heed, "other", key) == await shown(heed, "acme", heed.key)


async def test_wrong_lines_are_told_without_their_values_and_others_taken(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "lines.jsonl"
    lines = [
        {"kind": "record", "type": "contact", "id": "c1", "name": "Ada"},
        {"kind": "record", "type": "contact", "id": "c2", "emails": ["secret words"]},
        {"kind": "invoice", "id": "x"},
        {"kind": "consent", "email": "a@example.com", "follow": "allow", "at": "2199-01-01T00:00:00Z"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "no json\n\n")

    ran = await deployment.commands.run("import", "acme", str(file))

    assert (ran.code, ran.out) == (3, "record: 1\n")
    assert [line.split(":")[0] for line in ran.err.splitlines()] == ["line 2", "line 3", "line 4", "line 5"]
    assert "secret words" not in ran.err
    assert (await deployment.heed.get("/records/contact/c1"))["name"] == "Ada"
    assert (await deployment.commands.run("export", "acme", str(file), "--only", "invoice")).code == 2


async def test_of_a_file_of_another_kind_the_number_of_wrong_lines_is_told(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "archive.zip"
    file.write_bytes(b"PK\n" * 30)

    ran = await deployment.commands.run("import", "acme", str(file))

    assert (ran.code, ran.out) == (3, "No line was taken.\n")
    assert ran.err.splitlines()[-2:] == ["line 20: it is no JSON", "10 more lines are wrong."]


async def test_a_kept_no_and_a_new_opt_in_are_told_and_audited(deployment: Deployment, tmp_path: Path) -> None:
    heed, commands = deployment.heed, deployment.commands
    await heed.put("/users/rep2", {"email": "rep2@example.com", "opt_in": False})
    users = [{"kind": "user", "id": f"rep{each}", "email": f"r{each}@example.com", "opt_in": True} for each in (2, 3)]
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"".join(json.dumps(user).encode() + b"\n" for user in users) + b"\xff\xfe\n")

    ran = await commands.run("import", "acme", str(file))

    assert (ran.code, ran.out) == (3, "user: 2\n")
    assert "line 1: user: a no was said here, and stays" in ran.err
    assert "line 3: it is no JSON" in ran.err
    rows = heed.storage.tables.query(table("acme", PRIVACY), Range.prefix("audit|"))
    audit = [entry async for row in rows if (entry := unpack(AuditEntry, row)).actor == OPERATOR]
    said = sorted((entry.act, entry.target, entry.details) for entry in audit)
    assert said == [("data.imported", None, {"user": 2}), ("user.opt_in", "rep3", {"opt_in": True})]


async def test_catalogues_take_effect_together_or_not_at_all(commands: Commands, tmp_path: Path) -> None:
    new, folder = tmp_path / "new", tmp_path / "folder"
    new.mkdir()
    folder.mkdir()
    (new / "networks.csv").write_text("cidr,owner,source,as_of\n198.51.100.0/24,acme-scanner,ours,2026-11\n")
    (new / "owners.csv").write_text("owner,name,kind,source,as_of\nacme-scanner,Acme,scanner,ours,2026-11\n")

    tried = await commands.run("catalogues", "update", str(new), "--into", str(folder), "--dry-run")
    assert (tried.code, os.listdir(folder)) == (0, [])
    assert "networks.csv\t1\t0\t2026-11" in tried.out
    done = await commands.run("catalogues", "update", str(new), HEED_CATALOGUES=str(folder))
    assert (done.code, sorted(os.listdir(folder))) == (0, ["networks.csv", "owners.csv"])
    assert load_catalogues(shutil.copytree(folder, tmp_path / "as read")).owners["acme-scanner"].name == "Acme"

    (new / "networks.csv").write_text("cidr,owner,source,as_of\n198.51.100.0/24,nobody-knows,ours,2026-11\n")
    broken = await commands.run("catalogues", "update", str(new), HEED_CATALOGUES=str(folder))
    assert (broken.code, "networks.csv" in broken.err) == (2, True)
    assert "acme-scanner" in (folder / "networks.csv").read_text()
    assert (await commands.run("catalogues", "update", str(new))).code == 2
