"""Header values of a mail, folded so that every reader unfolds them to the same text (RFC 5322, 2.2.3; RFC 2047).

Lines are folded between addresses and between encoded words only. Python's own folding also breaks lines inside quoted
strings, which its own `getaddresses` (3.11) and other readers then take apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr, parseaddr

_LINE = 78
"""Characters of a line that should not be exceeded (RFC 5322, 2.1.1)."""

_LONGEST_PIECE = 900
"""Characters that may stand without a fold: a line has at most 998, its header's name and a comma included."""

_PLAIN = re.compile(r"(?!.*=\?|.*  | |.* $)[ -~]*")
"""Text that readers show as it is: no encoded words, which they decode, no outer or double spaces, which they drop."""


@dataclass(frozen=True, slots=True)
class FoldedHeader:
    """A header value that is not to be folded anew; `email` takes it for a `Header`. Lines end in CRLF."""

    text: str

    def encode(self, linesep: str = "\n", maxlinelen: int = 0) -> str:  # noqa: ARG002 - asked for by `email`
        return self.text.replace("\r\n", linesep)

    def __str__(self) -> str:
        return self.text


def write_mailboxes(header: str, mailboxes: Sequence[tuple[str, str]]) -> FoldedHeader:
    """Return the value of an address header, such as To, for pairs of a name (may be empty) and an address.

    A name is written as it is, quoted where it has to be, or as encoded words.
    """
    pieces: list[str] = []
    for number, (name, address) in enumerate(mailboxes):
        written = _mailbox_pieces(header, name, address)
        if number < len(mailboxes) - 1:
            written[-1] += ","
        pieces += written
    return _folded(header, pieces)


def write_text(header: str, value: str) -> FoldedHeader:
    """Return the value of an unstructured header, such as Subject. The first word stays on the header's own line."""
    pieces = value.split(" ") if _is_plain(value) else _encoded_words(header, value)
    return _folded(header, pieces)


def write_ids(header: str, ids: Sequence[str]) -> FoldedHeader:
    """Return the value of References or In-Reply-To for Message-IDs of at most 980 characters."""
    return _folded(header, ids)


def write_addresses(header: str, addresses: Sequence[str]) -> FoldedHeader:
    """Return the value of List-Unsubscribe (RFC 2369): addresses of the web or of mail, best first."""
    last = len(addresses) - 1
    return _folded(header, [f"<{each}>" + "," * (number < last) for number, each in enumerate(addresses)])


def write_content_type(content_type: str, name: str, plain: bool) -> FoldedHeader:
    """Return the value of the Content-Type of a file, with its name.

    `plain` says that the name needs no encoding. Another name becomes encoded words in quotes. RFC 2047 forbids these,
    yet they are the only form that mail programs without RFC 2231 read; others take the name in Content-Disposition.
    """
    words = [name] if plain else _encoded_words("Content-Type", name)
    words = [f'name="{words[0]}', *words[1:]]
    return _folded(
        "Content-Type", [*(f"{each.strip()};" for each in content_type.split(";")), *words[:-1], f'{words[-1]}"']
    )


def unfolded(value: object) -> str:
    """Return a header's value on one line (RFC 5322, 2.2.3): Python 3.11's `getaddresses` ends a name at a fold."""
    return re.sub(r"\r?\n(?=[ \t])", "", str(value))


def _mailbox_pieces(header: str, name: str, address: str) -> list[str]:
    """Return the parts of a mailbox between which a line may be folded."""
    if not name:
        return [address]
    if _PLAIN.fullmatch(name):
        written = formataddr((name, address))
        if len(written) <= _LONGEST_PIECE and parseaddr(written) == (name, address):
            return [written]
    return [*_encoded_words(header, name), f"<{address}>"]


def _is_plain(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and all(len(word) <= _LONGEST_PIECE for word in value.split(" "))


def _encoded_words(header: str, value: str) -> list[str]:
    """Return words of at most 75 characters that split no character; the first leaves room for the header's name."""
    return Header(value, "utf-8", maxlinelen=_LINE - 2, header_name=header).encode(linesep="\n").split()


def _folded(header: str, pieces: Iterable[str]) -> FoldedHeader:
    lines: list[str] = []
    room = _LINE - len(f"{header}:")
    for piece in pieces:
        if lines and len(lines[-1]) + 1 + len(piece) <= room:
            lines[-1] += f" {piece}"
        else:
            if lines:
                room = _LINE - 1
            lines.append(piece)
    return FoldedHeader("\r\n ".join(lines))
