"""A followed attachment as its recipient gets it, and what its sender is told of that."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

import attachment_fn
from infra.local.host.log_lines import LateLines
from lib.storage import Range, Row, Storage, Unavailable
from lib.storage.memory import MemoryBlobs, MemoryTables, StorageWriter, memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tokens import Purpose
from lib.tracking.journal import LOG_MARK
from tests.support.attachments import EICAR, PDF, SVG, add
from tests.support.heed import ADMIN_KEY, Heed, Response


async def followed(heed: Heed, *files: tuple[str, bytes], **fields: Any) -> tuple[str, list[str]]:
    """A message that was sent a while ago, and the paths of its attachments' links."""
    message = await heed.draft(**fields)
    for name, data in files or [("Offer.pdf", PDF)]:
        await add(heed, message, name, data)
    await heed.api("POST", f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=90)
    return message, links(heed)


def links(heed: Heed, number: int = -1) -> list[str]:
    import email

    mail = email.message_from_bytes(heed.mail(number))
    [html] = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    body = html.get_payload(decode=True)
    assert isinstance(body, bytes)
    return re.findall(r'href="https://heed\.test(/a/[^"]+)"', body.decode())


def download(heed: Heed, answer: Response) -> tuple[int, dict[str, str], bytes]:
    assert isinstance(heed.storage.blobs, MemoryBlobs)
    return heed.storage.blobs.request("GET", answer.headers["location"], heed.clock.now())


async def change(heed: Heed, message: str, **fields: Any) -> None:
    [file] = (await heed.get(f"/messages/{message}/attachments"))["items"]
    answer = await heed.api("PATCH", f"/messages/{message}/attachments/{file['id']}", fields)
    assert answer.status == 200


async def views(heed: Heed, message: str) -> tuple[int, int, list[int]]:
    """Human ones of the message, all of them, and human ones of each attachment."""
    await heed.work()
    read = await heed.get(f"/messages/{message}")
    kpis = read["kpis"]
    return kpis["attachment_views"], kpis["raw"]["attachment_views"], [each["views"] for each in read["attachments"]]


async def test_the_link_leads_to_a_download_of_the_very_bytes_for_five_minutes(heed: Heed) -> None:
    _, [link] = await followed(heed, ("Größe & Preis.pdf", PDF))

    answer = await heed.hit(link)

    assert answer.status == 302
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    status, headers, data = download(heed, answer)
    assert (status, data, headers["content-type"]) == (200, PDF, "application/pdf")
    assert headers["content-disposition"].startswith('attachment; filename="Gro')
    assert unquote(headers["content-disposition"].split("UTF-8''")[1]) == "Größe & Preis.pdf"
    heed.clock.move(minutes=5)
    assert download(heed, answer)[0] == 403


@pytest.mark.parametrize("data", [EICAR, SVG, b"<html><script>alert(1)</script>"])
async def test_whatever_it_is_it_is_a_download_and_never_a_page(heed: Heed, data: bytes) -> None:
    _, [link] = await followed(heed, ("page.html", data))
    _, headers, body = download(heed, await heed.hit(link))
    assert body == data
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-type"] in ("application/octet-stream", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("Übersicht März.csv", "Größe;Preis\n1;2\n".encode(), "text/csv; charset=utf-8"),
        ("Übersicht.csv", "Größe;Preis\n".encode("latin-1"), "text/csv"),
        ("Termin 🗓.ics", b"BEGIN:VCALENDAR\nMETHOD:PUBLISH\nEND:VCALENDAR\n",
         "text/calendar; method=PUBLISH; charset=utf-8"),
    ],
)  # fmt: skip
async def test_a_download_has_the_name_and_the_type_of_its_file(heed: Heed, name: str, data: bytes, kind: str) -> None:
    _, [link] = await followed(heed, (name, data))

    _, headers, body = download(heed, await heed.hit(link))

    assert (headers["content-type"], body) == (kind, data)
    assert unquote(headers["content-disposition"].split("UTF-8''")[1]) == name


async def test_a_view_is_told_with_its_file_and_counted_for_it(heed: Heed) -> None:
    message, [first, second] = await followed(heed, ("a.pdf", PDF), ("b.pdf", PDF))
    await heed.hit(second)
    heed.clock.move(minutes=10)
    await heed.hit(first)
    heed.clock.move(minutes=10)
    await heed.hit(second)

    assert await views(heed, message) == (3, 3, [1, 2])
    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert [(each["kind"], each["attachment"], each["url"]) for each in events] == [
        ("attachment_view", "b.pdf", None), ("attachment_view", "a.pdf", None), ("attachment_view", "b.pdf", None),
    ]  # fmt: skip
    assert {each["recipient"] for each in events} == {"ada@example.com"}


async def test_a_download_in_pieces_and_with_repeats_is_one_view(heed: Heed) -> None:
    message, [link] = await followed(heed)
    for wanted in (None, "bytes=0-99", "bytes=100-", None):
        await heed.hit(link, **({"range": wanted} if wanted else {}))
        heed.clock.move(seconds=20)

    assert await views(heed, message) == (1, 1, [1])
    assert len((await heed.get(f"/messages/{message}/timeline"))["items"]) == 1


async def test_a_head_request_is_a_machines(heed: Heed) -> None:
    message, [link] = await followed(heed)
    assert (await heed.hit(link, method="HEAD")).status == 302
    assert await views(heed, message) == (0, 1, [0])


