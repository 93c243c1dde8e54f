"""Follower of assessments: shows and withdraws a message's cards as `lib.cards.rules` wants them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from lib.cards.rules import wanted_cards
from lib.cards.store import Cards
from lib.clock import Clock
from lib.messages.models import StoredMessage
from lib.organizations.registry import Organizations
from lib.verdicts.assessed import AssessedMessage, Plan

_GONE = {
    "email_opened": "The open turned out to be a mail scanner's.",
    "send_failed": "That is no longer so: the message was sent again, or changed.",
    "send_uncertain": "It is known now what became of the message.",
    "reminder": "The reminder was changed.",
}
"""Why a card is withdrawn, by its kind."""


class CardsFollower:
    """Part of the summary: the ids of the cards that stand, each with its kind."""

    part_name = "cards"
    part_type = TypeAdapter(dict[str, str])

    def __init__(self, cards: Cards, organizations: Organizations, clock: Clock) -> None:
        self._cards = cards
        self._organizations = organizations
        self._clock = clock

    async def plan(self, assessed: AssessedMessage, before: dict[str, str] | None) -> Plan[dict[str, str]]:
        """Show and withdraw cards. Ids follow from what a card is about, so that two plans show one card.

        Cards come before the summary that tells of them: a process that dies in between leaves them to the next plan.
        """
        organization, message, shown = assessed.organization, assessed.message, before or {}
        alert_on = (await self._organizations.settings(organization)).alert_on
        wanted = wanted_cards(assessed, alert_on, self._clock.now())
        for card in wanted.cards:
            if card.id not in shown:
                await self._cards.ensure(organization, card)
        stand = {card.id: str(card.kind) for card in wanted.cards}
        for gone in shown.keys() - stand.keys():
            await self._cards.withdraw(organization, message.sender, gone, _GONE[shown[gone]])
        return Plan(stand, wanted.again_at)

    async def apply(self, assessed: AssessedMessage, part: dict[str, str]) -> None:
        """Write nothing: the cards are there."""

    async def forget(
        self,
        organization: str,
        message: str,
        part: dict[str, str] | None,
        planned_before: Sequence[StoredMessage] = (),
    ) -> None:
        """Leave the cards: they tell their user what happened, and stay until they are done."""
