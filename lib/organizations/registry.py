"""The registry of organizations and their settings, in the shared table of organizations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from cachetools import LRUCache
from pydantic import BaseModel, Field, StringConstraints, model_validator

from lib.clock import Clock, milliseconds, moment
from lib.errors import NotAllowed, WrongField
from lib.fields import HttpsUrl, Line, Model, Moment, Name, RecordType, WebOrigin
from lib.organizations.sign_in.settings import SignIn
from lib.stops.organization_stops import RecordingState
from lib.stops.rows import changed_marker
from lib.storage import (
    Change,
    Conflict,
    Delete,
    Missing,
    Range,
    Row,
    Storage,
    Unavailable,
    Upsert,
    put_if_unchanged,
)
from lib.storage import layout as tables
from lib.storage.accounts import OwnAccount
from lib.storage.batches import batches_of
from lib.storage.documents import pack, unpack
from lib.storage.due_index import DueIndex
from lib.storage.protocols import EVERYTHING, MOST_CHANGES
from lib.storage.versions import IfMatch, check_version

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,253}$")]

KEY_ROWS = "key-"
"""Prefix of the rows of an organization's API keys."""

_SETTINGS_LAST = timedelta(minutes=1)

_ACCOUNT_STAYS = (
    "An organization stays in the storage account in which it was made. To move it, make another organization with the "
    "field storage, and have the CRM write there; or delete this one, with its data, and make it again."
)

_KINDS_WITH_HISTORY = ("messages", "people", "templates", "cards", "threads", "index", "facts")
"""Tables that are empty when an organization is made. A late hit may write into the others meanwhile."""

_PRIVACY_WITH_HISTORY = (Range.prefix("audit|"), Range.prefix("job"))
"""Partitions of the table `privacy` that are empty then, too: the audit log, and jobs with results of exports. A late
stop may write into the others."""

_HAS_OTHERS_DATA = (
    "The tables of this organization's name hold data already: they were restored or copied. An organization begins "
    "without history. Delete these tables, or restore the organization under its own id, with its rows of the registry."
)

_MOST_REMEMBERED = 10_000
"""Organizations whose settings this process remembers; requests may name some that do not exist."""

NOT_MADE_AGAIN = timedelta(minutes=2)
"""Time after its deletion in which no organization of the same id is made: what processes remember of the old one, such
as its settings, stops and secret, is forgotten by then, and the new one sees nothing of it."""


class WorkHours(Model):
    """When people work, in their own time zone: for delivery advice."""

    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)] | None = Field(
        None, description="work days, 1 is Monday; null: those of the recipient's country"
    )
    start: TimeOfDay = Field("08:00", description="hours and minutes")
    end: TimeOfDay = "17:00"

    @model_validator(mode="after")
    def _in_order(self) -> WorkHours:
        if self.start >= self.end:
            raise ValueError("work hours must start before they end")
        return self


class Score(Model):
    """Points that each act of a person adds to the score of a record."""

    open: Annotated[float, Field(ge=0, le=1000)] = 1
    click: Annotated[float, Field(ge=0, le=1000)] = 5
    reply: Annotated[float, Field(ge=0, le=1000)] = 10
    attachment: Annotated[float, Field(ge=0, le=1000)] = 5


class HumanFrom(Model):
    """Probabilities from which something counts as a person's; null: the judge's own. Lower: more is told, and more of
    it wrong."""

    open: Annotated[float, Field(ge=0.5, le=0.999)] | None = None
    click: Annotated[float, Field(ge=0.3, le=0.999)] | None = None


class InboundSettings(Model):
    """An organization's ways to find the messages that inbound mail answers, and to keep that mail."""

    reply_domain: Domain | None = Field(
        None,
        description="mail goes out with a second Reply-To address, `reply+…` at this domain, by which an answer is "
        "found whatever its headers say; mail to the domain must come to POST /inbound or to a mailbox that Heed reads",
    )
    subject_token: bool = Field(False, description="subjects of mail that goes out end with a token such as `[#k7…]`")
    smart_matching: bool = Field(
        False,
        description="as a last resort, an answer is found by the words of its subject, at least two common addresses "
        "and at most 90 days; works for mail that was sent while this was on",
    )
    keep: Literal["none", "excerpt", "mail"] = Field(
        "none", description="what is kept of an inbound mail's text: nothing, the answer's own words, or the whole mail"
    )
    categories: bool = Field(False, description="categories of a mailbox track mail, and may create records")
    record_order: Annotated[list[RecordType], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: ["contact", "lead", "account"],
        description="which record a sender's address means, where several have it",
    )


