"""What every implementation of `lib.storage` promises. A test class inherits a suite and says which storage it is."""

import asyncio
import itertools
import math
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib.storage import (
    Change,
    Conflict,
    Delete,
    Grant,
    Insert,
    Missing,
    Range,
    Replace,
    Row,
    Storage,
    Tables,
    Upsert,
    Value,
)
from lib.storage.protocols import LARGEST_PIECE

Fetch = Callable[[str, str], Awaitable[tuple[int, Mapping[str, str], bytes]]]
"""Does what a browser does with a method and a URL: status, headers by name in lower case, body."""

INJECTIONS = ("x' or PartitionKey ne '", "'", "''", "x') or (true", "@p0", "a&b=c", "100%25", "a b+c", "é😀")


async def rows_of(rows: AsyncIterator[Row]) -> list[Row]:
    return [row async for row in rows]


async def keys_of(rows: AsyncIterator[Row]) -> list[str]:
    return [row.key async for row in rows]


async def each(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def row(key: str, partition: str = "p", **values: Value) -> Row:
    return Row(partition, key, values or {"v": 1})


class TableSuite:
    """Needs a fixture `storage`."""

    @pytest.fixture
    def tables(self, storage: Storage) -> Tables:
        return storage.tables

    @pytest.fixture
    async def table(self, tables: Tables) -> str:
        """A table of its own name, empty."""
        name = f"t{uuid.uuid4().hex}"
        await tables.create(name)
        return name

    async def fill(self, tables: Tables, table: str, *places: tuple[str, str]) -> None:
        for partition, key in places:
            await tables.write_rows(table, [Insert(row(key, partition))])

    async def test_a_row_is_read_back_as_it_was_inserted_with_the_etag_that_was_answered(
        self, tables: Tables, table: str
    ) -> None:
        inserted = row("r", name="Ada", count=3)
        [etag] = await tables.write_rows(table, [Insert(inserted)])
        assert etag
        assert await tables.read_row(table, "p", "r") == replace(inserted, etag=etag)

    @pytest.mark.parametrize(
        "value",
        [
            "", " ", "it's", '"quoted"', "line\r\nbreak\ttab", "Ünïcödé 中文 😀", "2026-05-04T09:30:00Z", "true", "12",
            "x" * 32_000, 0, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, 1.0,
            0.1, -2.5e300, math.inf, -math.inf, True, False,
        ],
        ids=lambda value: repr(value)[:24],
    )  # fmt: skip
    async def test_every_value_keeps_its_type(self, tables: Tables, table: str, value: Value) -> None:
        await tables.write_rows(table, [Insert(row("r", column=value))])
        found = await tables.read_row(table, "p", "r")
        assert found
        assert found.values == {"column": value}
        assert type(found.values["column"]) is type(value)

    async def test_what_is_no_number_stays_none(self, tables: Tables, table: str) -> None:
        await tables.write_rows(table, [Insert(row("r", column=math.nan))])
        [found] = await rows_of(tables.query(table, "p"))
        assert isinstance(found.values["column"], float)
        assert math.isnan(found.values["column"])

    async def test_inserting_a_row_that_exists_is_a_conflict_and_leaves_it(self, tables: Tables, table: str) -> None:
        await tables.write_rows(table, [Insert(row("r", name="first"))])
        with pytest.raises(Conflict):
            await tables.write_rows(table, [Insert(row("r", name="second"))])
        found = await tables.read_row(table, "p", "r")
        assert found
        assert found.values == {"name": "first"}

    async def test_an_upsert_makes_a_row_or_puts_it_whole(self, tables: Tables, table: str) -> None:
        await tables.write_rows(table, [Upsert(row("r", old=1))])
        await tables.write_rows(table, [Upsert(row("r", new=2))])
        found = await tables.read_row(table, "p", "r")
        assert found
        assert found.values == {"new": 2}

    async def test_a_replacement_of_the_current_version_puts_the_whole_row(self, tables: Tables, table: str) -> None:
        [etag] = await tables.write_rows(table, [Insert(row("r", old=1))])
        [later] = await tables.write_rows(table, [Replace(replace(row("r", new=2), etag=etag))])
        assert later != etag
        assert await tables.read_row(table, "p", "r") == Row("p", "r", {"new": 2}, later)

    async def test_a_replacement_of_an_older_version_is_a_conflict(self, tables: Tables, table: str) -> None:
        [etag] = await tables.write_rows(table, [Insert(row("r", name="first"))])
        await tables.write_rows(table, [Upsert(row("r", name="second"))])
        with pytest.raises(Conflict):
            await tables.write_rows(table, [Replace(replace(row("r", name="third"), etag=etag))])
        found = await tables.read_row(table, "p", "r")
        assert found
        assert found.values == {"name": "second"}

    async def test_a_replacement_of_any_version_wants_a_row_to_be_there(self, tables: Tables, table: str) -> None:
        with pytest.raises(Missing):
            await tables.write_rows(table, [Replace(replace(row("r", n=1), etag="*"))])
        await tables.write_rows(table, [Insert(row("r", n=1))])
        [etag] = await tables.write_rows(table, [Replace(replace(row("r", n=2), etag="*"))])
        assert await tables.read_row(table, "p", "r") == Row("p", "r", {"n": 2}, etag)

    async def test_replacing_a_row_that_is_gone_is_missing(self, tables: Tables, table: str) -> None:
        [etag] = await tables.write_rows(table, [Insert(row("r"))])
        await tables.write_rows(table, [Delete("p", "r")])
        with pytest.raises(Missing):
            await tables.write_rows(table, [Replace(replace(row("r"), etag=etag))])

    async def test_a_replacement_without_an_etag_is_a_mistake(self, tables: Tables, table: str) -> None:
        with pytest.raises(ValueError, match="etag"):
            await tables.write_rows(table, [Replace(row("r"))])

    async def test_a_deleted_row_is_gone(self, tables: Tables, table: str) -> None:
        [etag] = await tables.write_rows(table, [Insert(row("r"))])
        assert await tables.write_rows(table, [Delete("p", "r", etag)]) == [None]
        assert await tables.read_row(table, "p", "r") is None

    async def test_deleting_an_older_version_is_a_conflict(self, tables: Tables, table: str) -> None:
        [etag] = await tables.write_rows(table, [Insert(row("r"))])
        await tables.write_rows(table, [Upsert(row("r"))])
        with pytest.raises(Conflict):
            await tables.write_rows(table, [Delete("p", "r", etag)])
        assert await tables.read_row(table, "p", "r")

    @pytest.mark.parametrize("etag", [None, 'W/"0"'])
    async def test_deleting_a_row_that_is_not_there_is_missing(
        self, tables: Tables, table: str, etag: str | None
    ) -> None:
        with pytest.raises(Missing):
            await tables.write_rows(table, [Delete("p", "r", etag)])

    async def test_a_transaction_answers_with_an_etag_for_every_change(self, tables: Tables, table: str) -> None:
        [old, _] = await tables.write_rows(table, [Insert(row("a")), Insert(row("b"))])
        changes: list[Change] = [
            Replace(replace(row("a", n=2), etag=old)),
            Delete("p", "b"),
            Upsert(row("c")),
            Insert(row("d")),
        ]
        answers = await tables.write_rows(table, changes)
        found = {each.key: each.etag for each in await rows_of(tables.query(table, "p"))}
        assert answers == [found["a"], None, found["c"], found["d"]]

    @pytest.mark.parametrize(
        ("bad", "error"),
        [
            (Insert(row("there")), Conflict),
            (Replace(replace(row("there"), etag='W/"0"')), Conflict),
            (Delete("p", "there", 'W/"0"'), Conflict),
            (Delete("p", "nowhere"), Missing),
        ],
        ids=["insert", "replace", "delete-version", "delete-missing"],
    )
    async def test_one_change_that_fails_takes_the_whole_transaction_with_it(
        self, tables: Tables, table: str, bad: Change, error: type[Exception]
    ) -> None:
        await self.fill(tables, table, ("p", "there"), ("p", "to-delete"))
        with pytest.raises(error):
            await tables.write_rows(table, [Insert(row("first")), Delete("p", "to-delete"), bad, Upsert(row("last"))])
        assert await keys_of(tables.query(table, "p")) == ["there", "to-delete"]

    async def test_a_transaction_holds_a_hundred_changes_and_not_one_more(self, tables: Tables, table: str) -> None:
        changes = [Insert(row(f"{number:03d}")) for number in range(101)]
        with pytest.raises(ValueError, match="1 to 100"):
            await tables.write_rows(table, changes)
        assert await keys_of(tables.query(table, "p")) == []
        assert len(await tables.write_rows(table, changes[:100])) == 100

    async def test_a_transaction_holds_at_least_one_change(self, tables: Tables, table: str) -> None:
        with pytest.raises(ValueError, match="1 to 100"):
            await tables.write_rows(table, [])

    async def test_a_transaction_stays_in_one_partition(self, tables: Tables, table: str) -> None:
        with pytest.raises(ValueError, match="one partition"):
            await tables.write_rows(table, [Insert(row("r", "p")), Insert(row("r", "q"))])

    async def test_a_transaction_changes_a_row_only_once(self, tables: Tables, table: str) -> None:
        with pytest.raises(ValueError, match="at most once"):
            await tables.write_rows(table, [Upsert(row("r")), Delete("p", "r")])

    @pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\tb", "a\nb", "a\x7fb", "a\x85b", "x" * 513])
    async def test_what_no_key_may_hold_is_refused(self, tables: Tables, table: str, key: str) -> None:
        with pytest.raises(ValueError, match="not a key"):
            await tables.write_rows(table, [Insert(row(key))])
        with pytest.raises(ValueError, match="not a key"):
            await tables.write_rows(table, [Insert(row("r", key))])

    @pytest.mark.parametrize("partition", INJECTIONS)
    async def test_a_partition_of_any_name_shows_its_own_rows_alone(
        self, tables: Tables, table: str, partition: str
    ) -> None:
        await self.fill(tables, table, ("other", "r"), (partition, "mine"))
        assert await keys_of(tables.query(table, partition)) == ["mine"]
        assert await keys_of(tables.query(table, partition, Range(low="m", high="n"))) == ["mine"]

    @pytest.mark.parametrize("key", INJECTIONS)
    async def test_a_key_of_any_name_is_found_changed_and_deleted(self, tables: Tables, table: str, key: str) -> None:
        await self.fill(tables, table, ("p", key), ("p", "other"))
        found = await tables.read_row(table, "p", key)
        assert found
        assert found.key == key
        [etag] = await tables.write_rows(table, [Replace(replace(found, values={"v": 2}))])
        assert await keys_of(tables.query(table, "p", Range(low=key, high=key + "\x20"))) == [key]
        await tables.write_rows(table, [Delete("p", key, etag)])
        assert await keys_of(tables.query(table, "p")) == ["other"]

    async def test_rows_come_in_the_order_of_their_keys_code_points(self, tables: Tables, table: str) -> None:
        keys = ["10", "2", "A", "B-2", "B2", "a", "a!", "aa", "b", "~"]
        await self.fill(tables, table, *(("p", key) for key in reversed(keys)))
        assert await keys_of(tables.query(table, "p")) == keys

    async def test_a_range_of_partitions_comes_in_order_of_partition_and_key(self, tables: Tables, table: str) -> None:
        await self.fill(tables, table, ("b", "1"), ("a", "2"), ("c", "1"), ("a", "1"), ("d", "1"))
        found = await rows_of(tables.query(table, Range(low="a", high="d")))
        assert [(each.partition, each.key) for each in found] == [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1")]

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            (Range(), ["a", "b", "ba", "c", "d"]),
            (Range(low="b"), ["b", "ba", "c", "d"]),
            (Range(after="b"), ["ba", "c", "d"]),
            (Range(high="c"), ["a", "b", "ba"]),
            (Range(low="b", high="d"), ["b", "ba", "c"]),
            (Range(low="a", high="d", after="b"), ["ba", "c"]),
            (Range(low="x"), []),
            (Range.prefix("b"), ["b", "ba"]),
            (Range.prefix("x"), []),
        ],
        ids=repr,
    )
    async def test_a_range_has_its_low_end_and_not_its_high_one(
        self, tables: Tables, table: str, keys: Range, expected: list[str]
    ) -> None:
        await self.fill(tables, table, *(("p", key) for key in ("a", "b", "ba", "c", "d")), ("q", "b"))
        assert await keys_of(tables.query(table, "p", keys)) == expected

    async def test_a_range_of_keys_can_cross_a_range_of_partitions(self, tables: Tables, table: str) -> None:
        await self.fill(tables, table, ("a", "org"), ("a", "key-1"), ("b", "org"), ("c", "key-1"))
        found = await rows_of(tables.query(table, Range(), Range(low="org")))
        assert [(each.partition, each.key) for each in found] == [("a", "org"), ("b", "org")]

    async def test_a_limit_cuts_after_so_many_rows(self, tables: Tables, table: str) -> None:
        await self.fill(tables, table, *(("p", key) for key in "abc"))
        assert await keys_of(tables.query(table, "p", limit=2)) == ["a", "b"]
        assert await keys_of(tables.query(table, "p", limit=9)) == ["a", "b", "c"]

    async def test_more_rows_come_than_an_answer_of_the_service_holds(self, tables: Tables, table: str) -> None:
        keys = [f"{number:04d}" for number in range(1100)]
        for start in range(0, len(keys), 100):
            await tables.write_rows(table, [Insert(row(key)) for key in keys[start : start + 100]])
        assert await keys_of(tables.query(table, "p")) == keys
        assert await keys_of(tables.query(table, "p", limit=1050)) == keys[:1050]
        assert await keys_of(tables.query(table, "p", Range(after="1048"))) == keys[1049:]

    async def test_a_missing_table_is_an_empty_one_to_readers(self, tables: Tables) -> None:
        assert await tables.read_row("nowhere", "p", "r") is None
        assert await keys_of(tables.query("nowhere", "p")) == []

    @pytest.mark.parametrize("change", [Insert(row("r")), Upsert(row("r")), Delete("p", "r")], ids=type)
    async def test_writing_to_a_missing_table_is_missing(self, tables: Tables, change: Change) -> None:
        with pytest.raises(Missing):
            await tables.write_rows("nowhere", [change])

    async def test_making_a_table_twice_keeps_its_rows(self, tables: Tables, table: str) -> None:
        await self.fill(tables, table, ("p", "r"))
        await tables.create(table)
        assert await keys_of(tables.query(table, "p")) == ["r"]

    async def test_dropping_a_table_twice_is_dropping_it(self, tables: Tables, table: str) -> None:
        await self.fill(tables, table, ("p", "r"))
        await tables.drop(table)
        await tables.drop(table)
        assert await keys_of(tables.query(table, "p")) == []


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


