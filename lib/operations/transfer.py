"""Export and import of an organization's people and templates as JSON lines, in the form in which the API takes them.

A line is an object with `kind`: `user`, `record`, `template`, `consent`, or `message`. Messages are written for other
programs, with their counts, and are not read: they come from mail alone. Consents are stored under hashes of addresses,
so those are written whose address a record or a user has.

No line makes a yes of a no that was said in this organization: of a user, of a record, or by a consent that was not
imported itself.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from lib.assessment.summary import summary_of
from lib.assessment.wishes import Wishes
from lib.clock import Clock
from lib.errors import NotAllowed, Refusal, Stale
from lib.fields import ChosenId, RecordType
from lib.messages.store import MessageStore
from lib.operations.inconsistencies import message_ids
from lib.organizations.registry import Organizations
from lib.people.address_index import AddressIndex
from lib.people.addresses import same_mailbox
from lib.people.consent_batches import ConsentBatches, PastConsent
from lib.people.consents import ConsentActor, Consents
from lib.people.records import RecordSpec, StoredRecord
from lib.people.store import RECORDS, USERS, People
from lib.people.users import StoredUser, UserSpec
from lib.records import Engagements
from lib.storage import Conflict, Range, Tables
from lib.storage.documents import UnreadableRow
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch
from lib.templates import Templates
from lib.templates.models import TemplateSpec

LineKind = Literal["user", "record", "template", "consent", "message"]
KINDS: tuple[LineKind, ...] = ("user", "record", "template", "consent", "message")

_EVERY_RECORD = Range.prefix(RECORDS)
_SHOWN = {"id", "sender", "to", "cc", "bcc", "subject", "regarding", "template", "state", "sent_at", "metadata"}
"""Fields of messages that are written."""

_MOST_CONSENTS = 1000
"""Entries of one address that are written."""

_ACTOR = ConsentActor(kind="key", name="python -m heed import")


TellUnreadable = Callable[[], None]
"""Is told of something that cannot be read, and is passed over."""


class WrongLine(ValueError):
    """A line cannot be taken; the text names fields and holds no value."""


class UserLine(UserSpec):
    """A user."""

    kind: Literal["user"]
    id: ChosenId


class RecordLine(RecordSpec):
    """A record."""

    kind: Literal["record"]
    type: RecordType
    id: ChosenId


class TemplateLine(TemplateSpec):
    """A template, with its newest content."""

    kind: Literal["template"]
    id: ChosenId


class ConsentLine(PastConsent):
    """An entry of an address's consents."""

    kind: Literal["consent"]


_Line = UserLine | RecordLine | TemplateLine | ConsentLine
_LINE: TypeAdapter[_Line] = TypeAdapter(Annotated[_Line, Field(discriminator="kind")])


class Opted(NamedTuple):
    """A user who has opted in or out by a line."""

    user: str
    opt_in: bool


