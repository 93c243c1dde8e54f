"""Backup and restore of one organization: what comes back, what must not, and what a death in between leaves."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lib.errors import NotAllowed, Stale
from lib.operations.backup_file import BackupFile, BrokenBackup
from lib.operations.runs import AnotherRun
from lib.organizations.audit import Actor
from lib.storage import Row, Storage, Unavailable, Upsert
from lib.storage.accounts import OwnAccount
from lib.storage.layout import table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from tests.support.failing import Failure, failing_storage
from tests.support.heed import ADMIN_KEY, Heed

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


async def lived_in(storage: Storage | None = None) -> tuple[Heed, str]:
    """An organization with a mail that was opened and clicked, a record, a consent, a file; the mail's id."""
    heed = await Heed(storage=storage or memory_storage()).start()
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"]})
    await heed.put("/consents/bob@example.com", {"follow": "do_not_allow", "basis": "said so", "source": "phone"})
    draft = await heed.draft(to=[{"email": "ada@example.com", "name": "Ada"}], html=f"<p>{'long ' * 9000}</p>")
    await heed.api("POST", f"/messages/{draft}/attachments?filename=a.pdf", PDF)
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    return heed, message


async def backed_up(heed: Heed, folder: Path) -> Path:
    path = folder / "acme.heed"
    await heed.services.backup.write_backup("acme", path)
    return path


async def restored(
    heed: Heed, path: Path, name: str = "acme", secret: str | None = None, *, replace: bool = False
) -> Counter[str]:
    """Restore; return what was told, and the seconds that were waited."""
    counts = Counter[str]()

    async def wait(seconds: float) -> None:
        counts["waited"] += int(seconds)

    restore = dataclasses.replace(heed.services.restore, sleep=wait)
    with closing(BackupFile(path)) as backup:
        backup.check_whole()
        plan = await restore.plan_restore(backup, name, secret, replace=replace)
        await restore.restore_backup(
            backup, plan, secret=secret, told=lambda what, number: counts.update({what: number})
        )
    await heed.work()
    return counts


async def shown(heed: Heed, message: str) -> dict[str, Any]:
    """All that a CRM sees of the organization."""
    return {
        "message": without_etags(await heed.get(f"/messages/{message}")),
        "timeline": (await heed.get(f"/messages/{message}/timeline"))["items"],
        "lists": [each["id"] for each in (await heed.get("/messages?view=all&sort=-sent_at"))["items"]],
        "record": without_etags(await heed.get("/records/contact/c1")),
        "by address": [each["id"] for each in (await heed.get("/records?email=ada@example.com"))["items"]],
        "consent": (await heed.get("/consents/bob@example.com"))["follow"],
        "cards": [each["title"] for each in (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]],
    }


def without_etags(read: Any) -> Any:
    return {name: value for name, value in read.items() if name not in ("etag", "status_text")}


async def secret_of(heed: Heed) -> str:
    secret = await heed.services.organizations.load_address_secret("acme")
    assert secret
    return secret


async def deleted(heed: Heed) -> None:
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    heed.clock.move(minutes=3)


async def made_key(heed: Heed, name: str = "acme") -> None:
    made = await heed.request("POST", f"/api/orgs/{name}/keys", {"scope": "full"}, key=ADMIN_KEY)
    heed.key = made.json["key"]


async def test_a_deleted_organization_comes_back_as_it_was(tmp_path: Path) -> None:
    heed, message = await lived_in()
    before, secret, path = await shown(heed, message), await secret_of(heed), await backed_up(heed, tmp_path)
    await deleted(heed)

    await restored(heed, path, secret=secret)

    await made_key(heed)
    assert await shown(heed, message) == before
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["kpis"]["clicks"] == 2


