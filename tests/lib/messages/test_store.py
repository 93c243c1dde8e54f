"""A message and what belongs to it: written together, read together, whatever its size."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.errors import Stale
from lib.messages.copy_rows import Copy
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.storage import Conflict, Missing, Range, Storage, Unavailable
from lib.storage.layout import container, table
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables

ID = "0123456789abcdef" * 2
ON = FollowState(state="on", reason="Everybody agrees.")
SMALL = Body(html="<p>Ünïcödé 😀</p>", text='it\'s "text"\r\n')
LARGE = Body(html="<p>é😀</p>" * 100_000, text="x" * 100_000)


class RememberingBlobs(MemoryBlobs):
    """Knows every name that was ever put."""

    def __init__(self) -> None:
        super().__init__()
        self.put_names: list[str] = []

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        self.put_names.append(name)
        await super().put_blob(container, name, data, content_type)


@pytest.fixture
async def storage() -> Storage:
    made = Storage(MemoryTables(), RememberingBlobs(), MemoryQueues())
    await made.tables.create(table("acme", "messages"))
    await made.blobs.create(container("acme"))
    return made


@pytest.fixture
def store(storage: Storage) -> MessageStore:
    return MessageStore(storage)


def a_message(message: str = ID, subject: str = "Hello") -> StoredMessage:
    return StoredMessage.model_validate(
        {
            "id": message,
            "from": "rep1",
            "to": [{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}],
            "subject": subject,
            "created_at": datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
        }
    )


async def loaded_from(store: MessageStore, message: str = ID) -> Loaded:
    loaded = await store.load("acme", message)
    assert loaded
    return loaded


async def keys(storage: Storage) -> list[str]:
    return [row.key async for row in storage.tables.query(table("acme", "messages"), Range())]


async def test_a_message_is_read_back_as_it_was_made(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), SMALL)
    loaded = await loaded_from(store)
    assert (loaded.message, loaded.etag, loaded.copies) == (a_message(), etag, [])
    assert loaded.summary_row is None


@pytest.mark.parametrize(
    "body",
    [
        *(Body(), SMALL, LARGE, Body(html=""), Body(text="y" * 33_000)),
        *(Body(html="\n" * 40_000, text="{}\n"), Body(html="", text="é" * 20_000), Body(text="\u0001" * 32_000)),
    ],
    ids=["none", "small", "large", "empty", "text", "lines", "bytes", "control"],
)
async def test_a_body_of_any_size_is_read_back_as_it_was(store: MessageStore, body: Body) -> None:
    await store.make("acme", a_message(), body)
    assert await store.body("acme", ID) == body


async def test_a_body_that_is_cut_short_or_gone_is_no_body(storage: Storage, store: MessageStore) -> None:
    await store.make("acme", a_message(), LARGE)
    assert isinstance(storage.blobs, RememberingBlobs)
    [name] = storage.blobs.put_names
    whole = await storage.blobs.read_blob(container("acme"), name)

    await storage.blobs.put_blob(container("acme"), name, whole[:-1], "application/octet-stream")
    with pytest.raises(Unavailable):
        await store.body("acme", ID)

    await storage.blobs.delete_blob(container("acme"), name)
    with pytest.raises(Unavailable):
        await store.body("acme", ID)


async def test_a_message_that_exists_is_not_made_again(store: MessageStore) -> None:
    await store.make("acme", a_message(), SMALL)
    with pytest.raises(Conflict):
        await store.make("acme", a_message(subject="Other"), Body())
    assert (await loaded_from(store)).message.subject == "Hello"
    assert await store.body("acme", ID) == SMALL


async def test_what_is_not_there_is_none_and_has_no_body(store: MessageStore) -> None:
    assert await store.load("acme", ID) is None
    assert await store.body("acme", ID) == Body()


async def test_messages_do_not_mix(store: MessageStore) -> None:
    other = "f" * 32
    await store.make("acme", a_message(), SMALL)
    await store.make("acme", a_message(other, "Other"), LARGE)
    assert (await loaded_from(store)).message.subject == "Hello"
    assert (await loaded_from(store, other)).message.subject == "Other"
    assert await store.body("acme", other) == LARGE


async def test_a_change_puts_message_body_and_copies_together(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), LARGE)
    copies = [Copy(recipients=[number], follow_state=ON, links=["https://example.com/"]) for number in range(12)]
    later = await store.change("acme", a_message(subject="Changed"), etag, body=SMALL, copies=copies)
    loaded = await loaded_from(store)
    assert (loaded.message.subject, loaded.etag, loaded.copies) == ("Changed", later, copies)
    assert await store.body("acme", ID) == SMALL


async def test_a_change_of_the_message_alone_leaves_its_body_and_copies(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), SMALL)
    copy = Copy(recipients=[0], follow_state=ON)
    etag = await store.change("acme", a_message(), etag, copies=[copy])
    await store.change("acme", a_message(subject="Changed"), etag)
    assert (await loaded_from(store)).copies == [copy]
    assert await store.body("acme", ID) == SMALL


async def test_a_change_of_an_older_version_is_stale_and_changes_nothing(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), SMALL)
    await store.change("acme", a_message(subject="First"), etag)
    with pytest.raises(Stale):
        await store.change(
            "acme", a_message(subject="Second"), etag, body=Body(), copies=[Copy(recipients=[0], follow_state=ON)]
        )
    loaded = await loaded_from(store)
    assert (loaded.message.subject, loaded.copies) == ("First", [])
    assert await store.body("acme", ID) == SMALL


async def test_a_change_of_a_message_that_is_gone_is_stale(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), SMALL)
    await store.delete("acme", await loaded_from(store))
    with pytest.raises(Stale):
        await store.change("acme", a_message(), etag)


async def test_more_links_than_a_row_holds_are_read_back_in_their_order(store: MessageStore) -> None:
    links = [f"https://example.com/{number}/{'x' * 1000}" for number in range(500)]
    few = ["https://example.com/"]
    etag = await store.make("acme", a_message(), SMALL)
    copies = [Copy(recipients=[0], follow_state=ON, links=each) for each in (links, few)]
    await store.change("acme", a_message(), etag, copies=copies)
    found = (await loaded_from(store)).copies
    assert [await store.links("acme", copy) for copy in found] == [links, few]


async def test_two_who_write_the_summary_from_the_same_state_are_told_apart(store: MessageStore) -> None:
    await store.make("acme", a_message(), SMALL)
    first, second = await loaded_from(store), await loaded_from(store)
    await store.put_summary("acme", ID, {"d0": "one"}, first.summary_row)
    with pytest.raises(Stale):
        await store.put_summary("acme", ID, {"d0": "another"}, second.summary_row)
    third = await loaded_from(store)
    fourth = await store.put_summary("acme", ID, {"d0": "two"}, third.summary_row)
    with pytest.raises(Stale):
        await store.put_summary("acme", ID, {"d0": "another"}, third.summary_row)
    await store.put_summary("acme", ID, {"d0": "three"}, fourth)
    stored = (await loaded_from(store)).summary_row
    assert stored
    assert stored.text("d0") == "three"


async def test_a_summary_does_not_change_the_messages_version(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), SMALL)
    await store.put_summary("acme", ID, {"d0": "one"}, None)
    assert (await loaded_from(store)).etag == etag


async def test_a_deleted_message_leaves_nothing(store: MessageStore, storage: Storage) -> None:
    etag = await store.make("acme", a_message(), LARGE)
    many_links = Copy(recipients=[0], follow_state=ON, links=["https://example.com/" + "x" * 1000] * 100)
    await store.change("acme", a_message(), etag, copies=[many_links])
    await store.put_summary("acme", ID, {"d0": "one"}, None)
    await store.delete("acme", await loaded_from(store))
    assert await store.load("acme", ID) is None
    assert await keys(storage) == []
    assert isinstance(storage.blobs, RememberingBlobs)
    assert len(storage.blobs.put_names) == 2
    for name in storage.blobs.put_names:
        with pytest.raises(Missing):
            await storage.blobs.read_blob(container("acme"), name)


async def test_deleting_an_older_version_is_stale_and_deletes_nothing(store: MessageStore) -> None:
    etag = await store.make("acme", a_message(), LARGE)
    old = await loaded_from(store)
    await store.change("acme", a_message(subject="Changed"), etag)
    with pytest.raises(Stale):
        await store.delete("acme", old)
    assert (await loaded_from(store)).message.subject == "Changed"
    assert await store.body("acme", ID) == LARGE


async def test_a_row_never_points_at_a_body_that_is_not_there(
    store: MessageStore, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = await store.make("acme", a_message(), SMALL)

    async def fail(*arguments: object) -> None:
        raise Missing("no container")

    with monkeypatch.context() as patched:
        patched.setattr(storage.blobs, "put_blob", fail)
        with pytest.raises(Missing):
            await store.change("acme", a_message(subject="Changed"), etag, body=LARGE)
    assert (await loaded_from(store)).message.subject == "Hello"
    assert await store.body("acme", ID) == SMALL