Days = Annotated[int, Field(ge=1, le=3650)]


class KeepDays(Model):
    """Days for which content is kept; null: until someone deletes it."""

    bodies: Days | None = Field(None, description="texts of mail that was sent, after it was sent")
    files: Days | None = Field(None, description="attachments and images of mail that was sent, after it was sent")
    inbound: Days | None = Field(
        None, description="texts and whole mails that came in, after they came; sender, subject and time stay"
    )
    cards: Days | None = Field(None, description="cards, after they were made")
    activities: Days | None = Field(None, description="calls, and closed tasks and cases, after they were made")


class OrganizationSettings(Model):
    """Settings of an organization."""

    added_fields = frozenset(
        {
            "resolve_recipients",
            "opt_in_default",
            "keep_days",
            "recommend_by",
            "inbound",
            "deny_hosts",
            "sign_in",
            "cors_origins",
            "recipients_page",
            "lawful_basis",
            "privacy_notice_url",
        }
    )

    engagement_enabled: bool = Field(
        True, description="false: no recipient is followed, and nothing is recorded any more"
    )
    tracking: Literal["allow", "consent", "aggregate", "off"] = Field(
        "allow",
        description="`allow`: follow recipients who have not said no; `consent`: follow only those who have said yes; "
        "`aggregate`: count without telling who; `off`: follow no recipient",
    )
    mixed_recipients: Literal["block", "split"] = Field(
        "block",
        description="a mail to several recipients, some of whom do not allow it: `block` follows none of them, `split` "
        "gives each of the others a copy of their own",
    )
    resolve_recipients: Literal["address", "given"] = Field(
        "address",
        description="`address`: a recipient without a record is matched to the records that have the address, and a no "
        "of any of them, or of a parent, counts; `given`: only records that messages name, and their parents, count",
    )
    require_opt_in: bool = Field(True, description="mail of a user is followed only after that user has agreed")
    opt_in_default: bool = Field(False, description="whether a new user who is put without `opt_in` has opted in")
    work_hours: WorkHours = WorkHours()
    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        400, description="days after which events of recipients are deleted; counts stay"
    )
    raw_days: Annotated[int, Field(ge=1, le=400)] = Field(
        30,
        description="days after which events lose what they were judged by: the network, the agent and other headers; "
        "kind, time and verdict stay, and are final then",
    )
    keep_days: KeepDays = KeepDays()
    score: Score = Score()
    recommend_by: Literal["replies", "opens", "won"] = Field(
        "replies",
        description="what the recommended template is best at: mails answered, mails opened, or sales won; where that "
        "cannot tell, the others decide",
    )
    alert_on: Literal["human", "any"] = Field("human", description="whose opens and clicks make cards")
    human_from: HumanFrom = HumanFrom()
    from_domain_allow: list[Domain] = Field(
        default_factory=list, max_length=200, description="domains that senders' addresses may have; empty allows all"
    )
    deny_hosts: list[Domain] = Field(
        default_factory=list,
        max_length=1000,
        description="hosts to which no link of ours leads, nor to those below them: links to them stay direct",
    )
    inbound: InboundSettings = InboundSettings()
    sign_in: SignIn | None = Field(None, description="lets people work with tokens of their identity provider")
    cors_origins: list[WebOrigin] = Field(
        default_factory=list,
        max_length=50,
        description="origins of pages whose scripts may call the API for this organization, such as "
        "`https://crm.example.com`",
    )
    recipients_page: bool = Field(
        False,
        description="followed mail has a footer and a List-Unsubscribe header that lead to the recipient's own "
        "page, where recipients stop the recording, see what is recorded of them, and erase it",
    )
    lawful_basis: Line = Field(
        "",
        description="the basis in law for recording, as the recipient's page shows it: `consent`, "
        "`legitimate_interest` and `contract` in the recipient's language, other words as they are",
    )
    privacy_notice_url: HttpsUrl | None = Field(
        None, description="the https address of the privacy notice, which the recipient's page links"
    )
    honeypot: bool = Field(
        False,
        description="followed HTML gets a link that no person sees, to the destination of its first link: what follows "
        "it is a machine",
    )