async def test_no_key_and_no_secret_is_in_a_backup(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    hook = await heed.put("/webhooks/w1", {"url": "https://example.com/hook"})
    slack = "https://hooks.slack.com/services/T0/B0/channel-secret"
    await heed.put("/users/rep1/alerts", {"slack": slack})
    stored = await heed.services.webhooks.load_webhook("acme", "w1")
    assert stored
    sealed = stored[0].secrets[0].sealed
    secrets = [heed.key.rpartition(".")[2], await secret_of(heed), hook["secret"], sealed, slack]

    path = await backed_up(heed, tmp_path)

    assert path.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert [secret for secret in secrets if secret.encode() in everything] == []


async def test_under_another_id_an_organization_begins_without_history(tmp_path: Path) -> None:
    heed, message = await lived_in(None)
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"retention_days": 200}}, key=ADMIN_KEY)
    path = await backed_up(heed, tmp_path)

    await restored(heed, path, "copy", await secret_of(heed))

    key = (await heed.request("POST", "/api/orgs/copy/keys", {"scope": "full"}, key=ADMIN_KEY)).json["key"]
    read = (await heed.request("GET", "/api/orgs/copy", key=ADMIN_KEY)).json
    assert read["settings"]["retention_days"] == 200
    for path_of in ("/messages?view=all", "/records?type=contact", "/users", "/templates", "/events"):
        answer = await heed.request("GET", f"/api/orgs/copy{path_of}", key=key)
        assert (path_of, answer.json.get("items")) == (path_of, [])
    assert (await heed.request("GET", f"/api/orgs/copy/messages/{message}", key=key)).status == 404
    assert (await heed.get(f"/messages/{message}"))["id"] == message


async def test_who_was_erased_since_does_not_come_back(tmp_path: Path) -> None:
    heed, message = await lived_in()
    kept = await heed.sent(to=[{"email": "carl@example.com", "name": "Carl"}])
    path = await backed_up(heed, tmp_path)
    heed.clock.move(hours=1)
    assert (await heed.api("DELETE", "/subjects/ada@example.com")).status == 202
    await heed.work()
    heed.clock.move(minutes=5)

    await restored(heed, path, replace=True)

    tables = {table: await _texts(heed.storage, table) for table in _tables(heed.storage)}
    assert [table for table, text in tables.items() if "ada@example.com" in text.lower()] == []
    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert (await heed.get(f"/messages/{kept}"))["to"][0]["email"] == "carl@example.com"


