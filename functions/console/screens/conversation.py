"""A conversation: the mails of a thread, sent and received, oldest first."""

from __future__ import annotations

from functions.console.rendering import path_to, with_query
from functions.console.screen import READERS, Reply, Screens, Shown
from functions.console.visit import Visit

screens = Screens(READERS)

_MAILS = 25


@screens("GET", "conversations/{conversation}")
async def conversation(visit: Visit) -> Reply:
    """Show the page."""
    path = {"conversation": visit.path["conversation"]}
    found = await visit.ask("read_conversation", path, {"limit": _MAILS, "cursor": visit.query("cursor")})
    here = path_to("conversations", path["conversation"])
    more = with_query(here, cursor=found.next) if found.next else None
    return Shown("conversation.html", {"mails": found.items, "more": more})
