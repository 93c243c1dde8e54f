"""Stored users and records: one in an unknown time zone is read, and one that cannot be read stops no work."""

from __future__ import annotations

import pytest

from lib.people.records import StoredRecord
from lib.people.store import USERS
from lib.people.users import StoredUser
from lib.storage import Row, Upsert
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from tests.support.heed import Heed
from tests.support.other_mails import World


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


async def test_mail_is_judged_and_taken_in_where_a_user_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    world = World(await Heed().start())
    await world.heed.put("/users/broken", {"email": "broken@acme.example"})
    people = table("acme", "people")
    await world.heed.storage.tables.write_rows(people, [Upsert(Row(USERS, "broken", {"v": 1, "d0": "{"}))])

    message = await world.read_and_answered()

    assert await world.classes(message) == ["human"]
    assert (await world.heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert "organization acme: 1 users cannot be read" in caplog.text
