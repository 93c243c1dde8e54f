"""Move of an organization that is in use: nothing that was acknowledged is lost, and nothing stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib.errors import NotAllowed
from lib.operations import move
from lib.operations.backup_file import BackupFile
from lib.operations.move import Move, NotTheSame
from lib.operations.runs import AnotherRun
from lib.organizations.registry import StoredOrganization
from lib.storage import Missing, Row, StorageError, Unavailable, Upsert
from lib.storage.accounts import LASTS, OwnAccount
from lib.storage.layout import KINDS, container, table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.lived_in import live_in
from tests.support.own_accounts import OwnAccounts

TO = OwnAccount(account="newdata")
Work = Callable[[], Awaitable[None]]


class Deployment:
    """Two processes of the app over the shared account, and the operator's one. `acme` is in the shared account."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.accounts = OwnAccounts(now=lambda: self.seconds)
        self.heed = Heed(storage=self.accounts.storage())
        self.other = self._process()
        self.operator = self._process()
        self.waits: list[float] = []
        self.during: dict[int, Work] = {}
        """What happens during the waits, by their number."""

    def _process(self) -> Heed:
        """Another process over the same account, with the same queues and the same clock."""
        storage = replace(self.accounts.storage(), queues=self.heed.storage.queues)
        return Heed(storage=storage, clock=self.heed.clock)

    async def start(self) -> Deployment:
        await self.heed.start()
        self.other.key = self.heed.key
        return self

    async def move(self) -> None:
        services = self.operator.services
        await Move(services.storage, services.organizations, self._wait).move_organization("acme", TO)

    def second(self) -> Move:
        """Another run, at which nothing happens during the waits."""
        services = self._process().services
        return Move(services.storage, services.organizations, self._pass)

    async def _pass(self, seconds: float) -> None:
        self.seconds += seconds
        self.heed.clock.move(seconds=seconds)

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        for _ in range(2):
            await self._pass(seconds / 2)
            if work := self.during.get(len(self.waits)):
                await work()

    async def left_behind(self) -> list[str]:
        """Tables and blobs of acme in the shared account."""
        tables = [name for name in self.accounts.tables() if name.startswith("heedacme")]
        blobs = [name async for name in self.accounts.shared.blobs.list_blobs(container("acme"))]
        return [*tables, *blobs]


@pytest.fixture
async def deployment() -> Deployment:
    return await Deployment().start()


