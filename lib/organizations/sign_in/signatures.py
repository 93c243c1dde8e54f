"""Signatures of tokens (RFC 7515), with an allow-list of algorithms.

The allow-list holds asymmetric algorithms alone: `none` and the HMACs, with which a provider's public key would become
a secret that everybody knows, are no part of it. A key is used only with algorithms of its own kind. Addresses and keys
in a token's header (`jku`, `jwk`, `x5u`, `x5c`) are not looked at. Sources: RFC 8725 (3.1, 3.2, 3.5, 3.10, 3.11).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lib.organizations.sign_in.refusals import BadToken

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Type and curve of the keys that each accepted algorithm takes."""

LONGEST_TOKEN = 16 * 1024
"""Characters."""

MOST_KEYS = 100
"""Keys of a provider that are looked at."""

_LONGEST_HEADER = 4 * 1024
_LONGEST_KEY_ID = 500
_FEWEST_RSA_BITS, _MOST_RSA_BITS = 2048, 8192
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

Key = Mapping[str, Any]
"""A JSON Web Key (RFC 7517)."""


class TokenHeader(NamedTuple):
    """The part of a token that says how it is signed."""

    algorithm: str
    key_id: str | None


def looks_like_token(text: str) -> bool:
    """Whether a proof has the form of a signed token, whatever it is worth."""
    return text.startswith("eyJ") and text.count(".") == 2


def read_header(token: str) -> TokenHeader:
    """Read the header of a token. Raises BadToken."""
    if len(token) > LONGEST_TOKEN:
        raise BadToken("The token is too long.")
    if not _FORM.fullmatch(token):
        raise BadToken("The token is malformed.")
    header = _read_object(token.partition(".")[0], _LONGEST_HEADER)
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BadToken("The token's algorithm is none of those that are accepted.")
    if "crit" in header:
        raise BadToken("The token's header has extensions that are not understood.")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise BadToken("The token is of another type than JWT or at+jwt.")
    if key_id is not None and (not isinstance(key_id, str) or len(key_id) > _LONGEST_KEY_ID):
        raise BadToken("The token names its key in a wrong way.")
    return TokenHeader(algorithm, key_id)


def _read_object(part: str, longest: int) -> dict[str, Any]:
    """Read a JSON object in base64url. Raises BadToken."""
    try:
        if len(part) > longest:
            raise ValueError
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise BadToken("The token is malformed.") from None
    if not isinstance(found, dict):
        raise BadToken("The token is malformed.")
    return found


def usable_keys(found: object) -> list[Key]:
    """Select the keys of a key set that can check signatures; others are skipped."""
    listed = found[:MOST_KEYS] if isinstance(found, list) else []
    return [key for key in listed if isinstance(key, dict) and _is_usable(key)]


def _is_usable(key: Key) -> bool:
    operations = key.get("key_ops", ["verify"])
    if key.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return False
    if key.get("kty") == "RSA":
        modulus, exponent = key.get("n"), key.get("e")
        sizes = isinstance(modulus, str) and isinstance(exponent, str) and len(exponent) <= 8
        return sizes and len(str(modulus)) * 6 >= _FEWEST_RSA_BITS and len(str(modulus)) * 6 <= _MOST_RSA_BITS + 12
    return (key.get("kty"), key.get("crv")) in ALGORITHMS.values()


def choose_key(keys: Sequence[Key], header: TokenHeader) -> Key | None:
    """Choose the key that signed a token; None where it cannot be told.

    A token without a key's id is checked only where a single key suits its algorithm.
    """
    suits = [key for key in keys if _suits(key, header.algorithm)]
    if header.key_id is not None:
        suits = [key for key in suits if key.get("kid") == header.key_id]
        return suits[0] if suits else None
    return suits[0] if len(suits) == 1 else None


def _suits(key: Key, algorithm: str) -> bool:
    kind, curve = ALGORITHMS[algorithm]
    return key.get("kty") == kind and key.get("alg", algorithm) == algorithm and curve in (None, key.get("crv"))


def check_signature(token: str, key: Key, algorithm: str) -> dict[str, Any]:
    """Check a token's signature; its claims. Raises BadToken."""
    from jwt import PyJWK, PyJWTError  # 60 ms that only sign-in needs
    from jwt.api_jws import PyJWS

    try:
        found = PyJWS(algorithms=[algorithm]).decode_complete(
            token, key=PyJWK(dict(key), algorithm), algorithms=[algorithm]
        )
        claims = json.loads(found["payload"])
    except (PyJWTError, ValueError, TypeError, RecursionError):
        raise BadToken("The token's signature is wrong.") from None
    if not isinstance(claims, dict):
        raise BadToken("The token is malformed.")
    return claims
