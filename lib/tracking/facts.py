"""Facts: hits as they came over the wire, and mail that came back. Their meaning is judged later, and judged again
(`lib.verdicts`).

A fact holds no address: the client's is cut to its network, and recipients are numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, get_args

from lib.clock import milliseconds
from lib.ids import MADE
from lib.storage.sort_keys import LARGEST

HitKind = Literal["open", "click", "attachment_view"]
AnswerKind = Literal["reply", "calendar_answer", "read_receipt", "forward", "auto_reply", "bounce", "complaint"]
FactKind = Literal[HitKind, AnswerKind]
HIT_KINDS: tuple[HitKind, ...] = get_args(HitKind)
_KINDS: tuple[FactKind, ...] = get_args(FactKind)

FIRST_IMAGE = 0x8000
"""`item` of an open by the first image of a mail: tokens have 16 bits for it."""

VERSION = 1
"""Version of a fact's form as JSON."""

LONGEST_HEADER = 120
"""Characters that are kept of a header, unless another number stands with its name."""

_CLIENTS_HEADERS: Mapping[str, int] = {
    "accept": LONGEST_HEADER,
    "accept-encoding": 60,
    "sec-fetch-site": 20,
    "sec-fetch-mode": 20,
    "sec-fetch-dest": 20,
    "sec-fetch-user": 4,
    "sec-ch-ua": LONGEST_HEADER,
    "sec-ch-ua-mobile": 4,
    "sec-ch-ua-platform": 20,
    "referer": 80,
}
"""Headers that differ between programs, and the characters that are kept of each. Of `referer` its host is kept."""

KEPT_HEADERS: Mapping[str, int] = {
    **dict.fromkeys(
        ("sec-purpose", "purpose", "x-purpose", "x-moz", "dnt", "sec-gpc", "accept-language", "range"), LONGEST_HEADER
    ),
    **_CLIENTS_HEADERS,
}
"""Headers that rules look at besides the agent, and the characters that are kept of each; the rest of the request is
forgotten."""

SESSION = "heed-session"
"""The cookie of a user who is signed in to the console (on https with `__Host-` before its name), and the name under
which a fact notes it, as `1`."""

COUNT = "heed-count"
"""The name under which a fact that stands for several hits notes their number.

It stands among the headers, so that an earlier release reads and keeps such a fact while instances are replaced.
"""

_COUNT = re.compile(r"[1-9][0-9]{0,8}")

_quoted = json.JSONEncoder(ensure_ascii=False).encode
"""A string as JSON."""

_KEY = re.compile(r"[0-9]{13}-(?:[0-9a-f]{32}|[0-9a-f]{12})")
"""Keys of facts of earlier releases have 48 random bits."""
_SHORT_KEY = 13 + 1 + 12
_REST_OF_KEY = "heed-key"
"""The name beside those of headers under which the rest of a longer key is stored. Release 0.1.0, which works beside
this one during an upgrade, drops facts with longer keys, and keeps every header (decision 30)."""

_PACKED = "heed-client"
"""The name beside those of headers under which the values of `_CLIENTS_HEADERS` are stored together, in their order and
with tabs between them: one by one they would double the size of a fact. Release 0.1.0 keeps it like any header."""


