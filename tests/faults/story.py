"""The whole way of a mail: made, told to go, sent, opened, judged, told of by a card, reminded of.

Everybody comes again with what has failed: the client with its request, the host with queue messages and ticks.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from lib.clock import rfc3339
from lib.ids import new_id
from tests.faults.ends import End
from tests.faults.hosts import Host
from tests.faults.jobs import Visit
from tests.support.heed import BASE_URL
from tests.support.mail_server import MailServer

SENT = End("sent", received=1, cards=("email_opened", "reminder"), opens=1, reminder="reminded")
PERHAPS_SENT = End("uncertain", 1, ("email_opened", "reminder", "send_uncertain"), opens=1, reminder="reminded")
PERHAPS_NOT_SENT = End("uncertain", 0, ("reminder", "send_uncertain"), opens=0, reminder="reminded")

_MOST_TRIES = 10
_LARGE_TEXT = "word " * 8_000  # so that the body is a blob


async def tell_story(host: Host, mails: MailServer, user: str = "rep1") -> str:
    """The id of the message that it is about."""
    at = rfc3339(host.clock.now() + timedelta(hours=6))
    draft = {
        "from": user,
        "to": [{"email": "ada@example.com"}],
        "html": '<p>Hi <a href="https://example.com/offer">offer</a></p>',
        "text": _LARGE_TEXT,
        "reminder": {"title": "Ask Ada", "condition": "no_reply", "at": at},
    }
    before = set(mails.mails)
    message = str((await _client(host, "/messages", draft))["id"])
    await _client(host, f"/messages/{message}/send")
    await host.settle()
    await host.do(*(Visit(pixel_of(mails.mails[new])) for new in mails.mails.keys() - before))
    await host.settle()
    host.clock.move(hours=6)
    await host.settle()
    return message


async def _client(host: Host, path: str, body: Any = None) -> Any:
    """Its answer, once there is one. The client takes one Idempotency-Key for all its tries."""
    key = new_id()
    for _ in range(_MOST_TRIES):
        answer = await host.heed.api("POST", path, body, idempotency_key=key)
        if answer.status < 300:
            return answer.json
        assert answer.status in (409, 503), answer.body
        host.clock.move(minutes=2)
    raise AssertionError(f"POST {path} is never answered")


def pixel_of(mail: bytes) -> str:
    """The path of the mail's pixel."""
    found = re.search(rf"{BASE_URL}(/o/[A-Za-z0-9_.-]+)", mail.replace(b"=\r\n", b"").decode())
    assert found
    return found[1]
