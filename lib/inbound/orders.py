"""Messages of the queue `inbound`: orders to take in a mail whose bytes lie in a blob."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from lib.ids import MADE, short_hash
from lib.inbound.origin import Origin
from lib.storage.layout import MAILS
from lib.storage.queue_bodies import id_in, read_body

_PARTS = frozenset(("mailbox", "folder", "category", "owner"))


@dataclass(frozen=True, slots=True)
class InboundOrder:
    """An order to take in one mail."""

    organization: str
    mail: str
    """The id of the mail."""

    origin: Origin
    size: int
    """Bytes."""

    @property
    def blob(self) -> str:
        """The name of the blob with the mail's bytes."""
        return raw_blob(self.mail, self.origin)

    def to_json(self) -> str:
        parts = {"org": self.organization, "mail": self.mail, "size": self.size, "origin": asdict(self.origin)}
        return json.dumps({"v": 1, **parts})


def arrival_of(origin: Origin) -> str:
    """Return a name for the place that a mail came from: a mail that comes from there again is nothing new."""
    return short_hash(*(each or "" for each in (origin.mailbox, origin.folder, origin.category)))


def raw_blob(mail: str, origin: Origin) -> str:
    """Name the blob of a mail that came from this place: each arrival has its own, and removes no other one's."""
    return f"{MAILS}{mail}/{arrival_of(origin)}"


def read_inbound_order(body: bytes) -> InboundOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    organization, fields = read_body(body)
    mail, size = id_in(fields, "mail", MADE), fields.get("size")
    if type(size) is not int:
        raise ValueError("it names no mail")
    return InboundOrder(organization, mail, _read_origin(fields.get("origin")), size)


def _read_origin(raw: Any) -> Origin:
    """Raises ValueError."""
    if not isinstance(raw, dict) or not raw.keys() <= _PARTS:
        raise ValueError("it names no origin")
    if not all(each is None or isinstance(each, str) for each in raw.values()):
        raise ValueError("it names no origin")
    return Origin(**raw)
