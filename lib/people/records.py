"""The CRM's records: contacts, leads, accounts and whatever else a mail can be about."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from lib.fields import ChosenId, Email, Model, Name, Paragraphs, RecordRef, RecordType, TimeZone
from lib.people.addresses import same_mailbox
from lib.people.preference import Preference
from lib.storage.versions import ETag

MOST_EMAILS = 50
MOST_FIELDS = 50
LONGEST_FIELDS = 10_000
"""Characters of all values of a record's `fields` together: lists of records hold copies of them."""


def _short_together(fields: dict[str, str]) -> dict[str, str]:
    if sum(map(len, fields.values())) > LONGEST_FIELDS:
        raise ValueError(f"the values have at most {LONGEST_FIELDS:,} characters together")
    return fields


FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
RecordFields = Annotated[
    dict[FieldName, Annotated[Paragraphs, StringConstraints(max_length=2000)]],
    Field(max_length=MOST_FIELDS),
    AfterValidator(_short_together),
]
"""The CRM's own fields of a record, for templates."""


class Address(Model):
    """A postal address, for delivery advice."""

    city: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Annotated[str, StringConstraints(max_length=100)] | None = None


class RecordSpec(Model):
    """A contact, lead, account, opportunity, case, or any other record."""

    added_fields = frozenset({"first_name", "last_name", "company", "title", "phone", "fields"})

    name: Name = ""
    first_name: Name = Field("", description="for templates, which otherwise read it from the name")
    last_name: Name = ""
    company: Name = Field("", description="for templates, which otherwise take the name of a parent account")
    title: Name = Field("", description="the person's position, for templates")
    phone: Name = ""
    fields: RecordFields = Field(
        default_factory=dict,
        description="the CRM's own fields, for templates: `fields.industry` of a recipient is "
        "`{{ recipient.fields.industry }}`; at most 10,000 characters together",
    )
    emails: list[Email] = Field([], max_length=MOST_EMAILS)
    follow_email: Preference = Field(
        "unknown",
        description="whether mail to it may be followed; consents of the address, other records with the address and "
        "the parents of each count, too",
    )
    owner: ChosenId | None = Field(None, description="the id of the user to whom it belongs")
    address: Address | None = None
    time_zone: TimeZone | None = Field(
        None,
        description="where the address does not tell it; a name of IANA's or of Windows",
    )
    parent: RecordRef | None = Field(None, description="a record to which its engagement is added, such as an account")


class StoredRecord(RecordSpec):
    """A row of the table `people`."""

    added_fields = RecordSpec.added_fields | {"merged", "merged_into"}

    type: RecordType
    id: ChosenId
    merged: list[RecordRef] = Field(default_factory=list, description="the records that were merged into this one")
    merged_into: RecordRef | None = Field(
        None, description="of a record that was merged: the one that stands for it, and is answered in its place"
    )

    def ref(self) -> RecordRef:
        """Return the reference that names the record."""
        return RecordRef(type=self.type, id=self.id)

    def has_address(self, email: str) -> bool:
        """Whether the address is one of the record's, in whatever case."""
        return same_mailbox(email) in map(same_mailbox, self.emails)


class Record(StoredRecord):
    """A record, as answered."""

    etag: ETag


def name_of(record: RecordRef | StoredRecord) -> str:
    """`<type>|<id>`: no type and no id holds that sign."""
    return f"{record.type}|{record.id}"


def record_of(name: str) -> RecordRef:
    """The inverse of `name_of`."""
    record_type, _, record_id = name.partition("|")
    return RecordRef(type=record_type, id=record_id)