async def test_who_was_erased_before_and_written_to_again_stays(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    await heed.api("DELETE", "/subjects/ada@example.com")
    await heed.work()
    heed.clock.move(days=1)
    again = await heed.sent()
    path = await backed_up(heed, tmp_path)

    await restored(heed, path, replace=True)

    assert (await heed.get(f"/messages/{again}"))["to"][0]["email"] == "ada@example.com"


async def test_what_recipients_decided_since_and_hits_of_since_stay(tmp_path: Path) -> None:
    heed, message = await lived_in()
    path = await backed_up(heed, tmp_path)
    heed.clock.move(hours=1)
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    heed.clock.move(minutes=1)
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "basis": "x", "source": "page"})
    newer = await heed.draft()

    await restored(heed, path, replace=True)
    await heed.tick("sweep_journal")

    assert (await heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow"
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["clicks"] == 2
    assert (await heed.api("GET", f"/messages/{newer}")).status == 404
    answer = await heed.hit(heed.urls("c")[0])
    await heed.work()
    assert (answer.status, (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["clicks"]) == (302, 2)


async def test_reminders_and_snoozed_cards_come_when_they_are_due(tmp_path: Path) -> None:
    heed, message = await lived_in()
    for _ in range(3):
        heed.clock.move(minutes=3)
        await heed.hit(heed.urls("c")[0])
        await heed.work()
    [card, *_] = (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]
    await heed.api("POST", f"/cards/{card['id']}/snooze", {"until": "2026-05-20T09:00:00Z"}, x_heed_user="rep1")
    reminder = {"title": "Call Ada", "condition": "always", "at": "2026-05-21T09:00:00Z"}
    await heed.put(f"/messages/{message}/reminder", reminder)
    secret, path = await secret_of(heed), await backed_up(heed, tmp_path)
    await deleted(heed)

    await restored(heed, path, secret=secret)
    await made_key(heed)
    heed.clock.move(days=20)
    await heed.tick("remind")
    await heed.work()

    titles = [each["title"] for each in (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]]
    assert card["title"] in titles
    assert "Call Ada" in titles


async def test_mail_that_was_waiting_is_held_and_not_sent_again(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    waiting = await heed.draft(deliver_at="2026-05-06T09:00:00Z")
    await heed.post(f"/messages/{waiting}/send")
    path = await backed_up(heed, tmp_path)
    heed.clock.move(days=3)
    await heed.tick("sweep_due")
    await heed.work()
    sent = len(heed.transport.sent)  # type: ignore[union-attr]

    await restored(heed, path, replace=True)
    heed.clock.move(days=1)
    await heed.tick("sweep_due")
    await heed.work()

    read = await heed.get(f"/messages/{waiting}")
    assert (read["status"], read["failure"]["code"]) == ("failed", "restored")
    assert len(heed.transport.sent) == sent  # type: ignore[union-attr]


async def test_nobody_sees_the_half_of_a_restore_and_another_run_ends_it(tmp_path: Path) -> None:
    """It dies at one operation after the other."""
    heed, message = await lived_in()
    before, secret, path = await shown(heed, message), await secret_of(heed), await backed_up(heed, tmp_path)
    await deleted(heed)
    heed.key = ""
    storage, failure = heed.storage, Failure()
    failing = Heed(storage=replace(failing_storage(storage, failure), queues=storage.queues), clock=heed.clock)
    died = closed = 0
    for number in range(1, 70):
        failure.arm(number, "after")
        try:
            await restored(failing, path, secret=secret, replace=True)
        except Unavailable:
            died += 1
            failure.arm(0, "before")
            found = await heed.services.organizations.load_organization("acme")
            if found is not None and found[0].restored_from:
                if not heed.key:
                    await made_key(heed)
                assert (await heed.api("GET", f"/messages/{message}")).status == 503
                closed += 1
    failure.arm(0, "before")
    await restored(heed, path, secret=secret, replace=True)

    assert min(died, closed) >= 10
    assert await shown(heed, message) == before


async def test_a_secret_that_came_about_after_the_deletion_is_no_hindrance(tmp_path: Path) -> None:
    heed, message = await lived_in()
    before, secret, path = await shown(heed, message), await secret_of(heed), await backed_up(heed, tmp_path)
    await deleted(heed)
    await heed.services.address_hashes.hash_address("acme", "late@example.com")
    heed.clock.move(minutes=3)

    await restored(heed, path, secret=secret)

    await made_key(heed)
    after = await shown(heed, message)
    assert (after["consent"], after["by address"]) == (before["consent"], before["by address"])


async def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    path, secret = await backed_up(heed, tmp_path), await secret_of(heed)
    with pytest.raises(NotAllowed, match="hold data"):
        await restored(heed, path)
    await deleted(heed)
    with pytest.raises(NotAllowed, match="not the one"):
        await restored(heed, path, secret="00" * 32)
    with closing(BackupFile(path)) as backup:
        plan = await heed.services.restore.plan_restore(backup, "acme", None, replace=False)
    assert (plan.with_history, "secret" in plan.because) == (False, True)
    await restored(heed, path, secret=secret)


@pytest.mark.parametrize(("made", "year"), [(1, 1), (2026, 1), (2026, 2020), (2026, 9999), (9999, 9999), (9999, 2026)])
async def test_a_backup_of_a_time_that_cannot_be_is_refused(tmp_path: Path, made: int, year: int) -> None:
    """What was erased after it would come back, or the restore would end half-way."""
    heed, _ = await lived_in()
    path, secret = await backed_up(heed, tmp_path), await secret_of(heed)
    await deleted(heed)

    with closing(BackupFile(path)) as backup:
        backup.manifest.created_at = backup.manifest.created_at.replace(year=made)
        backup.manifest.started_at = backup.manifest.started_at.replace(year=year)
        with pytest.raises(NotAllowed, match="cannot be"):
            await heed.services.restore.plan_restore(backup, "acme", secret, replace=False)


async def test_a_broken_file_is_told_before_anything_is_done(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    path = await backed_up(heed, tmp_path)
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-100])
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "changed", "w") as other:
        for name in archive.namelist():
            data = archive.read(name)
            other.writestr(name, data.replace(b"Ada", b"Eve") if name.endswith("people.jsonl") else data)

    with pytest.raises(BrokenBackup):
        BackupFile(tmp_path / "cut")
    with closing(BackupFile(tmp_path / "changed")) as backup, pytest.raises(BrokenBackup, match="people"):
        backup.check_whole()


Members = dict[str, bytes]


def _row(partition: str, key: str = "k", **values: object) -> bytes:
    return json.dumps({"p": partition, "k": key, "v": values}).encode() + b"\n"


def _with_rows(*rows: bytes, kind: str = "threads") -> Callable[[Members, Any], None]:
    """Put these rows in place of those of a table, with sums that fit."""

    def changed(members: Members, manifest: Any) -> None:
        members[f"tables/{kind}.jsonl"] = b"".join(rows)
        manifest["rows"][kind] = len(rows)

    return changed


def _without(member: str) -> Callable[[Members, Any], None]:
    def changed(members: Members, manifest: Any) -> None:
        del members[member], manifest["sums"][member]

    return changed


def _with_blobs(*names: str) -> Callable[[Members, Any], None]:
    def changed(members: Members, manifest: Any) -> None:
        manifest["blobs"] = list(names)
        for number in range(len(names)):
            members[f"blobs/{number:08d}"] = b"x"

    return changed


def _with_manifest(**fields: object) -> Callable[[Members, Any], None]:
    return lambda _, manifest: manifest.update(fields)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_with_rows(_row("p"), _row("p")), "row 2 of threads"),
        (_with_rows(_row("p", "b"), _row("p", "a")), "row 2 of threads"),
        (_with_rows(_row("p/q")), "row 1 of threads"),
        (_with_rows(_row("p", x=[1])), "row 1 of threads"),
        (_with_rows(_row("p", x=float("nan"))), "row 1 of threads"),
        (_with_rows(_row("p", x=2**63)), "row 1 of threads"),
        (_with_rows(_row("p", x="x" * 33_000)), "row 1 of threads"),
        (_with_rows(_row("p", x="\ud800")), "row 1 of threads"),
        (_with_rows(_row("\ud800")), "row 1 of threads"),
        (_with_rows(_row("p", "\ud800")), "row 1 of threads"),
        (_with_rows(b'{"p": 1, "k": "k", "v": {}}\n'), "row 1 of threads"),
        (_with_rows(_row("p", PartitionKey="q")), "row 1 of threads"),
        (_with_rows(_row("p", RowKey="q")), "row 1 of threads"),
        (_with_rows(b"[]\n"), "row 1 of threads"),
        (_with_rows(b"{\n"), "row 1 of threads"),
        (_with_rows(b"[" * 100_000 + b"\n"), "row 1 of threads"),
        (_with_manifest(rows={}), "lacks parts"),
        (_without("tables/people.jsonl"), "lacks parts"),
        (_without("blobs/00000000"), "lacks parts"),
        (_with_blobs("a", "a"), "names a blob twice"),
        (_with_blobs("../a", "b"), "names a blob twice"),
        (_with_blobs("/a", "b"), "names a blob twice"),
        (_with_manifest(organization="../acme"), "list of its parts"),
        (_with_manifest(format=9), "of format 9"),
        (_with_manifest(settings="x"), "no whole backup"),
        (_with_manifest(other="x" * 17 * 1024 * 1024), "too large"),
    ],
)
async def test_what_is_no_backup_of_ours_is_refused(
    tmp_path: Path, change: Callable[[Members, Any], None], text: str
) -> None:
    heed, _ = await lived_in()
    with zipfile.ZipFile(await backed_up(heed, tmp_path)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    manifest["sums"] = {name: sha256(data).hexdigest() for name, data in members.items()}
    with zipfile.ZipFile(tmp_path / "changed", "w") as archive:
        for name, data in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, data)

    with pytest.raises(BrokenBackup, match=text):
        _check(tmp_path / "changed")


