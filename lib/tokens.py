"""Tokens: sealed claims in the addresses of pixels, links, attachments and images.

A token is the key's id (two characters), then base64url of AES-SIV (RFC 5297) over the claim, with the purpose as
associated data. AES-SIV is deterministic, so that rewriting a mail twice gives the same mail, and authenticated: a
token with another bit, without its end or used for another purpose opens as None. Opening a token needs no storage.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

LONGEST = 4096
"""Characters of a token; a link's destination has at most 2,048 of them, in base64 some 2,800."""

_NO_RECIPIENT = 0xFFFF
_NUMBERS = struct.Struct(">HH")
_HAS_ADDRESS = 0x80
"""Bit of the first byte of a claim that names an address; names of organizations are shorter than that."""

_ADDRESS_BYTES = 8
_KEY_BYTES = 64
_TO_STANDARD, _TO_URL = bytes.maketrans(b"-_", b"+/"), bytes.maketrans(b"+/", b"-_")
_KEY_ID = re.compile(r"[a-z0-9]{2}")
_SHORTEST_SEALED = 16 + 1 + 3 + 16 + _NUMBERS.size
"""Bytes of the smallest sealed claim: the tag of AES-SIV, then the claim of an organization with a name of three."""

_FEWEST_CHARACTERS = 20
"""Different characters in a token. Of 54 random ones, some 37 are different; fewer than 20 never are."""

_TOKEN = re.compile(r"[\w-]*+", re.ASCII)

REPLY_PREFIX = "reply+"
"""The beginning of the local part of an address for replies; a token follows."""

_ADDRESS_TOKEN = 52
"""Characters of a sealed message id in base32: the tag of AES-SIV, and 16 bytes."""

_ENTRY = re.compile(r"([a-z0-9]{2}):([A-Za-z0-9_-]{86})=*")


_Keys = tuple[tuple[str, bytes], ...]


class Purpose(Enum):
    """The purpose that is bound into the seal: a token opens for its own purpose alone."""

    OPEN = b"heed/1/o"
    CLICK = b"heed/1/c"
    ATTACHMENT = b"heed/1/a"
    IMAGE = b"heed/1/i"
    QUOTED_IMAGE = b"heed/1/q"
    """Shows an image of older mail that is quoted, and records nothing."""

    ANSWER = b"heed/1/idempotent-answer"
    """Seals a stored answer to a request with an Idempotency-Key."""

    CURSOR = b"heed/1/cursor"
    """Seals the place in a list from which the next page goes on."""

    CHANNEL = b"heed/1/channel"
    """Seals the address of a chat channel in which a user is told of cards."""

    USER = b"heed/1/user"
    """Lets a browser act as one user for a while."""

    SUBJECT = b"heed/1/subject"
    """Seals the address that a job is about, for as long as the job needs it."""

    PAGE = b"heed/1/p"
    """Leads to the page where a recipient decides."""

    PROOF = b"heed/1/proof"
    """Stands in a link that was sent to an address: who has it reads the mail of the address."""

    ASKED = b"heed/1/asked"
    """Seals what a recipient has asked for while it waits in a queue."""

    WEBHOOK = b"heed/1/webhook"
    """Seals the secret that deliveries to a webhook are signed with."""

    WORDS = b"heed/1/words"
    """Seals addresses, and words that were typed, in links of the console."""

    CONSOLE = b"heed/1/console"
    """Seals a session of the console."""

    OPERATOR = b"heed/1/operator"
    """Seals a session of the console that was begun by the administrator's key."""

    SIGNING_IN = b"heed/1/signing-in"
    """Seals what the console remembers while a person is with the identity provider."""

    REPLY = b"heed/1/r"
    """Stands in the address for replies to a message."""


