"""Records about an address, as its owner is shown them: mail by mail, with what was recorded of each.

They are read by the hash of the address, newest first. While an organization's lists have no such rows yet, its lists
of messages are looked through instead, some hundreds of mails at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lib.catalogues.devices import Device, device_of
from lib.clock import moment
from lib.files.store import Files
from lib.lists.filter_rows import FilterRows
from lib.lists.keys import mailbox_block
from lib.lists.store import Lists, scope_of
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import same_mailbox
from lib.people.consents import Consent, Consents
from lib.stops.stops import Stops
from lib.tracking.facts import Fact, FactKind
from lib.verdicts import Verdict
from lib.verdicts.fact_store import FactStore
from lib.verdicts.repeats import is_repeat

MOST_LOOKED_AT = 1_000
"""Messages of the organization that are looked at for one page."""

MOST_SHOWN = 50
"""Mails on one page."""

MOST_ACTS = 200
"""Acts that are shown of one mail, the newest ones."""

_MOST_CONSENTS = 200
_AT_ONCE = 30
_PLACE_OF_BEFORE = "all|"
"""The beginning of places that the version before has named."""


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """Something that was recorded of a mail: an open, a click, a view of a file, or mail that came back."""

    kind: FactKind
    at: datetime
    target: str | None
    """The address of the link, or the name of the file; None for all else."""

    network: str | None
    """The network of the request, a /24 or /48; None where it is unknown."""

    owner: str | None
    """The owner of the network, as the catalogue of networks has it."""

    device: Device
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RecordedMail:
    """A mail to the address or from it."""

    subject: str
    at: datetime
    is_received: bool
    """Whether the organization has received it from the address."""

    excerpt: str | None
    """The words of a received mail that are kept."""

    is_followed: bool
    is_shared: bool
    """Whether it went to several people in one copy, so that what was recorded does not tell who it was."""

    acts: Sequence[RecordedAct]
    has_more: bool
    """Whether more was recorded than is shown."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One page of what is recorded about an address."""

    mails: Sequence[RecordedMail]
    further: str | None
    """The place from which the next page goes on; None after the last one."""

    consents: Sequence[Consent]
    is_stopped: bool