def _check(path: Path) -> None:
    with closing(BackupFile(path)) as backup:
        backup.check_whole()


async def test_a_file_that_is_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    data = (await backed_up(heed, tmp_path)).read_bytes()

    for place in range(0, len(data), len(data) // 150):
        (tmp_path / "damaged").write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
        try:
            _check(tmp_path / "damaged")
        except BrokenBackup:
            continue
        # A byte of the archive that tells nothing, such as a member's date.
        with zipfile.ZipFile(tmp_path / "damaged") as one, zipfile.ZipFile(tmp_path / "acme.heed") as other:
            assert {name: one.read(name) for name in one.namelist()} == {
                name: other.read(name) for name in other.namelist()
            }


async def test_a_row_that_cannot_be_read_is_told_and_keeps_nothing_from_coming_back(tmp_path: Path) -> None:
    heed, message = await lived_in()
    broken = [
        (table("acme", "messages"), "ffffffffffffffffffffffffffffffff", "m"),
        (table("acme", "cards"), "rep1", "id|broken"),
        (table("acme", "feed"), "webhooks", "w|broken"),
    ]
    for name, partition, key in broken:
        await heed.storage.tables.write_rows(name, [Upsert(Row(partition, key, {"v": 1, "d0": "{}"}))])
    before, path = await shown(heed, message), await backed_up(heed, tmp_path)

    counts = await restored(heed, path, replace=True)

    assert await shown(heed, message) == before
    assert counts["unreadable rows"] >= 2
    assert await heed.storage.tables.read_row(*broken[0]) is not None


async def test_a_run_stops_without_harm_where_another_one_takes_over(tmp_path: Path) -> None:
    """What the organization gets once it is open again is not taken for what the backup lacks."""
    heed, message = await lived_in()
    path, secret = await backed_up(heed, tmp_path), await secret_of(heed)
    storage, failure = heed.storage, Failure()
    failing = Heed(storage=replace(failing_storage(storage, failure), queues=storage.queues), clock=heed.clock)
    waited = 0

    async def take_over() -> None:
        nonlocal waited
        waited = (await restored(heed, path, secret=secret, replace=True))["waited"]
        await heed.put("/records/contact/new", {"name": "of after the restore"})

    taken_over = 0
    for number in range(1, 400, 9):
        failure.interrupt(number, take_over)
        try:
            await restored(failing, path, secret=secret, replace=True)
        except (AnotherRun, Stale):
            taken_over += 1
            assert (await heed.get("/records/contact/new"))["name"] == "of after the restore"
    failure.arm(0, "before")

    assert (taken_over >= 10, waited) == (True, 90)
    assert (await heed.get(f"/messages/{message}"))["id"] == message


AWKWARD = ["o'brien@example.com", "a|b@example.com", "{x}=y@example.com", "a/b&c%d@example.com", "-x-@example.com"]


async def test_who_was_erased_since_does_not_come_back_whatever_the_address(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    await heed.sent(to=[{"email": email, "name": "x"} for email in AWKWARD], text=f"\n{AWKWARD[0]}\n'{AWKWARD[1]}'")
    path = await backed_up(heed, tmp_path)
    heed.clock.move(hours=1)
    for email in AWKWARD:
        assert (await heed.api("DELETE", f"/subjects/{quote(email, safe='')}")).status == 202
    await heed.work()
    heed.clock.move(minutes=5)

    assert (await restored(heed, path, replace=True))["erased addresses"] == len(AWKWARD)

    texts = " ".join([await _texts(heed.storage, name) for name in _tables(heed.storage)])
    assert [email for email in AWKWARD if email in texts] == []


@pytest.mark.parametrize("number", range(24, 72, 8))
async def test_who_is_erased_during_a_restore_does_not_come_back(tmp_path: Path, number: int) -> None:
    """The recipient's page is open meanwhile, and the jobs' queue is worked off."""
    heed, _ = await lived_in()
    path, secret = await backed_up(heed, tmp_path), await secret_of(heed)
    storage, failure = heed.storage, Failure()
    failing = Heed(storage=replace(failing_storage(storage, failure), queues=storage.queues), clock=heed.clock)
    heed.clock.move(hours=1)
    await deleted(heed)

    async def erase() -> None:
        await heed.services.subject_jobs.begin_job("acme", "erase", "ada@example.com", by=Actor(kind="recipient"))
        await heed.work()

    failure.interrupt(number, erase)
    await restored(failing, path, secret=secret)

    texts = " ".join([await _texts(storage, name) for name in _tables(storage)])
    assert "ada@example.com" not in texts.lower()


async def test_another_account_than_the_organization_has_is_refused(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    restore = heed.services.restore
    with closing(BackupFile(await backed_up(heed, tmp_path))) as backup:
        plan = await restore.plan_restore(backup, "acme", None, replace=True)

        with pytest.raises(NotAllowed, match="stays in the storage account"):
            await restore.restore_backup(backup, plan, own=OwnAccount(account="elsewhere"))

    assert (await heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_a_backup_that_dies_leaves_the_one_of_before(tmp_path: Path) -> None:
    heed, _ = await lived_in()
    path = await backed_up(heed, tmp_path)
    before, failure = path.read_bytes(), Failure()
    failing = Heed(
        storage=replace(failing_storage(heed.storage, failure), queues=heed.storage.queues), clock=heed.clock
    )
    heed.clock.move(hours=1)
    failure.arm(8, "before")

    with pytest.raises(Unavailable):
        await backed_up(failing, tmp_path)

    assert path.read_bytes() == before
    failure.arm(0, "before")
    await backed_up(failing, tmp_path)
    manifest = BackupFile(path).manifest
    assert manifest.started_at > json_time(before)


def json_time(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return datetime.fromisoformat(json.loads(archive.read("manifest.json"))["started_at"])


def _tables(storage: Storage) -> list[str]:
    return [name for name in storage.tables.names() if name.startswith("heedacme")]  # type: ignore[attr-defined]


async def _texts(storage: Storage, table: str) -> str:
    return " ".join([str(row.values) async for row in storage.tables.query(table, EVERYTHING)])
