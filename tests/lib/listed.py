"""Messages as lists get them, without the rest of Heed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from lib.follow import FollowState
from lib.kpis import Counts, Kpis
from lib.lists import Listed, Lists, Sort, View
from lib.messages import StoredMessage
from tests.heed import START


def make_listed(number: int, *, raw_opens: int = 0, kpis: Kpis | None = None, **fields: Any) -> Listed:
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
    return Listed(message=stored, etag=f'W/"{number}"', follow_state=stored.follow_state or follow, kpis=kpis)


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
