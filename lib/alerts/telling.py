"""Tells users of new cards in their chat channels, and takes back what was withdrawn.

A card is entered into the due index before it is shown (`lib.cards.store`), so that a process that dies tells it later.
The handler looks at the card and at the user's choice as they are then: what is done, snoozed, muted or gone is not
told. In quiet hours the entry moves to their end.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import quote

from lib.alerts.broken_channels import BrokenChannels
from lib.alerts.chat import Post, body_of
from lib.alerts.foreign_words import in_own_direction, on_one_line
from lib.alerts.times import local_day, quiet_until
from lib.alerts.told import PostState, ToldCard, ToldCards
from lib.cards.store import Card, Cards
from lib.clock import Clock
from lib.errors import Stale
from lib.organizations.registry import Organizations
from lib.outside import NotOutside
from lib.outside.http import RequestFailed, post_body
from lib.people.alert_choices import CHANNELS, AlertChoices, Channel, StoredAlerts
from lib.people.store import People
from lib.storage import Row
from lib.storage.due_index import Due, DueHandOver, DueIndex, is_seasoned
from lib.storage.retry import retry_on_conflict

log = logging.getLogger("heed.alerts")

NEWS = timedelta(days=1)
"""Time after which a card is not told any more."""

_FOR_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same post may be taken later."""

_JSON = {"Content-Type": "application/json"}


