"""Follower of assessments: shows and withdraws a message's cards as `lib.cards.rules` wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from lib.cards.rules import ToldHit, card_ids, needs_no_reply, told_hits, wanted_cards
from lib.cards.store import Cards
from lib.clock import Clock
from lib.messages.copy_rows import Copy
from lib.messages.models import StoredMessage
from lib.organizations.registry import Organizations
from lib.tracking.facts import Fact
from lib.verdicts.assessed import AssessedMessage, Plan
from lib.verdicts.rules.own_side import OWN
from lib.verdicts.thresholds import DEFAULT

_GONE = {
    "send_failed": "That is no longer so: the message was sent again, or changed.",
    "send_uncertain": "It is known now what became of the message.",
    "reminder": "The reminder was changed.",
    "reply": "The answer was removed.",
    "auto_reply": "The answer was removed.",
    "bounce": "The report was removed.",
    "complaint": "The complaint was removed.",
}
"""Why a card that tells of no hit is withdrawn, by its kind."""

_HITS = {"email_opened": "open", "link_clicked": "click", "attachment_viewed": "view"}
"""What a card tells of, by its kind."""

_MOST_REASONS = 2
"""Reasons that a withdrawn card gives: the strongest ones."""

_NEWS = timedelta(days=7)
"""Age up to which a hit makes a card: a whole organization may be judged again, and what is older is no news then."""

LinksOfCopy = Callable[[str, Copy], Awaitable[Sequence[str]]]
"""Reads the destinations of a copy's links, by index, of (organization, copy)."""

FileNames = Callable[[str, StoredMessage], Awaitable[Mapping[int, str]]]
"""Reads the names of a message's attachments, by their numbers, of (organization, message)."""


class CardsFollower:
    """Part of the summary: the ids of the cards that stand, each with its kind."""

    part_name = "shown_cards"
    part_type = TypeAdapter(dict[str, str])

    def __init__(
        self, cards: Cards, organizations: Organizations, links: LinksOfCopy, file_names: FileNames, clock: Clock
    ) -> None:
        self._cards = cards
        self._organizations = organizations
        self._links = links
        self._file_names = file_names
        self._clock = clock

    async def plan(self, assessed: AssessedMessage, before: dict[str, str] | None) -> Plan[dict[str, str]]:
        """Show and withdraw cards. Ids follow from what a card is about, so that two plans show one card.

        Cards come before the summary that tells of them: a process that dies in between leaves them to the next plan.
        """
        organization, message, shown = assessed.organization, assessed.message, before or {}
        settings = await self._organizations.settings(organization)
        least, named = settings.human_from.over(DEFAULT.alert_from), settings.tracking != "aggregate"
        told, now = told_hits(assessed, settings.alert_on, least, shown, named), self._clock.now()
        hits = [hit for hit in told if hit.id in shown or now - hit.ready_at < _NEWS]
        new = [hit for hit in hits if hit.id not in shown and hit.ready_at <= now]
        wanted = wanted_cards(assessed, hits, shown, await self._targets(assessed, new), now)
        for card in wanted.cards:
            if card.id not in shown:
                await self._cards.ensure(organization, card)
        stand = {card.id: str(card.kind) for card in wanted.cards}
        for gone in shown.keys() - stand.keys():
            await self._cards.withdraw(organization, message.sender, gone, _because(gone, shown[gone], assessed))
        return Plan(stand, wanted.again_at)

    async def _targets(self, assessed: AssessedMessage, hits: Sequence[ToldHit]) -> dict[str, str]:
        """Names of the hosts and files that these hits looked at, by the card's id; only as far as they are known."""
        found: dict[str, str] = {}
        files: Mapping[int, str] | None = None
        for hit in hits:
            name: str | None = None
            if hit.fact.kind == "click":
                name = await self._host(assessed, hit.fact)
            elif hit.fact.kind == "attachment_view":
                if files is None:
                    files = await self._file_names(assessed.organization, assessed.message)
                name = files.get(hit.fact.item)
            if name:
                found[hit.id] = name
        return found

    async def _host(self, assessed: AssessedMessage, click: Fact) -> str | None:
        copy = next((each for each in assessed.copies if click.recipient in (None, *each.recipients)), None)
        links = await self._links(assessed.organization, copy) if copy else []
        return urlsplit(links[click.item]).hostname if click.item < len(links) else None

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


def _because(card: str, kind: str, assessed: AssessedMessage) -> str:
    """Say why a card is withdrawn."""
    if kind in _HITS:
        return _because_of_hit(card, _HITS[kind], assessed)
    if kind == "reminder" and needs_no_reply(assessed.message.reminder, assessed.kpis):
        return "The mail was answered."
    return _GONE[kind]


def _because_of_hit(card: str, what: str, assessed: AssessedMessage) -> str:
    """Say what is thought now of what the card has told of: the hit that still looks most like a person's."""
    verdicts = [assessed.verdicts[fact.key] for fact, told_by in card_ids(assessed) if told_by == card]
    if not verdicts:
        return f"The {what} was removed."
    verdict = max(verdicts, key=lambda each: each.probability)
    against = [reason for reason in verdict.reasons if reason.weight < 0][:_MOST_REASONS]
    if verdict.kind == "uncertain":
        found = f"It is no longer clear whether the {what} was a person's."
    elif verdict.kind == "machine" and any(reason.code in OWN for reason in verdict.reasons):
        found = f"The {what} turned out to be your own side's."
    elif verdict.kind == "machine":
        found = f"The {what} turned out to be a mail scanner's."
    else:
        return f"The {what} is a person's, and is no news."
    return " ".join([found, *(reason.text for reason in against)])
