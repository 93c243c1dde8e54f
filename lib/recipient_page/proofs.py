"""Proofs: tokens that were sent to an address. Who has one reads the mail of the address, or did so just now."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.clock import milliseconds, moment
from lib.tokens import LONGEST, KeyRing, Purpose

LASTS = timedelta(minutes=30)
"""The time for which a proof is good."""

_FORM = struct.Struct(">Q16s16s")


@dataclass(frozen=True, slots=True)
class Proof:
    """The content of a proof."""

    organization: str
    message: str
    """The id of the mail by whose page the proof was asked for. The address is one of its recipients."""

    address_hash: str
    """The hash of the address, 32 hexadecimal digits."""

    until: datetime
    """The time at which it ends."""


def seal_proof(ring: KeyRing, proof: Proof) -> str:
    """Return the token of a proof."""
    fixed = _FORM.pack(milliseconds(proof.until), bytes.fromhex(proof.message), bytes.fromhex(proof.address_hash))
    return ring.seal(Purpose.PROOF, fixed + proof.organization.encode("ascii"))


def open_proof(ring: KeyRing, token: str) -> Proof | None:
    """Return the content of a proof, which may have ended; None for any other token."""
    plain = ring.unseal(Purpose.PROOF, token) if len(token) <= LONGEST else None
    if plain is None:
        return None
    until, message, address_hash = _FORM.unpack_from(plain)
    organization = plain[_FORM.size :].decode("ascii")
    return Proof(organization, message.hex(), address_hash.hex(), moment(until))