class Taken(NamedTuple):
    """A line that was taken."""

    kind: LineKind

    keeps_no: bool = False
    """Whether the line says yes where a user, a record or an address has said no. That no stays."""

    opted: Opted | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Writes and reads lines. Every method raises StorageError."""

    tables: Tables
    organizations: Organizations
    people: People
    address_index: AddressIndex
    engagements: Engagements
    consents: Consents
    consent_batches: ConsentBatches
    templates: Templates
    messages: MessageStore
    wishes: Wishes
    clock: Clock

    async def export_lines(
        self, organization: str, kinds: Sequence[LineKind] = KINDS, unreadable: TellUnreadable = lambda: None
    ) -> AsyncIterator[str]:
        """Yield the lines of these kinds, those first that others refer to. What cannot be read is passed over."""
        writers: dict[LineKind, Callable[[str, TellUnreadable], AsyncIterator[dict[str, Any]]]] = {
            "user": self._users,
            "record": self._records,
            "template": self._templates,
            "consent": self._consents,
            "message": self._messages,
        }
        for kind in kinds:
            async for fields in writers[kind](organization, unreadable):
                yield json.dumps({"kind": kind, **fields}, ensure_ascii=False)

    async def _users(self, organization: str, unreadable: TellUnreadable) -> AsyncIterator[dict[str, Any]]:
        async for _, user, _ in self.people.users.list(organization, USERS, unreadable=unreadable):
            yield user.model_dump(mode="json")

    async def _records(self, organization: str, unreadable: TellUnreadable) -> AsyncIterator[dict[str, Any]]:
        async for _, record, _ in self.people.records.list(organization, _EVERY_RECORD, unreadable=unreadable):
            if record.merged_into is None:
                yield record.model_dump(mode="json", exclude={"merged", "merged_into"})

    async def _templates(self, organization: str, unreadable: TellUnreadable) -> AsyncIterator[dict[str, Any]]:
        for stored, _ in await self.templates.list_templates(organization, unreadable):
            try:
                content = await self.templates.load_version(organization, stored.id, stored.version)
            except UnreadableRow:
                unreadable()
                continue
            if content is not None:
                fields = {"id": stored.id, "name": stored.name, "language": stored.language}
                yield {**fields, **content.model_dump(mode="json", include={"subject", "html", "text"})}

    async def _consents(self, organization: str, unreadable: TellUnreadable) -> AsyncIterator[dict[str, Any]]:
        users = self.people.users.list(organization, USERS, unreadable=unreadable)
        addresses = {same_mailbox(user.email) async for _, user, _ in users}
        async for _, record, _ in self.people.records.list(organization, _EVERY_RECORD, unreadable=unreadable):
            addresses.update(map(same_mailbox, record.emails))
        for address in sorted(addresses):
            try:
                history = [each async for each in self.consents.history(organization, address, _MOST_CONSENTS)]
            except UnreadableRow:
                unreadable()
                continue
            for consent in reversed(history):
                said = consent.model_dump(mode="json", include={"follow", "basis", "source", "notice", "at"})
                yield {"email": address, **said}

    async def _messages(self, organization: str, unreadable: TellUnreadable) -> AsyncIterator[dict[str, Any]]:
        async for message in message_ids(self.tables, organization):
            try:
                loaded = await self.messages.load(organization, message)
                kpis = summary_of(loaded).kpis if loaded else None
            except UnreadableRow:
                unreadable()
                continue
            if loaded is not None and kpis is not None:
                fields = loaded.message.model_dump(mode="json", by_alias=True, include=_SHOWN, exclude_none=True)
                yield {**fields, "kpis": kpis.model_dump(mode="json", exclude_none=True)}

    async def import_line(self, organization: str, line: str, *, write: bool = True) -> Taken:
        """Take one line. Again is the same. Raises WrongLine, StorageError."""
        try:
            raw = json.loads(line)
            if isinstance(raw, dict) and raw.get("kind") == "message":
                return Taken("message")
            read = _LINE.validate_python(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise WrongLine(f"{'.'.join(map(str, first['loc'][1:])) or 'the whole'}: {first['type']}") from None
        except (ValueError, RecursionError):
            raise WrongLine("it is no JSON") from None
        try:
            return await self._take(organization, read, write=write)
        except Refusal as error:
            raise WrongLine(str(error) or "it was changed at the same time") from None
        except UnreadableRow:
            raise WrongLine("what is in its place cannot be read") from None

    async def _take(self, organization: str, read: _Line, *, write: bool) -> Taken:
        if isinstance(read, UserLine):
            return await retry_on_conflict(
                "the user", lambda: self._take_user(organization, read, write=write), on=(Stale, Conflict)
            )
        if isinstance(read, RecordLine):
            return await self._take_record(organization, read, write=write)
        if isinstance(read, ConsentLine):
            return await self._take_consent(organization, read, write=write)
        if write:
            spec = TemplateSpec(**read.model_dump(exclude={"kind", "id"}))
            await self.templates.save_template(organization, read.id, spec, None)
        return Taken("template")

    async def _take_user(self, organization: str, read: UserLine, *, write: bool) -> Taken:
        found = await self.people.users.load(organization, USERS, read.id)
        known = found[0] if found else None
        user = StoredUser(**read.model_dump(exclude={"kind"}))
        if "opt_in" not in read.model_fields_set:
            default = (await self.organizations.settings(organization)).opt_in_default
            user.opt_in = known.opt_in if known else default
        keeps_no = known is not None and user.opt_in and not known.opt_in
        user.opt_in = user.opt_in and not keeps_no
        if write:
            if_match = IfMatch.for_version(found[1]) if found else None
            await self.people.users.save(organization, USERS, user.id, user, if_match)
            await self.wishes.senders_changed(organization, [user.id])
        is_changed = user.opt_in != (known.opt_in if known else False)
        return Taken("user", keeps_no, Opted(user.id, user.opt_in) if is_changed else None)

    async def _take_record(self, organization: str, read: RecordLine, *, write: bool) -> Taken:
        given = StoredRecord(**read.model_dump(exclude={"kind"}))

        async def save_once() -> tuple[StoredRecord | None, bool]:
            found = await self.people.stored_record(organization, given.ref())
            known = found[0] if found else None
            if known is not None and known.merged_into is not None:
                raise NotAllowed("the record was merged into another one")
            said_no = known is not None and known.follow_email == "do_not_allow"
            update: dict[str, Any] = {"merged": known.merged if known else []}
            if said_no:
                update["follow_email"] = "do_not_allow"
            if write:
                if_match = IfMatch.for_version(found[1]) if found else None
                await self.address_index.save_record(organization, given.model_copy(update=update), if_match)
            return known, said_no and given.follow_email == "allow"

        before, keeps_no = await retry_on_conflict("the record", save_once, on=Stale)
        if write:
            await self.engagements.record_changed(organization, given.ref())
            emails = {*given.emails, *(before.emails if before else ())}
            await self.wishes.record_changed(organization, given.ref(), emails)
        return Taken("record", keeps_no)

    async def _take_consent(self, organization: str, read: ConsentLine, *, write: bool) -> Taken:
        if read.at > self.clock.now():
            raise WrongLine("at: this time has not come yet")
        newest = await self.consents.newest_consent(organization, read.email)
        is_no_said_here = newest is not None and newest.follow == "do_not_allow" and newest.entered_at is None
        if read.follow == "allow" and newest is not None and is_no_said_here and newest.at < read.at:
            return Taken("consent", keeps_no=True)
        if write:
            said = PastConsent(**read.model_dump(exclude={"kind"}))
            await self.consent_batches.import_batch(organization, [said], _ACTOR, None, self.clock.now())
            await self.wishes.address_changed(organization, said.email)
        return Taken("consent")
