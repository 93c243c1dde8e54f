"""The values that merge fields stand for, by their dotted names such as `recipient.first_name`: pure functions.

What a request gives comes first, then what the record says, then what can be read from the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lib.people.person_names import PersonName, read_person_name
from lib.people.records import StoredRecord
from lib.people.users import StoredUser
from lib.templates.models import MergeRecipient, MergeRegarding

MergeValues = Mapping[str, str]

PERSONS = frozenset(("contact", "lead", "person"))
"""Types of records whose names are those of persons. A mail can be about anything, such as a project "Vienna, Harbor":
of what it is about, only these names are read as "Last, First"."""

NO_PERSONS = frozenset(("account", "case", "company", "deal", "opportunity", "organization", "ticket"))
"""Types of records that are no persons. A recipient of any other type is one."""

EXAMPLE: MergeValues = {
    "recipient.name": "Ada Example",
    "recipient.first_name": "Ada",
    "recipient.last_name": "Example",
    "recipient.company": "Example Ltd",
    "recipient.title": "Head of Examples",
    "recipient.email": "ada@example.com",
    "recipient.phone": "+1 555 0100",
    "sender.name": "Sam Sender",
    "sender.first_name": "Sam",
    "sender.last_name": "Sender",
    "regarding.name": "Example project",
}
"""For a preview."""


def recipient_values(given: MergeRecipient, record: StoredRecord | None, parent: StoredRecord | None) -> MergeValues:
    """Return the values of the recipient; `parent` is the record's own parent."""
    sources = (given, record) if record else (given,)
    account = parent.name if parent and parent.type == "account" else ""
    known = record or given.record
    is_person = known is None or known.type not in NO_PERSONS
    return {
        **_names("recipient", sources, is_person),
        "recipient.company": _first(*(each.company for each in sources), account),
        "recipient.title": _first(*(each.title for each in sources)),
        "recipient.email": _first(given.email, *(record.emails if record else ())),
        "recipient.phone": _first(*(each.phone for each in sources)),
        **_fields("recipient", record, given.fields),
    }


def sender_values(user: StoredUser | None) -> MergeValues:
    """Return the values of the sending user."""
    if user is None:
        return {}
    others = {name: getattr(user, name) for name in ("company", "title", "email", "phone", "signature")}
    return {**_names("sender", (user,), True), **{f"sender.{name}": value for name, value in others.items()}}


def regarding_values(given: MergeRegarding | None, record: StoredRecord | None) -> MergeValues:
    """Return the values of the record that the mail is about."""
    if given is None:
        return {}
    name = given.name or (record.name if record else "")
    read = read_person_name(name).full if given.type in PERSONS else name
    return {"regarding.name": read, **_fields("regarding", record, given.fields)}


def _names(who: str, sources: Sequence[MergeRecipient | StoredRecord | StoredUser], is_person: bool) -> MergeValues:
    """Return the name and its parts. Parts that a source knows come before those that are read from the name."""
    read = next((name for each in sources if (name := _read(each, is_person)).full), PersonName(""))
    first, last = _first(*(each.first_name for each in sources)), _first(*(each.last_name for each in sources))
    return {f"{who}.name": read.full, f"{who}.first_name": first or read.first, f"{who}.last_name": last or read.last}


def _read(who: MergeRecipient | StoredRecord | StoredUser, is_person: bool) -> PersonName:
    """Read the name of one source, which may know its parts better."""
    written = who.name.replace(" ", "")
    if who.first_name and who.last_name and written in ("", f"{who.last_name},{who.first_name}".replace(" ", "")):
        return PersonName(f"{who.first_name} {who.last_name}", who.first_name, who.last_name)
    return read_person_name(who.name) if is_person else PersonName(who.name)


def _fields(who: str, record: StoredRecord | None, given: Mapping[str, str]) -> MergeValues:
    known = {**(record.fields if record else {}), **{name: value for name, value in given.items() if value}}
    return {f"{who}.fields.{name}": value for name, value in known.items()}


def _first(*values: str | None) -> str:
    found: Iterable[str] = (value for value in values if value)
    return next(iter(found), "")
