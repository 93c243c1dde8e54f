"""The list of mails that people read again and again this week, last opened first. It reads the order by last open."""

from __future__ import annotations

from datetime import datetime, timedelta

from lib.lists.store import Listed, Lists
from lib.storage.sifted_pages import Sifted, SiftedPage, sifted_page

WEEK = timedelta(days=7)
MANY_OPENS = 20
"""From so many opens on, a mail was passed around, or opened by a machine that passed for a person."""


async def list_engaged(
    lists: Lists, organization: str, scope: str, after: str | None, limit: int, now: datetime
) -> SiftedPage[Listed]:
    """List outgoing mails with more than 1 and fewer than 20 opens of people, the last one within 7 days.

    Other messages are passed over, so that a page may be short.
    """

    def sift(_: str, listed: Listed) -> Sifted:
        opened_at = listed.kpis.last_opened_at
        if opened_at is None or opened_at < now - WEEK:
            return "end"
        return "show" if listed.message.state != "received" and 1 < listed.kpis.opens < MANY_OPENS else "pass"

    return await sifted_page(
        lambda place, most: lists.page(organization, scope, "all", "-last_opened_at", place, most), sift, after, limit
    )