class Telling:
    """Posts cards in channels."""

    def __init__(
        self,
        choices: AlertChoices,
        told: ToldCards,
        cards: Cards,
        people: People,
        organizations: Organizations,
        due: DueIndex,
        clock: Clock,
        *,
        loopback: bool,
    ) -> None:
        self._choices = choices
        self._told = told
        self._cards = cards
        self._people = people
        self._organizations = organizations
        self._due = due
        self._clock = clock
        self._loopback = loopback
        self._broken = BrokenChannels(clock)

    async def sweep(self) -> int:
        """Tell what is due; how many entries were looked at. Raises StorageError."""
        return await self._due.sweep("tell", self._tell, timedelta(0))

    async def _tell(self, entry: DueHandOver) -> None:
        due = entry.due
        user, _, card_id = due.item.partition("|")
        choice = await self._choices.load(due.organization, user)
        person = await self._people.user(due.organization, user)
        if choice is None or person is None or not choice.has_channels or self._clock.now() - due.at > NEWS:
            await self._due.drop_entry(due)
            return
        found = await self._cards.load_card(due.organization, user, card_id)
        if found is None:
            if is_seasoned(entry.times):
                await self._due.drop_entry(due)
            return
        if until := quiet_until(choice.quiet_hours, person.time_zone, self._clock.now()):
            await self._due.put_entry(Due("tell", until, due.organization, due.item))
            await self._due.drop_entry(due)
            return
        subject = f"the notes on card {card_id}"
        is_over = await retry_on_conflict(
            subject, lambda: self._tell_card(due.organization, found[0], choice, person.time_zone), on=Stale
        )
        if is_over:
            await self._due.drop_entry(due)

    async def _tell_card(self, organization: str, card: Card, choice: StoredAlerts, zone: str) -> bool:
        """Tell a card, or that it was withdrawn; whether nothing is left to tell. Raises Stale."""
        note, etag = await self._told.load(organization, card.user, card.id)
        if card.because and card.status == "done":
            return await self._take_back(organization, card, choice, note, etag)
        if card.status != "open" or card.kind in choice.muted_kinds or card.message in choice.muted_messages:
            return True
        wanted = [each for each in CHANNELS if choice.sealed(each) and note.channels.get(each, "again") == "again"]
        channels = [each for each in wanted if self._broken.may_try(choice.sealed(each))]
        if not channels:
            return not wanted
        count, day = await self._told.count_of_day(organization, card.user, local_day(zone, self._clock.now()))
        if not note.channels and count >= choice.most_a_day:
            return True
        # A card that is told again was counted when it was told first.
        is_last = count == choice.most_a_day - (0 if note.channels else 1)
        text = f"{card.text} This is the last card that is told today; others wait in your list."
        told = await self._told_of(organization, card, card.title, text if is_last else card.text)
        counted = None if note.channels else day
        is_over = await self._post_all(organization, card, choice, note, etag, channels, told, counted)
        return is_over and channels == wanted

    async def _take_back(
        self, organization: str, card: Card, choice: StoredAlerts, note: ToldCard, etag: str | None
    ) -> bool:
        """Tell each channel that was told of a card why it was withdrawn; whether none is left. Raises Stale."""
        told_in = [each for each, state in note.channels.items() if state == "told" and choice.sealed(each)]
        wanted = [] if note.withdrawn else [each for each in told_in if each not in note.withdrawn_from]
        channels = [each for each in wanted if self._broken.may_try(choice.sealed(each))]
        if not channels:
            return not wanted
        noted = note.model_copy(update={"withdrawn_from": [*note.withdrawn_from, *channels]})
        etag = await self._told.save(organization, card.user, card.id, noted, etag)
        told = await self._told_of(organization, card, f"Taken back: {card.title}", card.because or "")
        outcome = {each: await self._post(organization, card.user, choice, each, told) for each in channels}
        taken = [each for each in noted.withdrawn_from if outcome.get(each) != "again"]
        is_over = taken == noted.withdrawn_from and channels == wanted
        after = noted.model_copy(update={"withdrawn_from": taken, "withdrawn": is_over})
        await self._save_outcome(organization, card, after, etag)
        return is_over

    async def _post_all(
        self,
        organization: str,
        card: Card,
        choice: StoredAlerts,
        note: ToldCard,
        etag: str | None,
        channels: list[Channel],
        told: Post,
        day: Row | None,
    ) -> bool:
        """Note the posts, let them go out, and note what became of them; whether none is left. Raises Stale."""
        trying: dict[Channel, PostState] = {**note.channels, **dict.fromkeys(channels, "trying")}
        noted = note.model_copy(update={"channels": trying})
        etag = await self._told.save(organization, card.user, card.id, noted, etag, day)
        outcome = {channel: await self._post(organization, card.user, choice, channel, told) for channel in channels}
        # What may have arrived counts as told: it is not posted again, and it is taken back.
        told_in: dict[Channel, PostState] = {
            each: "told" if state == "trying" else state for each, state in outcome.items()
        }
        await self._save_outcome(organization, card, note.model_copy(update={"channels": {**trying, **told_in}}), etag)
        return "again" not in outcome.values()

    async def _save_outcome(self, organization: str, card: Card, after: ToldCard, etag: str) -> None:
        try:
            await self._told.save(organization, card.user, card.id, after, etag)
        except Stale:  # another sweep met the note of the post, and left it
            log.info("a card of organization %s was told beside another sweep", organization)

    async def _post(
        self, organization: str, user: str, choice: StoredAlerts, channel: Channel, told: Post
    ) -> PostState:
        """Post in one channel; what became of it. `trying`: there was no answer, and it may have arrived."""
        sealed = choice.sealed(channel) or ""
        address = self._choices.unseal(organization, user, sealed)
        if address is None:
            return await self._failed(organization, user, channel, "failed", "The address must be set again.")
        try:
            reply = await post_body(address, body_of(channel, told), _JSON, loopback=self._loopback)
        except NotOutside as refusal:
            return await self._failed(organization, user, channel, "failed", f"{refusal}")
        except RequestFailed as failure:
            self._broken.note_failure(sealed)
            state: PostState = "trying" if failure.may_have_arrived else "again"
            return await self._failed(organization, user, channel, state, f"There was no answer: {failure}.")
        if reply.status in _FOR_NOW:
            self._broken.note_failure(sealed)
        else:
            self._broken.note_answer(sealed)
        if 200 <= reply.status < 300:
            return "told"
        state = "again" if reply.status in _FOR_NOW else "failed"
        return await self._failed(organization, user, channel, state, f"The channel answered {reply.status}.")

    async def _failed(self, organization: str, user: str, channel: Channel, state: PostState, text: str) -> PostState:
        await self._told.note_failure(organization, user, channel, self._clock.now(), text)
        return state

    async def _told_of(self, organization: str, card: Card, title: str, text: str) -> Post:
        form = (await self._organizations.settings(organization)).card_url
        return Post(on_one_line(title), in_own_direction(text), link_to(form, card) if form else None)

    async def try_channels(self, organization: str, user: str, choice: StoredAlerts) -> dict[Channel, PostState]:
        """Post a trial in each channel of the user; what became of it."""
        told = Post("Heed can tell you here", "New cards of yours will be told in this channel.", None)
        return {
            channel: await self._post(organization, user, choice, channel, told)
            for channel in CHANNELS
            if choice.sealed(channel)
        }


def link_to(form: str, card: Card) -> str:
    """Fill an organization's form of addresses with a card's ids."""
    return form.replace("{card}", quote(card.id, safe="")).replace("{message}", quote(card.message, safe=""))