async def opened(heed: Heed, message: str) -> int:
    return int((await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"])


async def test_an_organization_works_on_in_its_new_account(deployment: Deployment) -> None:
    heed = deployment.heed
    draft = await heed.draft(html=f"<p>{'long ' * 9000}</p>")
    await heed.api("POST", f"/messages/{draft}/attachments?filename=a.txt", b"some text")
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    before = await heed.get(f"/messages/{draft}")

    await deployment.move()

    deployment.seconds += LASTS
    assert await deployment.left_behind() == []
    assert await heed.get(f"/messages/{draft}") == {**before, "etag": (await heed.get(f"/messages/{draft}"))["etag"]}
    assert len([name async for name in deployment.accounts.own["newdata"].blobs.list_blobs(container("acme"))]) == 2
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    heed.clock.move(hours=1)
    assert await opened(heed, message) == 2
    found = await heed.services.organizations.load_organization("acme")
    assert found
    assert (found[0].storage, found[0].moving) == (TO, None)


async def test_hits_and_changes_during_the_move_are_kept(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed, other = deployment.heed, deployment.other
    message = await heed.sent()
    statuses: list[int] = []
    names: list[str] = []

    async def use() -> None:
        """A hit, and a change that may be refused."""
        heed.clock.move(minutes=5)
        assert (await heed.hit(heed.urls("o")[0])).status == 200
        name = f"c{len(statuses)}"
        answer = await other.api("PUT", f"/records/contact/{name}", {"name": name})
        statuses.append(answer.status)
        if answer.status == 201:
            names.append(name)
        for _ in range(3):  # a queue whose messages wait while the account is closed
            waiting = list(heed.storage.queues.waiting)  # type: ignore[attr-defined]
            heed.storage.queues.waiting.clear()  # type: ignore[attr-defined]
            for each in waiting:
                await heed.hand_over(each.queue, each.body)

    copy = move._copy_blobs

    async def copy_while_in_use(way: Any, told: Any) -> int:
        """Copy; once something has changed that was copied before."""
        if not statuses:
            await use()
        return await copy(way, told)

    monkeypatch.setattr(move, "_copy_blobs", copy_while_in_use)
    deployment.during = {1: use, 2: use}
    await deployment.move()
    deployment.seconds += LASTS
    heed.clock.move(minutes=5)
    await heed.tick("sweep_journal")
    await heed.work()

    assert statuses == [201, 503, 503, 201, 201]
    assert await opened(heed, message) == len(statuses)
    listed = [each["id"] for each in (await heed.get("/records?type=contact"))["items"]]
    assert sorted(listed) == sorted(names)


async def test_a_process_that_has_not_heard_of_the_move_writes_where_it_is_found(deployment: Deployment) -> None:
    """It goes by what it has read for a while; until that is over, nothing is compared."""
    heed, other = deployment.heed, deployment.other
    await other.put("/records/contact/before", {"name": "x"})  # it remembers the shared account

    async def write_late() -> None:
        tables = other.storage.tables
        if deployment.seconds < LASTS:
            await tables.write_rows(table("acme", "people"), [Upsert(Row("late", "row", {"v": 1}))])
            return
        with pytest.raises(Unavailable, match="moving"):
            await tables.write_rows(table("acme", "people"), [Upsert(Row("refused", "row", {"v": 1}))])

    deployment.during = {1: write_late}
    await deployment.move()

    deployment.seconds += LASTS
    assert await heed.storage.tables.read_row(table("acme", "people"), "late", "row") is not None
    assert await heed.storage.tables.read_row(table("acme", "people"), "refused", "row") is None


async def test_a_move_that_dies_goes_on_at_the_next_run(deployment: Deployment) -> None:
    """It dies at one operation after the other; each run waits anew."""
    heed, accounts = deployment.heed, deployment.accounts
    draft = await heed.draft(html=f"<p>{'long ' * 9000}</p>")
    await heed.api("POST", f"/messages/{draft}/attachments?filename=a.txt", b"some text")
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    died = 0
    for number in range(1, 60):
        accounts.failure.arm(number, "after" if number % 2 else "before")
        try:
            await deployment.move()
            break
        except StorageError:
            died += 1
        except NotAllowed:  # its last write was done
            break
    accounts.failure.arm(0, "before")
    found = await heed.services.organizations.load_organization("acme")
    assert found
    if found[0].moving or found[0].storage != TO:
        await deployment.move()
    deployment.seconds += LASTS

    assert died >= 5
    assert (await deployment.left_behind(), await opened(heed, message)) == ([], 1)
    assert (await heed.get(f"/messages/{draft}"))["attachments"][0]["filename"] == "a.txt"


async def test_a_write_into_the_old_account_after_the_comparison_keeps_it(deployment: Deployment) -> None:
    shared = deployment.accounts.shared.tables

    async def write_late() -> None:
        await shared.write_rows(table("acme", "journal"), [Upsert(Row("late", "facts", {"v": 1}))])

    deployment.during = {2: write_late}
    with pytest.raises(NotTheSame, match="written to after"):
        await deployment.move()

    assert {table("acme", kind) for kind in KINDS} <= {*await deployment.left_behind()}
    deployment.seconds += LASTS
    assert (await deployment.heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_a_blob_that_comes_into_the_old_account_after_the_comparison_keeps_it(deployment: Deployment) -> None:
    async def write_late() -> None:
        await deployment.accounts.shared.blobs.put_blob(container("acme"), "late", b"x", "text/plain")

    deployment.during = {2: write_late}
    with pytest.raises(NotTheSame, match="heed-acme"):
        await deployment.move()

    assert {"late", table("acme", "people")} <= {*await deployment.left_behind()}


async def test_a_row_that_is_not_the_same_keeps_the_move_from_its_end(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = move._copy_rows

    async def copy_badly(way: Any, kind: str, told: Any) -> int:
        changed = await copy(way, kind, told)
        await way.target.tables.write_rows(table("acme", "people"), [Upsert(Row("user", "rep1", {"v": 1}))])
        return changed

    monkeypatch.setattr(move, "_copy_rows", copy_badly)
    with pytest.raises(NotTheSame, match="heedacmepeople"):
        await deployment.move()
    deployment.seconds += LASTS
    await deployment.heed.put("/records/contact/c1", {"name": "it is open again"})

    monkeypatch.setattr(move, "_copy_rows", copy)
    await deployment.move()
    deployment.seconds += LASTS
    assert (await deployment.heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_a_move_can_be_given_up_until_it_has_changed_over(deployment: Deployment) -> None:
    heed, mover = deployment.heed, deployment.operator.services.move

    async def die() -> None:
        raise Unavailable("killed")

    deployment.during = {1: die}
    with pytest.raises(Unavailable):
        await deployment.move()
    await mover.cancel_move("acme")
    deployment.seconds += LASTS

    await heed.put("/records/contact/c1", {"name": "x"})
    rows = deployment.accounts.own["newdata"].tables.query(table("acme", "people"), EVERYTHING)
    assert [row async for row in rows] == []
    with pytest.raises(NotAllowed, match="no move"):
        await mover.cancel_move("acme")


async def stored(deployment: Deployment) -> StoredOrganization:
    found = await deployment.heed.services.organizations.load_organization("acme")
    assert found
    return found[0]


@pytest.mark.parametrize("number", range(1, 60, 4))
async def test_a_run_stops_without_harm_where_another_one_takes_over(deployment: Deployment, number: int) -> None:
    heed, message = deployment.heed, await live_in(deployment.heed)

    async def take_over() -> None:
        await deployment.second().move_organization("acme", TO)
        deployment.seconds += LASTS
        await heed.put("/records/contact/new", {"name": "of after the move"})

    deployment.accounts.failure.interrupt(number, take_over)
    with pytest.raises((AnotherRun, NotAllowed)):
        await deployment.move()

    found = await stored(deployment)
    assert (found.storage, found.moving, found.run) == (TO, None, None)
    assert (await deployment.left_behind(), await opened(heed, message)) == ([], 1)
    assert (await heed.get("/records/contact/new"))["name"] == "of after the move"


@pytest.mark.parametrize("number", range(1, 60, 4))
async def test_a_run_stops_without_harm_where_the_move_is_given_up(deployment: Deployment, number: int) -> None:
    heed, message = deployment.heed, await live_in(deployment.heed)
    is_given_up = False

    async def give_up() -> None:
        nonlocal is_given_up
        if (await stored(deployment)).moving is not None:
            await deployment.second().cancel_move("acme")
            is_given_up = True

    deployment.accounts.failure.interrupt(number, give_up)
    with suppress(AnotherRun, Missing):
        await deployment.move()
        assert not is_given_up
    deployment.seconds += LASTS

    assert (await stored(deployment)).moving is None
    assert await opened(heed, message) == 1
    await heed.put("/records/contact/new", {"name": "of after the move"})
    if is_given_up:
        assert deployment.accounts.tables("newdata") == []


async def test_two_runs_at_the_same_time_end_as_one(deployment: Deployment) -> None:
    heed, message = deployment.heed, await live_in(deployment.heed)

    ended = await asyncio.gather(
        deployment.move(), deployment.second().move_organization("acme", TO), return_exceptions=True
    )
    deployment.seconds += LASTS

    assert [type(each) for each in ended if each is not None] in ([AnotherRun], [NotAllowed])
    assert (await deployment.left_behind(), await opened(heed, message)) == ([], 1)


async def test_a_run_that_fails_while_nothing_is_written_opens_the_organization(deployment: Deployment) -> None:
    async def die() -> None:
        raise Unavailable("storage is down")

    deployment.during = {1: die}
    with pytest.raises(Unavailable):
        await deployment.move()
    deployment.seconds += LASTS

    await deployment.heed.put("/records/contact/c1", {"name": "x"})
    await deployment.move()
    deployment.seconds += LASTS
    assert (await deployment.heed.get("/records/contact/c1"))["name"] == "x"


async def test_giving_up_that_dies_is_ended_by_another_try(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise Unavailable("killed")

    deployment.during = {1: die}
    with pytest.raises(Unavailable):
        await deployment.move()
    blobs = type(deployment.accounts.own["newdata"].blobs)
    with monkeypatch.context() as patched:
        patched.setattr(blobs, "drop", die)
        with pytest.raises(Unavailable):
            await deployment.second().cancel_move("acme")
    deployment.seconds += LASTS

    await deployment.heed.put("/records/contact/c1", {"name": "x"})
    with pytest.raises(NotAllowed, match="--cancel"):
        await deployment.move()
    await deployment.second().cancel_move("acme")
    await deployment.move()
    deployment.seconds += LASTS
    assert (await deployment.heed.get("/records/contact/c1"))["name"] == "x"


async def test_the_same_account_under_another_name_is_refused(deployment: Deployment) -> None:
    """An operator who is told that it holds something would go and delete it."""
    deployment.accounts.own["newdata"] = deployment.accounts.shared

    with pytest.raises(NotAllowed, match="another name"):
        await deployment.move()

    assert (await stored(deployment)).moving is None


async def test_an_organization_is_not_deleted_and_not_restored_while_it_moves(
    deployment: Deployment, tmp_path: Path
) -> None:
    heed, services = deployment.heed, deployment.operator.services
    await services.backup.write_backup("acme", tmp_path / "backup")
    statuses: list[int] = []

    async def interfere() -> None:
        statuses.append((await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)).status)
        with closing(BackupFile(tmp_path / "backup")) as backup, pytest.raises(NotAllowed, match="moving"):
            await services.restore.plan_restore(backup, "acme", None, replace=True)

    deployment.during = {1: interfere, 2: interfere}
    await deployment.move()
    deployment.seconds += LASTS

    assert set(statuses) == {409}
    assert (await heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_an_organization_does_not_move_while_it_is_restored(deployment: Deployment) -> None:
    registry = deployment.operator.services.organizations
    await registry.update_row("acme", lambda stored: stored.model_copy(update={"restored_from": "a backup"}))

    with pytest.raises(Unavailable, match="restored"):
        await deployment.move()


async def test_what_is_in_the_new_account_already_is_not_overwritten(deployment: Deployment) -> None:
    storage = deployment.accounts.own.setdefault("newdata", memory_storage())
    await storage.tables.create(table("acme", "people"))
    await storage.tables.write_rows(table("acme", "people"), [Upsert(Row("user", "other", {"v": 1}))])

    with pytest.raises(NotAllowed, match="holds rows"):
        await deployment.move()

    assert await storage.tables.read_row(table("acme", "people"), "user", "other") is not None
    await storage.tables.drop(table("acme", "people"))
    await storage.blobs.create(container("acme"))
    await storage.blobs.put_blob(container("acme"), "other", b"x", "text/plain")
    with pytest.raises(NotAllowed, match="has blobs"):
        await deployment.move()
    assert await storage.blobs.read_blob(container("acme"), "other") == b"x"


async def test_another_target_is_refused_while_a_move_is_under_way(deployment: Deployment) -> None:
    async def die() -> None:
        raise Unavailable("killed")

    deployment.during = {1: die}
    with pytest.raises(Unavailable):
        await deployment.move()

    with pytest.raises(NotAllowed, match="newdata"):
        await deployment.operator.services.move.check_move("acme", OwnAccount(account="elsewhere"))