class Claim(NamedTuple):
    """The content of a token."""

    organization: str
    message: str

    recipient: int | None = None
    """The recipient's index within the message; None for one copy to all."""

    item: int = 0
    """The index of the link or of the attachment; images count from `facts.FIRST_IMAGE`."""

    destination: str = ""
    """The URL of a link, or the id of an image."""

    address: str | None = None
    """The short hash of the recipient's address, 16 hexadecimal digits; None for a copy to several addresses, and in
    tokens of earlier releases."""


class KeyRing:
    """Keys by id: the first one seals; every key opens, until it is taken off the ring."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys
        self._ciphers = {key_id: AESSIV(key) for key_id, key in keys.items()}
        self._active = next(iter(keys))

    def __reduce__(self) -> tuple[Callable[[_Keys], KeyRing], tuple[_Keys]]:
        """Pickle the keys for our own workers; ciphers cannot be pickled."""
        return _same_ring, (tuple(self._keys.items()),)

    @staticmethod
    def parse(setting: str) -> KeyRing:
        """Read the setting `k2:<base64url of 64 bytes>,k1:…`, newest key first. Raises ValueError."""
        keys: dict[str, bytes] = {}
        for place, entry in enumerate(setting.split(","), 1):
            found = _ENTRY.fullmatch(entry.strip())
            if not found:
                raise ValueError(f"entry {place} is not <two of a-z0-9>:<base64url of {_KEY_BYTES} random bytes>")
            if found[1] in keys:
                raise ValueError(f"the key id {found[1]} stands there twice")
            keys[found[1]] = base64.urlsafe_b64decode(found[2] + "==")
        return KeyRing(keys)

    @property
    def active(self) -> str:
        """The id of the key that seals."""
        return self._active

    @property
    def ids(self) -> list[str]:
        """The ids of all keys; the first one is that of the key that seals."""
        return list(self._keys)

    def seal(self, purpose: Purpose, plain: bytes, *owner: str) -> str:
        """Encrypt with the first key; the token. It opens for the same owner alone, such as an organization's user."""
        sealed = self._ciphers[self._active].encrypt(plain, [purpose.value, *map(str.encode, owner)])
        # As the module base64 does, without its detours: a mail has many links.
        return self._active + binascii.b2a_base64(sealed, newline=False).translate(_TO_URL).rstrip(b"=").decode()

    def unseal(self, purpose: Purpose, token: str, *owner: str) -> bytes | None:
        """The inverse of `seal`; None for anything but one of our tokens for this purpose and owner."""
        cipher = self._ciphers.get(token[:2])
        if cipher is None:
            return None
        try:
            sealed = _sealed_in(token)
            return None if sealed is None else cipher.decrypt(sealed, [purpose.value, *map(str.encode, owner)])
        except (InvalidTag, ValueError):
            return None

    def has_retired_key(self, token: str) -> bool:
        """Whether this looks like a whole token whose key is no longer on the ring.

        Only the key could prove it. The form is what is left: the id of another key, and as many bytes, in as many
        different characters, as sealed claims have.
        """
        if _KEY_ID.fullmatch(token[:2]) is None or token[:2] in self._keys or len(token) > LONGEST:
            return False
        sealed = _sealed_in(token)
        return sealed is not None and len(sealed) >= _SHORTEST_SEALED and len(set(token[2:])) >= _FEWEST_CHARACTERS

    def mint(self, purpose: Purpose, claim: Claim) -> str:
        """The claim's token. Message ids are 32 hexadecimal digits; recipient and item fit 16 bits.

        A claim without an address gives the token that earlier releases gave, which they can open.
        """
        organization = claim.organization.encode("ascii")
        recipient = _NO_RECIPIENT if claim.recipient is None else claim.recipient
        has_address = claim.address is not None
        plain = b"".join(
            (
                bytes([len(organization) | (_HAS_ADDRESS if has_address else 0)]),
                organization,
                bytes.fromhex(claim.message),
                _NUMBERS.pack(recipient, claim.item),
                bytes.fromhex(claim.address or ""),
                claim.destination.encode("ascii"),
            )
        )
        return self.seal(purpose, plain)

    def open(self, purpose: Purpose, token: str) -> Claim | None:
        """The claim; None for anything but one of our tokens for this purpose."""
        if len(token) > LONGEST:
            return None
        plain = self.unseal(purpose, token)
        if plain is None:
            return None
        length, address, rest = plain[0], None, 20
        if length & _HAS_ADDRESS:
            length ^= _HAS_ADDRESS
            rest += _ADDRESS_BYTES
        at = 1 + length
        recipient, item = _NUMBERS.unpack_from(plain, at + 16)
        if rest > 20:
            address = plain[at + 20 : at + rest].hex()
        return Claim(
            plain[1:at].decode("ascii"),
            plain[at : at + 16].hex(),
            None if recipient == _NO_RECIPIENT else recipient,
            item,
            plain[at + rest :].decode("ascii"),
            address,
        )

    def mint_for_address(self, organization: str, message: str) -> str:
        """Make the token of a message for the address of its replies: 54 characters of a-z0-9.

        A local part has at most 64 characters (RFC 5321, 4.5.3.1.1), and some servers change its case.
        """
        sealed = self._ciphers[self._active].encrypt(
            bytes.fromhex(message), [Purpose.REPLY.value, organization.encode()]
        )
        return self._active + base64.b32encode(sealed).decode().rstrip("=").lower()

    def open_in_address(self, organization: str, token: str) -> str | None:
        """Return the message's id; None for anything but a token of this organization, in whatever case."""
        cipher = self._ciphers.get(token[:2].lower())
        body = token[2:].upper()
        if cipher is None or len(body) != _ADDRESS_TOKEN:
            return None
        try:
            sealed = base64.b32decode(body + "=" * (-len(body) % 8))
            return cipher.decrypt(sealed, [Purpose.REPLY.value, organization.encode()]).hex()
        except (InvalidTag, ValueError):
            return None


