"""Users and records stay readable where their time zone is one that this machine, or this release, does not know."""

from __future__ import annotations

import pytest

from lib.people.records import StoredRecord
from lib.people.users import StoredUser
from lib.storage import Row
from lib.storage.documents import pack, unpack


@pytest.mark.parametrize(
    ("zone", "of_user", "of_record"),
    [
        ("Europe/Vienna", "Europe/Vienna", "Europe/Vienna"),
        ("W. Europe Standard Time", "Europe/Berlin", "Europe/Berlin"),
        ("localtime", "UTC", None),
        ("Mars/Phobos", "UTC", None),
    ],
)
def test_an_unknown_zone_is_none(zone: str, of_user: str, of_record: str | None) -> None:
    user = StoredUser(id="rita", email="rita@acme.example").model_copy(update={"time_zone": zone})
    record = StoredRecord(type="contact", id="c1").model_copy(update={"time_zone": zone})

    assert unpack(StoredUser, Row("user", "rita", pack(user))).time_zone == of_user
    assert unpack(StoredRecord, Row("record|contact", "c1", pack(record))).time_zone == of_record