class BlobSuite:
    """Needs the fixtures `storage` and `fetch`."""

    @pytest.fixture
    async def container(self, storage: Storage) -> str:
        name = f"c{uuid.uuid4().hex}"
        await storage.blobs.create(name)
        return name

    @pytest.mark.parametrize("name", ["plain", "messages/0123/body.json", "it's é 😀 & 100%"])
    @pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n", b"x" * 300_000], ids=len)
    async def test_a_blob_is_read_back_as_it_was_put(
        self, storage: Storage, container: str, name: str, data: bytes
    ) -> None:
        await storage.blobs.put_blob(container, name, data, "application/octet-stream")
        assert await storage.blobs.read_blob(container, name) == data

    @pytest.mark.parametrize("size", [0, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1, 9_000_000])
    async def test_a_large_blob_is_put_from_a_view_of_the_bytes_and_read_back(
        self, storage: Storage, container: str, size: int
    ) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        await storage.blobs.put_blob(container, "blob", memoryview(data)[:size], "application/octet-stream")
        assert await storage.blobs.read_blob(container, "blob") == data[:size]

    async def test_a_large_blob_is_replaced_by_a_large_one_and_by_a_small_one(
        self, storage: Storage, container: str
    ) -> None:
        for data in (b"a" * 9_000_000, b"b" * 5_000_000, b"c"):
            await storage.blobs.put_blob(container, "blob", data, "text/plain")
            assert await storage.blobs.read_blob(container, "blob") == data

    async def test_two_large_blobs_that_are_put_under_one_name_at_once_do_not_mix(
        self, storage: Storage, container: str
    ) -> None:
        both = [letter * 9_000_000 for letter in (b"a", b"b")]
        await asyncio.gather(
            *(storage.blobs.put_blob(container, "blob", data, "text/plain") for data in both), return_exceptions=True
        )
        assert await storage.blobs.read_blob(container, "blob") in both

    @pytest.mark.parametrize("name", ["plain", "attachments/0123/4567", "it's é 😀 & 100% #1?"])
    async def test_a_reading_url_leads_to_the_blob_as_a_download(
        self, storage: Storage, container: str, fetch: Fetch, name: str
    ) -> None:
        await storage.blobs.put_blob(container, name, b"data", "application/octet-stream")
        said = "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%BC%20b.pdf"
        url = await storage.blobs.reading_url(container, name, Grant(soon(), said, "application/pdf"))
        status, headers, body = await fetch("GET", url)
        assert (status, body) == (200, b"data")
        assert (headers["content-disposition"], headers["content-type"]) == (said, "application/pdf")

    async def test_a_reading_url_reads_and_does_nothing_else(
        self, storage: Storage, container: str, fetch: Fetch
    ) -> None:
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        url = await storage.blobs.reading_url(container, "blob", Grant(soon(), "attachment", "text/plain"))
        for method in ("PUT", "DELETE"):
            assert (await fetch(method, url))[0] == 403
        assert await storage.blobs.read_blob(container, "blob") == b"data"

    async def test_a_reading_url_is_for_that_blob_alone(self, storage: Storage, container: str, fetch: Fetch) -> None:
        for name in ("blob", "blob2"):
            await storage.blobs.put_blob(container, name, b"data", "text/plain")
        url = await storage.blobs.reading_url(container, "blob", Grant(soon(), "attachment", "text/plain"))
        path, query = url.split("?")
        for other in (f"{path}2?{query}", f"{path.rpartition('/')[0]}?restype=container&comp=list&{query}", path):
            assert (await fetch("GET", other))[0] in (403, 404)

    async def test_a_reading_url_ends_with_its_time(self, storage: Storage, container: str, fetch: Fetch) -> None:
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        past = datetime.now(UTC) - timedelta(seconds=2)
        url = await storage.blobs.reading_url(container, "blob", Grant(past, "attachment", "text/plain"))
        status, _, body = await fetch("GET", url)
        assert status == 403
        assert b"data" not in body

    async def test_a_blob_that_is_put_again_is_replaced(self, storage: Storage, container: str) -> None:
        await storage.blobs.put_blob(container, "blob", b"first and longer", "text/plain")
        await storage.blobs.put_blob(container, "blob", b"second", "text/plain")
        assert await storage.blobs.read_blob(container, "blob") == b"second"

    async def test_a_deleted_blob_is_missing_and_can_be_deleted_again(self, storage: Storage, container: str) -> None:
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        await storage.blobs.delete_blob(container, "blob")
        await storage.blobs.delete_blob(container, "blob")
        with pytest.raises(Missing):
            await storage.blobs.read_blob(container, "blob")

    async def test_a_missing_container_is_missing_to_readers_and_writers(self, storage: Storage) -> None:
        with pytest.raises(Missing):
            await storage.blobs.read_blob("nowhere", "blob")
        with pytest.raises(Missing):
            await storage.blobs.put_blob("nowhere", "blob", b"data", "text/plain")
        await storage.blobs.delete_blob("nowhere", "blob")

    async def test_making_a_container_twice_keeps_its_blobs(self, storage: Storage, container: str) -> None:
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        await storage.blobs.create(container)
        assert await storage.blobs.read_blob(container, "blob") == b"data"

    async def test_dropping_a_container_twice_is_dropping_it(self, storage: Storage, container: str) -> None:
        await storage.blobs.put_blob(container, "blob", b"data", "text/plain")
        await storage.blobs.drop(container)
        await storage.blobs.drop(container)
        with pytest.raises(Missing):
            await storage.blobs.read_blob(container, "blob")

    async def test_a_blob_that_was_put_again_has_another_version(self, storage: Storage, container: str) -> None:
        await storage.blobs.put_blob(container, "same", b"1", "text/plain")
        await storage.blobs.put_blob(container, "other", b"1", "text/plain")
        before = {name: version async for name, version in storage.blobs.list_versions(container)}
        await storage.blobs.put_blob(container, "other", b"2", "text/plain")
        after = {name: version async for name, version in storage.blobs.list_versions(container)}

        assert before.keys() == after.keys() == {"same", "other"}
        assert (before["same"] == after["same"], before["other"] == after["other"]) == (True, False)
        assert [each async for each in storage.blobs.list_versions(f"{container}none")] == []

    async def test_blobs_are_listed_by_name_from_behind_one(self, storage: Storage, container: str) -> None:
        for name in ("b/2", "a", "b/1", "c"):
            await storage.blobs.put_blob(container, name, b"data", "text/plain")

        assert [name async for name in storage.blobs.list_blobs(container)] == ["a", "b/1", "b/2", "c"]
        assert [name async for name in storage.blobs.list_blobs(container, "b/1")] == ["b/2", "c"]
        assert [name async for name in storage.blobs.list_blobs(f"{container}none")] == []

    @pytest.mark.parametrize(
        "sizes", [[], [0], [5], [0, 7, 0], [LARGEST_PIECE], [LARGEST_PIECE] * 2, [1, 9_000_000, 3]]
    )
    async def test_a_blob_is_put_and_read_in_pieces(self, storage: Storage, container: str, sizes: list[int]) -> None:
        data = bytes(range(251)) * (sum(sizes) // 251 + 1)
        ends = list(itertools.accumulate(sizes))

        await storage.blobs.put_pieces(
            container, "blob", each(data[end - size : end] for size, end in zip(sizes, ends, strict=True)), "text/plain"
        )

        pieces = [piece async for piece in storage.blobs.read_pieces(container, "blob")]
        assert b"".join(pieces) == await storage.blobs.read_blob(container, "blob") == data[: sum(sizes)]
        assert {len(piece) for piece in pieces[:-1]} <= {LARGEST_PIECE}
        assert all(0 < len(piece) <= LARGEST_PIECE for piece in pieces)

    async def test_pieces_of_a_blob_that_is_replaced_meanwhile_do_not_mix(
        self, storage: Storage, container: str
    ) -> None:
        await storage.blobs.put_blob(container, "blob", b"a" * 9_000_000, "text/plain")
        pieces = storage.blobs.read_pieces(container, "blob")
        await anext(pieces)
        await storage.blobs.put_blob(container, "blob", b"b" * 9_000_000, "text/plain")
        with pytest.raises(Conflict):
            await anext(pieces)

    @pytest.mark.parametrize("size", [5, 9_000_000])
    async def test_pieces_that_end_in_an_error_leave_the_blob_of_before(
        self, storage: Storage, container: str, size: int
    ) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"b" * size
            raise ZeroDivisionError

        await storage.blobs.put_blob(container, "blob", b"before", "text/plain")
        with pytest.raises(ZeroDivisionError):
            await storage.blobs.put_pieces(container, "blob", broken(), "text/plain")
        assert await storage.blobs.read_blob(container, "blob") == b"before"

    async def test_pieces_of_nothing_and_to_nowhere_are_missing(self, storage: Storage, container: str) -> None:
        with pytest.raises(Missing):
            await anext(storage.blobs.read_pieces(container, "absent"))
        with pytest.raises(Missing):
            await storage.blobs.put_pieces("nowhere", "blob", each([b"data"]), "text/plain")
