"""The mail server of the stage. No mail leaves the process: it keeps each copy's links, and refuses where told to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from lib.transports.protocol import Accepted, Again, Envelope, Outcome, Unknown

_LINK = re.compile(r'<a\s[^<>]*?href="([^"]+)"[^<>]*>')
_IMAGE = re.compile(r'<img\s[^<>]*?src="([^"]+)"')
_HIDDEN = "display:none"


@dataclass(frozen=True, slots=True)
class DeliveredCopy:
    """A copy in a recipient's mailbox: paths of its URLs that lead to Heed."""

    message_id: str
    pixel: str | None
    links: tuple[str, ...]
    """Links that people see, and those of followed files, in the order of the mail."""
    hidden: str | None
    """The link that no person sees."""
    page: str | None
    """The recipient's own page."""


class DemoMailServer:
    """A transport. It takes each mail, unless an outcome was set for one of its addresses."""

    separate_envelopes = True
    most_bytes: int | None = None

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._copies: dict[tuple[str, str], DeliveredCopy] = {}

    async def send(self, envelope: Envelope) -> Outcome:
        outcome = next((found for each in envelope.recipients if (found := self._outcomes.get(each))), Accepted())
        if isinstance(outcome, Accepted):
            refused = {each.address for each in outcome.refused}
            for address in set(envelope.recipients) - refused:
                self._copies[envelope.message_id, address] = _delivered(envelope)
        return outcome

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:  # noqa: ARG002 - never asked of this mail
        return Unknown("")

    async def discard(self, sender: str, key: str) -> bool:  # noqa: ARG002 - there are no drafts here
        return True

    async def close(self) -> None: ...

    def set_outcome(self, address: str, outcome: Outcome | None) -> None:
        """Let mail to the address end like this from now on; None: it is taken again."""
        if outcome is None:
            self._outcomes.pop(address, None)
        else:
            self._outcomes[address] = outcome

    def find_copy(self, message_id: str, address: str) -> DeliveredCopy | None:
        """Return the copy of a mail in a mailbox; None where it was not delivered."""
        return self._copies.get((message_id.strip("<>"), address)) or self._copies.get((message_id, address))


def _delivered(envelope: Envelope) -> DeliveredCopy:
    html = envelope.content.html or ""
    links: list[str] = []
    hidden = page = None
    for found in _LINK.finditer(html):
        path = urlsplit(unescape(found[1])).path
        if path.startswith(("/c/", "/a/")):
            if _HIDDEN in found[0]:
                hidden = path
            else:
                links.append(path)
        elif path.startswith("/p/"):
            page = path
    pixel = next((path for each in _IMAGE.finditer(html) if (path := urlsplit(each[1]).path).startswith("/o/")), None)
    return DeliveredCopy(envelope.message_id, pixel, tuple(links), hidden, page)