def _sealed_in(token: str) -> bytes | None:
    """The bytes behind the key's id; None where they are not in base64url, spelled as we spell it."""
    try:
        # Like this for every hit, too.
        body = token[2:].encode("ascii")
        sealed = binascii.a2b_base64(body.translate(_TO_STANDARD) + b"=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return None
    # The decoder skips foreign characters and ignores spare bits: only the one spelling counts.
    return sealed if binascii.b2a_base64(sealed, newline=False).translate(_TO_URL).rstrip(b"=") == body else None


@dataclass(frozen=True, slots=True)
class Resealed:
    """The outcome of sealing stored texts with the first key."""

    as_they_were: int = 0
    """Texts that the first key had sealed already."""

    sealed_anew: int = 0

    unreadable: int = 0
    """Texts whose key is gone."""

    def __add__(self, other: Resealed) -> Resealed:
        return Resealed(
            self.as_they_were + other.as_they_were,
            self.sealed_anew + other.sealed_anew,
            self.unreadable + other.unreadable,
        )


def reseal_one(ring: KeyRing, purpose: Purpose, sealed: str, *owner: str) -> tuple[str, Resealed]:
    """Seal with the ring's first key what an older key has sealed; a text whose key is gone stays as it is."""
    if sealed.startswith(ring.active):
        return sealed, Resealed(as_they_were=1)
    plain = ring.unseal(purpose, sealed, *owner)
    if plain is None:
        return sealed, Resealed(unreadable=1)
    return ring.seal(purpose, plain, *owner), Resealed(sealed_anew=1)


def leading_token(text: str) -> str:
    """Return the token at the start of a text, up to the first character that no token has.

    Mail programs take words, and escapes of them, for a part of the link that they touch.
    """
    found = _TOKEN.match(text)
    return found[0] if found else ""


@lru_cache(1)
def _same_ring(keys: _Keys) -> KeyRing:
    """One ring for all jobs of a worker, so that caches by ring are of use."""
    return KeyRing(dict(keys))
