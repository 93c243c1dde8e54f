"""What Heed says of each recipient of a mail, held against what the mail server saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib.messages.deliveries import is_waiting
from tests.faults.hosts import Host
from tests.faults.mail_servers import ScriptedServer

_MOST_ROUNDS = 200
_MOST_NAMED = 10
_COMES: Mapping[str, tuple[int, ...]] = {
    "accepted": (1,),
    "waiting": (0,),
    "pending": (0,),
    "refused": (0,),
    "uncertain": (0, 1),
}
"""How many mails somebody has got of whom that is said."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the API tells of a message. `deliveries` are the recipients' by address, `cards` the open ones by kind."""

    status: str
    status_text: str
    deliveries: Mapping[str, Mapping[str, Any]]
    cards: Mapping[str, Mapping[str, Any]]

    @property
    def states(self) -> dict[str, str]:
        return {email: delivery["state"] for email, delivery in self.deliveries.items()}


def people(count: int) -> list[str]:
    return [f"person{number}@example.com" for number in range(count)]


async def told_to_go(host: Host, to: Sequence[str], **fields: Any) -> str:
    """A message to these that was made and told to go over HTTP; its id."""
    message = await host.heed.draft(to=[{"email": email} for email in to], **fields)
    await host.heed.post(f"/messages/{message}/send")
    return message


async def told_of(host: Host, message: str) -> Told:
    """What is told of it now."""
    read = await host.heed.get(f"/messages/{message}")
    recipients = (await host.heed.get(f"/messages/{message}/recipients"))["items"]
    cards = (await host.heed.get("/cards?status=open&limit=200", x_heed_user="rep1"))["items"]
    ours = [card for card in cards if card["message"] == message]
    kinds = {card["kind"]: card for card in ours}
    assert len(kinds) == len(ours), "a card stands there twice"
    return Told(read["status"], read["status_text"], {each["email"]: each["delivery"] for each in recipients}, kinds)


async def is_true(host: Host, server: ScriptedServer, message: str) -> Told:
    """Check what is told now, wherever it is told; it."""
    await server.settle()
    told = await told_of(host, message)
    for email, state in told.states.items():
        assert server.times(email) in _COMES[state], f"{email} is {state} and got {server.times(email)} mails"
    counted = _Counted(told)
    counted.check_status()
    counted.check_cards()
    return told


async def at_rest(host: Host, server: ScriptedServer, message: str) -> Told:
    """Let time go by until nothing more is done about it; what is told then. It is checked all the way."""
    for _ in range(_MOST_ROUNDS):
        await host.settle()
        told = await is_true(host, server, message)
        loaded = await host.heed.services.messages.load("acme", message)
        assert loaded
        if not is_waiting(loaded.message):
            assert set(told.states.values()) <= {"accepted", "refused", "uncertain"}
            return told
        assert loaded.message.due_at
        host.clock.move(seconds=max(1.0, (loaded.message.due_at - host.clock.now()).total_seconds()))
    raise AssertionError("it does not come to rest")


class _Counted:
    """How many recipients are in each state, and what must follow from that."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._by_state = {
            state: [email for email, each in told.states.items() if each == state] for state in (*_COMES, "bounced")
        }

    def check_status(self) -> None:
        told, found = self._told, self._by_state
        waiting = len(found["waiting"]) + len(found["pending"])
        if found["uncertain"]:
            assert told.status == "uncertain"
        elif found["accepted"]:
            assert told.status == "sent"
            assert (f"{waiting} still waiting" in told.status_text) == bool(waiting)
            assert (f"{len(found['refused'])} refused" in told.status_text) == bool(found["refused"])
        elif waiting:
            assert told.status in ("scheduled", "sending")
        else:
            assert told.status == "failed"

    def check_cards(self) -> None:
        """A card names those who were refused, with code and reason; another one says that nobody knows."""
        told, found = self._told, self._by_state
        assert ("send_uncertain" in told.cards) == (told.status == "uncertain")
        is_told = bool(found["refused"]) and told.status in ("sent", "uncertain", "failed")
        assert ("send_failed" in told.cards) == is_told
        for email in found["refused"][:_MOST_NAMED] if is_told else ():
            text, delivery = told.cards["send_failed"]["text"], told.deliveries[email]
            assert len(told.deliveries) == 1 or email in text
            assert delivery["code"]
            assert delivery["text"].rstrip(".") in text