def recording_state_of(settings: OrganizationSettings) -> RecordingState:
    """Return what an organization with these settings lets be recorded."""
    return RecordingState(
        is_recording=settings.engagement_enabled,
        is_following=settings.tracking != "off",
        names_recipients=settings.tracking != "aggregate",
    )


class Organization(BaseModel):
    """A row of the registry."""

    id: str
    name: str
    settings: OrganizationSettings
    created_at: Moment
    storage: OwnAccount | None = Field(None, description="the organization's own storage account; null: the shared one")


class OrganizationSpec(Model):
    """An organization, and what it decides for itself."""

    name: Name
    settings: OrganizationSettings = OrganizationSettings()
    storage: OwnAccount | None = Field(
        None, description="the organization's own storage account, given when it is made; it never changes afterwards"
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """An organization as it was read lately."""

    read_at: datetime
    made_at: datetime | None
    settings: OrganizationSettings


class Organizations:
    """Organizations in storage."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._tables = storage.tables
        self._storage = storage
        self._clock = clock
        self._known: LRUCache[str, _Known] = LRUCache(_MOST_REMEMBERED)

    async def load_organization(self, organization: str) -> tuple[Organization, str] | None:
        """Load the organization with its etag; None if there is none.

        A row that was copied from another organization's is none.
        """
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, tables.ORGANIZATION_ROW)
        if self._storage.routes is not None:
            self._storage.routes.known.note_row(organization, row)
        if row is None:
            return None
        found = unpack(Organization, row)
        return (found, row.etag or "") if found.id == organization else None

    async def settings(self, organization: str) -> OrganizationSettings:
        """Settings for background work, at most a minute old; engagement is off if there is no organization."""
        return (await self._lately(organization)).settings

    async def made_at(self, organization: str) -> datetime | None:
        """The time at which the organization was made, as was known a minute ago; None if there is none."""
        return (await self._lately(organization)).made_at

    def has_lately_read(self, organization: str) -> bool:
        """Whether the settings are in memory, so that asking for them costs no read."""
        known = self._known.get(organization)
        return known is not None and self._clock.now() - known.read_at <= _SETTINGS_LAST

    async def _lately(self, organization: str) -> _Known:
        known, now = self._known.get(organization), self._clock.now()
        if known is None or now - known.read_at > _SETTINGS_LAST:
            found = await self.load_organization(organization)
            settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
            known = self._known[organization] = _Known(now, found[0].created_at if found else None, settings)
        return known

    async def recording_state(self, organization: str) -> RecordingState:
        """Read what the organization lets be recorded, as storage has it now; nothing if there is no organization."""
        found = await self.load_organization(organization)
        if found is None:
            return RecordingState(is_recording=False, is_following=False, names_recipients=False)
        return recording_state_of(found[0].settings)

    async def save_organization(
        self, organization: str, spec: OrganizationSpec, if_match: IfMatch | None
    ) -> tuple[Organization, str, bool]:
        """Make or change the organization and its storage; return (organization, etag, whether it was made).

        Raises Stale for another version, Conflict where another writer was first, NotAllowed for another storage
        account than the organization has and where one of that id was deleted within `NOT_MADE_AGAIN`, WrongField for
        an account that cannot be used.
        """
        found = await self.load_organization(organization)
        check_version(if_match, found and found[1])
        own = found[0].storage if found else spec.storage
        if found and "storage" in spec.model_fields_set and spec.storage != own:
            raise NotAllowed(_ACCOUNT_STAYS)
        if found is None:
            await self._check_deletion(organization)
            self._choose_account(organization, own)
        await self._make_storage(organization)
        if found is None:
            await self._refuse_others_data(organization)
        made = Organization(
            id=organization,
            name=spec.name,
            settings=spec.settings,
            created_at=found[0].created_at if found else self._clock.now(),
            storage=own,
        )
        row = Row(organization, tables.ORGANIZATION_ROW, pack(made), found[1] if found else None)
        [etag] = await self._tables.write_rows(tables.ORGANIZATIONS, [put_if_unchanged(row)])
        self._known.pop(organization, None)
        if found is not None:
            await self._tables.write_rows(tables.table(organization, tables.PRIVACY), [changed_marker()])
        return made, etag or "", found is None

    async def _check_deletion(self, organization: str) -> None:
        """Raises NotAllowed where an organization of that id was deleted just now."""
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, tables.DELETED_ROW)
        if row is None:
            return
        if self._clock.now() - moment(int(row.values["at"])) < NOT_MADE_AGAIN:
            raise NotAllowed("An organization of that id was deleted just now: make the new one in two minutes.")
        # A process may have made a secret for the old one while it was being deleted.
        for key in (tables.ADDRESS_SECRET_ROW, tables.DELETED_ROW):
            with suppress(Missing):
                await self._tables.write_rows(tables.ORGANIZATIONS, [Delete(organization, key)])

    def _choose_account(self, organization: str, own: OwnAccount | None) -> None:
        """Have the storage of a new organization made in its account. Raises WrongField."""
        routes = self._storage.routes
        if own is None or routes is None:
            if own is not None:
                raise WrongField(["storage"], "this deployment has no organizations with storage accounts of their own")
            return
        try:
            routes.open_storage(organization, own)
        except ValueError as error:
            raise WrongField(["storage"], str(error)) from None
        routes.known.note_account(organization, own)

    async def _make_storage(self, organization: str) -> None:
        for shared in (tables.ORGANIZATIONS, tables.DUE):
            await self._tables.create(shared)
        try:
            await asyncio.gather(
                *(self._storage.queues.create(queue) for queue in tables.QUEUES),
                *(self._tables.create(tables.table(organization, kind)) for kind in tables.KINDS),
                self._storage.blobs.create(tables.container(organization)),
            )
        except Conflict as conflict:
            raise Unavailable("the storage of an organization of that name is still being deleted") from conflict

    async def _refuse_others_data(self, organization: str) -> None:
        """Raises NotAllowed where the tables of a new organization hold rows: they were restored or copied.

        Their owner is not known, and nothing in them may be shown to another organization.
        """
        places = [(kind, EVERYTHING) for kind in _KINDS_WITH_HISTORY]
        places += [(tables.PRIVACY, partitions) for partitions in _PRIVACY_WITH_HISTORY]
        for kind, partitions in places:
            async for _ in self._tables.query(tables.table(organization, kind), partitions, limit=1):
                raise NotAllowed(_HAS_OTHERS_DATA)

    async def list_organizations(self) -> AsyncIterator[str]:
        """List the ids of all organizations."""
        async for row in self._tables.query(tables.ORGANIZATIONS, EVERYTHING, Range(low=tables.ORGANIZATION_ROW)):
            yield row.partition

    async def page_of_organizations(self, after: str | None, limit: int) -> list[tuple[Organization, str]]:
        """List organizations with their etags by id, from behind the id `after`."""
        found: list[tuple[Organization, str]] = []
        async for row in self._tables.query(
            tables.ORGANIZATIONS, Range(after=after), Range.prefix(tables.ORGANIZATION_ROW)
        ):
            organization = unpack(Organization, row)
            if organization.id == row.partition:  # else the row was copied from another organization's
                found.append((organization, row.etag or ""))
            if len(found) == limit:
                break
        return found

    async def delete_organization(self, organization: str) -> None:
        """Delete the organization: keys first, which ends all writing, then the storage, then its own row.

        A process that dies in between leaves the organization without keys; deleting it again ends the work. Raises
        StorageError.
        """
        rows = [row async for row in self._tables.query(tables.ORGANIZATIONS, organization)]
        keys = [Delete(row.partition, row.key) for row in rows if row.key.startswith(KEY_ROWS)]
        for some in batches_of(keys, MOST_CHANGES):
            await self._tables.write_rows(tables.ORGANIZATIONS, some)
        for kind in tables.KINDS:
            await self._tables.drop(tables.table(organization, kind))
        await self._storage.blobs.drop(tables.container(organization))
        await DueIndex(self._tables, self._clock).drop_organization(organization)
        there = [row.key for row in rows if row.key in (tables.ORGANIZATION_ROW, tables.ADDRESS_SECRET_ROW)]
        deleted = Row(organization, tables.DELETED_ROW, {"v": 1, "at": milliseconds(self._clock.now())})
        changes: list[Change] = [Upsert(deleted), *(Delete(organization, key) for key in there)]
        await self._tables.write_rows(tables.ORGANIZATIONS, changes)
        self._known.pop(organization, None)
        if self._storage.routes is not None:
            self._storage.routes.known.note_row(organization, None)
