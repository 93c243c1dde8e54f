"""The CRM's records: contacts, leads, accounts and whatever else a mail can be about."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lib.fields import ChosenId, Email, Model, Name, RecordRef, RecordType, TimeZone
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
    follow_email: Literal["allow", "do_not_allow", "unknown"] = Field(
        "unknown", description="whether mail to it may be followed; a consent of the address counts, too"
    )
    owner: ChosenId | None = Field(None, description="the id of the user to whom it belongs")
    address: Address | None = None
    time_zone: TimeZone | None = Field(None, description="where it is not to be found by the address")
    parent: RecordRef | None = Field(None, description="a record to which its engagement is added, such as an account")


class StoredRecord(RecordSpec):
    """A row of the table `people`."""

    type: RecordType
    id: ChosenId


class Record(StoredRecord):
    """A record, as answered."""

    etag: ETag
