"""The list of mails that people read again and again this week, last opened first. It reads the order by last open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.lists.store import Listed, Lists

WEEK = timedelta(days=7)
MANY_OPENS = 20
"""From so many opens on, a mail was passed around, or opened by a machine that passed for a person."""

_MOST_QUERIES = 5
_FURTHER = 200
"""Messages of each query but the first."""


@dataclass(frozen=True, slots=True)
class EngagedMessages:
    """A page of the list."""

    found: list[Listed]
    after: str | None
    """Where the next page begins; None after the last one."""


async def list_engaged(
    lists: Lists, organization: str, scope: str, after: str | None, limit: int, now: datetime
) -> EngagedMessages:
    """List outgoing mails with more than 1 and fewer than 20 opens of people, the last one within 7 days.

    Other messages are passed over. After five queries the page ends, whether or not it is full.
    """
    found, last_found = list[Listed](), after
    for number in range(_MOST_QUERIES):
        count, most = 0, _FURTHER if number else limit + 1
        async for place, listed in lists.page(organization, scope, "all", "-last_opened_at", after, most):
            count, after = count + 1, place
            opened_at = listed.kpis.last_opened_at
            if opened_at is None or opened_at < now - WEEK:
                return EngagedMessages(found, None)
            if listed.message.state == "received" or not 1 < listed.kpis.opens < MANY_OPENS:
                continue
            if len(found) == limit:
                return EngagedMessages(found, last_found)
            found.append(listed)
            last_found = place
        if count < most:
            return EngagedMessages(found, None)
    return EngagedMessages(found, after)