class NotAFact(ValueError):
    """The value is not a fact; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One hit, or one mail that came back."""

    key: str
    """Time and 128 random bits; sorts by time, and is the row's key wherever the fact is stored."""

    message: str
    kind: FactKind

    at: int
    """Milliseconds since 1970."""

    method: str
    """The HTTP method of a hit; `MAIL` for mail that came back."""

    recipient: int | None = None
    """The index of the recipient; None where the hit does not tell."""

    item: int = 0
    """The index of the link or of the attachment; for an open 0 is the pixel, and images count from `FIRST_IMAGE`."""

    agent: str | None = None
    """The header `User-Agent`; None where it was missing."""

    network: str | None = None
    """A /24 or /48; None where the address is unknown."""

    owner: str | None = None
    """The owner of the network in the catalogue of networks, which is matched with the whole address."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of `KEPT_HEADERS`, by name in lower case; of mail that came back its details
    (`lib.tracking.answer_details`)."""

    mail: str | None = None
    """The id of the mail that came back; None for a hit."""

    @property
    def count(self) -> int:
        """The number of hits that the fact stands for: 1, unless it is of a flood (`lib.tracking.floods`)."""
        return count_of(self.headers)

    @property
    def is_hit(self) -> bool:
        """Whether it came over the web, so that it may be a machine's."""
        return self.kind in HIT_KINDS

    def to_json(self) -> str:
        """The fact as JSON, written piece by piece: an encoder costs more than all the rest of a hit's fact."""
        text = (
            f'{{"v":{VERSION},"key":"{self.key[:_SHORT_KEY]}","message":"{self.message}","kind":"{self.kind}","at":{self.at},'
            f'"method":{_quoted(self.method)},"item":{self.item}'
        )
        if self.recipient is not None:
            text += f',"recipient":{self.recipient}'
        if self.agent is not None:
            text += f',"agent":{_quoted(self.agent)}'
        if self.network is not None:
            text += f',"network":{_quoted(self.network)}'
        if self.owner is not None:
            text += f',"owner":{_quoted(self.owner)}'
        rest = self.key[_SHORT_KEY:]
        if self.headers or rest:
            items = tuple(self.headers.items())
            pairs = _written_headers(items) if self.is_hit else _written_pairs(items)
            last = f'"{_REST_OF_KEY}":"{rest}"' if rest else ""
            text += f',"headers":{{{pairs}{"," if pairs and last else ""}{last}}}'
        if self.mail is not None:
            text += f',"mail":"{self.mail}"'
        return text + "}"

    def to_object(self) -> dict[str, Any]:
        """The fact as an object for people to read: as `to_json` writes it, but each header under its own name."""
        return {**json.loads(self.to_json()), "key": self.key, "headers": dict(self.headers)}

    @staticmethod
    def from_json(text: str) -> Fact:
        """The inverse of `to_json`. Raises NotAFact, whatever the text is."""
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotAFact("it is no JSON") from error
        return Fact.from_object(raw)

    @staticmethod
    def from_object(raw: Any) -> Fact:
        """The fact in an object read from JSON. Raises NotAFact, whatever the object is."""
        if not isinstance(raw, dict) or raw.get("v") != VERSION:
            raise NotAFact(f"it is no object of version {VERSION}")
        fields = {name: value for name, value in raw.items() if name != "v"}
        headers = fields.get("headers")
        if isinstance(headers, dict):
            fields["headers"] = headers = dict(headers)
            if _REST_OF_KEY in headers:
                fields["key"] = f"{fields.get('key')}{headers.pop(_REST_OF_KEY)}"
            if isinstance(headers.get(_PACKED), str):
                _unpack_headers(headers)
        try:
            fact = Fact(**fields)
        except TypeError as error:
            raise NotAFact(str(error).removeprefix("Fact.__init__() ")) from error
        fact._check()
        return fact

    def _check(self) -> None:
        sound = (
            isinstance(self.key, str)
            and _KEY.fullmatch(self.key)
            and isinstance(self.message, str)
            and MADE.fullmatch(self.message)
            and self.kind in _KINDS
            and (self.mail is None or (isinstance(self.mail, str) and MADE.fullmatch(self.mail)))
            and type(self.at) is int
            and isinstance(self.method, str)
            and (self.recipient is None or type(self.recipient) is int)
            and type(self.item) is int
            and isinstance(self.agent, str | None)
            and isinstance(self.network, str | None)
            and isinstance(self.owner, str | None)
            and isinstance(self.headers, dict)
            and all(isinstance(value, str) for value in self.headers.values())
            and 0 <= self.at <= LARGEST
            and _is_text(self.method, self.agent, self.network, self.owner, *self.headers, *self.headers.values())
        )
        if not sound:
            raise NotAFact("a field is of the wrong type or shape")


def count_of(headers: Mapping[str, str]) -> int:
    """The number of hits that a fact with these headers stands for."""
    if COUNT not in headers:
        return 1
    found = headers[COUNT]
    return int(found) if _COUNT.fullmatch(found) else 1


@lru_cache(maxsize=2048)
def _written_headers(headers: tuple[tuple[str, str], ...]) -> str:
    """The headers of a hit as pairs of a JSON object. Most of them come again with the next hit by the same program."""
    found = dict(headers)
    values = [found[name] if "\t" not in found.get(name, "\t") else "" for name in _CLIENTS_HEADERS]
    packed = "\t".join(values).rstrip("\t")
    alone = [(name, value) for name, value in headers if name not in _CLIENTS_HEADERS or not value or "\t" in value]
    return _written_pairs([*alone, (_PACKED, packed)] if packed else alone)


def _written_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{_quoted(name)}:{_quoted(value)}" for name, value in pairs)


def _unpack_headers(headers: dict[str, Any]) -> None:
    values = headers.pop(_PACKED).split("\t")
    headers.update((name, value) for name, value in zip(_CLIENTS_HEADERS, values, strict=False) if value)


def _is_text(*values: str | None) -> bool:
    """Whether the values can be written as UTF-8: JSON may hold half a surrogate pair."""
    try:
        "".join(value for value in values if value).encode()
    except UnicodeEncodeError:
        return False
    return True


def with_count(fact: Fact, count: int) -> Fact:
    """Let the fact of a hit stand for `count` hits on the same token."""
    return fact if count == 1 else replace(fact, headers={**fact.headers, COUNT: str(count)})


def answer_fact(
    kind: AnswerKind,
    message: str,
    at: datetime,
    mail: str,
    recipient: int | None,
    details: Mapping[str, str] | None = None,
) -> Fact:
    """Make the fact of a mail that came back. The same mail gives the same fact: once is enough, twice does no harm.

    `details` are those of `lib.tracking.answer_details`, as headers.
    """
    time = milliseconds(at)
    return Fact(
        f"{time:013d}-{mail}", message, kind, time, "MAIL", recipient=recipient, headers=details or {}, mail=mail
    )


def bare_fact(fact: Fact) -> Fact:
    """Return a fact without what it is judged by: agent, network and headers. Details of a mail that came back stay."""
    return replace(fact, agent=None, network=None, owner=None, headers={}) if fact.is_hit else fact