async def test_each_recipients_link_is_their_own_and_only_our_seal_opens(heed: Heed) -> None:
    _, [link] = await followed(heed)
    token = link.split("/")[2]
    pixel = heed.urls("o")[0].removeprefix("/o/").removesuffix(".gif")
    for path in ("/a/nonsense/Offer.pdf", f"/a/{token[:-1]}/Offer.pdf", f"/a/{pixel}/Offer.pdf", f"/c/{token}"):
        answer = await heed.hit(path)
        assert answer.status == 404
        assert "location" not in answer.headers
    assert (await heed.hit(f"/a/{token}/any-other-name")).status == 302
    claim = heed.services.ring.open(Purpose.ATTACHMENT, token)
    assert claim
    assert (claim.organization, claim.recipient, claim.item) == ("acme", 0, 0)


async def test_a_revoked_file_is_gone_at_once_and_can_be_given_back(heed: Heed) -> None:
    message, [link] = await followed(heed)
    assert (await heed.hit(link)).status == 302
    await change(heed, message, revoked=True)

    gone = await heed.hit(link)

    assert (gone.status, gone.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert b"no longer there" in gone.body
    assert await views(heed, message) == (1, 1, [1])
    await change(heed, message, revoked=False)
    assert (await heed.hit(link)).status == 302


async def test_a_file_expires_and_so_does_the_way_to_its_bytes(heed: Heed) -> None:
    message, [link] = await followed(heed)
    await change(heed, message, expires_at=(heed.clock.now() + timedelta(minutes=2)).isoformat())

    answer = await heed.hit(link)

    assert answer.status == 302
    heed.clock.move(minutes=2)
    assert download(heed, answer)[0] == 403
    assert (await heed.hit(link)).status == 410
    await change(heed, message, expires_at=None)
    assert (await heed.hit(link)).status == 302


async def test_a_replaced_file_is_what_the_same_link_leads_to(heed: Heed) -> None:
    message, [link] = await followed(heed)
    [file] = (await heed.get(f"/messages/{message}/attachments"))["items"]
    await heed.api("PUT", f"/messages/{message}/attachments/{file['id']}", b"newer")
    assert download(heed, await heed.hit(link))[2] == b"newer"


async def test_whoever_asks_for_privacy_gets_the_file_and_is_not_named(heed: Heed) -> None:
    message, [link] = await followed(heed)
    assert (await heed.hit(link, dnt="1")).status == 302
    await heed.work()
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["recipient"] is None


class SlowWriter(StorageWriter):
    """Writes nothing before it may."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.may_write = asyncio.Event()

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self.may_write.wait()
        await super().insert(table, partition, key, columns)

    async def put_message(self, queue: str, body: str) -> None:
        await self.may_write.wait()
        await super().put_message(queue, body)


async def test_a_view_that_is_not_stored_in_time_is_in_the_log_before_the_answer_and_counts_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment_fn, "ANSWER_LIMIT", 0.0)
    storage = memory_storage()
    writer = SlowWriter(storage)
    heed = await Heed(storage=storage, writer=writer).start()
    message, [link] = await followed(heed)
    caplog.handler.addFilter(lines := LateLines())

    answer = await heed.hit(link)

    caplog.handler.removeFilter(lines)
    assert answer.status == 302
    assert caplog.text.count(LOG_MARK) == 1
    writer.may_write.set()
    assert await views(heed, message) == (1, 1, [1])
    await heed.request("POST", "/api/ops/replay", caplog.text.encode(), key=ADMIN_KEY)
    assert await views(heed, message) == (1, 1, [1])


async def test_the_way_to_the_bytes_is_in_no_log(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    _, [link] = await followed(heed)
    with caplog.at_level(logging.DEBUG):
        answer = await heed.hit(link)
    assert answer.headers["location"].split("?")[1] not in caplog.text


class TablesThatMayFail(MemoryTables):
    is_down = False

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        if self.is_down:
            raise Unavailable("storage does not answer")
        return await super().read_row(table, partition, key)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        if self.is_down:
            raise Unavailable("storage does not answer")
        async for row in super().query(table, partition, keys, limit):
            yield row


@pytest.fixture
def storage() -> Storage:
    return replace(memory_storage(), tables=TablesThatMayFail())


async def test_with_tables_down_a_file_that_was_seen_before_is_reached_and_another_asks_for_patience(
    storage: Storage,
) -> None:
    heed = await Heed(storage=storage).start()
    _, [seen, unseen] = await followed(heed, ("a.pdf", PDF), ("b.pdf", PDF))
    await heed.hit(seen)
    assert isinstance(storage.tables, TablesThatMayFail)
    storage.tables.is_down = True

    reached, not_now = await heed.hit(seen), await heed.hit(unseen)

    assert (reached.status, download(heed, reached)[2]) == (302, PDF)
    assert (not_now.status, not_now.headers["retry-after"]) == (503, "60")
    assert b"in a minute" in not_now.body


async def test_with_tables_down_a_file_that_was_seen_revoked_stays_so(storage: Storage) -> None:
    heed = await Heed(storage=storage).start()
    message, [link] = await followed(heed)
    await change(heed, message, revoked=True)
    await heed.hit(link)
    assert isinstance(storage.tables, TablesThatMayFail)
    storage.tables.is_down = True
    assert (await heed.hit(link)).status == 410


async def test_a_view_is_of_the_time_at_which_it_came_however_long_its_file_was_looked_for(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, [path] = await followed(heed)
    came, find = heed.clock.now(), heed.services.recipients.attachment_views.find

    async def slow(claim: Any) -> Any:
        heed.clock.move(seconds=40)
        return await find(claim)

    monkeypatch.setattr(heed.services.recipients.attachment_views, "find", slow)
    await heed.hit(path)
    await heed.work()

    [view] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert view["at"] == came.isoformat(timespec="milliseconds").replace("+00:00", "Z")
