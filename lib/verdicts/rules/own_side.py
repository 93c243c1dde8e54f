"""The sender's own side: what the sender and the colleagues do with their own mail is no engagement."""

from __future__ import annotations

from lib.tracking.facts import SESSION
from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding
from lib.verdicts.request import HitRequest

NETWORK = "own-network"
SESSION_CODE = "own-session"
OWN = frozenset((SESSION_CODE, NETWORK, "user-said-me"))
"""The codes of findings that say so; the last one is a user's word (`lib.verdicts.rules.feedback`)."""


def own_session(request: HitRequest) -> Finding | None:
    if SESSION not in request.headers:
        return None
    return Finding(SESSION_CODE, "Whoever it was is signed in here: the sender or a colleague, not the recipient.")


_OWN_NETWORK = Finding(NETWORK, "It came from the sender's own network: probably the sender or a colleague.")


def own_network(circumstances: Circumstances) -> Finding | None:
    return _OWN_NETWORK if circumstances.is_own else None


RULES = (own_session,)

SENDING_RULES = (own_network,)
