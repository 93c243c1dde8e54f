"""Names in place of ids: a page shows an id only where nothing else is known, or too much would have to be read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from functions.console.visit import Visit
from functions.resources.people import RecordItem, RecordRead
from lib.fields import RecordRef, Regarding
from lib.ids import CHOSEN, RECORD_TYPE
from lib.people.records import StoredRecord
from lib.people.users import StoredUser

_MOST_READ = 8
"""Records or messages that a page reads one by one."""

_MOST_USERS_READ = 2

_RECORD = re.compile(rf"\b(?P<the>[Tt]he) (?P<type>{RECORD_TYPE.pattern}) (?P<id>{CHOSEN.pattern})")
"""A record as sentences of `lib.people.recipients` name it."""

_MOST_LISTED = 200
"""Users that are read at once where a page names more than those."""


class Addressed(Protocol):
    """Somebody with an address, and a name that may be empty."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...


def name_of(named: RecordItem | RecordRead | StoredRecord | Addressed) -> str:
    """Return what a person or a record is called: by the name, the address, or type and id."""
    if isinstance(named, StoredRecord):
        return named.name or next(iter(named.emails), f"{named.type} {named.id}")
    return named.name or named.email


def names_of(named: Sequence[RecordItem | RecordRead | Addressed]) -> list[str]:
    """Return what each is called."""
    return [name_of(each) for each in named]


async def names_of_users(visit: Visit, ids: Iterable[str | None]) -> Mapping[str, str]:
    """Find the names of users by their ids, with two requests at most: a list of users where there are more of them.

    Users who are gone, and those beyond the first 200, are left out. Raises StorageError.
    """
    wanted = {each for each in ids if each}
    missing = sorted(wanted - {visit.user.id})
    if len(missing) > _MOST_USERS_READ:
        return await names_of_first_users(visit)
    read = await asyncio.gather(*(visit.services.people.user(visit.org, each) for each in missing))
    return _names([visit.user, *(each for each in read if each)])


async def names_of_first_users(visit: Visit) -> Mapping[str, str]:
    """Find the names of the first 200 users by their ids, with one request. Raises StorageError."""
    listed = await visit.services.people.list_users(visit.org, None, None, _MOST_LISTED)
    return _names([visit.user, *(user for user, _ in listed.users)])


def _names(users: Iterable[StoredUser]) -> Mapping[str, str]:
    return {each.id: each.name or each.email for each in users}


async def names_of_records(visit: Visit, refs: Iterable[RecordRef | None]) -> Mapping[tuple[str, str], str]:
    """Find the names of records by type and id, of eight at most; those that are not known are left out.

    What a mail regards may bring its name, and is not read then. Raises StorageError.
    """
    bare = [each for each in refs if each and not (isinstance(each, Regarding) and each.name)]
    wanted = list(dict.fromkeys((each.type, each.id) for each in bare))[:_MOST_READ]
    people = visit.services.people
    read = await asyncio.gather(
        *(people.standing_record(visit.org, RecordRef.model_construct(type=kind, id=name)) for kind, name in wanted)
    )
    return {key: name_of(found[0]) for key, found in zip(wanted, read, strict=True) if found}


async def name_of_template(visit: Visit, template: str | None) -> str:
    """Find the name of a template, also of a deleted one; the id where it has none. Raises StorageError."""
    found = await visit.services.templates.load_even_deleted(visit.org, template) if template else None
    return found.name if found else template or ""


async def subjects_of(visit: Visit, messages: Sequence[str]) -> Mapping[str, str]:
    """Find the subjects of the first eight of these messages by their ids, as far as the person may see them.

    Raises StorageError.
    """
    wanted, sees_only = messages[:_MOST_READ], visit.signed_in.caller().sees_only
    read = await asyncio.gather(*(visit.services.messages.load(visit.org, each) for each in wanted))
    return {
        each.message.id: each.message.subject
        for each in read
        if each and each.message.subject and sees_only in (None, each.message.sender)
    }


def with_names(text: str, names: Mapping[tuple[str, str], str]) -> str:
    """Put names for ids of records in a sentence about consent: `the contact c1` becomes `the contact “Ada”`."""
    return _RECORD.sub(lambda found: _named(found, names), text)


def _named(found: re.Match[str], names: Mapping[tuple[str, str], str]) -> str:
    name = names.get((found["type"], found["id"]))
    return f"{found['the']} {found['type']} “{name}”" if name else found[0]