class RecordedMails:
    """Finds what is recorded about an address."""

    def __init__(
        self,
        lists: Lists,
        messages: MessageStore,
        fact_store: FactStore,
        files: Files,
        consents: Consents,
        organizations: Organizations,
        stops: Stops,
        hashes: AddressHashes,
        filter_rows: FilterRows,
    ) -> None:
        self._filter_rows = filter_rows
        self._lists = lists
        self._messages = messages
        self._fact_store = fact_store
        self._files = files
        self._consents = consents
        self._organizations = organizations
        self._stops = stops
        self._hashes = hashes

    async def find(self, organization: str, email: str, message: str, place: str = "") -> Recorded:
        """Find what is recorded about the address, from the place on that an earlier page has named.

        `message` is the mail by which the recipient came: the first page shows it, however old it is.

        Raises StorageError.
        """
        settings = await self._organizations.settings(organization)
        found, further = await self._look_through(organization, same_mailbox(email), place)
        found = await self._with_own(organization, found, message, is_first=not place)
        named = settings.tracking != "aggregate"
        mails = [await self._recorded(organization, message, same_mailbox(email), named) for message in found]
        address = short_hash(await self._hashes.hash_address(organization, email))
        stops = await self._stops.load_stops(organization)
        return Recorded(
            mails=mails,
            further=further,
            consents=[each async for each in self._consents.history(organization, email, _MOST_CONSENTS)],
            is_stopped=stops.stopped.time_of(address) is not None,
        )

    async def _with_own(
        self, organization: str, found: list[StoredMessage], message: str, *, is_first: bool
    ) -> list[StoredMessage]:
        """Return the messages with the recipient's own one among the first, and not once more among later ones."""
        if not is_first:
            return [each for each in found if each.id != message]
        if any(each.id == message for each in found):
            return found
        loaded = await self._messages.load(organization, message)
        return [*found, loaded.message] if loaded else found

    async def _look_through(
        self, organization: str, mailbox: str, place: str
    ) -> tuple[list[StoredMessage], str | None]:
        """Return the messages that concern the mailbox, and the place to go on from."""
        block = mailbox_block(await self._hashes.hash_address(organization, mailbox))
        has_rows = await self._filter_rows.are_whole(organization)
        found, looked_at, cursor = list[StoredMessage](), 0, place.removeprefix(_PLACE_OF_BEFORE) or None
        while looked_at < MOST_LOOKED_AT and len(found) < MOST_SHOWN:
            # A place in one of the lists is one in the other, too: both are sorted by time.
            pages = (
                self._lists.filter_page(organization, block, cursor, _AT_ONCE)
                if has_rows
                else self._lists.page(organization, scope_of(), "all", "-sent_at", cursor, _AT_ONCE)
            )
            listed = [each async for each in pages]
            found += [each.message for _, each in listed if _concerns(each.message, mailbox)]
            looked_at += len(listed)
            await asyncio.sleep(0)  # hits come between two pages
            if len(listed) < _AT_ONCE:
                return found, None
            cursor = listed[-1][0]
        return found, cursor

    async def _recorded(self, organization: str, message: StoredMessage, mailbox: str, named: bool) -> RecordedMail:
        is_received = message.state == "received"
        loaded = None if is_received else await self._messages.load(organization, message.id)
        numbers = {number for number, each in enumerate(message.recipients()) if same_mailbox(each.email) == mailbox}
        is_alone = len(numbers) == len(message.recipients())
        acts, has_more = list[RecordedAct](), False
        if loaded is not None:
            acts, has_more = await self._acts(organization, loaded, numbers, is_alone, named)
        copies = loaded.copies if loaded else ()
        own = next((copy for copy in copies if not numbers.isdisjoint(copy.recipients)), None)
        is_followed = own is not None and own.follow_state.state == "on"
        return RecordedMail(
            subject=message.subject,
            at=message.sort_time(),
            is_received=is_received,
            excerpt=message.excerpt if is_received else None,
            is_followed=is_followed,
            is_shared=is_followed and own is not None and not numbers.issuperset(own.recipients),
            acts=acts,
            has_more=has_more,
        )

    async def _acts(
        self, organization: str, loaded: Loaded, numbers: set[int], is_alone: bool, named: bool
    ) -> tuple[list[RecordedAct], bool]:
        """Return what was recorded of these recipients, newest first, and whether there is more.

        What does not tell whose it is belongs to them only where there is no other recipient.
        """
        links = [
            await self._messages.links(organization, copy) if not numbers.isdisjoint(copy.recipients) else []
            for copy in loaded.copies
        ]
        addresses = next((each for each in links if each), [])
        names = await self._files.file_names(organization, loaded.message)
        acts = list[RecordedAct]()
        async for _, fact, verdict in self._fact_store.newest_first(organization, loaded.message.id):
            is_theirs = fact.recipient in numbers and (named or not fact.is_hit)
            if is_repeat(verdict) or not (is_alone or is_theirs):
                continue
            if len(acts) == MOST_ACTS:
                return acts, True
            acts.append(_act(fact, verdict, addresses, names))
        return acts, False


def _act(fact: Fact, verdict: Verdict, links: Sequence[str], names: dict[int, str]) -> RecordedAct:
    target = None
    if fact.kind == "click" and fact.item < len(links):
        target = links[fact.item]
    elif fact.kind == "attachment_view":
        target = names.get(fact.item)
    device = device_of(fact.agent) if fact.is_hit else Device(type=None, os=None, client=None)
    return RecordedAct(fact.kind, moment(fact.at), target, fact.network, fact.owner, device, verdict)


def _concerns(message: StoredMessage, mailbox: str) -> bool:
    """Whether a mail went to the mailbox or came from it. Drafts and mail that waits are the sender's own yet.

    A draft that was prepared for a CRM may have gone out without Heed's knowledge.
    """
    if message.state == "received":
        return message.from_address is not None and same_mailbox(message.from_address.email) == mailbox
    is_prepared = message.state == "draft" and message.copy_count is not None
    if message.sent_at is None and message.tried_at is None and not is_prepared:
        return False
    return any(same_mailbox(each.email) == mailbox for each in message.recipients())
