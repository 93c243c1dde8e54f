"""Messages as lists get them, without the rest of Heed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from lib.lists.store import Listed, Lists, Sort, View
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.storage import Range, Storage
from lib.storage.memory import memory_storage
from lib.verdicts.kpis import Counts, Kpis
from tests.support.heed import START

INDEX = "heedacmeindex"
SORTS: Sequence[Sort] = get_args(Sort)
VIEWS: Sequence[View] = get_args(View)


async def made() -> tuple[Storage, Lists]:
    storage = memory_storage()
    await storage.tables.create(INDEX)
    return storage, Lists(storage.tables)


async def rows_of(storage: Storage) -> list[tuple[str, str, dict[str, Any]]]:
    """The whole index. Marks may remember partitions too many, so these are left out."""
    rows = [row async for row in storage.tables.query(INDEX, Range())]
    return [(row.partition, row.key, {} if row.key.startswith("mark|") else dict(row.values)) for row in rows]


def make_listed(
    number: int,
    *,
    raw_opens: int = 0,
    kpis: Kpis | None = None,
    updated_at: datetime | None = START,
    **fields: Any,
) -> Listed:
    """A message of rep1's that was sent `number` minutes after START and is followed, unless `fields` say otherwise."""
    follow = FollowState(state="on", reason="It is followed.")
    message: dict[str, Any] = {
        "id": f"{number:032x}",
        "sender": "rep1",
        "to": [{"email": "ada@example.com", "name": "Ada"}],
        "subject": f"Offer {number}",
        "state": "sent",
        "created_at": START,
        "sent_at": START + timedelta(minutes=number),
        "follow_state": follow,
        **fields,
    }
    stored = StoredMessage.model_validate(message)
    kpis = kpis or Kpis(raw=Counts(opens=raw_opens))
    state = stored.follow_state or follow
    return Listed(message=stored, etag=f'W/"{number}"', follow_state=state, kpis=kpis, updated_at=updated_at)


def opened(times: int, at: datetime = START, **kpis: Any) -> Kpis:
    return Kpis(opens=times, last_opened_at=at if times else None, raw=Counts(opens=times), **kpis)


async def page_of(
    lists: Lists, scope: str, view: View, sort: Sort, after: str | None = None, limit: int = 1000
) -> list[tuple[str, Listed]]:
    return [each async for each in lists.page("acme", scope, view, sort, after, limit)]


async def walk(lists: Lists, scope: str, view: View, sort: Sort, limit: int) -> Sequence[Listed]:
    """The whole list, page by page."""
    found: list[Listed] = []
    after: str | None = None
    while page := await page_of(lists, scope, view, sort, after, limit):
        found += [listed for _, listed in page]
        after = page[-1][0]
    return found


some_counts = st.builds(
    lambda human, at, clicks, views, replies, raw: Kpis(
        opens=human,
        last_opened_at=START + timedelta(minutes=at) if human else None,
        clicks=clicks,
        attachment_views=views,
        replies=replies,
        raw=Counts(opens=human + raw),
    ),
    *(st.sampled_from([0, 1, 2, 9, 10, 11]) for _ in range(5)),
    st.sampled_from([0, 30]),
)
states = st.sampled_from(["draft", "scheduled", "sent", "sent", "failed", "received"])
follow_states = st.sampled_from(["on", "on", "off"]).map(lambda state: {"state": state, "reason": "…"})
some_mailboxes = st.lists(st.sampled_from(["1" * 32, "2" * 32, "3" * 32]), unique=True)
some_fields = st.fixed_dictionaries(
    {
        "state": states,
        "follow_state": follow_states,
        "subject": st.sampled_from(["", "b", "B", "ä", "Zoo", "zoo & more", "Ärger"]),
        "sent_at": st.integers(0, 3).map(lambda days: START + timedelta(days=days * 20)),
        "sender": st.sampled_from(["rep1", "rep2"]),
        "template": st.sampled_from([None, "t1", "t2"]),
        "metadata": st.sampled_from([{}, {}, {f"k{number}": "x" * 450 for number in range(20)}]),
        "to": st.lists(
            st.sampled_from(["c1", "c2", "c3"]).map(
                lambda record: {"email": "ada@example.com", "record": {"type": "contact", "id": record}}
            ),
            max_size=2,
        ),
    }
)
