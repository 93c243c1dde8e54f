"""Which refusals say that an address does not exist.

Enhanced status codes of RFC 3463 (3.2): 5.1.1 bad mailbox, 5.1.2 bad system, 5.1.3 bad syntax, 5.1.6 mailbox has moved;
5.1.10 of RFC 7505: the domain takes no mail (Exchange Online says it of unknown recipients, too). A server without such
codes says it in words. A full mailbox, a policy or a spam filter says nothing about the address.
"""

from __future__ import annotations

import re

from lib.messages.copy_rows import Delivery

_STATUS = re.compile(r"\b5\.1\.(?:1|2|3|6|10)\b")
_ANY_STATUS = re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b")
_WORDS = re.compile(
    r"\b(?:user unknown|unknown user|unknown recipient|recipient unknown|no mailbox here"
    r"|no such (?:user|mailbox|recipient)|(?:user|mailbox|recipient|account) (?:does not exist|not found))\b",
    re.IGNORECASE,
)


def says_unknown(delivery: Delivery) -> bool:
    """Whether the recipient was refused for good because the address does not exist."""
    if delivery.state not in ("refused", "bounced"):
        return False
    said = f"{delivery.code or ''} {delivery.text or ''}"
    return bool(_STATUS.search(said) or (not _ANY_STATUS.search(said) and _WORDS.search(said)))
