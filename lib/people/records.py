"""The CRM's records: contacts, leads, accounts and whatever else a mail can be about."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from lib.fields import ChosenId, Email, Model, Name, RecordRef, RecordType, TimeZone
from lib.people.addresses import same_mailbox
from lib.people.preference import Preference
from lib.versions import ETag


class Address(Model):
    """A postal address, for delivery advice."""

    city: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Annotated[str, StringConstraints(max_length=100)] | None = None


class RecordSpec(Model):
    """A contact, lead, account, opportunity, case, or any other record."""

    name: Name = ""
    emails: list[Email] = Field([], max_length=50)
    follow_email: Preference = Field(
        "unknown",
        description="whether mail to it may be followed; consents of the address, other records with the address and "
        "the parents of each count, too",
    )
    owner: ChosenId | None = Field(None, description="the id of the user to whom it belongs")
    address: Address | None = None
    time_zone: TimeZone | None = Field(None, description="where it is not to be found by the address")
    parent: RecordRef | None = Field(None, description="a record to which its engagement is added, such as an account")


class StoredRecord(RecordSpec):
    """A row of the table `people`."""

    type: RecordType
    id: ChosenId

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
